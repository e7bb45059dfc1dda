"""The names of `from sentence_transformers import datasets`: old training code's data sets and loader.

Knows nothing of the library `datasets`, which new code uses.
"""

from airvec_trainer.examples import (
    DenoisingAutoEncoderDataset,
    NoDuplicatesDataLoader,
    SentenceLabelDataset,
    SentencesDataset,
)
from airvec_trainer.parallel_sentences import ParallelSentencesDataset

__all__ = [
    "DenoisingAutoEncoderDataset", "NoDuplicatesDataLoader", "ParallelSentencesDataset", "SentenceLabelDataset",
    "SentencesDataset",
]  # fmt: skip
