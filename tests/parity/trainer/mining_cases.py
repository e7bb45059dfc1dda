"""A corpus of 2,000 texts, pairs among them, and models of fixed vectors that both libraries can mine with.

Knows nothing of tests.
"""

import re
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from datasets import Dataset

DOCUMENTS, QUERIES = 2000, 300
WORDS_OF_A_QUERY = 7


def texts(shared: Path | None) -> list[str]:
    """2,000 different texts: descriptions of Debian packages where they lie beside the checkout, or else made ones."""
    if shared is not None:
        lines = (shared / "bench" / "debian_long.txt").read_text(encoding="utf-8").splitlines()
        found = list(dict.fromkeys(line for line in lines if line.strip()))
    else:
        random = np.random.default_rng(0)
        words = np.array([f"word{number}" for number in range(800)])
        lengths = random.integers(8, 40, 2 * DOCUMENTS)
        found = list(dict.fromkeys(" ".join(words[random.zipf(1.3, size) % 800]) for size in lengths))
    assert len(found) >= DOCUMENTS
    return found[:DOCUMENTS]


def pairs(documents: list[str]) -> tuple[Dataset, list[str]]:
    """Pairs of a text's first words with the text, every fourth query with two more, one of them twice; the corpus."""
    rows = []
    for place, text in enumerate(documents[:QUERIES]):
        query = " ".join(text.split()[:WORDS_OF_A_QUERY])
        rows.append((query, text))
        if place % 4 == 0:
            rows += [(query, documents[-1 - place]), (query, documents[place + 1]), (query, documents[place + 1])]
    order = np.random.default_rng(1).permutation(len(rows))  # a query's rows need not stand together
    return Dataset.from_list([{"query": rows[i][0], "answer": rows[i][1]} for i in order]), documents


class Card:
    """What the reference's cache asks a model for."""

    base_model = "stand-in"


class WordVectors:
    """The sum of directions drawn for a text's words, at length 1; in the manner of both libraries."""

    device = torch.device("cpu")
    prompts = {"query": "query: ", "passage": "passage: a text "}  # noqa: RUF012  # as models have it
    model_card_data = Card()

    def __init__(self, similarity: str = "cosine", dim: int = 48):
        self.similarity_fn_name, self.dim, self.known = similarity, dim, {}
        self.encoded = 0

    def encode(self, texts, prompt_name=None, prompt=None, **given):
        self.encoded += len(texts)
        front = prompt if prompt is not None else self.prompts.get(prompt_name, "")
        return np.stack([self.vector(front + text) for text in texts])

    def encode_query(self, texts, **given):
        return self.encode(texts, **given)

    def encode_document(self, texts, **given):
        return self.encode(texts, **given)

    def vector(self, text):
        if text not in self.known:
            rows = [np.random.default_rng(crc32(word.encode())).normal(size=self.dim) for word in words_of(text)]
            total = np.sum(rows, axis=0) + 1e-3 * np.random.default_rng(crc32(text.encode())).normal(size=self.dim)
            self.known[text] = (total / np.linalg.norm(total)).astype(np.float32)
        return self.known[text]

    def similarity(self, a, b):
        return self.compare("")(a, b)

    def similarity_pairwise(self, a, b):
        return self.compare("pairwise_")(a, b)

    def compare(self, front):
        from sentence_transformers import util

        endings = {"cosine": "cos_sim", "dot": "dot_score", "euclidean": "euclidean_sim", "manhattan": "manhattan_sim"}
        return getattr(util, front + endings[self.similarity_fn_name])

    def get_embedding_dimension(self):
        return self.dim


class WordOverlap:
    """A cross-encoder: how many words two texts share, from -2 to 2, and a little by which pair it is."""

    def predict(self, pairs, convert_to_tensor=False, **given):
        scores = np.array([self.score(*pair) for pair in pairs], np.float32)
        return torch.from_numpy(scores) if convert_to_tensor else scores

    def score(self, query, text):
        first, second = set(words_of(query)), set(words_of(text))
        shared = len(first & second) / max(1, len(first))
        return 4 * shared - 2 + crc32(f"{query}\0{text}".encode()) / 2**32 / 10


def words_of(text):
    return re.findall(r"\w+", text.lower())
