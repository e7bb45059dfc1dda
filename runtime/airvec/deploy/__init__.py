"""Packages of airvec for other machines: a Lambda layer, a folder that needs no installation, a container image.

`target.py` says which machine, `wheels.py` fetches the packages for it, `prune.py` says which of their files are never
loaded, `bytecode.py` compiles, `tree.py` puts it together; what comes out is `layer.py`'s zip, a folder or an image.
Knows nothing of how embeddings are made.
"""
