"""What `SparseEncoder` gives and takes; which folders it opens is in test_sparse_encoder_folders.py."""

import pickle
from itertools import count, islice

import numpy as np
import pytest

from airvec import ArgumentError, InputError, SparseEncoder, SparseVector, SparseVectors
from tests.folders import write_json
from tests.sparse_folders import SIZE, VOCABULARY, csr_model, splade_model, splade_of

TEXTS = ["a b c d e f", "c", "", "j i h", "a a a b"]
DENSE = np.stack([splade_of(text) for text in TEXTS])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return SparseEncoder(splade_model(tmp_path_factory.mktemp("sparse") / "splade"))


def close(found, expected):
    np.testing.assert_allclose(found.to_dense(), expected, rtol=1e-6, atol=1e-7)


def test_embeddings_come_in_input_order_without_their_zeros(model):
    found = model.encode(TEXTS)
    assert isinstance(found, SparseVectors)
    assert (found.shape, found.values.dtype) == ((5, SIZE), np.float32)
    assert 0 < len(found.values) == np.count_nonzero(DENSE) < DENSE.size
    close(found, DENSE)


def test_one_text_gives_one_vector_and_no_text_gives_no_rows(model):
    found = model.encode("j i h")
    assert isinstance(found, SparseVector)
    close(found, DENSE[3])
    assert model.encode([]).shape == (0, SIZE)
    assert model.encode([], convert_to_sparse_tensor=False).shape == (0, SIZE)
    assert model.encode([], convert_to_tensor=False) == []


@pytest.mark.parametrize("batch_size", [1, 2, 100, None])
def test_results_do_not_depend_on_the_batch(model, batch_size):
    close(model.encode(TEXTS * 30, batch_size=batch_size), np.tile(DENSE, (30, 1)))


def test_conversions(model):
    dense = model.encode(TEXTS, convert_to_sparse_tensor=False)
    np.testing.assert_allclose(dense, DENSE, rtol=1e-6, atol=1e-7)
    assert dense.dtype == np.float32
    assert model.encode("a", convert_to_sparse_tensor=False).shape == (SIZE,)
    listed = model.encode(TEXTS, convert_to_tensor=False, save_to_cpu=True)
    assert [type(one) for one in listed] == [SparseVector] * 5
    close(SparseVectors.from_rows(listed), DENSE)
    arrays = model.encode(TEXTS, convert_to_tensor=False, convert_to_sparse_tensor=False)
    assert [array.shape for array in arrays] == [(SIZE,)] * 5


@pytest.mark.parametrize("most", [1, 3])
def test_the_largest_weights_are_kept_by_call_by_model_and_by_folder(tmp_path, model, most):
    expected = np.where(np.sort(DENSE, axis=1)[:, [-most]] <= DENSE, DENSE, 0)
    assert np.count_nonzero(expected) == most * 5 < np.count_nonzero(DENSE)
    close(model.encode(TEXTS, max_active_dims=most), expected)
    folder = splade_model(tmp_path, settings={"max_active_dims": most})
    saved, given = SparseEncoder(folder), SparseEncoder(folder, max_active_dims=2)
    assert (saved.max_active_dims, given.max_active_dims, model.max_active_dims) == (most, 2, None)
    close(saved.encode(TEXTS), expected)
    given.max_active_dims = most
    close(given.encode(TEXTS), expected)
    given.max_active_dims = None
    close(given.encode(TEXTS), DENSE)


def test_a_sparse_autoencoder_s_k_is_the_model_s_max_active_dims(tmp_path):
    folder, _ = csr_model(tmp_path, k=2)
    model = SparseEncoder(folder)
    assert (model.max_active_dims, model.get_embedding_dimension()) == (2, 6)
    found = model.encode(TEXTS, max_active_dims=6)
    assert np.diff(found.indptr).max() > 2 >= np.diff(model.encode(TEXTS).indptr).max()
    with pytest.raises(ArgumentError, match="SparseAutoEncoder's and stand for no words"):
        model.decode(found)
    write_json(folder / "config_sentence_transformers.json", {"model_type": "SparseEncoder", "max_active_dims": 3})
    assert SparseEncoder(folder).max_active_dims == 3


