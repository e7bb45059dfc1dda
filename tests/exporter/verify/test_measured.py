"""Mirrors exporter/airvec_exporter/verify/measured.py."""

from dataclasses import fields

from airvec_exporter.verify.measured import ABOUT, WORSE, Measured, worst

ONE = Measured(
    2e-3, 0.98, 4, (1, 9), 8, scale=4.0, mean_cosine=0.99, texts_per_second=10, one_text_ms=3, misses=("a", "b")
)
OTHER = Measured(1e-3, 0.97, 5, (2, 7), 8, mean_cosine=0.995, texts_per_second=20, one_text_ms=5, misses=("b",))


def test_the_worst_is_the_farthest_for_its_scale_with_the_worst_of_every_number():
    found = worst([ONE, OTHER])
    assert (found.max_delta, found.texts, found.scale) == (1e-3, 5, 1.0)
    assert (found.min_cosine, found.mean_cosine) == (0.97, 0.99)
    assert (found.texts_per_second, found.one_text_ms) == (10, 5)
    assert found.misses == ("a", "b")


def test_what_nobody_measured_is_none():
    assert worst([ONE, OTHER]).ndcg is None
    assert worst([OTHER]) == OTHER


def test_every_number_has_its_worse_side():
    assert {one.name for one in fields(Measured)} == {"max_delta", *WORSE, *ABOUT}


def test_numbers_are_what_was_measured_as_floats():
    assert OTHER.numbers() == {
        "max_delta": 1e-3, "min_cosine": 0.97, "mean_cosine": 0.995, "texts_per_second": 20.0, "one_text_ms": 5.0,
        "misses": 1.0,
    }  # fmt: skip
    assert all(isinstance(value, float) for value in OTHER.numbers().values())
