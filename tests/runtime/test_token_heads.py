"""The files of the two heads: what is read, and what is refused in words that help."""

import json

import numpy as np
import onnx
import pytest

from airvec import ModelFolderError, ModelNotFoundError, MultiEncoder, SentenceTransformer, SparseEncoder
from airvec.folder import read_folder
from airvec.token_heads import LexicalHead, MultiVectorHead
from tests.folders import OLD, lookup_graph, word_model, write_json, write_modules, write_tensors
from tests.multi_folders import COLBERT, LEXICAL, MULTI, SPARSE, multi_model


def test_the_largest_weight_of_a_word_counts_and_padding_none():
    head = LexicalHead(np.array([1.0, 0.0], np.float32), np.float32(-1), np.array([0, 2]), 9)
    first = np.array([[5, 7, 8, 4, 9], [6, 3, 9, 9, 9]], np.float32)  # the last of the second row are padding
    states = np.stack([first, np.zeros_like(first)], axis=-1)
    ids, mask = np.array([[0, 5, 5, 1, 2], [0, 1, 5, 5, 5]]), np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    assert head.rows(states, ids, mask).to_dict() == [{1: 3.0, 5: 7.0}, {1: 2.0}]
    assert head.rows(-states, ids, mask).to_dict() == [{}, {}]


@pytest.mark.parametrize("side", ["right", "left"])
def test_vectors_are_of_the_real_tokens_but_the_first_on_whichever_side_the_padding_is(side):
    head = MultiVectorHead(np.eye(2, dtype=np.float32) * 3, np.zeros(2, np.float32))
    states = np.array([[[1, 0], [0, 2], [3, 4]], [[0, 1], [5, 0], [0, 0]]], np.float32)
    mask = np.array([[1, 1, 1], [1, 1, 0]])
    if side == "left":
        states[1], mask[1] = states[1, [2, 0, 1]], mask[1, ::-1]
    found = head.vectors(states, mask)
    np.testing.assert_allclose(found[0], [[0, 1], [0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(found[1], [[1, 0]])


def test_without_a_list_of_them_all_special_tokens_of_the_tokenizer_have_no_weight(tmp_path):
    folder = multi_model(tmp_path / "m3")
    write_tensors(folder / SPARSE, {name: LEXICAL[name] for name in ("weight", "bias")})
    before = MultiEncoder(folder).encode("a b c d e f").sparse.to_dict()
    word = max(before)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    options = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    content = MultiEncoder(folder).vocabulary[word]
    tokenizer["added_tokens"] = [{"id": word, "content": content, "special": True, **options}]
    write_json(folder / "tokenizer.json", tokenizer)
    found = MultiEncoder(folder).encode("a b c d e f").sparse.to_dict()
    assert found == {place: weight for place, weight in before.items() if place != word}
    assert found


def test_half_precision_is_widened(tmp_path):
    folder = multi_model(tmp_path / "m3")
    halves = {name: tensor.astype(np.float16) for name, tensor in MULTI.items()}
    write_tensors(folder / COLBERT, halves)
    found = MultiEncoder(folder).encode("a b", multi_vector=True).multi_vector
    write_tensors(folder / COLBERT, {name: tensor.astype(np.float32) for name, tensor in halves.items()})
    np.testing.assert_array_equal(found, MultiEncoder(folder).encode("a b", multi_vector=True).multi_vector)


@pytest.mark.parametrize("name", [SPARSE, COLBERT])
def test_heads_that_torch_saved_are_never_read(tmp_path, name):
    folder = multi_model(tmp_path / "m3")
    (folder / name).rename(folder / name.replace(".safetensors", ".pt"))
    with pytest.raises(ModelNotFoundError, match=rf"m3/{name}: no such file.*\(.pt\) are never read.*airvec export m3"):
        MultiEncoder(folder)
    assert SentenceTransformer(folder).encode("a").shape == (4,)


@pytest.mark.parametrize(
    ("file", "tensors", "said"),
    [(SPARSE, {**LEXICAL, "weight": np.zeros((2, 4), np.float32)}, r"'weight' has shape \[2, 4\], expected \[1, 4\]"),
     (SPARSE, {"weight": LEXICAL["weight"]}, "no tensor 'bias'"),
     (SPARSE, {**LEXICAL, "special_ids": np.zeros(2, np.float32)}, "'special_ids' of float32"),
     (COLBERT, {**MULTI, "weight": np.zeros((3, 5), np.float32)}, r"'weight' has shape \[3, 5\], expected \[3, 4\]"),
     (COLBERT, {**MULTI, "bias": np.zeros(2, np.float32)}, r"'bias' has shape \[2\], expected \[3\]"),
     (COLBERT, {"bias": MULTI["bias"]}, "no tensor 'weight'"),
     (COLBERT, {**MULTI, "weight": np.zeros((), np.float32)}, r"'weight' has shape \[\]")],
)  # fmt: skip
def test_tensors_that_do_not_fit_are_named(tmp_path, file, tensors, said):
    folder = multi_model(tmp_path / "m3")
    write_tensors(folder / file, tensors)
    with pytest.raises(ModelFolderError, match=f"m3/{file}: .*{said}"):
        MultiEncoder(folder)


def test_a_damaged_head_is_named(tmp_path):
    folder = multi_model(tmp_path / "m3")
    (folder / SPARSE).write_bytes(b"\xff" * 20)
    with pytest.raises(ModelFolderError, match=f"m3/{SPARSE}: header of"):
        MultiEncoder(folder)


def test_a_graph_that_gives_pooled_embeddings_is_refused(tmp_path):
    folder = multi_model(tmp_path / "m3")
    onnx.save(lookup_graph("sentence_embedding"), folder / "onnx" / "model_fused.onnx")
    with pytest.raises(ModelFolderError, match='m3: its graph gives sentence_embedding.*variant="fp32"'):
        MultiEncoder(folder, variant="fused")
    assert MultiEncoder(folder).encode("a").dense.shape == (4,)


def test_another_graph_with_token_states_serves_as_well(tmp_path):
    folder = multi_model(tmp_path / "m3")
    (folder / "onnx" / "model.onnx").rename(folder / "onnx" / "model_O3.onnx")
    assert MultiEncoder(folder, variant="O3").encode("a", multi_vector=True).multi_vector.shape == (2, 3)


def test_a_module_that_changes_the_token_states_is_refused(tmp_path):
    folder = multi_model(tmp_path / "m3")
    write_modules(folder, [OLD + kind for kind in ("Transformer", "Normalize", "Pooling")], ["", "3_N", "1_Pooling"])
    write_json(folder / "3_N" / "config.json", {"module_input_name": "token_embeddings"})
    with pytest.raises(ModelFolderError, match="m3: module 'Normalize' changes the token states"):
        MultiEncoder(folder)


def test_a_dense_model_without_heads_is_no_multi_encoder_and_one_with_heads_no_sparse_encoder(tmp_path):
    with pytest.raises(ModelNotFoundError, match="words/sparse_linear.safetensors: no such file, expected a head as"):
        MultiEncoder(word_model(tmp_path / "words"))
    folder = multi_model(tmp_path / "m3")
    assert read_folder(folder).model_type == "SentenceTransformer"
    with pytest.raises(ModelFolderError, match="m3: model_type.*airvec.MultiEncoder, which gives its lexical weights"):
        SparseEncoder(folder)
