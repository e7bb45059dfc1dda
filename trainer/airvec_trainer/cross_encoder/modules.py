"""Modules of rerankers, under their place in sentence-transformers 6.

Knows nothing of what they do: that is in `airvec_trainer.models`.
"""

from airvec_trainer.models import Asym, Dense, Router, Transformer

__all__ = ["Asym", "Dense", "Router", "Transformer"]
