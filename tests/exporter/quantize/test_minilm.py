"""int8 of the real all-MiniLM-L6-v2: bytes, distance, invariance."""

from pathlib import Path

import numpy as np
import pytest
from onnxscript import ir

from airvec_exporter.load import load
from airvec_exporter.optimize import optimize
from airvec_exporter.quantize import batches, quantize_rows, sample_texts
from airvec_exporter.quantize.distance import answers
from airvec_exporter.quantize.sessions import open_session
from tests import tiny
from tests.exporter.quantize.conftest import pad_to


@pytest.mark.slow
def test_int8_of_minilm_is_small_near_and_moved_by_no_neighbour(checkpoint: Path, minilm: Path, tmp_path: Path):
    body = load(checkpoint).body
    calibration = batches(body, sample_texts()[::5])
    texts = [one["input_ids"][0].tolist() for one in batches(body, tiny.texts(40))]
    alone = [pad_to([text]) for text in texts]
    model = ir.load(minilm / "onnx" / "model.onnx")
    reference = answers(model, alone)
    optimize(model)
    recipe = quantize_rows(model, calibration, "x86")
    ir.save(model, tmp_path / "model_int8_x86.onnx")
    assert (tmp_path / "model_int8_x86.onnx").stat().st_size <= 25e6
    assert not recipe.kept
    found = answers(model, alone)
    cosine = (reference * found).sum(1) / np.linalg.norm(reference, axis=1) / np.linalg.norm(found, axis=1)
    assert cosine.min() >= 0.99
    session, batch = open_session(model), dict(pad_to(texts))
    together = session.run(None, batch)[0]
    for place, text in enumerate(texts):
        single = session.run(None, dict(alone[place]))[0][0]
        assert np.array_equal(together[place, : len(text)], single)
