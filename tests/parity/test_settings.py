"""What a folder's JSON files say, read as sentence-transformers 6.2 reads it: one tiny BERT, its settings varied.

The graph lies beside the original files, as it does on the Hub, so that airvec reads these and not its exporter's.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from sentence_transformers import SentenceTransformer as Reference
from tokenizers import Tokenizer

from airvec import SentenceTransformer
from airvec_exporter import export
from tests import tiny
from tests.folders import static_model, table

pytestmark = pytest.mark.parity

PROMPT = "search for the following: "
MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A tiny BERT with its graph beside it; not normalised, so that lengths are compared too."""
    folder = tmp_path_factory.mktemp("settings")
    made = tiny.tiny_checkpoint(folder / "bert", normalize=False, prompts={"query": PROMPT})
    export(made, folder / "out", texts=tiny.texts(), show_progress_bar=False)
    shutil.copytree(folder / "out" / "onnx", made / "onnx")
    return made


def varied(checkpoint: Path, target: Path, changes: Mapping[str, Mapping[str, Any]]) -> Path:
    """A copy with some keys of some JSON files changed."""
    shutil.copytree(checkpoint, target)
    for name, values in changes.items():
        file = target / name
        found = json.loads(file.read_text()) if file.is_file() else {}
        file.write_text(json.dumps(found | values))
    return target


def both(folder: Path, **arguments: Any) -> tuple[SentenceTransformer, Reference]:
    """Ours and theirs."""
    return SentenceTransformer(folder, **arguments), Reference(str(folder), device="cpu", **arguments)


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal on the scale of the reference, which spreads."""
    assert np.ptp(expected, axis=0).max() > 0.1
    assert np.abs(found - expected).max() <= 1e-5 * max(1, np.abs(expected).max())


BERT_CONFIG = "sentence_bert_config.json"
CHANGES = [
    {BERT_CONFIG: {"tokenizer_args": {"truncation_side": "left"}}},
    {BERT_CONFIG: {"processor_kwargs": {"do_lower_case": False}}},
    {BERT_CONFIG: {"tokenizer_args": {"model_max_length": 20}}},
    {BERT_CONFIG: {"max_seq_length": 30}},
    {BERT_CONFIG: {"do_lower_case": True}, "tokenizer_config.json": {"do_lower_case": False}},
    {"tokenizer_config.json": {"do_lower_case": False}},
    {"tokenizer_config.json": {"strip_accents": False}},
    {"tokenizer_config.json": {"truncation_side": "left"}},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_settings_of_the_tokenizer(checkpoint, tmp_path, changes):
    ours, theirs = both(varied(checkpoint, tmp_path / "model", changes))
    texts = [*tiny.texts(), "ÀÉÎ Upper CASE ñ", "", "[SEP] inside"]
    assert_same(ours.encode(texts), theirs.encode(texts))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("limit", [64, 12, 5])
def test_the_prompt_left_out_of_pooling_also_where_it_is_over_the_limit(checkpoint, tmp_path, mode, limit):
    changes = {
        "1_Pooling/config.json": tiny.pooling_config([mode], include_prompt=False),
        BERT_CONFIG: {"max_seq_length": limit},
    }
    folder = varied(checkpoint, tmp_path / "model", changes)
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps(changes["1_Pooling/config.json"] | {"word_embedding_dimension": tiny.HIDDEN}))
    ours, theirs = both(folder)
    texts = tiny.texts()
    for prompt in (PROMPT, PROMPT * 20):
        assert_same_where_finite(ours.encode(texts, prompt=prompt), theirs.encode(texts, prompt=prompt))


def assert_same_where_finite(found: np.ndarray, expected: np.ndarray) -> None:
    """As `assert_same`, where a text that is all prompt may be minus infinity under max, or the same for all."""
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    finite = np.isfinite(expected)
    assert np.abs(found[finite] - expected[finite]).max(initial=0) <= 1e-5 * max(1, np.abs(expected[finite]).max())


def test_a_callers_none_keeps_the_saved_prompt(checkpoint):
    ours, theirs = both(checkpoint, prompts={"query": None, "other": None})
    assert ours.prompts["query"] == theirs.prompts["query"] == PROMPT
    assert_same(ours.encode_query(tiny.texts()), theirs.encode_query(tiny.texts()))


def test_a_static_models_own_truncation_acts_on_its_own_side(tmp_path):
    folder = static_model(tmp_path, {"embedding.weight": table()})
    backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.enable_truncation(3, direction="left")
    backend.save(str(folder / "tokenizer.json"))
    ours, theirs = both(folder)
    texts = ["a b c d e f", "a", "c d e"]
    assert_same(ours.encode(texts), theirs.encode(texts))


@pytest.mark.parametrize("mode", MODES)
def test_a_graph_in_half_precision_is_pooled_in_single(checkpoint, tmp_path, mode):
    changes = {"1_Pooling/config.json": tiny.pooling_config([mode])}
    folder = varied(checkpoint, tmp_path / "model", changes)
    graph = onnx.load(folder / "onnx" / "model.onnx")
    output = graph.graph.output[0]
    renamed = output.name + "_single"
    for node in graph.graph.node:
        node.output[:] = [renamed if name == output.name else name for name in node.output]
    graph.graph.node.append(helper.make_node("Cast", [renamed], [output.name], to=TensorProto.FLOAT16))
    output.type.tensor_type.elem_type = TensorProto.FLOAT16
    onnx.save(graph, folder / "onnx" / "model.onnx")
    whole = SentenceTransformer(varied(checkpoint, tmp_path / "whole", changes)).encode(tiny.texts())
    found = SentenceTransformer(folder).encode(tiny.texts())
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, whole, rtol=2e-3, atol=2e-3)
