"""Recipes: a training as a TOML file, read strictly and carried out by `airvec train`.

`reading.py` reads one, `running.py` carries it out: `training.py` one training, `staged.py` several in stages;
`sections.py` says what a recipe may hold.
Knows nothing of how a loss or a trainer works.
"""
