"""Cases of the reference's list (README.md beside this file) that no other file holds: orders, shapes, limits, tables.

The graphs are those of the matrix.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer as Reference

from airvec import SentenceTransformer
from tests import tiny
from tests.folders import static_model, table
from tests.parity.subjects import DENSE, Subject, prepare
from tests.parity.variants import Variant, make_folder
from tests.tiny.checkpoints import write_modules

pytestmark = [pytest.mark.parity, pytest.mark.slow]

TEXTS = tiny.texts(24)
SETTINGS = "config_sentence_transformers.json"
ORDERS = (["Normalize", "Normalize"], ["Normalize", "Dense"], ["Dense", "Normalize"])
# Positions in RoBERTa's family start behind the pad id: two of the table's rows are never used.
USABLE = {"bert": tiny.POSITIONS} | dict.fromkeys(("roberta", "xlm-roberta", "mpnet"), tiny.POSITIONS - 2)


def changed(architecture: str, folder: Path, change: Callable[[Path], None]) -> Path:
    """A folder of the matrix with its graph, and some of its files changed."""
    variant = Variant(lambda home, _: change(home))
    return make_folder(variant, architecture, prepare(Subject(architecture, DENSE)), folder)


def both(folder: Path, **arguments: Any) -> tuple[SentenceTransformer, Reference]:
    return SentenceTransformer(folder, **arguments), Reference(str(folder), device="cpu", **arguments)


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    assert len(expected) < 3 or np.ptp(expected, axis=0).max() > 0.1
    assert np.abs(found - expected).max(initial=0) <= 1e-5 * max(1, np.abs(expected).max(initial=0))


@pytest.mark.parametrize("architecture", USABLE)
def test_texts_up_to_the_last_position_of_the_model(architecture: str, tmp_path: Path):
    limit = USABLE[architecture]
    change = {"max_seq_length": limit}
    folder = changed(architecture, tmp_path / "m", lambda home: tiny.change(home / "sentence_bert_config.json", change))
    texts = tiny.texts(12, 200)
    ours, theirs = both(folder)
    assert max(len(ours.tokenizer.encode(text).ids) for text in texts) > limit
    assert_same(ours.encode(texts), theirs.encode(texts))


@pytest.mark.parametrize("state", ["no limit anywhere", "the tokenizer's alone"])
@pytest.mark.parametrize("architecture", ["bert", "xlm-roberta"])
def test_the_limit_where_the_folder_states_none(architecture: str, state: str, tmp_path: Path):
    def change(home: Path) -> None:
        (home / "sentence_bert_config.json").write_text("{}")
        saved = json.loads((home / "tokenizer_config.json").read_text())
        saved.pop("model_max_length")
        stated = {"model_max_length": 24} if state == "the tokenizer's alone" else {}
        (home / "tokenizer_config.json").write_text(json.dumps(saved | stated))

    ours, theirs = both(changed(architecture, tmp_path / "m", change))
    assert ours.max_seq_length == theirs.max_seq_length == (24 if state == "the tokenizer's alone" else tiny.POSITIONS)
    texts = tiny.texts(12, 20)
    assert_same(ours.encode(texts), theirs.encode(texts))


@pytest.mark.parametrize("chain", ORDERS, ids=" ".join)
@pytest.mark.parametrize("call", [{}, {"truncate_dim": 7}, {"truncate_dim": 7, "normalize_embeddings": True}], ids=str)
def test_modules_truncation_and_normalisation_in_the_reference_s_order(
    chain: list[str], call: dict[str, Any], tmp_path: Path
):
    def change(home: Path) -> None:
        shutil.rmtree(home / "1_Pooling")
        modules = {"Normalize": None, "Dense": tiny.dense_config(tiny.HIDDEN, 24, "Tanh")}
        write_modules(home, [("Pooling", tiny.pooling_config(["mean"])), *((kind, modules[kind]) for kind in chain)])

    ours, theirs = both(changed("bert", tmp_path / "m", change))
    assert_same(ours.encode(TEXTS, **call), theirs.encode(TEXTS, **call))


@pytest.mark.parametrize("inputs", [
    "", "x", [], [""], ["", "x"], ("a b", "c"), np.array(["a b", "c"]), np.array(["a b", "c"], dtype=object),
    list(reversed(TEXTS)),
], ids=lambda inputs: repr(inputs)[:40])  # fmt: skip
def test_shapes_and_order_of_whatever_is_passed(inputs: Any, tmp_path: Path):
    ours, theirs = both(changed("mpnet", tmp_path / "m", lambda home: None))
    found, expected = ours.encode(inputs), theirs.encode(inputs)
    if isinstance(inputs, list) and not inputs:  # ours keeps the width, so that it can be stacked
        assert (found.shape, expected.shape) == ((0, tiny.HIDDEN), (0,))
        return
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5


@pytest.mark.parametrize("prompts", [
    {"document": "doc: "}, {"query": "", "document": "doc: "}, {"query": "ask: ", "document": "doc: "},
    {"document": "doc: ", "passage": "passage: "},
], ids=str)  # fmt: skip
def test_the_default_prompt_does_not_stand_in_for_a_missing_query_prompt(prompts: dict[str, str], tmp_path: Path):
    settings = {"prompts": prompts, "default_prompt_name": "document"}
    ours, theirs = both(changed("bert", tmp_path / "m", lambda home: tiny.change(home / SETTINGS, settings)))
    plain, query = theirs.encode(TEXTS, prompt=""), theirs.encode_query(TEXTS)
    assert bool(np.abs(plain - query).max() < 1e-6) is not bool(prompts.get("query"))
    for method in ("encode", "encode_query", "encode_document"):
        assert_same(getattr(ours, method)(TEXTS), getattr(theirs, method)(TEXTS))


ROWS = table()
TABLES = {
    "embedding.weight": {"embedding.weight": ROWS},
    "model2vec": {"embeddings": ROWS},
    "model2vec, mapping": {"embeddings": ROWS[:5], "mapping": np.arange(len(ROWS)) % 5},
    "model2vec, mapping and weights": {
        "embeddings": ROWS[:5], "mapping": np.arange(len(ROWS)) % 5, "weights": np.linspace(0.5, 2, len(ROWS)),
    },
}  # fmt: skip


@pytest.mark.parametrize("tensors", TABLES.values(), ids=TABLES)
def test_tables_of_static_models_and_texts_without_tokens(tensors: dict[str, np.ndarray], tmp_path: Path):
    ours, theirs = both(static_model(tmp_path, tensors))
    texts = ["a b c", "", "a", "  ", "j i h g", "unknown words", "a a a b"]
    expected = theirs.encode(texts)
    assert not expected[1].any()
    assert_same(ours.encode(texts), expected)
