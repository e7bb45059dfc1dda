"""Cases of the dense losses that are functions of columns: every setting, on inputs that are easy and that are not."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from sentence_transformers.sentence_transformer import losses as st
from sentence_transformers.util import dot_score as st_dot_score
from sentence_transformers.util import euclidean_sim as st_euclidean_sim
from sentence_transformers.util import pairwise_cos_sim as st_pairwise_cos_sim
from sentence_transformers.util import pairwise_euclidean_sim as st_pairwise_euclidean_sim
from torch import Tensor, nn

from airvec_trainer import losses, similarity
from airvec_trainer.losses.batch import Batch
from tests.parity.trainer.loss_cases import Given, LossCase, of_columns

DIM = 6
FOURS = [1.0, 0.0, 0.7, 0.2]


def rows(count: int, seed: int, scale: float = 1.0, dim: int = DIM) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed)) * scale


def columns(count: int, width: int, scale: float = 1.0) -> tuple[Tensor, ...]:
    return tuple(rows(count, 7 + number, scale) for number in range(width))


def tied(width: int) -> tuple[Tensor, ...]:
    """Rows that are alike within and between columns, so that similarities are equal."""
    row = rows(2, 3)
    return tuple(row[[0, 0, 1, 1]].clone() for _ in range(width))


def with_zero_rows(width: int) -> tuple[Tensor, ...]:
    found = [column.clone() for column in columns(4, width)]
    found[-1][1] = 0.0
    found[0][2] = 0.0
    return tuple(found)


def inputs(width: int, labels: Callable[[int], Any]) -> list[Given]:
    """The inputs that every loss gets; `labels` makes those of a number of rows."""
    return [
        Given("four rows", columns(4, width), labels(4)),
        Given("nine rows", columns(9, width), labels(9)),
        Given("one row", columns(1, width), labels(1)),
        Given("ties", tied(width), labels(4)),
        Given("zero rows", with_zero_rows(width), labels(4)),
        Given("scale 1e4", columns(4, width, 1e4), labels(4)),
        Given("scale 1e-6", columns(4, width, 1e-6), labels(4)),
    ]


def none(_count: int) -> None:
    return None


def scores(count: int) -> Tensor:
    return torch.tensor([FOURS[number % 4] for number in range(count)])


def binary(count: int) -> Tensor:
    return torch.arange(count) % 2


def classes(count: int) -> Tensor:
    return torch.arange(count) // 2 % 3


def margins(negatives: int) -> Callable[[int], Tensor]:
    return lambda count: rows(count, 5, dim=negatives)


def a_setting(loss: str, data: str, given: list[Given], setting: str, made: tuple[Any, Any]) -> Iterator[LossCase]:
    ours, reference = made
    for one in given:
        yield of_columns(loss, data, setting, one, ours, reference)


def positives() -> Iterator[LossCase]:
    data, pairs, many = "anchor, positive, negative…", inputs(2, none), inputs(4, none)
    every = ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc")
    two = ("query_to_doc", "doc_to_query")
    settings: dict[str, dict[str, Any]] = {
        "default": {},
        "scale 1": {"scale": 1.0},
        "all directions": {"directions": every},
    }
    settings["per direction"] = {"directions": two, "partition_mode": "per_direction"}
    settings["queries"] = {"directions": every[:2]}
    settings["documents"] = {"directions": (every[3], every[0])}
    for mode in ("in_batch_negatives", "hard_negatives", "all_negatives"):
        settings[mode] = {"hardness_mode": mode, "hardness_strength": 5.0, "directions": every}
    name = "MultipleNegativesRankingLoss"
    for key, setting in settings.items():
        made = getattr(losses, name)(**setting), _made(st.MultipleNegativesRankingLoss, **setting)
        yield from a_setting(name, data, pairs, f"{key}, pairs", made)
        yield from a_setting(name, data, many, f"{key}, two negatives", made)
    for key, ours, theirs in (
        ("dot", similarity.dot_score, st_dot_score),
        ("euclidean", similarity.euclidean_sim, st_euclidean_sim),
    ):
        made = (
            losses.MultipleNegativesRankingLoss(scale=1, similarity_fct=ours),
            _made(st.MultipleNegativesRankingLoss, scale=1, similarity_fct=theirs),
        )
        yield from a_setting(name, data, many, key, made)
    name = "MultipleNegativesSymmetricRankingLoss"
    made = losses.MultipleNegativesSymmetricRankingLoss(), _made(st.MultipleNegativesSymmetricRankingLoss)
    yield from a_setting(name, data, pairs, "pairs", made)
    yield from a_setting(name, data, many, "two negatives", made)
    yield from mega_batch(pairs)
    yield from mini_batched()


def mega_batch(pairs: list[Given]) -> Iterator[LossCase]:
    settings = {
        "default": {"use_mini_batched_version": False},
        "margins": {"positive_margin": 1.5, "negative_margin": -1.0, "use_mini_batched_version": False},
    }
    for key, setting in settings.items():
        made = losses.MegaBatchMarginLoss(**setting), _made(st.MegaBatchMarginLoss, **setting)
        yield from a_setting("MegaBatchMarginLoss", "anchor, positive", pairs, key, made)


class MeansOfWords(nn.Sequential):
    """A model whose only weights are the leaf of a case; the reference looks at its first module."""

    def __init__(self, words: Tensor) -> None:
        super().__init__(nn.Identity())
        self.words, self.device = words, torch.device("cpu")

    def forward(self, column: dict[str, Any], **_: Any) -> dict[str, Any]:
        mask = column["attention_mask"][:, :, None]
        return {**column, "sentence_embedding": (self.words[column["input_ids"]] * mask).sum(dim=1) / mask.sum(dim=1)}


def _texts(count: int) -> list[dict[str, Any]]:
    """Two columns of one to five words."""
    mask = (torch.arange(5) < torch.arange(count)[:, None] % 5 + 1).long()
    draws = torch.Generator().manual_seed(1)
    return [{"input_ids": torch.randint(1, 9, (count, 5), generator=draws), "attention_mask": mask} for _ in range(2)]


def mini_batched() -> Iterator[LossCase]:
    """What is compared is the gradient of the model's weights, which the gradient cache makes."""
    name, margins = "MegaBatchMarginLoss", {"positive_margin": 1.5, "negative_margin": -1.0}
    for more in ({"mini_batch_size": 2}, {"mini_batch_size": 50}, {"mini_batch_num_tokens": 6}):
        for count in (7, 2):
            setting = {**margins, **more}

            def ours(leaves: list[Tensor], labels: Any, setting: Any = setting, count: int = count) -> Tensor:
                given = Batch(MeansOfWords(leaves[0]), _texts(count))
                return losses.MegaBatchMarginLoss(**setting).on_batch(given, labels)

            def theirs(leaves: list[Tensor], labels: Any, setting: Any = setting, count: int = count) -> Tensor:
                return st.MegaBatchMarginLoss(MeansOfWords(leaves[0]), **setting)(_texts(count), labels)

            told = f"mini-batched {more}, {count} rows"
            yield LossCase(name, "anchor, positive", told, (rows(9, 4),), None, ours, theirs)


