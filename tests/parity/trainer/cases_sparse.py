"""Cases of sparse encoders' losses: SPLADE's regularisers, CSR's reconstruction, and the dense losses' sparse names."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from sentence_transformers.sparse_encoder import losses as st
from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder as ReferenceAutoEncoder
from torch import Tensor, nn
from torch.func import functional_call

from airvec_exporter.modules.sparse_auto_encoder import SparseAutoEncoder
from airvec_trainer import losses
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.csr import READS
from tests.parity.trainer.cases_dense import margins, none, rows, scores
from tests.parity.trainer.loss_cases import Given, GivesColumnsBack, LossCase

Make = Callable[[nn.Module], nn.Module]
DIM = 12
WEIGHTS = {"document_regularizer_weight": 0.3, "query_regularizer_weight": 0.2}
# The inner losses by name: columns, and labels of a number of rows.
INNER: dict[str, tuple[int, Callable[[int], Any]]] = {
    "SparseMultipleNegativesRankingLoss": (3, none),
    "SparseMarginMSELoss": (4, margins(2)),
    "SparseDistillKLDivLoss": (4, margins(3)),
    "SparseTripletLoss": (3, none),
    "SparseCosineSimilarityLoss": (2, scores),
    "SparseCoSENTLoss": (2, scores),
    "SparseAnglELoss": (2, scores),
    "SparseMSELoss": (2, lambda count: rows(count, 11, dim=DIM)),
}
# Inside another loss the reference takes the rows of the teacher's embeddings for columns, and spreads each over all.
WRAPPED = {name: found for name, found in INNER.items() if name != "SparseMSELoss"}
OPTIONS: dict[str, dict[str, Any]] = {
    "SparseMultipleNegativesRankingLoss": {
        "scale": 3.0, "directions": ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc"),
    },
    "SparseDistillKLDivLoss": {"student_temperature": 0.5, "teacher_temperature": 3.0},
    "SparseTripletLoss": {"triplet_margin": 0.5},
    "SparseCoSENTLoss": {"scale": 2.0},
    "SparseAnglELoss": {"scale": 2.0},
}  # fmt: skip


def sparse(count: int, seed: int, scale: float = 1.0) -> Tensor:
    """Rows as SPLADE gives them: none below 0, most 0, and more of them in each row than in the one before."""
    values = rows(count, seed, dim=DIM).relu() * scale
    return values * (torch.arange(DIM)[None] < DIM - 2 * torch.arange(count)[:, None] % DIM)


def inputs(width: int, labels: Callable[[int], Any]) -> list[Given]:
    def columns(count: int, scale: float = 1.0) -> tuple[Tensor, ...]:
        return tuple(sparse(count, 7 + number, scale) for number in range(width))

    ties = tuple(sparse(2, 3)[[0, 0, 1, 1]].clone() for _ in range(width))
    zeros = (*columns(4)[:-1], torch.zeros(4, DIM))
    return [
        Given("five rows", columns(5), labels(5)),
        Given("one row", columns(1), labels(1)),
        Given("ties", ties, labels(4)),
        Given("a column of zeros", zeros, labels(4)),
        Given("scale 1e3", columns(4, 1e3), labels(4)),
        Given("scale 1e-6", columns(4, 1e-6), labels(4)),
    ]


def total(parts: Any) -> Tensor:
    return torch.stack(list(parts.values())).sum() if isinstance(parts, dict) else parts


class LooksUp(nn.Module):
    """A model whose embeddings are given: the features name rows of all columns below one another."""

    def __init__(self, columns: list[Tensor]) -> None:
        super().__init__()
        self.embeddings, self.device = torch.cat(columns), torch.device("cpu")

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        return {"sentence_embedding": self.embeddings[features["input_ids"][:, 0]]}

    def get_embedding_dimension(self) -> int:
        return DIM


def features_of(columns: list[Tensor]) -> list[dict[str, Tensor]]:
    numbers = torch.arange(sum(len(column) for column in columns))[:, None]
    return [{"input_ids": some} for some in numbers.split([len(column) for column in columns])]


def case(name: str, setting: str, given: Given, ours: Any, make_reference: Make) -> LossCase:
    """A loss on columns that the model looks up; of losses in parts the sum is compared."""

    def theirs(leaves: list[Tensor], labels: Any) -> Tensor:
        made = make_reference(LooksUp(leaves))
        if name.startswith("Sparse") and name != "SparseMSELoss":  # alone, the reference refuses these
            return made.compute_loss_from_embeddings(leaves, labels)
        return total(made(features_of(leaves), labels))

    return LossCase(name, "as the dense loss", f"{setting}, {given.name}", given.columns, given.labels, ours, theirs)


def alone() -> Iterator[LossCase]:
    for name, (width, labels) in INNER.items():
        for options in [{}, *([OPTIONS[name]] if name in OPTIONS else [])]:
            ours = getattr(losses, name)(**options)
            for given in inputs(width, labels):
                setting = "other settings" if options else "defaults"
                yield case(name, setting, given, ours, partial(_reference, name, options))


def flops() -> Iterator[LossCase]:
    for threshold in (None, 0, 3, 100):
        for given in inputs(1, none):

            def theirs(leaves: list[Tensor], _labels: Any, threshold: int | None = threshold) -> Tensor:
                return st.FlopsLoss(GivesColumnsBack(DIM), threshold).compute_loss_from_embeddings(leaves[0])

            ours, setting = losses.FlopsLoss(threshold=threshold), f"threshold {threshold}, {given.name}"
            yield LossCase("FlopsLoss", "any columns / –", setting, given.columns, None, ours, theirs)


def splade() -> Iterator[LossCase]:
    for name, (width, labels) in WRAPPED.items():
        for given in inputs(width, labels):
            yield from _splade(name, f"around {name}", given, WEIGHTS)
    settings: dict[str, dict[str, Any]] = {
        "queries free": {"document_regularizer_weight": 0.3},
        "documents only": {"document_regularizer_weight": 0.3, "use_document_regularizer_only": True},
        "thresholds": {**WEIGHTS, "document_regularizer_threshold": 3, "query_regularizer_threshold": 4},
        "weights of 0": {"document_regularizer_weight": 0.0, "query_regularizer_weight": 0.0},
    }
    for setting, options in settings.items():
        for given in inputs(4, margins(2)):
            yield from _splade("SparseMarginMSELoss", setting, given, options)


def _splade(inner: str, setting: str, given: Given, options: dict[str, Any]) -> Iterator[LossCase]:
    ours = losses.SpladeLoss(loss=getattr(losses, inner)(), **options)
    yield case("SpladeLoss", setting, given, ours, partial(_around, "SpladeLoss", inner, options))
    for size in (1, 2, 64):
        more = {**options, "mini_batch_size": size}
        cached = losses.CachedSpladeLoss(loss=getattr(losses, inner)(), **more)

        def run(leaves: list[Tensor], labels: Any, cached: Any = cached) -> Tensor:
            return cached.on_batch(Batch(LooksUp(leaves), features_of(leaves)), labels)

        theirs = partial(_around, "CachedSpladeLoss", inner, more)
        yield case("CachedSpladeLoss", f"{setting}, {size} at once", given, run, theirs)


def _reference(name: str, options: dict[str, Any], model: nn.Module) -> nn.Module:
    return getattr(st, name)(model, **options)


def _around(name: str, inner: str, options: dict[str, Any], model: nn.Module) -> nn.Module:
    return getattr(st, name)(model, getattr(st, inner)(model), **options)


def reconstruction() -> Iterator[LossCase]:
    """The parts on outputs that are given; the last leaf of a column is what the auto-encoder gives for dead ones."""
    alike = rows(1, 2, dim=DIM).expand(4, DIM).clone()
    backbones = {"four rows": rows(4, 2, dim=DIM), "one row": rows(1, 2, dim=DIM), "rows alike": alike}
    for shape, backbone in backbones.items():
        others = tuple(rows(len(backbone), seed, dim=DIM) for seed in (3, 4, 5))
        unbiased = rows(1, 6, dim=DIM).expand(len(backbone), DIM).clone()
        for auxiliary in (True, False):
            for beta in (1.0, 0.1):

                def of(outputs: Callable[[Any], Any], leaves: list[Tensor], with_auxiliary: bool) -> Tensor:
                    output: dict[str, Any] = dict(zip(READS, leaves, strict=True))
                    if not with_auxiliary:
                        output["decoded_embedding_aux"] = None
                    return total(outputs([output, output]))

                ours = losses.CSRReconstructionLoss(beta=beta).of_outputs
                theirs = st.CSRReconstructionLoss(GivesColumnsBack(DIM), beta).compute_loss_from_embeddings
                yield LossCase(
                    "CSRReconstructionLoss", "any texts / –", f"beta {beta}, auxiliary {auxiliary}, {shape}",
                    (backbone, *others, unbiased), None,
                    lambda leaves, _, run=ours, aux=auxiliary, of=of: of(run, leaves, aux),
                    lambda leaves, _, run=theirs, aux=auxiliary, of=of: of(run, leaves, aux),
                )  # fmt: skip


class Coder(nn.Module):
    """An auto-encoder with weights that are given, some of whose dimensions have been dead for long."""

    def __init__(self, made: nn.Module, weights: list[Tensor]) -> None:
        super().__init__()
        self.made = made.train()
        made.stats_last_nonzero[::2] = 1000  # type: ignore[index,operator]
        self.weights = dict(zip(("encoder.weight", "pre_bias", "latent_bias"), weights, strict=True))

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        return functional_call(self.made, self.weights, (dict(features),))


def csr() -> Iterator[LossCase]:
    """The whole loss through each library's own auto-encoder."""
    hidden = 24
    weights = (rows(hidden, 21, dim=DIM), rows(1, 22, dim=DIM)[0], rows(1, 23, dim=hidden)[0])
    settings: dict[str, dict[str, Any]] = {"defaults": {}, "beta, gamma": {"beta": 2.0, "gamma": 0.5}}
    for coder in ({"k": 3, "k_aux": 5}, {"k": 3, "k_aux": 5, "normalize": True}, {"k": 2, "k_aux": 0}):
        for named, options in settings.items():
            for inner, (width, labels) in WRAPPED.items():
                columns = tuple(rows(4, 31 + number, dim=DIM) for number in range(width))
                yield LossCase(
                    "CSRLoss", "as the inner loss", f"{named}, {coder}, around {inner}",
                    (*weights, *columns), labels(4),
                    partial(_our_csr, coder, losses.CSRLoss(loss=getattr(losses, inner)(), **options)),
                    partial(_their_csr, coder, partial(_csr_around, inner, options)), halves=False,
                )  # fmt: skip
    columns = tuple(rows(4, 31 + number, dim=DIM) for number in range(3))
    yield LossCase(
        "CSRLoss", "as the inner loss", "no inner loss given", (*weights, *columns), None,
        partial(_our_csr, {"k": 3}, losses.CSRLoss()), partial(_their_csr, {"k": 3}, st.CSRLoss), halves=False,
    )  # fmt: skip


def _csr_around(inner: str, options: dict[str, Any], model: nn.Module) -> nn.Module:
    return st.CSRLoss(model, getattr(st, inner)(model), **options)


def _our_csr(coder: dict[str, Any], loss: Any, leaves: list[Tensor], labels: Any) -> Tensor:
    model = Coder(SparseAutoEncoder(DIM, 24, **{"k_aux": 7, **coder}), leaves[:3])
    return loss.on_batch(Batch(model, [{"sentence_embedding": leaf} for leaf in leaves[3:]]), labels)


def _their_csr(
    coder: dict[str, Any], make: Callable[[nn.Module], nn.Module], leaves: list[Tensor], labels: Any
) -> Tensor:
    model = Coder(ReferenceAutoEncoder(DIM, 24, **{"k_aux": 7, **coder}), leaves[:3])
    return total(make(model)([{"sentence_embedding": leaf} for leaf in leaves[3:]], labels))


CASES: list[LossCase] = [one for room in (alone, flops, splade, reconstruction, csr) for one in room()]
