"""Models for tests of retrieval whose vectors and scores can be worked out on paper."""

import zlib

import numpy as np

from airvec.sparse_vectors import SparseVectors

WORDS = "abcdefghij"


class LetterModel:
    """Dense: how often each of ten letters stands in a text; a query's letters count twice. Not of length 1."""

    def __init__(self, letters=WORDS, similarity_fn_name="cosine"):
        self.letters, self.similarity_fn_name = letters, similarity_fn_name
        self.encoded = 0

    def __repr__(self):
        return f"LetterModel({self.letters!r})"

    def encode_query(self, inputs):
        return self._count(inputs, 2)

    def encode_document(self, inputs, *, show_progress_bar=None):
        self.encoded += len(inputs)
        return self._count(inputs)

    def _count(self, inputs, times=1):
        rows = [[times * text.count(letter) for letter in self.letters] for text in inputs]
        return np.array(rows, np.float32).reshape(len(inputs), len(self.letters))


class SparseLetterModel(LetterModel):
    """The same as sparse vectors."""

    def _count(self, inputs, times=1):
        return SparseVectors.from_dense(super()._count(inputs, times))


class LengthReranker:
    """Scores a pair by the length of its document: the shortest is best; keeps the pairs that it has seen."""

    def __init__(self):
        self.pairs = []

    def predict(self, inputs):
        self.pairs += inputs
        return np.array([-len(document) for _, document in inputs], np.float32)


def random_texts(count, seed="texts"):
    """Texts of one to eight words of one letter each."""
    generator = np.random.default_rng(zlib.crc32(seed.encode()))
    return [" ".join(generator.choice(list(WORDS), generator.integers(1, 9))) for _ in range(count)]
