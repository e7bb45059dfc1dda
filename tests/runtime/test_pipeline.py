"""Mirrors runtime/airvec/pipeline.py: texts are tokenised ahead. The rest is in its callers' tests."""

import threading

import numpy as np
import pytest

from airvec import SentenceTransformer
from airvec.batching import TABLE_WINDOW
from airvec.errors import InputError
from airvec.pipeline import Pipeline, ahead
from tests.folders import word_model

WAIT = 20


def test_parts_are_worked_on_in_order_each_once():
    for parts in ([], [["a"]], [["a"], ["b"]], [["a"], ["b"], ["c"], ["d"]]):
        assert list(ahead(lambda part: part[0], parts)) == [part[0] for part in parts]


def test_the_next_part_is_worked_on_while_the_caller_is_busy_and_no_further_one():
    begun = {name: threading.Event() for name in "abc"}

    def work(part):
        begun[part[0]].set()
        return part[0]

    found = ahead(work, (["a"], ["b"], ["c"]))
    assert next(found) == "a"
    assert begun["b"].wait(WAIT)
    assert not begun["c"].is_set()
    assert list(found) == ["b", "c"]


def test_a_part_that_fails_fails_the_caller_after_the_ones_before_it():
    def work(part):
        if part == ["bad"]:
            raise InputError("bad")
        return part[0]

    found = ahead(work, (["a"], ["bad"], ["c"]))
    assert next(found) == "a"
    with pytest.raises(InputError, match="bad"):
        next(found)


def test_a_caller_that_stops_leaves_no_thread():
    before = threading.active_count()
    found = ahead(lambda part: part[0], (["a"], ["b"], ["c"]))
    next(found)
    found.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [1, 2])
def test_windows_give_what_one_text_gives_on_any_number_of_threads(monkeypatch, threads):
    texts = [f"text {number} of many" for number in range(2 * TABLE_WINDOW + 7)]
    model, names = SentenceTransformer(threads=threads), set[str]()
    tokens = Pipeline.tokens

    def named(self, *given):
        names.add(threading.current_thread().name.partition("_")[0])
        return tokens(self, *given)

    monkeypatch.setattr(Pipeline, "tokens", named)
    found = model.encode(texts)
    assert ("airvec-ahead" in names) == (threads > 1)
    for place in (0, TABLE_WINDOW - 1, TABLE_WINDOW, len(texts) - 1):
        np.testing.assert_allclose(found[place], model.encode(texts[place]), atol=1e-6)


def test_a_graph_s_windows_are_joined_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr("airvec.pipeline.WINDOW_CHARACTERS", 20)
    model = SentenceTransformer(word_model(tmp_path), threads=2)
    texts = ["a b c", "c", "b a", "a"] * 30
    np.testing.assert_allclose(model.encode(texts), np.stack([model.encode(text) for text in texts]), atol=1e-6)
