"""Training arguments and the names of samplers under their old place: `from airvec_trainer.training_args import …`.

Knows nothing of what they mean: that is in `arguments` and `samplers`.
"""

from airvec_trainer.arguments import (
    CrossEncoderTrainingArguments,
    SentenceTransformerTrainingArguments,
    SparseEncoderTrainingArguments,
)
from airvec_trainer.samplers import BatchSamplers, MultiDatasetBatchSamplers

__all__ = [
    "BatchSamplers", "CrossEncoderTrainingArguments", "MultiDatasetBatchSamplers",
    "SentenceTransformerTrainingArguments", "SparseEncoderTrainingArguments",
]  # fmt: skip