def _made(kind: Any, **setting: Any) -> Callable[[nn.Module], nn.Module]:
    def make(model: nn.Module) -> nn.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the symmetric loss, which the reference still has
            return kind(model, **setting)

    return make


def scored_pairs() -> Iterator[LossCase]:
    data, given = "two texts / score", inputs(2, scores)
    yield from a_setting(
        "CosineSimilarityLoss", data, given, "default", (losses.CosineSimilarityLoss(), _made(st.CosineSimilarityLoss))
    )
    setting = {"loss_fct": nn.L1Loss(), "cos_score_transformation": nn.Sigmoid()}
    made = losses.CosineSimilarityLoss(**setting), _made(st.CosineSimilarityLoss, **setting)
    yield from a_setting("CosineSimilarityLoss", data, given, "own functions", made)
    equal = [Given("equal scores", columns(4, 2), torch.ones(4)), Given("whole numbers", columns(4, 2), binary(4))]
    equal.append(Given("true and false", columns(4, 2), binary(4).bool()))
    for scale in (20.0, 1.0):
        made = losses.CoSENTLoss(scale=scale), _made(st.CoSENTLoss, scale=scale)
        yield from a_setting("CoSENTLoss", data, given + equal, f"scale {scale:g}", made)
        made = losses.AnglELoss(scale=scale), _made(st.AnglELoss, scale=scale)
        yield from a_setting("AnglELoss", data + ", or anchor, positive, negative…", given + equal, f"{scale:g}", made)
    made = (
        losses.CoSENTLoss(similarity_fct=similarity.pairwise_euclidean_sim),
        _made(st.CoSENTLoss, similarity_fct=st_pairwise_euclidean_sim),
    )
    yield from a_setting("CoSENTLoss", data, given, "euclidean", made)
    made = losses.AnglELoss(), _made(st.AnglELoss)
    yield from a_setting("AnglELoss", data, inputs(3, none), "triplets", made)
    yield from a_setting("AnglELoss", data, inputs(4, scores), "two negatives and labels", made)
    odd = [Given("odd dimensions", (rows(4, 1, dim=5), rows(4, 2, dim=5)), scores(4))]
    yield from a_setting("AnglELoss", data, odd, "default", made)


