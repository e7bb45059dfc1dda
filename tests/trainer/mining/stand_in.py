"""Models of fixed vectors and scores, for tests of mining.

Knows nothing of tests.
"""

from zlib import crc32

import numpy as np
from datasets import Dataset

# One query "q" at angle 0; what the texts' cosines with it are.
COSINES = {"gold": 0.8, "Gold ": 0.79, "near": 0.78, "middle": 0.6, "far": 0.3, "other": 0.1, "silver": 0.5}


class AngleModel:
    """Texts in the plane: the cosine of "q" with a text is its entry in a table; "r" stands at a right angle to "q"."""

    similarity_fn_name = "cosine"

    def __init__(self, cosines=None):
        self.cosines = {"q": 1.0, "r": 0.0, **(cosines or COSINES)}
        self.calls = []

    def encode(self, texts, **given):
        cosines = np.array([self.cosines[text] for text in texts])
        return np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1).astype(np.float32)

    def encode_query(self, texts, **given):
        self.calls.append(("query", list(texts), given))
        return self.encode(texts)

    def encode_document(self, texts, **given):
        self.calls.append(("document", list(texts), given))
        return self.encode(texts)


class NoiseModel:
    """A direction for each text, drawn by its characters, its prompt's and a seed."""

    similarity_fn_name = "cosine"
    prompts = {"query": "query: ", "passage": "passage: "}  # noqa: RUF012  # as models have it

    def __init__(self, dim=32, seed=0):
        self.dim, self.seed, self.calls = dim, seed, 0

    def encode(self, texts, prompt_name=None, prompt=None, **given):
        self.calls += 1
        front = prompt or self.prompts.get(prompt_name, "")
        seeds = [[crc32((front + text).encode()), self.seed] for text in texts]
        rows = np.stack([np.random.default_rng(seed).normal(size=self.dim) for seed in seeds]).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def encode_query(self, texts, **given):
        return self.encode(texts, **given)

    def encode_document(self, texts, **given):
        return self.encode(texts, **given)


class PairScores:
    """A cross-encoder: -1 to 1 by the characters of both texts, or as a table of the second says."""

    def __init__(self, table=None):
        self.table, self.asked = table, []

    def predict(self, pairs, **given):
        self.asked += pairs
        if self.table is not None:
            return np.array([self.table[text] for _, text in pairs], np.float32)
        return np.array([crc32("\0".join(pair).encode()) / 2**31 - 1 for pair in pairs], np.float32)


def pairs(*rows, names=("query", "answer")):
    """A data set of (query, positive) rows."""
    return Dataset.from_dict({names[0]: [row[0] for row in rows], names[1]: [row[1] for row in rows]})


def generated(count=300, queries=200):
    """A data set in which queries repeat and share positives."""
    return pairs(*((f"question {i // 2 if i % 3 else i + queries}", f"answer {i * 7 % 170}") for i in range(count)))
