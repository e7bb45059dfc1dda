"""Old training code's data: InputExample, and the data sets and the loader that give it.

New code passes a `datasets.Dataset` to a trainer. What is here draws its random numbers as sentence-transformers does,
from the modules `random` and `numpy.random`, so that a script with a seed sees its data in the same order.
Knows nothing of models and losses.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from torch.utils.data import Dataset, IterableDataset

from airvec.errors import ArgumentError

__all__ = [
    "DenoisingAutoEncoderDataset", "InputExample", "NoDuplicatesDataLoader", "SentenceLabelDataset", "SentencesDataset",
]  # fmt: skip

WORDS = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")


@dataclass
class InputExample:
    """One row of training data.

    Args:
        guid: any name for it.
        texts: its texts, in the order in which the loss takes columns.
        label: a number, or an array of numbers.
    """

    guid: str = ""
    texts: Any = None
    label: Any = 0

    def __str__(self) -> str:
        return f"<InputExample> label: {self.label}, texts: {'; '.join(map(str, self.texts or []))}"


def plain_label(label: Any) -> Any:
    """A label of NumPy or torch as Python's number or list; any other as it is."""
    return label.tolist() if hasattr(label, "tolist") else label


class SentencesDataset(Dataset[InputExample]):
    """A list of examples; a `DataLoader` takes the list itself just as well. `model` is not used."""

    def __init__(self, examples: Sequence[InputExample], model: Any = None) -> None:
        self.examples = examples
        del model

    def __getitem__(self, item: int) -> InputExample:
        return self.examples[item]

    def __len__(self) -> int:
        return len(self.examples)


class SentenceLabelDataset(IterableDataset[InputExample]):
    """Examples with several of the same label next to one another, as triplets inside a batch need them.

    Labels come in random order; of each, `samples_per_label` random examples, then of the next label, and so on round
    and round. A label with fewer examples is left out.

    Args:
        examples: with one text and a label each.
        samples_per_label: how many of a label follow one another; the batch size should be a multiple of it.
        with_replacement: kept, and without effect, as in sentence-transformers: each label is drawn from afresh.
    """

    def __init__(
        self, examples: Sequence[InputExample], samples_per_label: int = 2, with_replacement: bool = False
    ) -> None:
        super().__init__()
        self.samples_per_label = samples_per_label
        self.with_replacement = with_replacement
        by_label: dict[Any, list[InputExample]] = {}
        for example in examples:
            by_label.setdefault(example.label, []).append(example)
        self.groups = [group for group in by_label.values() if len(group) >= samples_per_label]
        self.order = np.arange(len(self.groups))
        np.random.shuffle(self.order)  # noqa: NPY002  # a script's np.random.seed decides, as in the reference

    def __len__(self) -> int:
        return sum(map(len, self.groups))

    def __iter__(self) -> Iterator[InputExample]:
        given = 0
        while given < len(self):
            for label, chosen in self._one_round():
                for place in chosen:
                    given += 1
                    yield self.groups[label][place]
                if given >= len(self):
                    return
            np.random.shuffle(self.order)  # noqa: NPY002

    def _one_round(self) -> Iterator[tuple[int, Sequence[int]]]:
        """Each label once, with the places of its examples that are drawn."""
        for label in self.order.copy():
            places = range(len(self.groups[label]))
            yield label, np.random.choice(places, self.samples_per_label, replace=False)  # noqa: NPY002


class DenoisingAutoEncoderDataset(Dataset[InputExample]):
    """Sentences with a damaged copy in front: [damaged, sentence], for DenoisingAutoEncoderLoss.

    Args:
        sentences: whole ones.
        noise_fn: damages one; by default words are deleted, six of ten.
    """

    def __init__(self, sentences: Sequence[str], noise_fn: Callable[[str], str] | None = None) -> None:
        self.sentences = sentences
        self.noise_fn = self.delete if noise_fn is None else noise_fn

    def __getitem__(self, item: int) -> InputExample:
        sentence = self.sentences[item]
        return InputExample(texts=[self.noise_fn(sentence), sentence])

    def __len__(self) -> int:
        return len(self.sentences)

    @staticmethod
    def delete(text: str, del_ratio: float = 0.6) -> str:
        """Delete each word and each mark of punctuation with a probability; one stays at least.

        Between what stays there is a space where the sentence had one.
        """
        words = list(WORDS.finditer(text))
        if not words:
            return text
        stays = np.random.rand(len(words)) > del_ratio  # noqa: NPY002
        if not stays.any():
            stays[np.random.choice(len(words))] = True  # noqa: NPY002
        kept = [word for word, stay in zip(words, stays, strict=True) if stay]
        found = kept[0].group()
        for before, word in pairwise(kept):
            spaced = any(letter.isspace() for letter in text[before.end() : word.start()])
            found += (" " if spaced else "") + word.group()
        return found


class NoDuplicatesDataLoader:
    """Batches of examples in which no text comes twice, whatever its case, for losses with negatives in the batch.

    Args:
        train_examples: a list; it is shuffled in place.
        batch_size: examples a batch.
    """

    def __init__(self, train_examples: list[InputExample], batch_size: int) -> None:
        self.train_examples = train_examples
        self.batch_size = batch_size
        self.collate_fn: Callable[[list[InputExample]], Any] | None = None
        self.data_pointer = 0
        random.shuffle(self.train_examples)

    def __len__(self) -> int:
        return len(self.train_examples) // self.batch_size

    def __iter__(self) -> Iterator[Any]:
        for _ in range(len(self)):
            batch = self._batch()
            yield batch if self.collate_fn is None else self.collate_fn(batch)

    def _batch(self) -> list[InputExample]:
        batch: list[InputExample] = []
        seen: set[str] = set()
        since_the_last = 0
        while len(batch) < self.batch_size:
            if since_the_last > 2 * len(self.train_examples):  # every example was looked at in vain
                raise ArgumentError(
                    f"NoDuplicatesDataLoader: a batch of {self.batch_size} needs as many examples without a common "
                    f"text, and only {len(batch)} were found. Make the batch smaller."
                )
            example = self._next()
            texts = [str(text).strip().lower() for text in example.texts]
            since_the_last += 1
            if seen.isdisjoint(texts):
                batch.append(example)
                seen.update(texts)
                since_the_last = 0
        return batch

    def _next(self) -> InputExample:
        example = self.train_examples[self.data_pointer]
        self.data_pointer += 1
        if self.data_pointer >= len(self.train_examples):
            self.data_pointer = 0
            random.shuffle(self.train_examples)
        return example
