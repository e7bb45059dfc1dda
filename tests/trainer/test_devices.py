"""Devices that are not here are told by name."""

from typing import Any

import pytest
import torch

from airvec.errors import ArgumentError
from airvec_trainer.devices import best_device, checked_device
from airvec_trainer.sentence_transformer import SentenceTransformer
from tests.trainer.static_models import static_model, table


def test_a_device_that_is_here_is_taken() -> None:
    assert checked_device("cpu") == checked_device(torch.device("cpu")) == torch.device("cpu")
    assert checked_device(best_device()) == best_device()
    assert checked_device("meta").type == "meta"


@pytest.mark.parametrize("given", ["cudda", "", None, 2.5, True])
def test_what_is_no_device_is_refused(given: Any) -> None:
    with pytest.raises(ArgumentError, match=f"device: {given!r}, expected a torch device, such as 'cpu'"):
        checked_device(given)


@pytest.mark.parametrize(("given", "named"), [("cuda", "cuda"), ("cuda:99", "cuda:99"), (99, "cuda:99")])
def test_a_device_that_is_not_here_is_refused(given: Any, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    with pytest.raises(ArgumentError, match=f"device: '{named}', and torch .* finds 0 of cuda here"):
        checked_device(given)
    with pytest.raises(ArgumentError, match=f"device: '{named}'"):
        SentenceTransformer(modules=[table()], device=given)
    with pytest.raises(ArgumentError, match=f"device: '{named}'"):
        static_model().encode("one", device=given)
