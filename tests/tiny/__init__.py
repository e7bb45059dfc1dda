"""Tiny random checkpoints of many architectures, with tokenizers trained on Python's own documentation.

Knows nothing of airvec.
"""

from transformers.utils import logging

from tests.tiny.architectures import ARCHITECTURES, HIDDEN, LAYERS, POSITIONS, tiny_body, tiny_model
from tests.tiny.checkpoints import (
    FLAGS,
    change,
    dense_config,
    pooling_config,
    random_dense,
    reranker_checkpoint,
    sparse_checkpoint,
    tiny_checkpoint,
)
from tests.tiny.corpus import pairs, texts
from tests.tiny.tokenizers import tiny_tokenizer

__all__ = [
    "ARCHITECTURES", "FLAGS", "HIDDEN", "LAYERS", "POSITIONS", "change", "dense_config", "pairs", "pooling_config",
    "random_dense", "reranker_checkpoint", "sparse_checkpoint", "texts", "tiny_body", "tiny_checkpoint", "tiny_model",
    "tiny_tokenizer",
]  # fmt: skip

logging.disable_progress_bar()
