"""An input for every loss: by the room that it lives in, and by its name where it reads other rows than its room.

A room's entry takes a number of rows and gives (columns, labels): what the loss is called with. A loss in a room that
is listed here is tested as soon as its name is in `__all__`; one that needs settings has them in SETTINGS.
"""

from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from airvec_trainer import losses
from airvec_trainer.losses.batch import Batch

DIM, WORDS = 6, 40
Given = tuple[list[Tensor], Any]


def embeddings(width: int) -> Callable[[int], list[Tensor]]:
    return lambda rows: [_random(rows, DIM, seed=number) for number in range(width)]


def scores(width: int) -> Callable[[int], list[Tensor]]:
    return lambda rows: [_random(rows, seed=number) for number in range(width)]


def lists(rows: int) -> list[Tensor]:
    return [_random(row % 3 + 2, seed=row) for row in range(rows)]


def _random(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def none(_rows: int) -> None:
    return None


def fractions(rows: int) -> Tensor:
    return torch.linspace(0, 1, rows)


def binary(rows: int) -> Tensor:
    return torch.arange(rows) % 2


def classes(rows: int) -> Tensor:
    return torch.arange(rows) // 2 % 3


def vectors(rows: int) -> Tensor:
    return _random(rows, DIM, seed=9)


def margins(rows: int) -> Tensor:
    return _random(rows, 1, seed=9)


def of_each(rows: int) -> Tensor:
    return _random(rows, 2, seed=9)


def of_lists(rows: int) -> list[Tensor]:
    return [torch.arange(len(some)).float() % 2 for some in lists(rows)]


Maker = tuple[Callable[[int], list[Tensor]], Callable[[int], Any]]
BY_ROOM: dict[str, Maker] = {
    "positives": (embeddings(2), none),
    "scored_pairs": (embeddings(2), fractions),
    "labeled_pairs": (embeddings(2), binary),
    "triplets": (embeddings(3), none),
    "labeled_texts": (embeddings(1), classes),
    "regularize": (embeddings(2), none),
    "combine": (embeddings(2), none),
    "splade": (embeddings(2), none),
    "rerank.points": (scores(1), fractions),
    "rerank.teacher": (scores(2), margins),
    "rerank.positives": (scores(3), none),
    "rerank.lists": (lists, of_lists),
}
BY_NAME: dict[str, Maker] = {
    "EmbedDistillLoss": (embeddings(1), vectors),
    "MSELoss": (embeddings(1), vectors),
    "MarginMSELoss": (embeddings(3), margins),
    "DistillKLDivLoss": (embeddings(3), of_each),
    "MultipleNegativesRankingLoss": (embeddings(2), none),
    "CosineSimilarityLoss": (embeddings(2), fractions),
    "CoSENTLoss": (embeddings(2), fractions),
    "AnglELoss": (embeddings(2), fractions),
    "TripletLoss": (embeddings(3), none),
    "rerank.CrossEntropyLoss": (lambda rows: [_random(rows, 3, seed=1)], classes),
}


class Guide:
    """A guide that finds texts of like length alike."""

    def encode(self, texts: list[str], **_: Any) -> Tensor:
        return torch.tensor([[1.0, float(len(text))] for text in texts])

    def tokenizer(self, *_: Any) -> None: ...


RANKING = losses.MultipleNegativesRankingLoss()
SETTINGS: dict[str, dict[str, Any]] = {
    "SoftmaxLoss": {"embedding_dimension": DIM, "num_labels": 3},
    "MatryoshkaLoss": {"loss": RANKING, "matryoshka_dims": [DIM, 2]},
    "Matryoshka2dLoss": {"loss": RANKING, "matryoshka_dims": [DIM, 2]},
    "AdaptiveLayerLoss": {"loss": RANKING},
    "GradCache": {"loss": RANKING},
    "GISTEmbedLoss": {"guide": Guide()},
    "CachedGISTEmbedLoss": {"guide": Guide()},
    "SpladeLoss": {"loss": RANKING, "document_regularizer_weight": 0.1},
    "CachedSpladeLoss": {"loss": RANKING, "document_regularizer_weight": 0.1},
}
# These read more of a model than the one below has; the tests beside each loss run them.
BEYOND = {
    "AdaptiveLayerLoss": "layers of a transformer", "Matryoshka2dLoss": "layers of a transformer",
    "CSRLoss": "what a sparse auto-encoder gives", "CSRReconstructionLoss": "what a sparse auto-encoder gives",
    "DenoisingAutoEncoderLoss": "a decoder",
}  # fmt: skip


def every_loss() -> dict[str, type]:
    """Name → class, rerankers' with `rerank.` in front."""
    found = {name: getattr(losses, name) for name in losses.__all__}
    found |= {f"rerank.{name}": getattr(losses.rerank, name) for name in losses.rerank.__all__}
    is_loss = {name: name.endswith("Loss") or name == "GradCache" for name in found}
    return {name: kind for name, kind in found.items() if is_loss[name] and is_dataclass(kind)}


def of_arrays() -> list[str]:
    """The losses that can be called with columns."""
    return [name for name, kind in every_loss().items() if any("__call__" in vars(one) for one in kind.__mro__)]


def of_batches() -> list[str]:
    """The losses of embeddings that only take a batch, of those that the model below can serve."""
    return [name for name in every_loss() if name not in of_arrays() and name not in BEYOND]


def made(name: str, *old: Any) -> Any:
    """A loss with the settings that it must have; `old` come first, as in sentence-transformers' way."""
    torch.manual_seed(1)
    return every_loss()[name](*old, **SETTINGS.get(name, {}))


def given(name: str, rows: int) -> Given:
    """Columns and labels for a loss."""
    room = every_loss()[name].__module__.removeprefix("airvec_trainer.losses.")
    maker = BY_NAME.get(name) or BY_ROOM.get(room) or BY_NAME.get(name.removeprefix("Sparse"))
    assert maker is not None, f"{name}: its room {room} has no example; add one to BY_ROOM"
    return maker[0](rows), maker[1](rows)


class TinyModel(nn.Module):
    """Means of vectors of words."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.words = nn.Embedding(WORDS, DIM)
        self.device = torch.device("cpu")

    def get_embedding_dimension(self) -> int:
        return DIM

    def forward(self, column: dict[str, Tensor]) -> dict[str, Tensor]:
        mask = column["attention_mask"][:, :, None]
        summed = (self.words(column["input_ids"]) * mask).sum(dim=1)
        return {**column, "sentence_embedding": summed / mask.sum(dim=1)}


def batch(model: nn.Module, rows: int, width: int = 2) -> Batch:
    """Columns of texts of one to five words."""
    columns, texts = [], []
    for number in range(width):
        draws = torch.Generator().manual_seed(number)
        words = torch.randint(1, WORDS, (rows, 5), generator=draws)
        mask = (torch.arange(5) < torch.arange(1, rows + 1)[:, None]).long()
        columns.append({"input_ids": words * mask, "attention_mask": mask})
        texts.append([f"text {number} {'x' * row}" for row in range(rows)])
    return Batch(model, columns, texts)
