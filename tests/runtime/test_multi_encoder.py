"""What `MultiEncoder` gives and takes, on a model that can be worked out by hand."""

import pickle
from itertools import count, islice

import numpy as np
import pytest

from airvec import ArgumentError, InputError, MultiEmbedding, MultiEmbeddings, MultiEncoder, SentenceTransformer
from tests.folders import WORDS
from tests.multi_folders import SIZE, WIDTH, dense_of, lexical_of, multi_model, vectors_of

TEXTS = ["a b c d e f", "c", "", "j i h", "a a a b"]
EVERYTHING = {"dense": True, "sparse": True, "multi_vector": True}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return multi_model(tmp_path_factory.mktemp("multi") / "m3", prompts={"query": "a ", "document": "b b "})


@pytest.fixture(scope="module")
def model(folder):
    return MultiEncoder(folder)


def check(found: MultiEmbeddings, texts: list[str]) -> None:
    np.testing.assert_allclose(found.dense, [dense_of(text) for text in texts], rtol=1e-6, atol=1e-7)
    assert found.sparse.shape == (len(texts), SIZE)
    for row, text in zip(found.sparse.to_dict(), texts, strict=True):
        assert row == pytest.approx(lexical_of(text), rel=1e-6)
    for vectors, text in zip(found.multi_vector, texts, strict=True):
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, vectors_of(text), rtol=1e-5, atol=1e-6)


def test_one_pass_gives_all_three(model):
    found = model.encode(TEXTS, **EVERYTHING)
    assert isinstance(found, MultiEmbeddings)
    check(found, TEXTS)
    assert 0 < len(found.sparse.values) < sum(len(set(text.split())) for text in TEXTS)  # some words weigh nothing


@pytest.mark.parametrize("batch_size", [1, 2, 100, None])
def test_results_do_not_depend_on_the_batch(model, batch_size):
    check(model.encode(TEXTS * 30, batch_size=batch_size, **EVERYTHING), TEXTS * 30)


def test_bulk_on_several_threads_keeps_the_order(folder):
    texts = [" ".join(WORDS[(index + step) % 10] for step in range(1 + index % 6)) for index in range(300)]
    check(MultiEncoder(folder, threads=2).encode(texts, batch_size=4, **EVERYTHING), texts)


def test_only_what_is_asked_for_is_given(model):
    found = model.encode(TEXTS)
    assert (found.dense.shape, found.sparse.shape, found.multi_vector) == ((5, 4), (5, SIZE), None)
    found = model.encode(TEXTS, dense=False, sparse=False, multi_vector=True)
    assert (found.dense, found.sparse, len(found.multi_vector)) == (None, None, 5)
    with pytest.raises(ArgumentError, match="dense, sparse, multi_vector: all False, expected one or more"):
        model.encode(TEXTS, dense=False, sparse=False)


def test_one_text_gives_one_embedding_and_no_text_none(model):
    found = model.encode("j i h", **EVERYTHING)
    assert isinstance(found, MultiEmbedding)
    check(found.as_rows(), ["j i h"])
    nothing = model.encode([], **EVERYTHING)
    assert (nothing.dense.shape, nothing.sparse.shape, nothing.multi_vector) == ((0, 4), (0, SIZE), [])


def test_an_empty_text_has_no_words_and_the_vector_of_its_end(model):
    found = model.encode("", **EVERYTHING)
    assert found.sparse.to_dict() == {}
    assert found.multi_vector.shape == (1, WIDTH)
    np.testing.assert_allclose(found.multi_vector, vectors_of(""), rtol=1e-5)


def test_special_tokens_have_no_weight_and_unknown_words_are_one_of_them(model):
    found = model.encode(["q z", "[SEP] [PAD]"])
    assert found.sparse.to_dict() == [{}, {}]


