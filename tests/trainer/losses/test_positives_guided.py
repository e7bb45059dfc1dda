import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from airvec.errors import ArgumentError
from airvec_trainer.losses import CachedGISTEmbedLoss, GISTEmbedLoss
from airvec_trainer.losses import positives_guided as room
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.protocol import modules_of

AXES = torch.eye(3)
PLANE = torch.tensor([[1.0, 0.0], [0.0, 1.0], [math.sqrt(0.5), math.sqrt(0.5)]])


class Guide:
    """Gives each text, which is a number, a row."""

    def __init__(self, rows: Any) -> None:
        self.rows, self.asked = rows, []

    def encode(self, texts: list[int]) -> Any:
        self.asked.append(texts)
        return self.rows[texts]


def gist(**settings: Any) -> GISTEmbedLoss:
    """Anchors against positives alone, at a temperature of 1."""
    chosen = {"temperature": 1.0, "contrast_anchors": False, "contrast_positives": False, **settings}
    return GISTEmbedLoss(guide=Guide(PLANE), **chosen)


def batch(*columns: Tensor, texts: list[list[int]]) -> Batch:
    return Batch(nn.Identity(), [{"sentence_embedding": column} for column in columns], texts)


def test_what_the_guide_takes_for_a_positive_is_no_negative():
    # Anchors (1, 0), (0, 1); positives (½√2, ½√2), (1, 0). The other row's, by cosine 1 and ½√2, is nearer than the
    # own, by ½√2 and 0.
    loss = gist()
    value = loss.on_batch(batch(AXES[:2], AXES[:2], texts=[[0, 1], [2, 0]]))
    assert value.item() == 0  # nothing is left to be told apart from
    assert loss.guide.asked == [[0, 1], [2, 0]]


def test_a_negative_that_the_guide_holds_farther_away_stays():
    value = gist().on_batch(batch(AXES[:2], AXES[:2], texts=[[0, 1], [0, 1]]))
    assert value.item() == pytest.approx(math.log(1 + math.exp(-1)))


def test_a_tie_with_the_positive_stays_a_negative():
    value = gist().on_batch(batch(AXES[:2], AXES[:2], texts=[[0, 0], [2, 2]]))
    assert value.item() == pytest.approx(math.log(1 + math.exp(-1)))


@pytest.mark.parametrize(
    ("strategy", "margin", "left"),
    [
        ("absolute", 0.0, True),
        ("absolute", 0.2, True),  # own 1, other ½√2 = 0.707
        ("absolute", 0.3, False),
        ("relative", 0.2, True),
        ("relative", 0.3, False),
    ],
)
def test_a_margin_takes_out_what_is_nearly_a_positive(strategy: str, margin: float, left: bool):
    value = gist(margin=margin, margin_strategy=strategy).on_batch(batch(AXES[:2], AXES[:2], texts=[[0, 2], [0, 2]]))
    assert value.item() == pytest.approx(math.log(1 + math.exp(-1)) if left else 0.0)


def test_a_relative_margin_is_a_share_of_the_positives_cosine():
    # Own ½√2, other 0.5: 0.3 · ½√2 = 0.21 takes it out, an absolute margin of 0.2 does not.
    rows = torch.tensor([[1.0, 0.0], [math.sqrt(0.5), math.sqrt(0.5)], [0.5, math.sqrt(0.75)]])
    given = batch(AXES[:1], AXES[:1], AXES[1:2], texts=[[0], [1], [2]])
    for strategy, margin, left in [("absolute", 0.2, True), ("relative", 0.2, True), ("relative", 0.3, False)]:
        loss = GISTEmbedLoss(
            guide=Guide(rows), temperature=1.0, contrast_anchors=False, contrast_positives=False, margin=margin,
            margin_strategy=strategy,
        )  # fmt: skip
        assert loss.on_batch(given).item() == pytest.approx(math.log(1 + math.exp(-1)) if left else 0.0), strategy


def test_other_anchors_positives_and_negatives_are_candidates():
    # All embeddings alike, the guide's positives nearest: every candidate counts the same.
    ones = torch.ones(2, 2)
    texts = [[0, 1], [0, 1], [1, 0]]
    given = batch(ones, ones, ones, texts=texts)
    # Two anchors–positives and two anchors–negatives; anchors–anchors and positives–positives, two each: a text itself
    # ties with the positive.
    sizes = {(False, False): 4, (True, False): 6, (False, True): 6, (True, True): 8}
    for (anchors, positives), count in sizes.items():
        loss = gist(contrast_anchors=anchors, contrast_positives=positives)
        assert loss.on_batch(given).item() == pytest.approx(math.log(count))


