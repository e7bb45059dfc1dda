"""Old training code's data for making a model multilingual: sentences in other languages with the teacher's vector.

Knows nothing of losses and training.
"""

import gzip
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from airvec_trainer.examples import InputExample

__all__ = ["ParallelSentencesDataset", "sentences_of"]


class ParallelSentencesDataset(Dataset[InputExample]):
    """Sentences and their translations, each labelled with the teacher's vector of the first column's sentence.

    Args:
        student_model: not used.
        teacher_model: anything with `encode(sentences, batch_size=, show_progress_bar=, convert_to_numpy=)`.
        batch_size: passed to `encode`.
        use_embedding_cache: encode a sentence once only.
    """

    def __init__(
        self, student_model: Any, teacher_model: Any, batch_size: int = 8, use_embedding_cache: bool = True
    ) -> None:
        self.student_model, self.teacher_model = student_model, teacher_model
        self.batch_size, self.use_embedding_cache = batch_size, use_embedding_cache
        self.datasets: list[list[tuple[str, list[str]]]] = []
        self.places: list[int] = []
        self.turns: list[int] = []
        self.cache: list[InputExample] = []
        self.embedding_cache: dict[str, Any] = {}
        self.num_sentences = 0

    def load_data(
        self,
        filepath: str | Path,
        weight: int = 100,
        max_sentences: int | None = None,
        max_sentence_length: int | None = 128,
    ) -> None:
        """Add a file with a sentence and its translations on each line, between tabs; it may be gzipped.

        Args:
            filepath: a `.tsv`, `.txt`, `.csv` or `.gz`.
            weight: rows taken from this file each time that data is made, against the other files' weights.
            max_sentences: lines read; None = all.
            max_sentence_length: lines with a longer sentence are left out, in characters; None = none.
        """
        kept = list(islice(sentences_of(filepath, max_sentence_length), max_sentences or None))
        self.add_dataset(kept, weight, max_sentences, max_sentence_length)

    def add_dataset(
        self,
        parallel_sentences: Sequence[Sequence[str]],
        weight: int = 100,
        max_sentences: int | None = None,
        max_sentence_length: int | None = 128,
    ) -> None:
        """Add sentences with their translations; arguments as `load_data`."""
        found: dict[str, dict[str, None]] = {}
        for sentences in parallel_sentences:
            if _fits(sentences, max_sentence_length):
                found.setdefault(sentences[0], {}).update(dict.fromkeys(sentences))
            if max_sentences and len(found) >= max_sentences:
                break
        if found:
            self.turns += [len(self.datasets)] * weight
            self.datasets.append([(source, list(others)) for source, others in found.items()])
            self.places.append(0)
            self.num_sentences += sum(map(len, found.values()))

    def __len__(self) -> int:
        return self.num_sentences

    def __getitem__(self, idx: int) -> InputExample:
        """The next example; the number does not matter."""
        if not self.cache:
            self.generate_data()
        return self.cache.pop()

    def generate_data(self) -> None:
        """Take each data set's turn, encode the sources, and shuffle what comes of it."""
        entries = [self.next_entry(number) for number in self.turns]
        vectors = self.get_embeddings([source for source, _ in entries])
        for (_, sentences), vector in zip(entries, vectors, strict=True):
            self.cache += [InputExample(texts=[sentence], label=vector) for sentence in sentences]
        random.shuffle(self.cache)

    def next_entry(self, data_idx: int) -> tuple[str, list[str]]:
        """The next sentence of a data set with its translations; behind the last one the data set is shuffled."""
        entries = self.datasets[data_idx]
        found = entries[self.places[data_idx]]
        self.places[data_idx] += 1
        if self.places[data_idx] >= len(entries):
            self.places[data_idx] = 0
            random.shuffle(entries)
        return found

    def get_embeddings(self, sentences: Sequence[str]) -> Sequence[Any]:
        """The teacher's vectors, each (dim,)."""
        if not self.use_embedding_cache:
            return self._encode(list(sentences))
        new = [sentence for sentence in dict.fromkeys(sentences) if sentence not in self.embedding_cache]
        if new:
            self.embedding_cache.update(zip(new, self._encode(new), strict=True))
        return [self.embedding_cache[sentence] for sentence in sentences]

    def _encode(self, sentences: list[str]) -> Sequence[Any]:
        return self.teacher_model.encode(
            sentences, batch_size=self.batch_size, show_progress_bar=False, convert_to_numpy=True
        )


def sentences_of(filepath: str | Path, longest: int | None = None) -> Iterator[list[str]]:
    """The lines of a file, cut at tabs; it may be gzipped.

    Args:
        filepath: a `.tsv`, `.txt`, `.csv` or `.gz`.
        longest: lines with a longer sentence are left out, in characters; None = none.
    """
    opened = gzip.open if str(filepath).endswith(".gz") else open
    with opened(filepath, "rt", encoding="utf-8") as file:
        for line in file:
            sentences = line.strip().split("\t")
            if _fits(sentences, longest):
                yield sentences


def _fits(sentences: Sequence[str], longest: int | None) -> bool:
    return not longest or max(map(len, sentences)) <= longest