def test_long_texts_are_cut_at_the_limit(folder, model):
    check(model.encode(["a b c d e f g h i j"], **EVERYTHING), ["a b c d e f"])
    check(MultiEncoder(folder, max_seq_length=4).encode(["a b c d e f g h i j"], **EVERYTHING), ["a b"])


def test_prompts_stand_in_front(model):
    check(model.encode_query(["c", "d"], **EVERYTHING), ["a c", "a d"])
    check(model.encode_document(["c", "d"], **EVERYTHING), ["b b c", "b b d"])
    check(model.encode(["c"], prompt="e ", **EVERYTHING), ["e c"])
    check(model.encode(["c"], prompt_name="query", **EVERYTHING), ["a c"])
    check(model.encode_document(["c"], prompt="", **EVERYTHING), ["c"])


def test_a_stream_is_read_as_far_as_it_is_asked_for(model):
    read = count()
    stream = model.encode_stream((WORDS[next(read) % 10] for _ in range(100)), chunk_size=3, **EVERYTHING)
    first, second = islice(stream, 2)
    check(first, list("abc"))
    check(second, list("def"))
    assert next(read) == 6
    with pytest.raises(InputError, match="text 1: int 5"):
        list(model.encode_stream(["a", 5]))


def test_processes_give_the_same(folder, model):
    expected = model.encode(TEXTS * 3, **EVERYTHING)
    with model.start_multi_process_pool(["cpu"]) as pool:
        found = model.encode(TEXTS * 3, pool=pool, chunk_size=4, **EVERYTHING)
    check(found, TEXTS * 3)
    np.testing.assert_array_equal(found.dense, expected.dense)


def test_the_dense_part_is_what_sentence_transformer_gives(folder, model):
    np.testing.assert_array_equal(SentenceTransformer(folder).encode(TEXTS), model.encode(TEXTS).dense)


def test_a_model_is_pickled_copied_and_described(tmp_path, model):
    check(pickle.loads(pickle.dumps(model)).encode(TEXTS, **EVERYTHING), TEXTS)
    model.save_pretrained(tmp_path / "copy")
    check(MultiEncoder(tmp_path / "copy").encode(TEXTS, **EVERYTHING), TEXTS)
    assert f"dim=4, vocabulary={SIZE}, multi_vector_dim={WIDTH}, max_seq_length=8" in repr(model)
    assert model.get_embedding_dimension() == 4


def test_the_words_of_lexical_weights_can_be_read(model):
    found = model.encode("a a j")
    words = found.sparse.to_tokens(model.vocabulary)
    assert dict(words) == pytest.approx({model.vocabulary[place]: w for place, w in lexical_of("a j").items()})
    assert len(model.vocabulary) == SIZE


def test_score_is_the_weighted_mean_of_the_three(model):
    queries, documents = model.encode(["a b", "j"], **EVERYTHING), model.encode(TEXTS, **EVERYTHING)
    for i, query in enumerate(["a b", "j"]):
        for j, document in enumerate(TEXTS):
            shared = lexical_of(query).keys() & lexical_of(document).keys()
            parts = (
                float(dense_of(query) @ dense_of(document)),
                sum(lexical_of(query)[word] * lexical_of(document)[word] for word in shared),
                float((vectors_of(query) @ vectors_of(document).T).max(axis=1).mean()),
            )
            found = model.score(queries, documents, (0.4, 0.2, 0.4))[i, j]
            assert found == pytest.approx(0.4 * parts[0] + 0.2 * parts[1] + 0.4 * parts[2], abs=1e-6)
            assert model.score(queries, documents)[i, j] == pytest.approx(sum(parts) / 3, abs=1e-6)
            assert model.score(queries, documents, (0, 2, 0))[i, j] == pytest.approx(parts[1], abs=1e-6)
    pairs = model.score_pairwise(queries, documents[:2], (1, 1, 0))
    np.testing.assert_allclose(pairs, np.diagonal(model.score(queries, documents[:2], (1, 1, 0))), rtol=1e-6)
