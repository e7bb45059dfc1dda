"""Cases of rerankers' losses: each runs on texts in both libraries, through a model whose scores are given."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from sentence_transformers.cross_encoder import losses as st
from torch import Tensor, nn

from airvec_trainer.losses import rerank
from airvec_trainer.losses.batch import Batch
from tests.parity.trainer.given_scores import GivenScores, columns, lists
from tests.parity.trainer.loss_cases import LossCase

PAIRS = "query, document / label"
ACTIVATIONS = {"identity": nn.Identity(), "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh()}
SIZES = {
    "lists alike": [4, 4, 4],
    "ragged lists": [5, 1, 3, 2],
    "one list": [6],
    "one document": [1],
    "a long list": [140, 3],
}
SCHEMES = ("NoWeightingScheme", "NDCGLoss1Scheme", "NDCGLoss2Scheme", "LambdaRankScheme", "NDCGLoss2PPScheme")


def random(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


def tables(*shape: int) -> dict[str, Tensor]:
    """Scores: usual ones, ties, and far apart."""
    return {
        "scores": random(*shape),
        "ties": random(*shape).round(),
        "equal": torch.zeros(shape),
        "scale 1e3": random(*shape, scale=1e3),
        "scale 1e-6": random(*shape, scale=1e-6),
    }


def case(name: str, data: str, setting: str, given: tuple[Tensor, list[Any], Any], made: tuple[Any, Any]) -> LossCase:
    """A loss on a batch of texts: `given` are the table of scores, the columns and the labels."""
    (table, texts, labels), (ours, theirs) = given, made

    def run_ours(leaves: list[Tensor], labels: Any) -> Tensor:
        torch.manual_seed(3)
        return ours.on_batch(Batch(GivenScores(leaves[0]), texts=texts), labels)

    def run_theirs(leaves: list[Tensor], labels: Any) -> Tensor:
        torch.manual_seed(3)
        return theirs(GivenScores(leaves[0]))([list(column) for column in texts], labels)

    return LossCase(f"rerank.{name}", data, setting, (table,), labels, run_ours, run_theirs)


def both(name: str, **settings: Any) -> tuple[Any, Any]:
    return getattr(rerank, name)(**settings), partial(_reference, name, settings)


def _reference(name: str, settings: dict[str, Any], model: nn.Module) -> nn.Module:
    return getattr(st, name)(model, **settings)


def points() -> Iterator[LossCase]:
    for rows in (1, 6):
        halves = torch.linspace(0, 1, rows)
        for key, table in tables(rows, rows).items():
            for named, activation in ACTIVATIONS.items():
                setting = f"{rows} rows, {key}, {named}"
                for name in ("BinaryCrossEntropyLoss", "MSELoss"):
                    given = (table, columns(rows, 1), halves)
                    yield case(name, PAIRS, setting, given, both(name, activation_fn=activation))
    given = (random(6, 6), columns(6, 1), torch.tensor([[1], [0], [1], [1], [0], [0]]))
    made = both("BinaryCrossEntropyLoss", pos_weight=torch.tensor([3.0]))
    yield case("BinaryCrossEntropyLoss", PAIRS, "labels (6, 1) of int, pos_weight", given, made)
    given = (random(6, 6), columns(6, 1), torch.linspace(0, 1, 6))
    made = both("BinaryCrossEntropyLoss", weight=torch.arange(6.0), reduction="sum")
    yield case("BinaryCrossEntropyLoss", PAIRS, "weight, sum", given, made)
    yield case("MSELoss", PAIRS, "sum", given, both("MSELoss", reduction="sum"))


def classes() -> Iterator[LossCase]:
    name, data = "CrossEntropyLoss", "two texts / class"
    settings: dict[str, dict[str, Any]] = {
        "defaults": {},
        "tanh": {"activation_fn": nn.Tanh()},
        "weight": {"weight": torch.tensor([1.0, 2.0, 0.5])},
        "label_smoothing": {"label_smoothing": 0.2},
        "sum": {"reduction": "sum"},
        "ignore_index": {"ignore_index": 2},
    }
    for rows in (1, 5):
        labels = {
            "classes": torch.arange(rows) % 3,
            "classes (rows, 1)": (torch.arange(rows) % 3)[:, None],
            "probabilities": random(rows, 3, seed=4).softmax(dim=1),
        }
        for key, table in tables(rows, rows, 3).items():
            for kind, label in labels.items():
                for named, options in settings.items():
                    if named == "ignore_index" and kind == "probabilities":
                        continue
                    setting = f"{rows} rows, {key}, {kind}, {named}"
                    given = (table, columns(rows, 1), label)
                    # A weight of float32 does not go with scores of bfloat16 in the reference.
                    yield replace(case(name, data, setting, given, both(name, **options)), halves=named != "weight")


def margins() -> Iterator[LossCase]:
    name, data = "MarginMSELoss", "query, positive, negative… / margins or scores"
    for rows, negatives in ((1, 1), (4, 1), (4, 3)):
        labels: dict[str, Any] = {
            "margins": random(rows, negatives, seed=1),
            "scores": random(rows, negatives + 1, seed=2),
            "a list of rows": list(random(rows, negatives + 1, seed=2)),
        }
        if negatives == 1:
            labels["a number a row"] = random(rows, seed=3)
        for key, table in tables(rows, rows * (negatives + 1)).items():
            for kind, label in labels.items():
                for named, activation in ACTIVATIONS.items():
                    given = (table, columns(rows, negatives + 1), label)
                    setting = f"{rows} rows, {negatives} negatives, {key}, {kind}, {named}"
                    yield case(name, data, setting, given, both(name, activation_fn=activation))


def positives() -> Iterator[LossCase]:
    data = "query, positive, negative… / –"
    settings: dict[str, dict[str, Any]] = {
        "defaults": {},
        "two negatives": {"num_negatives": 2},
        "all": {"num_negatives": None},
        "as they are": {"activation_fn": None, "scale": None},
        "tanh, scale 3": {"activation_fn": nn.Tanh(), "scale": 3.0},
    }
    for rows, width in ((1, 1), (1, 3), (7, 1), (7, 3)):
        for key, table in tables(rows, rows * width).items():
            for named, options in settings.items():
                given = (table, columns(rows, width), None)
                setting = f"{rows} rows, {width} columns, {key}, {named}"
                name = "MultipleNegativesRankingLoss"
                yield case(name, data, setting, given, both(name, **options))
                for size in (1, 5, 500) if key == "scores" else (5,):
                    name = "CachedMultipleNegativesRankingLoss"
                    made = both(name, **options, mini_batch_size=size)
                    yield case(name, data, f"{setting}, {size} at once", given, made)


def list_settings() -> dict[str, tuple[Any, Any]]:
    """Losses of lists by "name: setting": ours and the reference's."""
    found: dict[str, tuple[Any, Any]] = {}
    for name in ("ListNetLoss", "ADRMSELoss", "ListMLELoss", "PListMLELoss", "LambdaLoss", "RankNetLoss"):
        for named, activation in {**ACTIVATIONS, "no activation": None}.items():
            found[f"{name}: {named}"] = both(name, activation_fn=activation)
        for size in (2, -1):
            found[f"{name}: {size} at once"] = both(name, mini_batch_size=size)
    found["ADRMSELoss: alpha"] = both("ADRMSELoss", alpha=3.5)
    for name in ("ListMLELoss", "PListMLELoss"):
        found[f"{name}: by labels"] = both(name, respect_input_order=False)
    found["PListMLELoss: no weights"] = both("PListMLELoss", lambda_weight=None)
    found["PListMLELoss: own weights"] = (
        rerank.PListMLELoss(lambda_weight=rerank.PListMLELambdaWeight(_inverse_ranks)),
        lambda model: st.PListMLELoss(model, lambda_weight=st.PListMLELambdaWeight(_inverse_ranks)),
    )
    options: dict[str, Any] = {"k": 2, "sigma": 0.5, "reduction_log": "natural"}
    for scheme in SCHEMES:
        for named, some in {"all": {}, "k, sigma, natural": options}.items():
            ours, theirs = getattr(rerank, scheme)(), getattr(st, scheme)()
            found[f"LambdaLoss: {scheme}, {named}"] = (
                rerank.LambdaLoss(weighting_scheme=ours, **some),
                partial(_reference, "LambdaLoss", {"weighting_scheme": theirs, **some}),
            )
    found["LambdaLoss: no scheme"] = both("LambdaLoss", weighting_scheme=None)
    found["RankNetLoss: k, sigma, natural"] = both("RankNetLoss", **options)
    return found


