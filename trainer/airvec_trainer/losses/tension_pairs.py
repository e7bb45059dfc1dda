"""Pairs for ContrastiveTensionLoss out of a list of texts: one of the same text twice, then some of two texts.

Knows nothing of the loss.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from airvec.errors import ArgumentError
from airvec_trainer.examples import InputExample

__all__ = ["ContrastiveTensionDataLoader", "contrastive_tension_pairs"]


class ContrastiveTensionDataLoader:
    """Batches of examples of two texts each, for `fit`; a trainer takes `contrastive_tension_pairs`.

    Each walk shuffles the texts with Python's `random` and uses each once: of every `pos_neg_ratio` pairs the first is
    one text twice, label 1; the others are two texts, label 0. What is too little for a batch is left out.

    Args:
        sentences: the texts.
        batch_size: pairs in a batch.
        pos_neg_ratio: one in so many pairs is positive.

    Raises:
        ArgumentError: a batch size that the ratio does not divide.

    Example:
        >>> [batch] = ContrastiveTensionDataLoader(["a", "b", "c"], batch_size=2, pos_neg_ratio=2)
        >>> [(len(set(pair.texts)), pair.label) for pair in batch]
        [(1, 1), (2, 0)]
    """

    def __init__(self, sentences: Sequence[str], batch_size: int, pos_neg_ratio: int = 8) -> None:
        if pos_neg_ratio < 1 or batch_size < 1 or batch_size % pos_neg_ratio:
            raise ArgumentError(
                f"ContrastiveTensionDataLoader: batch_size={batch_size} and pos_neg_ratio={pos_neg_ratio}, expected a "
                "batch size that the ratio divides. Change one of them."
            )
        self.sentences = list(sentences)
        self.batch_size, self.pos_neg_ratio = batch_size, pos_neg_ratio
        self.collate_fn: Callable[[list[InputExample]], Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        random.shuffle(self.sentences)
        texts = iter(self.sentences)
        for _ in range(len(self)):
            batch: list[InputExample] = []
            for number in range(self.batch_size):
                first, same = next(texts), number % self.pos_neg_ratio == 0
                batch.append(InputExample(texts=[first, first if same else next(texts)], label=int(same)))
            yield self.collate_fn(batch) if self.collate_fn is not None else batch

    def __len__(self) -> int:
        """Batches of one walk."""
        return len(self.sentences) // (2 * self.batch_size - self.batch_size // self.pos_neg_ratio)


def contrastive_tension_pairs(sentences: Sequence[str], pos_neg_ratio: int = 8) -> dict[str, list[Any]]:
    """Columns `text1`, `text2` and `label` of one walk over the texts: `datasets.Dataset.from_dict(…)` takes them.

    Args:
        sentences: the texts, which Python's `random` shuffles.
        pos_neg_ratio: one in so many pairs is the same text twice.

    Raises:
        ArgumentError: a ratio below 1, or too few texts for one positive pair and its negatives.

    Example:
        >>> pairs = contrastive_tension_pairs(["a", "b", "c"], pos_neg_ratio=2)
        >>> pairs["label"], pairs["text1"][0] == pairs["text2"][0]
        ([1, 0], True)
    """
    loader = ContrastiveTensionDataLoader(sentences, max(pos_neg_ratio, 0), pos_neg_ratio)
    rows = [example for batch in loader for example in batch]
    if not rows:
        raise ArgumentError(
            f"contrastive_tension_pairs: {len(sentences)} texts, expected {2 * pos_neg_ratio - 1} or more: one for the "
            "positive pair, two for each negative one. Add texts, or lower pos_neg_ratio."
        )
    first, second = zip(*(row.texts for row in rows), strict=True)
    return {"text1": list(first), "text2": list(second), "label": [row.label for row in rows]}
