"""The table of an inference-free sparse model, in both of its forms."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec_exporter.load import load
from airvec_exporter.reference import reference
from tests import tiny
from tests.exporter import shapes

TEXTS = ["the object", "the the the object", "", "a statement"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shapes.inference_free(tmp_path / "model")


def test_a_token_weighs_the_same_however_often_a_text_holds_it(folder: Path):
    found = reference(load(folder), TEXTS, task="query")
    assert np.array_equal(found[0], found[1])
    assert not found[2].any()
    assert not np.array_equal(found[0], found[3])


def test_each_token_of_a_text_has_its_weight_and_no_other(folder: Path):
    loaded = load(folder)
    body = loaded.route("query").body
    ids = body.tokenizer("the object", add_special_tokens=False)["input_ids"]
    found = reference(loaded, ["the object"], task="query")[0]
    assert sorted(np.flatnonzero(found)) == sorted(set(ids))
    assert np.allclose(found[ids], body.model.weight[ids].numpy())


def test_idf_json_gives_the_same_as_the_tensor_but_for_tokens_that_it_leaves_out(folder: Path, tmp_path: Path):
    listed = load(shapes.inference_free(tmp_path / "json", as_json=True)).route("query").body.model.weight
    wanted = load(folder).route("query").body.model.weight
    assert torch.allclose(listed[21:], wanted[21:], atol=1e-6)
    assert not listed[:21].any()


def test_a_damaged_table_is_an_error_that_names_the_file(folder: Path, tmp_path: Path):
    home = folder / "query_0_SparseStaticEmbedding"
    save_file({"other": torch.zeros(3)}, home / "model.safetensors")
    with pytest.raises(
        ModelFolderError, match="query_0_SparseStaticEmbedding/model.safetensors: holds other, expected"
    ):
        load(folder)
    (home / "model.safetensors").unlink()
    with pytest.raises(ModelNotFoundError, match="query_0_SparseStaticEmbedding/model.safetensors: no such file"):
        load(folder)
    other = shapes.inference_free(tmp_path / "json", as_json=True)
    tiny.change(other / "query_0_SparseStaticEmbedding" / "idf.json", {"the": "heavy"})
    with pytest.raises(ModelFolderError, match="idf.json: 'the' is 'heavy', expected a number"):
        load(other)