def test_prompts_go_in_front_by_name_by_task_and_as_given(tmp_path):
    settings = {"prompts": {"query": "a ", "passage": "b ", "x": "c "}, "default_prompt_name": "x"}
    model = SparseEncoder(splade_model(tmp_path, settings=settings), prompts={"document": "d "})
    for found, text in (
        (model.encode("j"), "c j"),
        (model.encode("j", prompt="e "), "e j"),
        (model.encode("j", "passage"), "b j"),
        (model.encode_query("j"), "a j"),
        (model.encode_query("j", "x"), "c j"),
        (model.encode_document("j"), "d j"),
        (model.encode_document("j", prompt=""), "j"),
        (next(model.encode_stream(["j"], "query"))[0], "a j"),
    ):
        close(found, splade_of(text))


def test_a_stream_is_read_only_as_far_as_it_is_asked_for(model):
    read = []

    def endless():
        for number in count():
            read.append(number)
            yield TEXTS[number % 5]

    parts = list(islice(model.encode_stream(endless(), chunk_size=5, max_active_dims=2), 2))
    assert read == list(range(10))
    assert [part.to_dict() for part in parts] == [model.encode(TEXTS, max_active_dims=2).to_dict()] * 2
    assert list(model.encode_stream([])) == []
    with pytest.raises(InputError, match="texts: int 3"):
        model.encode_stream(3)


@pytest.mark.parametrize("method", ["encode", "encode_query", "encode_document"])
def test_what_is_no_text_is_an_input_error_in_every_method(model, method):
    for bad, message in ((3, "texts: int 3"), (["a", None], "text 1: None"), (None, "neither of inputs and sentences")):
        with pytest.raises(InputError, match=message):
            getattr(model, method)(bad)
    close(getattr(model, method)(sentences=["c"]), DENSE[[1]])


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"max_active_dims": 0}, "max_active_dims: 0, expected a whole number"),
        ({"max_active_dims": True}, "max_active_dims: True"),
        ({"batch_size": 0}, "batch_size: 0"),
        ({"prompt_name": "nope"}, "'nope'"),
        ({"device": "cuda"}, "device: 'cuda'"),
        ({"chunk_size": 0}, "chunk_size: 0"),
    ],
)
def test_arguments_that_cannot_be_are_refused(model, argument, message):
    for method in (model.encode, model.encode_query, model.encode_document):
        with pytest.raises(ArgumentError, match=message):
            method(["a"], **argument)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"max_active_dims": -1}, "max_active_dims: -1"),
        ({"similarity_fn_name": "maxsim"}, "similarity_fn_name: 'maxsim'"),
        ({"backend": "torch"}, "backend: 'torch'"),
    ],
)
def test_constructor_arguments_that_cannot_be_are_refused(tmp_path, argument, message):
    with pytest.raises(ArgumentError, match=message):
        SparseEncoder(splade_model(tmp_path), **argument)


def test_words_are_decoded_as_the_tokenizer_writes_them_largest_first(model):
    words = [(VOCABULARY[place], DENSE[0][place]) for place in np.argsort(-DENSE[0]) if DENSE[0][place] > 0]
    found = model.decode(model.encode(TEXTS[0]))
    assert [word for word, _ in found] == [word for word, _ in words]
    np.testing.assert_allclose([weight for _, weight in found], [weight for _, weight in words], rtol=1e-6)
    many = model.decode(model.encode(TEXTS), top_k=2)
    assert many[0] == found[:2]
    assert [len(words) for words in many] == [2] * 5
    assert model.decode(model.encode(TEXTS, convert_to_tensor=False), 2) == many
    assert model.decode(model.encode(TEXTS, convert_to_sparse_tensor=False), 2) == many
    assert model.decode(DENSE[0].astype(np.float64), 1)[0][0] == found[0][0]
    assert model.decode(np.zeros((2, SIZE))) == [[], []]
    with pytest.raises(ArgumentError, match="top_k: 0"):
        model.decode(model.encode(TEXTS), top_k=0)


@pytest.mark.parametrize("dim", [SIZE - 1, SIZE + 1])
def test_embeddings_of_another_dimension_are_not_decoded_to_words_they_do_not_mean(model, dim):
    message = f"embeddings: {dim} dimensions, but the model has {SIZE}. Decode them with the model that made them"
    for given in (np.eye(1, dim, dtype=np.float32), SparseVectors.from_rows([{0: 1.0}], dim)[0]):
        with pytest.raises(ArgumentError, match=message):
            model.decode(given)


