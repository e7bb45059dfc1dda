"""The program `airvec`: one file a sub-command, thin over the public functions.

Knows nothing of how embeddings are made.
"""
