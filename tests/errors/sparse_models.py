"""Calls of `SparseEncoder` that cannot be."""

from pathlib import Path

import numpy as np

from airvec import SparseEncoder
from tests.errors.cases import Case, Topic
from tests.errors.models import auto_encoder, rows, sparse, splade


def stream(home: Path) -> None:
    for _ in sparse(home).encode_stream(iter(["a", 3]), chunk_size=1):
        pass


CASES = (
    Case("A sparse model given no text", "`encode(3)`.", lambda home: sparse(home).encode(3)),
    Case("A stream with something that is no text",
         '`encode_stream(iter(["a", 3]), chunk_size=1)`: the part with "a" has been given before.', stream),
    Case("No active dimensions", "`encode(texts, max_active_dims=0)`; None keeps all.",
         lambda home: sparse(home).encode("a", max_active_dims=0)),
    Case("A model with a negative number of active dimensions", "`SparseEncoder(folder, max_active_dims=-3)`.",
         lambda home: SparseEncoder(splade(home / "splade"), max_active_dims=-3)),
    Case("No words to decode", "`decode(embeddings, top_k=0)`.",
         lambda home: sparse(home).decode(sparse(home).encode("a b"), top_k=0)),
    Case("Another model's embeddings to decode", "`decode(…)`; their dimensions mean other words.",
         lambda home: sparse(home).decode(np.eye(1, 40, 39, dtype=np.float32))),
    Case("Words of a sparse autoencoder", "`decode(…)` or `vocabulary`: its dimensions are learned, and have no names.",
         lambda home: SparseEncoder(auto_encoder(home / "coder")).decode(np.ones((1, 6), np.float32))),
    Case("Sparse embeddings of two models", "`similarity(x, y)`.",
         lambda home: sparse(home).similarity(sparse(home).encode("a"), rows())),
    Case("An intersection with another model's embeddings", "`intersection(query, documents)`.",
         lambda home: sparse(home).intersection(sparse(home).encode("a"), rows())),
    Case("A sparsity of texts", '`sparsity("a")`, before `encode`.', lambda home: sparse(home).sparsity("a")),
)  # fmt: skip
TOPIC = Topic("SparseEncoder", "Besides those that all classes share.", CASES)
