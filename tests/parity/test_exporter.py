"""The exporter's own torch modules and what it does with saved tokenizer settings, against sentence-transformers.

Every architecture, exported and run, is in test_matrix.py; single modules are in test_modules.py.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer as Reference

from airvec import SentenceTransformer
from airvec_exporter.load import load
from airvec_exporter.pipeline import export
from airvec_exporter.verify import reference
from tests import tiny

pytestmark = [pytest.mark.parity, pytest.mark.slow]

BOUND = 1e-5
TEXTS = tiny.texts(60, longest=120)


@dataclass(frozen=True)
class Case:
    """A checkpoint's architecture and settings."""

    architecture: str
    options: dict[str, Any] = field(default_factory=dict)


# Without an export, since the graph is the same: the exporter's own torch modules against the reference.
MORE = (
    *(Case("bert", {"pooling": mode, "normalize": False}) for mode in tiny.FLAGS),
    Case("qwen3", {"pooling": "weightedmean", "padding_side": "left", "generation": "new"}),
    Case("qwen3", {"pooling": ("mean", "lasttoken"), "padding_side": "right", "dense": "SiLU"}),
    Case("modernbert", {"pooling": ("mean", "cls"), "generation": "new", "dense": "Sigmoid"}),
)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


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
