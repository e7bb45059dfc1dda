"""Recipes: a training as a TOML file, read strictly and carried out by `airvec train`.

`reading.py` reads one, `running.py` carries it out; `sections.py` says what it may hold.
Knows nothing of how a loss or a trainer works.
"""
