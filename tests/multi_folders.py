"""Makes small models with two heads, as BGE-M3 has them, whose embeddings can be worked out by hand, without torch.

Like `tests/folders.py`: the graph is a look-up, so token i has the state `table()[i]`, whatever stands around it.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tests.folders import SPECIAL, WORDS, rows_of, word_model, write_tensors

SIZE, WIDTH = len(SPECIAL) + len(WORDS), 3
CLS = {"word_embedding_dimension": 4, "pooling_mode_cls_token": True}
SPARSE, COLBERT = "sparse_linear.safetensors", "colbert_linear.safetensors"
RANDOM = np.random.default_rng(11)
LEXICAL = {
    "weight": RANDOM.normal(size=(1, 4)).astype(np.float32),
    "bias": np.array([0.25], np.float32),
    "special_ids": np.arange(4),
}
MULTI = {
    "weight": RANDOM.normal(size=(WIDTH, 4)).astype(np.float32),
    "bias": RANDOM.normal(size=WIDTH).astype(np.float32),
}


def multi_model(folder: Path, **settings: Any) -> Path:
    """Transformer (the look-up) → CLS → Normalize, with both heads beside it; at most 8 tokens a text."""
    word_model(folder, CLS, normalize=True, settings=settings)
    write_tensors(folder / SPARSE, LEXICAL)
    write_tensors(folder / COLBERT, MULTI)
    return folder


def dense_of(text: str) -> np.ndarray:
    """The state of [CLS], scaled to length 1: float32 (4,)."""
    first = rows_of(*text.split())[0]
    return first / np.linalg.norm(first)


def lexical_of(text: str) -> dict[int, float]:
    """The largest weight of each word, by its id, in plain loops."""
    found: dict[int, float] = {}
    for word in text.split():
        number = [*SPECIAL, *WORDS].index(word)
        weight = float(rows_of(word, special=False)[0] @ LEXICAL["weight"][0] + LEXICAL["bias"][0])
        if weight > 0:
            found[number] = max(weight, found.get(number, 0.0))
    return found


def vectors_of(text: str) -> np.ndarray:
    """Unit vectors of the words and [SEP]: float32 (words + 1, 3)."""
    rows = [MULTI["weight"] @ state + MULTI["bias"] for state in rows_of(*text.split())[1:]]
    return np.stack([row / np.linalg.norm(row) for row in rows])
