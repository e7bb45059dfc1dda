"""Cases of the losses that need more than columns, and of those around another loss.

Columns are given back by stand-in models. What needs a transformer has the tiny one, in training, with dropout; its
embeddings are multiplied with the leaf. Weights of the transformer itself are compared in test_losses_wrapped.py.
"""

import random
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from sentence_transformers.sentence_transformer import losses as st
from torch import Tensor, nn

from airvec_trainer import losses
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.protocol import parts_of, prepare
from tests.parity.trainer.cases_dense import DIM, inputs, none, rows
from tests.parity.trainer.loss_cases import Given, LossCase
from tests.parity.trainer.twins import SEED, batch_of, columns, twins
from tests.tiny import HIDDEN, tiny_checkpoint, tiny_tokenizer

POSITIVES = "anchor, positive[, negative…]"
TEMPORARY = TemporaryDirectory()
Made = Callable[[Any], Any]


class Columns(nn.Sequential):
    """The reference's stand-in: a model of one module whose features are already the embeddings."""

    device, max_seq_length = torch.device("cpu"), 8
    tokenizer = tiny_tokenizer("wordpiece")

    def __init__(self) -> None:
        super().__init__(nn.Identity())

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        return dict(features)

    def get_embedding_dimension(self) -> int:
        return DIM


class Guide(Columns):
    """The guide of both libraries: what it says of a row lies in the reference's features, and is our text."""

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        return {"sentence_embedding": features["seen"]}

    def encode(self, texts: list[Tensor]) -> Tensor:
        return torch.stack(texts)


def seen(leaf: Tensor) -> Tensor:
    """What the guide says of a row: alike for alike rows, and otherwise of another order than the student's."""
    return torch.sin(leaf.detach().float() * 3 + 1)


def summed(value: Any) -> Tensor:
    return torch.stack(list(value.values())).sum() if isinstance(value, dict) else value


def wrapped(
    name: str, data: str, setting: str, given: Given, made: tuple[Any, Made], *, halves: bool = True
) -> LossCase:
    """A case on columns. `made` is our loss and what makes the reference's of a model."""
    loss, reference_of = made

    def ours(leaves: list[Tensor], labels: Any) -> Tensor:
        model = Columns()
        batch = Batch(model, [{"sentence_embedding": leaf} for leaf in leaves], [list(seen(leaf)) for leaf in leaves])
        random.seed(SEED)
        return summed(parts_of(prepare(loss, model), batch, labels))

    def reference(leaves: list[Tensor], labels: Any) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = reference_of(Columns())
        random.seed(SEED)
        return summed(made([{"sentence_embedding": leaf, "seen": seen(leaf)} for leaf in leaves], labels))

    return LossCase(name, data, f"{setting}, {given.name}", given.columns, given.labels, ours, reference, halves)


def same(ours: Any, reference: Any, **settings: Any) -> tuple[Any, Made]:
    """Both libraries' loss with the same settings."""
    return ours(**settings), lambda model: reference(model, **settings)


def cached() -> list[LossCase]:
    name, symmetric = "CachedMultipleNegativesRankingLoss", "CachedMultipleNegativesSymmetricRankingLoss"
    settings = [
        {"mini_batch_size": 2},
        {"mini_batch_size": 3, "scale": 1.0},
        {"mini_batch_size": 2, "directions": ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc")},
        {"mini_batch_size": 2, "hardness_mode": "hard_negatives", "hardness_strength": 5.0},
    ]
    found = [
        wrapped(name, POSITIVES, str(setting), given, same(getattr(losses, name), getattr(st, name), **setting))
        for setting in settings
        for given in inputs(3, none)
    ]
    return found + [
        wrapped(symmetric, "anchor, positive", "mini_batch_size 2", given, same(
            getattr(losses, symmetric), getattr(st, symmetric), mini_batch_size=2))
        for given in inputs(2, none)
    ]  # fmt: skip


def guided() -> list[LossCase]:
    settings = [
        {},
        {"temperature": 0.5},
        {"temperature": 0.5, "margin": 0.3},
        {"temperature": 0.5, "margin": 0.3, "margin_strategy": "relative"},
        {"temperature": 0.5, "contrast_anchors": False, "contrast_positives": False},
    ]
    found: list[LossCase] = []
    for setting in settings:
        # At the default temperature of 0.01 bfloat16's steps are a hundredfold, in the reference itself.
        halves = "temperature" in setting
        for width in (2, 3):
            for given in inputs(width, none):
                both = same(losses.GISTEmbedLoss, st.GISTEmbedLoss, guide=Guide(), **setting)
                found.append(wrapped("GISTEmbedLoss", POSITIVES, f"{setting} {width}", given, both, halves=halves))
        for given in inputs(4, none):
            both = same(losses.CachedGISTEmbedLoss, st.CachedGISTEmbedLoss, guide=Guide(), mini_batch_size=2, **setting)
            found.append(wrapped("CachedGISTEmbedLoss", POSITIVES, str(setting), given, both, halves=halves))
    return found


def matryoshka() -> list[LossCase]:
    """Without rows of zeros: the reference divides by their length anew for each dim, so their gradient is infinite."""
    dims = {"matryoshka_dims": [2, DIM, 4], "matryoshka_weights": [0.3, 1.0, 0.5]}
    inner: list[tuple[str, Any, Made, int, Callable[[int], Any]]] = [
        ("MNRL", losses.MultipleNegativesRankingLoss(), st.MultipleNegativesRankingLoss, 3, none),
        (
            "cached", losses.CachedMultipleNegativesRankingLoss(mini_batch_size=2),
            lambda model: st.CachedMultipleNegativesRankingLoss(model, mini_batch_size=2), 3, none,
        ),
        ("CoSENT", losses.CoSENTLoss(scale=1), lambda model: st.CoSENTLoss(model, 1), 2, lambda n: torch.arange(n) / n),
        ("teacher", losses.MSELoss(), st.MSELoss, 2, lambda count: rows(count, 5)),
        (
            "GIST", losses.GISTEmbedLoss(guide=Guide(), temperature=0.5),
            lambda model: st.GISTEmbedLoss(model, Guide(), 0.5), 2, none,
        ),
    ]  # fmt: skip
    return [
        wrapped("MatryoshkaLoss", "inner", f"{title}, {drawn} dims a step", given, (
            losses.MatryoshkaLoss(loss=ours, n_dims_per_step=drawn, **dims),
            lambda model, reference=reference, drawn=drawn: st.MatryoshkaLoss(
                model, reference(model), n_dims_per_step=drawn, **dims)))
        for title, ours, reference, width, labels in inner
        for drawn in (-1, 2)
        for given in inputs(width, labels)
        if given.name != "zero rows"
    ]  # fmt: skip


def spread() -> list[LossCase]:
    name = "GlobalOrthogonalRegularizationLoss"
    settings = [{}, {"mean_weight": None, "aggregation": "sum"}, {"second_moment_weight": 0.0, "mean_weight": 3.0}]
    return [
        wrapped(name, "any", f"{setting} {width}", given, same(getattr(losses, name), getattr(st, name), **setting))
        for setting in settings
        for width in (1, 3)
        for given in inputs(width, none)
    ]


def tension() -> list[LossCase]:
    first, second = "ContrastiveTensionLoss", "ContrastiveTensionLossInBatchNegatives"
    found = [
        wrapped(first, "text, text / 0, 1", "labels", given, same(getattr(losses, first), getattr(st, first)))
        for given in inputs(2, lambda count: torch.arange(count) % 2)
    ]
    return found + [
        wrapped(second, "text", str(setting), given, same(getattr(losses, second), getattr(st, second), **setting))
        for setting in ({}, {"scale": 1.0})
        for given in inputs(1, none)
    ]


class Scaled(nn.Module):
    """The last module of a model: embeddings times the leaf."""

    def __init__(self, leaf: Tensor) -> None:
        super().__init__()
        self.leaf = leaf

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**features, "sentence_embedding": features["sentence_embedding"] * self.leaf}