def test_lists_of_embeddings_are_compared_as_the_rows_they_came_from(model):
    rows, listed = model.encode(TEXTS), model.encode(TEXTS, convert_to_tensor=False)
    assert isinstance(listed, list)
    every, pairs = model.similarity(rows, rows), model.similarity_pairwise(rows, rows)
    for a, b in ((listed, listed), (rows, tuple(listed)), (listed, rows.to_dense())):
        np.testing.assert_allclose(model.similarity(a, b), every, rtol=1e-5)
        np.testing.assert_allclose(model.similarity_pairwise(a, b), pairs, rtol=1e-5)
    for mixed in ([listed[0], [1.0]], [[1.0], listed[0]]):
        with pytest.raises(ArgumentError, match=r"item [01] is a list among SparseVectors, .*Pass rows of one kind"):
            model.similarity(mixed, rows)
    with pytest.raises(ArgumentError, match=r"row 1: 3 dimensions, expected 14"):
        model.similarity([listed[0], SparseVectors.from_rows([{}], 3)[0]], rows)
    with pytest.raises(ArgumentError, match=r"vectors: list with shape \[1\] of <U1, .*Pass what encode gives"):
        model.similarity(["a"], rows)


def test_the_vocabulary_names_dimensions_that_are_no_token(tmp_path, model):
    assert model.vocabulary == VOCABULARY
    folder = splade_model(tmp_path)
    (folder / "config.json").write_text('{"model_type": "bert", "vocab_size": 16}')
    assert SparseEncoder(folder).vocabulary == [*VOCABULARY, "[dimension 14]", "[dimension 15]"]


def test_sparsity_counts_what_is_not_zero():
    assert SparseEncoder.sparsity(np.array([[0, 1, 2, 0], [0, 0, 3, 0]])) == {
        "active_dims": 1.5, "sparsity_ratio": 0.625
    }  # fmt: skip
    assert SparseEncoder.sparsity(np.array([0.0, 1, 2, 4]))["active_dims"] == 3
    assert SparseEncoder.sparsity(SparseVectors.from_rows([], 4)) == {"active_dims": 0.0, "sparsity_ratio": 1.0}


def test_an_intersection_is_what_each_word_adds_to_the_dot_product(model):
    query, documents = model.encode("a b"), model.encode(TEXTS)
    found = model.intersection(query, documents)
    close(found, splade_of("a b") * DENSE)
    close(model.intersection(query, documents[0]), splade_of("a b") * DENSE[0])
    close(model.intersection(splade_of("a b"), DENSE), splade_of("a b") * DENSE)
    assert SparseEncoder.intersection(np.array([1.0, -1, 2]), np.array([1.0, 1, 0])).to_dict() == {0: 1.0}
    for first, second in ((documents, query), (query, np.ones(3))):
        with pytest.raises(ArgumentError):
            model.intersection(first, second)


def test_similarity_is_the_dot_product_unless_the_folder_or_the_caller_says_otherwise(tmp_path, model):
    found = model.encode(TEXTS)
    np.testing.assert_allclose(model.similarity(found, found), DENSE @ DENSE.T, rtol=1e-5)
    np.testing.assert_allclose(model.similarity(found[0], found), DENSE[:1] @ DENSE.T, rtol=1e-5)
    np.testing.assert_allclose(model.similarity_pairwise(found, found), (DENSE**2).sum(axis=1), rtol=1e-5)
    folder = splade_model(tmp_path, settings={"similarity_fn_name": "cosine"})
    np.testing.assert_allclose(np.diag(SparseEncoder(folder).similarity(found, found)), 1, rtol=1e-5)
    assert SparseEncoder(folder, similarity_fn_name="euclidean").similarity_fn_name == "euclidean"


def test_texts_are_cut_at_the_limit(tmp_path):
    model = SparseEncoder(splade_model(tmp_path), max_seq_length=4)
    close(model.encode("a b c d e"), splade_of("a b"))
    model.max_seq_length = 5
    close(model.encode("a b c d e"), splade_of("a b c"))


def test_the_model_says_what_it_is_and_can_be_pickled_and_saved(tmp_path, model):
    assert repr(model).endswith("splade', dim=14, max_seq_length=8)")
    assert model.get_sentence_embedding_dimension() == model.get_embedding_dimension() == SIZE
    close(pickle.loads(pickle.dumps(model)).encode(TEXTS), DENSE)
    model.save_pretrained(tmp_path / "copy")
    close(SparseEncoder(tmp_path / "copy").encode(TEXTS), DENSE)


def test_progress_is_drawn_where_it_is_wanted(model, capsys):
    model.encode(TEXTS, show_progress_bar=True)
    assert "5.00/5.00" in capsys.readouterr().err
