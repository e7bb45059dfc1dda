"""The table has a line for every loss, and a loss that strays shows."""

import pytest
import torch

from tests.contracts.losses_by_room import every_loss
from tests.parity.trainer.loss_cases import Given, LossCase, of_columns
from tests.parity.trainer.losses_table import line, lists

pytestmark = pytest.mark.parity

CASES = [case for cases in lists().values() for case in cases]


def test_every_loss_is_compared():
    # GradCache is compared as the Cached… names, which are it around a loss; SupConLoss is SetFit's.
    without_a_name_there = {"GradCache", "SupConLoss"}
    assert set(every_loss()) - without_a_name_there <= {case.loss for case in CASES}


def test_no_case_has_the_name_of_another():
    names = [str(case) for case in CASES]
    assert sorted(names) == sorted(set(names))


def a_case(factor: float) -> LossCase:
    class Summed(torch.nn.Module):
        def forward(self, features: list[dict[str, torch.Tensor]], _labels: None) -> torch.Tensor:
            return features[0]["sentence_embedding"].sum()

    given = Given("ones", (torch.ones(2, 2),))
    return of_columns("Summed", "texts", "", given, lambda columns, _: columns[0].sum() * factor, lambda _: Summed())


def test_a_loss_that_strays_shows():
    assert line("Summed", [a_case(1.0)]) == (
        "| Summed | texts | 1 | 0.0e+00 | 0.0e+00 | 0.0e+00 | 0.0e+00 | yes |",
        True,
    )
    told, agrees = line("Summed", [a_case(1.0), a_case(1.001)])
    assert not agrees
    assert told.endswith("| NO |")
