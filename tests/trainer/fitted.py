"""Tiny models and examples for tests of `fit`.

Knows nothing of what is tested.
"""

from airvec_trainer import CrossEncoder, InputExample, SentenceTransformer
from tests.tiny.checkpoints import reranker_checkpoint, tiny_checkpoint


def encoder(folder, **options):
    """A SentenceTransformer with random weights."""
    return SentenceTransformer(tiny_checkpoint(folder / "dense", **options), device="cpu")


def reranker(folder, **options):
    """A CrossEncoder with random weights."""
    return CrossEncoder(reranker_checkpoint(folder / "rerank", **options), device="cpu")


def examples(count=12, texts=2, label=lambda number: number / 12):
    """Examples of several texts, with a label each."""
    words = ("sun", "rain", "wind", "snow", "fog", "hail")
    return [
        InputExample(
            texts=[f"{words[(number + place) % 6]} and {words[number % 6]} {number}" for place in range(texts)],
            label=label(number),
        )
        for number in range(count)
    ]