def labeled_pairs() -> Iterator[LossCase]:
    given = inputs(2, binary)
    given += [
        Given("only positives", columns(4, 2), torch.ones(4)),
        Given("only negatives", columns(4, 2), torch.zeros(4)),
    ]
    kinds: list[tuple[str, dict[str, Any]]] = [("ContrastiveLoss", {}), ("OnlineContrastiveLoss", {})]
    kinds += [("ContrastiveLoss", {"margin": 2.0, "size_average": False}), ("OnlineContrastiveLoss", {"margin": 3.0})]
    for name in ("COSINE_DISTANCE", "EUCLIDEAN", "MANHATTAN"):
        ours, theirs = (getattr(kind, name) for kind in (losses.SiameseDistanceMetric, st.SiameseDistanceMetric))
        for kind, more in kinds:
            made = (
                getattr(losses, kind)(distance_metric=ours, **more),
                _made(getattr(st, kind), distance_metric=theirs, **more),
            )
            yield from a_setting(kind, "two texts / 0 or 1", given, f"{name} {more or ''}".strip(), made)


def softmax() -> Iterator[LossCase]:
    given = inputs(2, classes)
    given.append(Given("probabilities", columns(4, 2), torch.softmax(rows(4, 1, dim=3), dim=1)))
    for parts in ((True, True, False), (True, False, False), (False, True, True), (True, True, True)):
        ours = losses.SoftmaxLoss(embedding_dimension=DIM, num_labels=3, **dict(zip(_PARTS, parts, strict=True)))
        made = ours, _with_weights(ours, parts)
        yield from a_setting("SoftmaxLoss", "two texts / class, or probabilities", given, f"parts {parts}", made)


_PARTS = ("concatenation_sent_rep", "concatenation_sent_difference", "concatenation_sent_multiplication")


def _with_weights(ours: Any, parts: tuple[bool, ...]) -> Callable[[nn.Module], nn.Module]:
    def make(model: nn.Module) -> nn.Module:
        made = st.SoftmaxLoss(model, DIM, 3, *parts)
        made.classifier.load_state_dict(ours.classifier.state_dict())
        return made

    return make


def triplets() -> Iterator[LossCase]:
    for name in ("EUCLIDEAN", "COSINE", "MANHATTAN"):
        ours, theirs = (getattr(kind, name) for kind in (losses.TripletDistanceMetric, st.TripletDistanceMetric))
        for margin in (5, 0.5):
            made = (
                losses.TripletLoss(distance_metric=ours, triplet_margin=margin),
                _made(st.TripletLoss, distance_metric=theirs, triplet_margin=margin),
            )
            yield from a_setting(
                "TripletLoss", "anchor, positive, negative", inputs(3, none), f"{name}, margin {margin}", made
            )