def _inverse_ranks(mask: Tensor) -> Tensor:
    return mask / torch.arange(1, mask.shape[1] + 1)


def labels_of(sizes: list[int]) -> dict[str, list[Tensor]]:
    """Labels of lists: graded, equal, below zero."""
    draw = torch.Generator().manual_seed(9)
    return {
        "graded": [torch.randint(0, 4, (size,), generator=draw) for size in sizes],
        "equal": [torch.ones(size) for size in sizes],
        "any": [torch.randn(size, generator=draw) for size in sizes],
    }


def in_lists() -> Iterator[LossCase]:
    graded, any_scores = "graded", "scores"
    of_lists = partial(_of_lists, list_settings())
    for shape in ("lists alike", "ragged lists", "one list", "one document"):
        yield from of_lists(shape, any_scores, graded)
    for kind in ("equal", "any"):
        yield from of_lists("ragged lists", any_scores, kind)
    for key in ("ties", "equal", "scale 1e3", "scale 1e-6"):
        yield from of_lists("ragged lists", key, graded)
    # Without equal values: beyond 16 of them the reference's sort leaves their order open, where ours keeps it.
    yield from of_lists("a long list", any_scores, "any", halves=False)


def _of_lists(
    settings: dict[str, tuple[Any, Any]], shape: str, key: str, kind: str, *, halves: bool = True
) -> Iterator[LossCase]:
    sizes = SIZES[shape]
    for named, made in settings.items():
        name, _, setting = named.partition(": ")
        given = (tables(len(sizes), sum(sizes))[key], lists(sizes), labels_of(sizes)[kind])
        found = case(name, "query, [document…] / [score…]", f"{setting}, {shape}, {key}, {kind}", given, made)
        yield replace(found, halves=halves)


CASES: list[LossCase] = [one for room in (points, classes, margins, positives, in_lists) for one in room()]