def test_several_negatives_are_candidates():
    ones = torch.ones(2, 2)
    given = batch(ones, ones, ones, ones, texts=[[0, 1], [0, 1], [1, 0], [1, 0]])
    assert gist().on_batch(given).item() == pytest.approx(math.log(6))


def test_the_temperature_divides():
    value = gist(temperature=0.1).on_batch(batch(AXES[:2], AXES[:2], texts=[[0, 1], [0, 1]]))
    assert value.item() == pytest.approx(math.log(1 + math.exp(-10)), rel=1e-3)


def test_one_row_alone_has_no_loss():
    assert gist().on_batch(batch(AXES[:1], AXES[1:2], texts=[[0], [1]])).item() == 0


def test_only_the_student_learns():
    given = AXES[:2].clone().requires_grad_()
    rows = PLANE.clone().requires_grad_()
    loss = GISTEmbedLoss(guide=Guide(rows), temperature=1.0)
    loss.on_batch(batch(given, given, texts=[[0, 1], [0, 1]])).backward()
    assert given.grad.abs().max() > 0
    assert rows.grad is None
    assert list(modules_of(loss)) == []


def test_a_guide_may_give_numpy_arrays():
    loss = GISTEmbedLoss(guide=Guide(PLANE.numpy().astype(np.float32)), temperature=1.0)
    assert torch.isfinite(loss.on_batch(batch(AXES[:2], AXES[:2], texts=[[0, 1], [0, 1]])))


def test_a_guide_that_trains_goes_on_training():
    class Trained(nn.Linear):
        def encode(self, texts: list[int]) -> Tensor:
            self.eval()
            return PLANE[texts]

    guide = Trained(1, 1)
    loss = GISTEmbedLoss(guide=guide)
    loss.on_batch(batch(AXES[:2], AXES[:2], texts=[[0, 1], [0, 1]]))
    assert guide.training
    guide.eval()
    loss.on_batch(batch(AXES[:2], AXES[:2], texts=[[0, 1], [0, 1]]))
    assert not guide.training
    assert list(modules_of(loss)) == list(modules_of(CachedGISTEmbedLoss(guide=guide))) == []


def test_the_guides_cosines_are_the_same_in_slices(monkeypatch: pytest.MonkeyPatch):
    a, b = (torch.randn(7, 33, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    whole = room._cosines(a, b)
    monkeypatch.setattr(room, "GUIDE_VALUES", 2 * b.numel())
    assert torch.equal(room._cosines(a, b), whole)
    torch.testing.assert_close(whole, nn.functional.normalize(a) @ nn.functional.normalize(b).T)


def test_equal_texts_tie_to_the_last_bit():
    row = torch.randn(1, 301, generator=torch.Generator().manual_seed(3))
    others = torch.randn(40, 301, generator=torch.Generator().manual_seed(4))
    column = torch.cat([others[:13], row, others[13:29], row, others[29:], row])
    found = room._cosines(others, column)
    assert torch.equal(found[:, 13], found[:, 30])
    assert torch.equal(found[:, 13], found[:, -1])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"guide": len}, "guide is builtin_function_or_method, expected a model with encode"),
        ({"margin_strategy": "both"}, "margin_strategy='both'"),
        ({"temperature": 0.0}, r"temperature=0\.0"),
    ],
)
@pytest.mark.parametrize("made", [GISTEmbedLoss, CachedGISTEmbedLoss])
def test_settings_that_cannot_be_are_refused(made: Any, wrong: dict[str, Any], message: str):
    with pytest.raises(ArgumentError, match=message):
        made(**{"guide": Guide(PLANE), **wrong})


def test_a_batch_without_texts_is_refused():
    with pytest.raises(ArgumentError, match="a batch of 2 columns without texts"):
        gist().on_batch(Batch(nn.Identity(), [{"sentence_embedding": AXES}] * 2))


def test_one_column_is_refused():
    with pytest.raises(ArgumentError, match="GISTEmbedLoss: 1 columns, expected 2 or more"):
        gist().on_batch(batch(AXES, texts=[[0, 1, 2]]))
