"""A reranker whose scores are given: what both libraries' losses run on where only the loss is compared.

Knows nothing of tokens.
"""

from typing import Any

import torch
from sentence_transformers import CrossEncoder
from torch import Tensor, nn


class GivenScores(CrossEncoder):
    """Query "q2" and document "d5" have the scores `table[2, 5]`; the reference's losses ask for a CrossEncoder."""

    def __init__(self, table: Tensor) -> None:
        nn.Module.__init__(self)
        self.table = table if table.ndim == 3 else table[:, :, None]  # (queries, documents, labels)
        self.asked: list[int] = []  # pairs in each pass

    @property
    def num_labels(self) -> int:
        return self.table.shape[2]

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def preprocess(self, inputs: Any, prompt: str | None = None, task: str | None = None) -> dict[str, Tensor]:
        return {"input_ids": torch.tensor([[int(query[1:]), int(document[1:])] for query, document in inputs])}

    def forward(self, features: dict[str, Tensor], **_: Any) -> dict[str, Tensor]:
        self.asked.append(len(features["input_ids"]))
        query, document = features["input_ids"].unbind(dim=1)
        return {"scores": self.table[query, document]}


def columns(rows: int, width: int) -> list[list[str]]:
    """Queries and `width` columns of documents, all different."""
    queries = [f"q{row}" for row in range(rows)]
    return [queries, *([f"d{column * rows + row}" for row in range(rows)] for column in range(width))]


def lists(sizes: list[int]) -> list[list[Any]]:
    """Queries and their lists of documents, all different."""
    firsts = [sum(sizes[:number]) for number in range(len(sizes))]
    documents = [[f"d{first + place}" for place in range(size)] for first, size in zip(firsts, sizes, strict=True)]
    return [[f"q{number}" for number in range(len(sizes))], documents]
