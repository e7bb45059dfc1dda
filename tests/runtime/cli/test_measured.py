"""Mirrors runtime/airvec/cli/measured.py."""

from airvec.cli.measured import columns


def test_numbers_are_written_in_the_form_of_their_column():
    numbers = {
        "megabytes": 22.84, "max_delta": 0.00123, "mean_cosine": 0.99681, "min_cosine": 0.9954, "batch_delta": 0.0,
        "top10_overlap": 0.9876, "one_text_ms": 1.94, "texts_per_second": 12345.6, "load_ms": 99.96, "ndcg": 66.02,
    }  # fmt: skip
    titles, (cells,) = columns([numbers])
    assert dict(zip(titles, cells, strict=True)) == {
        "MB": "22.8", "max |Δ|": "1.2e-03", "cosine": "0.9968", "cos min": "0.9954", "top10": "98.8",
        "batch Δ": "0.0e+00", "load": "100.0", "1 text": "1.9", "text/s": "12,346", "NDCG": "66.02",
    }  # fmt: skip


def test_what_one_lacks_is_a_dash_and_what_all_lack_no_column():
    assert columns([{"sts": 81.5}, {"max_delta": 1e-6}]) == (["max |Δ|", "STS"], [["–", "81.50"], ["1.0e-06", "–"]])


def test_unknown_names_are_left_out():
    assert columns([{"of_a_later_version": 1.0}]) == ([], [[]])