@cache
def folder() -> Path:
    """A tiny BERT without a last step to length 1; its dropout is transformers' own, 0.1."""
    return tiny_checkpoint(Path(TEMPORARY.name) / "model", normalize=False)


def transformed(name: str, data: str, setting: str, ours: Made, reference: Made) -> LossCase:
    """A case on the tiny transformer in training."""
    texts = columns(2)

    def drawn() -> None:
        random.seed(SEED)
        torch.manual_seed(SEED)

    def of_ours(leaves: list[Tensor], labels: Any) -> Tensor:
        model, _ = twins(folder())
        model.append(Scaled(leaves[0]))
        drawn()
        return summed(parts_of(prepare(ours(model), model), batch_of(model, texts), labels))

    def of_reference(leaves: list[Tensor], labels: Any) -> Tensor:
        _, model = twins(folder())
        model.append(Scaled(leaves[0]))
        drawn()
        return summed(reference(model)([model.preprocess(list(column)) for column in texts], labels))

    leaf = rows(1, 2, dim=HIDDEN)[0] * 0.3 + 1
    return LossCase(name, data, setting, (leaf,), None, of_ours, of_reference, halves=False)


def layered() -> list[LossCase]:
    settings = [
        {},
        {"n_layers_per_step": -1, "layer_weighting": "log"},
        {"n_layers_per_step": -1, "layer_weighting": "linear", "kl_temperature": 0.0},
        {"n_layers_per_step": 2, "kl_div_weight": 0.5, "last_layer_weight": 2.0, "prior_layers_weight": 0.3},
    ]
    dims = {"matryoshka_dims": [HIDDEN, 8, 16], "matryoshka_weights": [1.0, 0.3, 0.5]}
    found: list[LossCase] = []
    for setting in settings:
        found.append(
            transformed(
                "AdaptiveLayerLoss",
                "inner",
                str(setting),
                lambda _, s=setting: losses.AdaptiveLayerLoss(loss=losses.MultipleNegativesRankingLoss(), **s),
                lambda model, s=setting: st.AdaptiveLayerLoss(model, st.MultipleNegativesRankingLoss(model), **s),
            )
        )
        found.append(
            transformed(
                "Matryoshka2dLoss",
                "inner",
                str(setting),
                lambda _, s=setting: losses.Matryoshka2dLoss(loss=losses.MultipleNegativesRankingLoss(), **dims, **s),
                lambda model, s=setting: st.Matryoshka2dLoss(
                    model, st.MultipleNegativesRankingLoss(model), **dims, **s
                ),
            )
        )
    return found  # fmt: skip


def decoded() -> list[LossCase]:
    other = {"decoder_name_or_path": str(folder()), "tie_encoder_decoder": False}
    return [
        transformed(
            "DenoisingAutoEncoderLoss", "damaged text, text", "tied" if not setting else "a decoder of its own",
            lambda _, s=setting: losses.DenoisingAutoEncoderLoss(**s),
            lambda model, s=setting: st.DenoisingAutoEncoderLoss(model, **s),
        )
        for setting in ({}, other)
    ]  # fmt: skip


CASES = [*cached(), *guided(), *matryoshka(), *spread(), *tension(), *layered(), *decoded()]
