"""BM25 as sparse vectors: the dot product of a query's and a document's is the document's BM25 score.

Source: Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond", in Lucene's form:
idf(t) tf / (tf + k1 (1 - b + b length / average length)), idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5)).
Knows nothing of search.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from secrets import token_hex
from typing import Any, Self, cast

import numpy as np

from airvec.arguments import check_texts
from airvec.errors import ArgumentError, ModelFolderError
from airvec.json_file import read_object
from airvec.sparse_vectors import SparseVectors

WORD = re.compile(r"\w+")
MOST_K1 = 1e6  # then a word's weight grows with its count as good as evenly
# Lucene's list for English.
ENGLISH = (
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not", "of",
    "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
)  # fmt: skip


@dataclass(frozen=True)
class BM25:
    """Words with their statistics in a corpus, once `fit` has seen it.

    `split` turns a text into words; None = runs of letters, digits and underscores, in Unicode's form NFKC and lower
    case. In a script without spaces, such as Chinese, Japanese or Thai, a run is a whole clause, which no query has:
    pass a `split`. `k1` is how fast a word's repetitions lose weight and `b`, from 0 to 1, how much a long document is
    held back.

    `idf` and `average_length`, in words, are what `fit` finds; before it the length is None.

    Raises:
        ArgumentError: `k1` or `b` out of range, stop words that are one string, or statistics that are not finite.

    >>> bm25 = BM25(stop_words=["the"]).fit(["the cat", "the dog", "a dog"])
    >>> bm25.vocabulary
    ['a', 'cat', 'dog']
    >>> bm25.encode_query(["dog eat dog"]).to_dict()
    [{2: 2.0}]
    """

    k1: float = 1.2
    b: float = 0.75
    stop_words: Sequence[str] = ()
    split: Callable[[str], list[str]] | None = None
    idf: dict[str, float] = field(default_factory=dict[str, float], repr=False)
    average_length: float | None = None

    def __post_init__(self) -> None:
        _check_number("k1", self.k1, MOST_K1)
        _check_number("b", self.b, 1.0)
        wrong = [word for word, weight in self.idf.items() if not np.isfinite(weight)]
        if wrong or not np.isfinite(self.average_length or 0.0):
            raise ArgumentError(
                f"idf, average_length: {wrong[:3]} and {self.average_length!r}, expected finite numbers. Fit it again."
            )
        if isinstance(self.stop_words, str):
            raise ArgumentError(f"stop_words: {self.stop_words!r}, expected words. Pass a list, or bm25.ENGLISH.")

    def fit(self, texts: Sequence[str]) -> Self:
        """The same settings with the statistics of a corpus.

        Raises:
            InputError: an item that is not a text.
            ArgumentError: `split` gave something else than a list of words.
        """
        documents = [self._words(text) for text in check_texts(texts)[0]]
        frequency = Counter(word for words in documents for word in set(words))
        count, total = len(documents), sum(map(len, documents))
        idf = {word: float(np.log(1 + (count - n + 0.5) / (n + 0.5))) for word, n in sorted(frequency.items())}
        return replace(self, idf=idf, average_length=total / max(1, count))

    def encode_document(self, texts: Sequence[str]) -> SparseVectors:
        """Weights of each text's words, (n, words of the corpus); words that the corpus does not have drop out.

        Raises:
            ArgumentError: there was no `fit`.
            InputError: an item that is not a text.
        """
        return self._encode(texts, self._document_weight)

    def encode_query(self, texts: Sequence[str]) -> SparseVectors:
        """How often each text has each word of the corpus, (n, words of the corpus).

        Raises:
            ArgumentError: there was no `fit`.
            InputError: an item that is not a text.
        """
        return self._encode(texts, lambda _, count, length: float(count))

    @property
    def vocabulary(self) -> list[str]:
        """The word of each dimension."""
        return list(self.idf)

    def save(self, path: str | PathLike[str]) -> None:
        """Write settings and statistics as JSON, under a temporary name first; `split` is given again on loading."""
        values = {"k1": self.k1, "b": self.b, "stop_words": list(self.stop_words), "own_split": self.split is not None}
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        part = Path(path).with_name(f".{Path(path).name}.{token_hex(4)}")
        text = json.dumps(values | {"average_length": self.average_length, "idf": self.idf}, ensure_ascii=False)
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | PathLike[str], split: Callable[[str], list[str]] | None = None) -> Self:
        """Read what `save` wrote.

        Raises:
            ModelNotFoundError: no such file.
            ModelFolderError: the file is damaged.
            ArgumentError: it was saved with a `split` of its own, and none is given.
        """
        found = read_object(Path(path))
        if found.flag("own_split", False) and split is None:
            raise ArgumentError(f"split: {split!r}, but {found.file} was fitted with a function. Pass the same one.")
        values = found.values
        try:
            idf = {str(word): float(weight) for word, weight in found.section("idf").values.items()}
            length = None if values["average_length"] is None else float(values["average_length"])
            stop_words = tuple(map(str, found.items("stop_words")))
            return cls(float(values["k1"]), float(values["b"]), stop_words, split, idf, length)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFolderError(f"{found.file}: no BM25 ({error!r}). Fit and save it again.") from error

    def _words(self, text: str) -> list[str]:
        words: Any = _runs_of_letters(text) if self.split is None else self.split(text)
        if not isinstance(words, list) or not all(isinstance(word, str) for word in cast("list[Any]", words)):
            raise ArgumentError(f"split: gave {words!r:.100} for {text!r:.60}, expected a list of words. Correct it.")
        stops = frozenset(self.stop_words)
        return [word for word in cast("list[str]", words) if word not in stops]

    def _document_weight(self, word: str, count: int, length: int) -> float:
        # A word of the corpus is here, so that the corpus has words, and a length.
        damping = self.k1 * (1 - self.b + self.b * length / cast(float, self.average_length))
        return self.idf[word] * count / (count + damping)

    @cached_property
    def _places(self) -> dict[str, int]:
        """The dimension of each word; made once, since it takes longer than a query."""
        return {word: index for index, word in enumerate(self.idf)}

    def _encode(self, texts: Sequence[str], weigh: Callable[[str, int, int], float]) -> SparseVectors:
        if self.average_length is None:
            raise ArgumentError(f"corpus: none was seen by {self!r}, expected a fitted BM25. Call fit(texts) first.")
        place = self._places
        rows: list[tuple[list[int], list[float]]] = []
        for text in check_texts(texts)[0]:
            words = self._words(text)
            counts = Counter(word for word in words if word in place)
            weights = [weigh(word, count, len(words)) for word, count in counts.items()]
            rows.append(([place[word] for word in counts], weights))
        return SparseVectors.from_rows(rows, len(place))


def _runs_of_letters(text: str) -> list[str]:
    # NFKC: a letter and its accent may be one character or two, and NFD's accents would cut words in two.
    return WORD.findall(unicodedata.normalize("NFKC", text).lower())


def _check_number(name: str, value: Any, largest: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value <= largest:
        raise ArgumentError(f"{name}: {value!r}, expected a number from 0 to {largest:g}. Correct it.")
