"""One comparison of a loss with sentence-transformers': the form that every list of cases shares.

    CASES: list[LossCase] = [...]      # cases_dense.py, cases_sparse.py, cases_rerank.py, cases_wrapped.py

A case has `leaves` (float32 tensors; what is compared is the value of the loss and its gradient in each of them),
`labels`, and two functions of (leaves, labels) that give the scalar: `ours` and `reference`. A loss that is a function
of columns needs no more than

    of_columns("CoSENTLoss", "two texts / score", "scale=5", given, CoSENTLoss(scale=5), lambda m: st.CoSENTLoss(m, 5))

with `given = Given("ties", (first, second), labels)`; the reference then gets a stand-in model that gives the columns
back. Others write the two functions, with the leaves that they need: weights, scores, outputs of layers.
`loss` is the name in `airvec_trainer.losses`, with `rerank.` in front for rerankers'; the table has a line for each.
`python -m tests.parity.trainer.losses_table` prints the table; a test_*.py beside each list runs its cases.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Scalar = Callable[[list[Tensor], Any], Tensor]
# Of the differences, relative to the reference's largest |value|. bfloat16 keeps 8 bits, 0.4 % a step: two orders of
# the same sums part by a few steps.
SMALLEST_VALUE = 1e-7
BOUNDS = {torch.float32: 1e-5, torch.bfloat16: 2e-2}


@dataclass(frozen=True)
class Given:
    """Input of a case, and what it is called."""

    name: str
    columns: tuple[Tensor, ...]
    labels: Any = None


@dataclass(frozen=True)
class LossCase:
    """A loss under one setting on one input.

    Args:
        loss: its name in `airvec_trainer.losses`.
        data: the rows that it reads, as the table shows them: "anchor, positive, negative…" or "two texts / class".
        setting: what is not as the defaults are, and the input: a test's name.
        leaves: float32, leaves of the graph.
        labels: handed through; floats stay float32, as a collator gives them.
        ours: (leaves, labels) -> scalar.
        reference: the same.
        halves: whether it is compared in bfloat16, too.
    """

    loss: str
    data: str
    setting: str
    leaves: tuple[Tensor, ...]
    labels: Any
    ours: Scalar
    reference: Scalar
    halves: bool = True

    def __str__(self) -> str:
        """As a test's name."""
        return f"{self.loss}: {self.setting}"


@dataclass(frozen=True)
class Agreement:
    """How far ours lies from the reference's: the value, and the gradient in the leaf that is farthest."""

    value: float
    gradient: float

    @property
    def worst(self) -> float:
        """The larger of the two."""
        return max(self.value, self.gradient)


class GivesColumnsBack(nn.Module):
    """A model for the reference's losses whose features are already the embeddings."""

    def __init__(self, dim: int = 0) -> None:
        super().__init__()
        self.dim, self.device = dim, torch.device("cpu")

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        return features

    def get_embedding_dimension(self) -> int:
        return self.dim


def of_columns(  # one line a case reads better than a builder
    loss: str, data: str, setting: str, given: Given, ours: Any, make_reference: Callable[[nn.Module], nn.Module]
) -> LossCase:
    """The case of a loss that is a function of columns."""

    def reference(leaves: list[Tensor], labels: Any) -> Tensor:
        made = make_reference(GivesColumnsBack(leaves[0].shape[-1]))
        return made([{"sentence_embedding": leaf} for leaf in leaves], labels)

    return LossCase(loss, data, f"{setting}, {given.name}", given.columns, given.labels, ours, reference)


def measure(case: LossCase, dtype: torch.dtype = torch.float32) -> Agreement:
    """Value and gradients of both, compared."""
    ours, reference = (run(function, case, dtype) for function in (case.ours, case.reference))
    value = distance(ours[0], reference[0], SMALLEST_VALUE)
    pairs = zip(case.leaves, ours[1], reference[1], strict=True)
    return Agreement(value, max(distance(one, other, slope(reference[0], leaf)) for leaf, one, other in pairs))


def slope(value: Tensor, leaf: Tensor) -> float:
    """A gradient that would move the loss by its own value where a leaf moves by its own size.

    Gradients far below it are what rounding leaves of sums that cancel, as for rows that are alike.
    """
    return max(float(value.abs()), SMALLEST_VALUE) / max(float(leaf.abs().max()), SMALLEST_VALUE)


def run(function: Scalar, case: LossCase, dtype: torch.dtype) -> tuple[Tensor, list[Tensor]]:
    """The value of a function and its gradient in each leaf; zeros where a leaf has no part in it."""
    leaves = [leaf.detach().to(dtype).requires_grad_() for leaf in case.leaves]
    value = function(leaves, case.labels)
    value.backward()
    return value.detach(), [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]


def distance(ours: Tensor, reference: Tensor, smallest: float) -> float:
    """Largest |difference|, divided by the reference's largest |value| or `smallest`; NaN is equal to nothing."""
    if ours.shape != reference.shape:
        return math.inf
    scale = max(smallest, float(reference.abs().max()))
    found = float((ours.double() - reference.double()).abs().max()) / scale
    return found if math.isfinite(found) else math.inf


def worst(cases: Sequence[LossCase], dtype: torch.dtype) -> Agreement | None:
    """The largest distances among cases; None where none is compared in this type."""
    found = [measure(case, dtype) for case in cases if dtype == torch.float32 or case.halves]
    return Agreement(max(one.value for one in found), max(one.gradient for one in found)) if found else None
