"""Export and run tiny random models of many architectures, against sentence-transformers on torch.

Knows nothing of single modules: those are in test_modules.py.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer as Reference

from airvec import SentenceTransformer
from airvec_exporter.load import load
from airvec_exporter.pipeline import ExportReport, export
from airvec_exporter.verify import reference
from tests import tiny

pytestmark = [pytest.mark.parity, pytest.mark.slow]

BOUND = 1e-5
TEXTS = tiny.texts(60, longest=120)
PROMPTS = {"query": "search query: ", "document": ""}


@dataclass(frozen=True)
class Case:
    """A checkpoint's architecture and settings; `attention`: nodes that must stay one node each."""

    architecture: str
    attention: int
    options: dict[str, Any] = field(default_factory=dict)


CASES = (
    Case("bert", 2, {"dense": "Tanh", "prompts": PROMPTS, "include_prompt": False}),
    Case("distilbert", 2, {"pooling": ("cls", "mean"), "normalize": False}),
    Case("roberta", 2, {"pooling": "cls", "generation": "new"}),
    Case("mpnet", 0, {"pooling": "mean_sqrt_len_tokens", "normalize": False, "dense": "GELU"}),
    Case("xlm-roberta", 2, {"pooling": "max", "generation": "new"}),
    Case("modernbert", 2, {"dense": "Identity"}),
    Case("t5", 0, {"dense": "Identity", "max_seq_length": 48}),
    Case("qwen3", 2, {"pooling": "lasttoken", "padding_side": "left", "prompts": PROMPTS}),
)
# Without an export, since the graph is the same: the exporter's own torch modules against the reference.
MORE = (
    *(Case("bert", 0, {"pooling": mode, "normalize": False}) for mode in tiny.FLAGS),
    Case("qwen3", 0, {"pooling": "weightedmean", "padding_side": "left", "generation": "new"}),
    Case("qwen3", 0, {"pooling": ("mean", "lasttoken"), "padding_side": "right", "dense": "SiLU"}),
    Case("modernbert", 0, {"pooling": ("mean", "cls"), "generation": "new", "dense": "Sigmoid"}),
)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.architecture)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture(scope="module")
def checkpoint(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.tiny_checkpoint(tmp_path_factory.mktemp("in") / case.architecture, case.architecture, **case.options)


@pytest.fixture(scope="module")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    return export(checkpoint, tmp_path_factory.mktemp("out") / checkpoint.name, texts=TEXTS)


@pytest.fixture(scope="module")
def wanted(checkpoint: Path) -> np.ndarray:
    return unit(Reference(str(checkpoint), device="cpu").encode(TEXTS, batch_size=8))


@cache
def lengths() -> list[int]:
    return [len(text.split()) for text in TEXTS]


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_reference_s_vectors_spread_so_that_these_tests_can_fail(wanted: np.ndarray):
    assert wanted.std(axis=0).mean() > 0.01
    assert min(lengths()) == 1
    assert max(lengths()) > 100


def test_attention_stays_one_node_a_layer(case: Case, exported: ExportReport):
    assert exported.nodes.get("Attention", 0) == case.attention


@pytest.mark.parametrize("batch_size", [1, 7, 60])
def test_vectors_equal_the_reference_s_in_batches_of_mixed_lengths(
    exported: ExportReport, wanted: np.ndarray, batch_size: int
):
    found = unit(SentenceTransformer(str(exported.path)).encode(TEXTS, batch_size=batch_size))
    assert np.abs(found - wanted).max() <= BOUND


def test_lengths_of_vectors_are_the_reference_s_too(checkpoint: Path, exported: ExportReport):
    found = SentenceTransformer(str(exported.path)).encode(TEXTS)
    expected = Reference(str(checkpoint), device="cpu").encode(TEXTS)
    assert np.allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_queries_equal_the_reference_s(case: Case, checkpoint: Path, exported: ExportReport, wanted: np.ndarray):
    expected = unit(Reference(str(checkpoint), device="cpu").encode_query(TEXTS))
    assert bool(np.abs(expected - wanted).max() > 0.01) is ("prompts" in case.options)
    assert np.abs(unit(SentenceTransformer(str(exported.path)).encode_query(TEXTS)) - expected).max() <= BOUND


def test_the_written_folder_is_the_same_model_in_the_reference(exported: ExportReport, wanted: np.ndarray):
    model = Reference(str(exported.path), device="cpu")
    assert np.abs(unit(model.encode(TEXTS)) - wanted).max() <= BOUND


@pytest.mark.parametrize("saved", [
    {"tokenizer_args": {"truncation_side": "left"}},
    {"processor_kwargs": {"do_lower_case": False}},
    {"tokenizer_args": {"model_max_length": 20, "padding_side": "right"}},
], ids=lambda saved: next(iter(saved)))  # fmt: skip
def test_tokenizer_arguments_that_the_folder_saves_are_the_reference_s(saved: dict[str, Any], tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "checkpoint", transformer=saved)
    plain = tiny.tiny_checkpoint(tmp_path / "plain")
    expected, without = (unit(Reference(str(path), device="cpu").encode(TEXTS)) for path in (folder, plain))
    assert np.abs(expected - without).max() > 0.01
    out = export(folder, tmp_path / "out", texts=TEXTS).path
    assert not set(saved) & set(json.loads((out / "sentence_bert_config.json").read_text()))
    for found in (SentenceTransformer(str(out)), Reference(str(out), device="cpu")):
        assert np.abs(unit(found.encode(TEXTS)) - expected).max() <= BOUND


def test_a_prompt_longer_than_the_limit_is_left_out_of_pooling_as_in_the_reference(tmp_path: Path):
    prompts = {"query": "word " * 30, "document": ""}
    options = {"prompts": prompts, "include_prompt": False, "max_seq_length": 16, "pooling": "mean"}
    folder = tiny.tiny_checkpoint(tmp_path / "checkpoint", normalize=False, **options)
    expected = Reference(str(folder), device="cpu").encode_query(TEXTS)
    assert np.allclose(reference(load(folder), TEXTS, prompts["query"]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("more", MORE, ids=lambda case: f"{case.architecture}-{case.options['pooling']}")
def test_the_exporter_s_torch_modules_equal_the_reference_s(more: Case, tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "checkpoint", more.architecture, **more.options)
    expected = Reference(str(folder), device="cpu").encode(TEXTS)
    assert unit(expected).std(axis=0).mean() > 0.01
    assert np.allclose(reference(load(folder), TEXTS), expected, rtol=1e-4, atol=1e-5)
