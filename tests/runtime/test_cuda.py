"""On a GPU: the same vectors as on the CPU, in float32 and in half precision. Skipped where there is none."""

import numpy as np
import onnxruntime
import pytest

from airvec import SentenceTransformer
from tests.folders import word_model

TEXTS = ["a b c", "c", "b a", ""] * 50

pytestmark = pytest.mark.skipif(
    "CUDAExecutionProvider" not in onnxruntime.get_available_providers(),
    reason="this onnxruntime has no CUDA: needs onnxruntime-gpu and a GPU",
)


def test_vectors_are_those_of_the_cpu(tmp_path):
    expected = SentenceTransformer(word_model(tmp_path)).encode(TEXTS)
    model = SentenceTransformer(tmp_path, device="cuda", model_kwargs={"provider_options": {"gpu_mem_limit": 2 << 30}})
    graph = model._pipeline().backend
    assert "CUDAExecutionProvider" in graph._alone.get_providers()
    np.testing.assert_allclose(model.encode(TEXTS), expected, atol=1e-5)


@pytest.mark.slow
def test_half_precision_is_near_the_cpu_s_float32(checkpoint, tmp_path):
    from airvec_exporter import export

    export(checkpoint, tmp_path / "model", variants=["fp32", "O4"], weights=False)
    texts = [f"what runs on device number {number}?" for number in range(100)]
    expected = SentenceTransformer(tmp_path / "model").encode(texts)
    found = SentenceTransformer(tmp_path / "model", variant="O4", device="cuda").encode(texts)
    assert found.dtype == np.float32
    assert (found * expected).sum(axis=1).min() > 0.999
