"""What model cards say of dense models, under their place in sentence-transformers 6.

Knows nothing of what they do: that is in `airvec_trainer.card`.
"""

from airvec_trainer.card import SentenceTransformerModelCardData

__all__ = ["SentenceTransformerModelCardData"]
