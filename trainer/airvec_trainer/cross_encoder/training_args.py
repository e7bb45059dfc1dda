"""Training arguments of rerankers, under their place in sentence-transformers 6.

Knows nothing of what they do: that is in `airvec_trainer.training_args`.
"""

from airvec_trainer.training_args import CrossEncoderTrainingArguments

__all__ = ["CrossEncoderTrainingArguments"]
