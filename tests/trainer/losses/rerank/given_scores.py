"""A reranker whose scores are given, which remembers what it was asked.

Knows nothing of any one loss.
"""

from typing import Any

import torch
from torch import Tensor, nn

from airvec_trainer.losses.batch import Batch


class GivenScores(nn.Module):
    """Query "q2" and document "d5" have the scores `table[2, 5]`."""

    def __init__(self, table: Tensor, noise: float = 0.0) -> None:
        super().__init__()
        self.table = nn.Parameter(table if table.ndim == 3 else table[:, :, None])  # (queries, documents, labels)
        self.noise = nn.Dropout(noise)
        self.device = torch.device("cpu")
        self.asked: list[list[tuple[str, str]]] = []
        self.given: list[Tensor] = []
        self.settings: list[tuple[str | None, str | None]] = []

    def preprocess(self, pairs: list[Any], prompt: str | None = None, task: str | None = None) -> dict[str, Any]:
        self.asked.append([(query, document) for query, document in pairs])
        self.settings.append((prompt, task))
        numbers = [[int(query[1:]), int(document[1:])] for query, document in pairs]
        return {"input_ids": torch.tensor(numbers), "pairs": len(pairs)}

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        query, document = features["input_ids"].unbind(dim=1)
        scores = self.noise(self.table[query, document])
        self.given.append(scores.detach())
        return {**features, "scores": scores}


def batch_of(table: Tensor, *columns: Any, noise: float = 0.0) -> Batch:
    """Columns of "q…" and "d…" for a model with these scores."""
    return Batch(GivenScores(table, noise), texts=[list(column) for column in columns])
