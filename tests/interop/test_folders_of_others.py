"""Folders that other tools made load in airvec, and give what those tools answer from them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from airvec import AirvecWarning, CrossEncoder, ModelFolderError, SentenceTransformer, SparseEncoder
from tests.interop.conftest import PAIRS, TEXTS

BOUND = 1e-5
# airvec leaves two of ONNX Runtime's fusions out, so that sums in another order are rounded to other integers: up to
# 4e-4, and 2e-7 with both fusions.
ROUNDED = 2e-3
ASSUMED = "mean pooling is assumed"


@dataclass(frozen=True)
class Case:
    """A folder, how it is opened, and which answer it is to give; `assumed` = nothing in it says the pooling."""

    folder: str
    answer: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    kind: type = SentenceTransformer
    assumed: bool = False
    bound: float = BOUND

    def __str__(self) -> str:
        return " ".join((self.answer or self.folder, *map(str, self.options.values())))


ST, OV, JS = "sentence-transformers-onnx", "sentence-transformers-openvino", "transformers-js"
OPENVINO = {"backend": "openvino"}
OPTIMUM = (
    Case("optimum-onnx-features", assumed=True),
    Case("optimum-onnx-masked", kind=SparseEncoder),
    Case("optimum-onnx-classes", kind=CrossEncoder),
    Case("optimum-onnx-pooled"),
    Case("optimum-intel-features", options=OPENVINO, assumed=True),
    Case("optimum-intel-masked", options=OPENVINO, kind=SparseEncoder),
    Case("optimum-intel-classes", options=OPENVINO, kind=CrossEncoder),
    Case("optimum-intel-pooled", options=OPENVINO),
    Case(ST, f"{ST}-model"),
    Case(ST, f"{ST}-model_O3", {"variant": "O3"}),
    Case(ST, f"{ST}-model_O3", {"model_kwargs": {"file_name": "onnx/model_O3.onnx"}}),
    Case(ST, f"{ST}-model_quint8_avx2", {"variant": "quint8_avx2"}),
    Case(ST, f"{ST}-model_qint8_avx512_vnni", {"model_kwargs": {"file_name": "model_qint8_avx512_vnni.onnx"}}),
    Case(OV, options=OPENVINO),
    Case(OV, options={"variant": "openvino"}),
    Case(OV, f"{OV}-qint8", {"variant": "openvino-int8"}),
    Case("sentence-transformers-sparse", kind=SparseEncoder),
    Case("sentence-transformers-rerank", kind=CrossEncoder),
    Case(JS, f"{JS}-model", assumed=True),
    *(Case(JS, f"{JS}-model_{name}", {"variant": name}, assumed=True) for name in ("fp16", "q4", "bnb4")),
    *(
        Case(JS, f"{JS}-model_{name}", {"variant": name}, assumed=True, bound=ROUNDED)
        for name in ("quantized", "int8", "uint8")
    ),
    Case(JS, f"{JS}-model_q4", {"model_kwargs": {"file_name": "onnx/model_q4.onnx"}}, assumed=True),
    Case("transformers-js-pooled"),
)
FASTEMBED = (
    Case("fastembed-plain", assumed=True),
    Case("fastembed-onnx", assumed=True),
    Case("fastembed-optimized", options={"variant": "optimized"}, assumed=True),
    Case("model2vec-float16", bound=1e-3),  # model2vec sums in half precision, airvec in float32
    Case("model2vec-int8"),
    Case("model2vec-shared"),
)


def answers(case: Case, home: Path) -> np.ndarray:
    """What airvec makes of a folder, a text at a time: others' int8 graphs look at the neighbours in a batch."""
    options = {"threads": 1, **case.options}
    if case.assumed:
        with pytest.warns(AirvecWarning, match=ASSUMED):
            model = case.kind(home / case.folder, **options)
    else:
        model = case.kind(home / case.folder, **options)
    if case.kind is CrossEncoder:
        return np.stack([model.predict([pair])[0] for pair in PAIRS])
    if case.kind is SparseEncoder:
        return np.vstack([model.encode([text]).to_dense() for text in TEXTS])
    return np.vstack([model.encode([text]) for text in TEXTS])


def check(case: Case, home: Path) -> None:
    expected, found = np.load(home / "answers" / f"{case.answer or case.folder}.npy"), answers(case, home)
    found = found.reshape(expected.shape)
    assert expected.std(axis=0).mean() > 0.01  # answers that are all alike would prove nothing
    if case.kind is SentenceTransformer:
        expected, found = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (expected, found))
    scale = max(1.0, float(np.abs(expected).max()))
    assert np.abs(found - expected).max() <= case.bound * scale


@pytest.mark.parametrize("case", OPTIMUM, ids=str)
def test_a_folder_of_optimum_and_its_kin_gives_what_they_answer(case, from_optimum):
    check(case, from_optimum)


@pytest.mark.parametrize("case", FASTEMBED, ids=str)
def test_a_folder_of_fastembed_and_model2vec_gives_what_they_answer(case, from_fastembed):
    check(case, from_fastembed)


def test_a_folder_whose_only_graph_has_another_name_says_which_to_ask_for(from_fastembed):
    with pytest.raises(ModelFolderError, match=r"expected one of model_optimized\.onnx"):
        SentenceTransformer(from_fastembed / "fastembed-optimized")