def labeled_texts() -> Iterator[LossCase]:
    given = inputs(1, classes)
    given += [
        Given("one class", columns(4, 1), torch.ones(4, dtype=torch.int64)),
        Given("no two of a class", columns(4, 1), torch.arange(4)),
        Given("twelve rows", columns(12, 1), torch.arange(12) % 3),
        Given("doubles", (rows(4, 3)[[0, 1, 1, 0, 2, 3, 3, 0]].clone(),), torch.tensor([0, 0, 0, 1, 1, 1, 2, 2])),
    ]
    ours, theirs = losses.BatchHardTripletLossDistanceFunction, st.BatchHardTripletLossDistanceFunction
    for distance in ("euclidean_distance", "cosine_distance"):
        metric, other = {"distance_metric": getattr(ours, distance)}, {"distance_metric": getattr(theirs, distance)}
        name = "BatchHardSoftMarginTripletLoss"
        yield from a_setting(
            name, "text / class", given, distance, (getattr(losses, name)(**metric), _made(getattr(st, name), **other))
        )
        for name in ("BatchAllTripletLoss", "BatchHardTripletLoss", "BatchSemiHardTripletLoss"):
            for margin in (5, 0.2, 0):
                made = getattr(losses, name)(**metric, margin=margin), _made(getattr(st, name), **other, margin=margin)
                yield from a_setting(name, "text / class", given, f"{distance}, margin {margin}", made)


def embeddings_of_teachers() -> Iterator[LossCase]:
    data = "texts / teacher's embedding"
    shared, each = (
        inputs(2, lambda count: rows(count, 11)),
        inputs(2, lambda count: rows(count * 2, 12).reshape(count, 2, DIM)),
    )
    one = inputs(1, lambda count: rows(count, 11))
    for distance in ("cosine", "l2", "mse"):
        made = losses.EmbedDistillLoss(distance_metric=distance), _made(st.EmbedDistillLoss, distance_metric=distance)
        for key, given in (("one teacher", shared), ("a teacher a column", each), ("one text", one)):
            yield from a_setting("EmbedDistillLoss", data, given, f"{distance}, {key}", made)
    for key, given in (("one teacher", shared), ("a teacher a column", each), ("one text", one)):
        yield from a_setting("MSELoss", data, given, key, (losses.MSELoss(), _made(st.MSELoss)))


def scores_of_teachers() -> Iterator[LossCase]:
    data = "query, positive, negative… / margins or scores"
    similarities = (
        ("dot", similarity.pairwise_dot_score, None),
        ("cosine", similarity.pairwise_cos_sim, st_pairwise_cos_sim),
    )
    for key, ours, theirs in similarities:
        more = {} if theirs is None else {"similarity_fct": theirs}
        made = losses.MarginMSELoss(similarity_fct=ours), _made(st.MarginMSELoss, **more)
        for width, labels in ((3, scores), (3, margins(1)), (3, margins(2)), (5, margins(3)), (5, margins(4))):
            shape = tuple(labels(2).shape)
            yield from a_setting("MarginMSELoss", data, inputs(width, labels), f"{key}, {width} columns, {shape}", made)
        for temperatures in ({}, {"temperature": 2.0}, {"student_temperature": 0.5, "teacher_temperature": 3.0}):
            made = (
                losses.DistillKLDivLoss(similarity_fct=ours, **temperatures),
                _made(st.DistillKLDivLoss, **more, **temperatures),
            )
            for width in (3, 5):
                given = inputs(width, margins(width - 1))
                setting = f"{key}, {width} columns {temperatures or ''}".strip()
                yield from a_setting("DistillKLDivLoss", "query, candidate… / scores", given, setting, made)


CASES: list[LossCase] = [
    case
    for room in (
        positives,
        scored_pairs,
        labeled_pairs,
        softmax,
        triplets,
        labeled_texts,
        embeddings_of_teachers,
        scores_of_teachers,
    )
    for case in room()
]
