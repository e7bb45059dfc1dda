"""Mirrors benchmarks/variants.py: sizes and ratios, by hand."""

import pytest


@pytest.fixture
def variants():
    import variants as module

    return module


def test_a_graph_counts_with_the_file_of_its_weights(variants, tmp_path):
    for name, size in {"model.onnx": 1, "model.onnx_data": 2, "model_O1.onnx": 4, "ir.xml": 8, "ir.bin": 16}.items():
        (tmp_path / name).write_bytes(b"x" * size * 100_000)
    assert variants.megabytes(tmp_path / "model.onnx") == pytest.approx(0.3)
    assert variants.megabytes(tmp_path / "ir.xml") == pytest.approx(2.4)


def test_more_texts_and_fewer_milliseconds_are_ratios_above_one(variants):
    rows = {
        "fp32": {"MB": 90.0, "short texts/s": 100.0, "one text, ms": 4.0},
        "int8": {"MB": 23.0, "short texts/s": 250.0, "one text, ms": 2.0},
    }
    line = variants.table(rows).splitlines()[-1]
    assert "250 (2.50 ×)" in line
    assert "2.00 (2.00 ×)" in line
    assert line.count("–") == len(variants.WORTH) + 2  # what was not measured: open, long texts and all scores
