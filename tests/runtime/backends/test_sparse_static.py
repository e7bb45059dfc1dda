"""Mirrors runtime/airvec/backends/sparse_static.py."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from airvec import ArgumentError, ModelFolderError, ModelNotFoundError, SparseEncoder
from airvec.backends.sparse_static import SparseTable
from airvec.batching import Tokens
from tests.folders import OLD, static_model, write_json, write_modules, write_tensors
from tests.sparse_folders import OLD_SPARSE, QUERY, SIZE, TABLE, inference_free, splade_of, table_of

TEXTS = ["a b c", "", "c c c a", "j", "d"]


def run(weights, *texts):
    """The rows of texts of token ids."""
    lengths = [len(text) for text in texts]
    ids = np.array([token for text in texts for token in text], np.int32)
    tokens = Tokens(ids, np.zeros_like(ids), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    found = SparseTable(np.array(weights, np.float32)).run(tokens, bulk=False)
    return [found[f"sparse_{name}"] for name in ("indices", "values", "indptr")]


def test_a_token_counts_once_in_the_order_of_ids_and_not_with_the_weight_zero():
    indices, values, indptr = run([0, 10, 20, 30], [3, 1, 3, 0], [], [2])
    assert indices.tolist() == [1, 3, 2]
    assert values.tolist() == [10, 30, 20]
    assert indptr.tolist() == [0, 2, 2, 3]
    assert (indices.dtype, values.dtype, indptr.dtype) == (np.int32, np.float32, np.int64)


def test_no_texts_and_no_tokens_give_empty_rows():
    assert [array.tolist() for array in run([1.0])] == [[], [], [0]]
    assert [array.tolist() for array in run([1.0], [], [])] == [[], [], [0, 0, 0]]


def test_an_id_outside_the_table_is_an_error():
    with pytest.raises(ModelFolderError, match="token id 4 in a table of 4 weights"):
        run([1, 1, 1, 1], [4])


@pytest.mark.parametrize("idf", [False, True], ids=["safetensors", "idf.json"])
def test_queries_are_looked_up_in_both_forms_of_the_table(tmp_path, idf):
    model = SparseEncoder(inference_free(tmp_path, idf=idf))
    found = model.encode_query(TEXTS)
    assert found.shape == (5, SIZE)
    np.testing.assert_array_equal(found.to_dense(), [table_of(text) for text in TEXTS])
    assert found[3].indices.tolist() == [13]


def test_a_query_is_cut_at_the_tokenizer_s_limit_and_has_no_special_tokens(tmp_path):
    model = SparseEncoder(inference_free(tmp_path))
    assert model.encode_query("a b c d e f g h i j").to_dict() == model.encode_query("a b c d e f").to_dict()
    assert np.array_equal(model.encode_query("d").to_dense(), table_of("d"))
    assert (table_of("a")[2:4] == 0).all()


def test_a_table_alone_is_a_model(tmp_path):
    static_model(tmp_path, {"weight": TABLE}, ())
    write_modules(tmp_path, [OLD_SPARSE + "SparseStaticEmbedding"])
    model = SparseEncoder(tmp_path)
    assert np.array_equal(model.encode("a b").to_dense(), table_of("a b"))
    assert model.get_embedding_dimension() == SIZE
    with pytest.raises(ArgumentError, match="variant: 'int8', but .* has no graph"):
        SparseEncoder(tmp_path, variant="int8")


def test_a_table_cannot_be_followed_by_another_module(tmp_path):
    static_model(tmp_path, {"weight": TABLE}, ())
    write_modules(tmp_path, [OLD_SPARSE + "SparseStaticEmbedding", OLD + "Normalize"])
    with pytest.raises(ModelFolderError, match="reads 'sentence_embedding'"):
        SparseEncoder(tmp_path).encode("a")


def test_without_weights_the_error_names_the_tensors(tmp_path):
    folder = inference_free(tmp_path)
    write_tensors(folder / QUERY / "model.safetensors", {"weights": TABLE})
    with pytest.raises(ModelFolderError, match=r"model.safetensors: tensors \{'weights': \[14\]\}, expected a vector"):
        SparseEncoder(folder).encode_query("a")


def test_a_table_by_token_that_is_missing_or_holds_no_numbers_is_an_error(tmp_path):
    folder = inference_free(tmp_path, idf=True)
    write_json(folder / "idf.json", {"a": "much"})
    with pytest.raises(ModelFolderError, match="idf.json: token 'a' has weight 'much', expected a number"):
        SparseEncoder(folder).encode_query("a")
    (folder / "idf.json").unlink()
    with pytest.raises(ModelNotFoundError, match="path '/elsewhere/idf.json', but no idf.json lies beside it"):
        SparseEncoder(folder).encode_query("a")


@pytest.mark.parametrize("stated", ["../../idf.json", "..\\..\\idf.json", "C:\\x\\idf.json", "org/model/idf.json"])
def test_a_path_to_the_table_never_leaves_the_folder(tmp_path, stated):
    folder = inference_free(tmp_path / "a" / "model", idf=True)
    (folder / "idf.json").rename(tmp_path / "idf.json")
    write_json(folder / QUERY / "config.json", {"path": stated})
    with pytest.raises(ModelNotFoundError, match="no idf.json lies beside it or in the model folder"):
        SparseEncoder(folder).encode_query("a")


WITHOUT_ONNXRUNTIME = """
    import sys
    sys.modules["onnxruntime"] = None
    from airvec import SparseEncoder
    model = SparseEncoder(sys.argv[1])
    print(model.encode_query("a b c").to_dict(), model.get_embedding_dimension(), len(model.vocabulary))
    try:
        model.encode_document("a b c")
    except ImportError as problem:
        print(type(problem).__name__)
"""


def test_queries_need_no_onnxruntime_and_documents_open_their_graph_when_they_come(tmp_path):
    folder = inference_free(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WITHOUT_ONNXRUNTIME), str(folder)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer = f"{SparseEncoder(folder).encode_query('a b c').to_dict()} {SIZE} {SIZE}"
    assert done.stdout.splitlines() == [answer, "MissingPackageError"]
    np.testing.assert_allclose(SparseEncoder(folder).encode_document("a b").to_dense(), splade_of("a b"), rtol=1e-6)
