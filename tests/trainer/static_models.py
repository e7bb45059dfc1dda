"""A model of a small table, which is made and saved in milliseconds.

Knows nothing of tests.
"""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from airvec_trainer.modules import Dense, StaticEmbedding
from airvec_trainer.sentence_transformer import SentenceTransformer

WORDS = ("[PAD]", "one", "two", "three", "query:", "passage:")


def table(seed: int = 0) -> StaticEmbedding:
    """A body with a row of four random numbers for each of `WORDS`."""
    made = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token=WORDS[0]))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return StaticEmbedding(made, torch.randn(len(WORDS), 4, generator=torch.Generator().manual_seed(seed)))


def static_model(seed: int = 0, **given: object) -> SentenceTransformer:
    """The table with a Dense layer to three dimensions, on the CPU."""
    torch.manual_seed(seed)
    return SentenceTransformer(modules=[table(seed), Dense(4, 3)], device="cpu", **given)
