"""Mirrors runtime/airvec/sentence_transformer.py, on a model whose embeddings can be worked out by hand."""

import logging
from itertools import count, islice

import numpy as np
import pytest

from airvec import AirvecWarning, ArgumentError, InputError, SentenceTransformer, TruncationError
from airvec import arguments as drop_in
from airvec.copying import copy_folder
from tests.folders import rows_of, word_model

TEXTS = ["a", "b c", "", "d e f", "a b c d e f g h"]


def mean(*words):
    """The embedding of a text under mean pooling."""
    return rows_of(*words).mean(axis=0)


@pytest.fixture
def model(tmp_path):
    """The word model, limit 8 tokens."""
    return SentenceTransformer(word_model(tmp_path / "words"))


def test_embeddings_come_in_input_order_as_float32(model):
    found = model.encode(TEXTS)
    assert (found.shape, found.dtype) == ((5, 4), np.float32)
    cut = "abcdef"  # 8 tokens, of which two are special
    expected = [mean("a"), mean("b", "c"), mean(), mean("d", "e", "f"), mean(*cut)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_one_text_gives_one_vector_and_no_text_gives_none(model):
    assert model.encode("a").shape == (4,)
    assert (model.encode([]).shape, model.encode([]).dtype) == ((0, 4), np.float32)
    assert model.encode(np.array([], dtype=str)).shape == (0, 4)


@pytest.mark.parametrize("batch_size", [None, 1, 2, 7, 1000])
def test_results_do_not_depend_on_the_batch(model, batch_size):
    texts = TEXTS * 50
    np.testing.assert_allclose(model.encode(texts, batch_size=batch_size), model.encode(texts), atol=1e-6)


def test_a_hundred_thousand_empty_strings(model):
    found = model.encode([""] * 100_000)
    assert found.shape == (100_000, 4)
    np.testing.assert_allclose(found[[0, 99_999]], [mean(), mean()], atol=1e-6)


def test_containers_that_the_reference_takes(model):
    expected = model.encode(["a", "b"])
    for inputs in (("a", "b"), np.array(["a", "b"]), np.array(["a", "b"], dtype=object)):
        np.testing.assert_array_equal(model.encode(inputs), expected)
    np.testing.assert_array_equal(model.encode(sentences=["a", "b"]), expected)
    np.testing.assert_array_equal(model.encode(np.str_("a")), expected[0])


@pytest.mark.parametrize("bad", [None, 3, b"a", ["a", None], [["a", "b"]], [b"a"], ["\ud800"], {"a": 1}])
def test_what_is_no_text_is_an_input_error_in_every_method(model, bad):
    for method in (model.encode, model.encode_query, model.encode_document, model.tokenize):
        with pytest.raises(InputError, match="text"):
            method(bad)


def test_prompts_go_in_front_by_name_by_default_and_as_given(tmp_path):
    settings = {"prompts": {"query": "a ", "other": "b "}, "default_prompt_name": "other"}
    model = SentenceTransformer(word_model(tmp_path, settings=settings))
    np.testing.assert_allclose(model.encode("c"), mean("b", "c"), atol=1e-6)
    np.testing.assert_allclose(model.encode("c", "query"), mean("a", "c"), atol=1e-6)
    np.testing.assert_allclose(model.encode("c", prompt="d e "), mean("d", "e", "c"), atol=1e-6)
    np.testing.assert_allclose(model.encode("c", prompt=""), mean("c"), atol=1e-6)
    np.testing.assert_allclose(model.encode_query("c"), mean("a", "c"), atol=1e-6)
    np.testing.assert_allclose(model.encode_query("c", prompt="d "), mean("d", "c"), atol=1e-6)
    np.testing.assert_allclose(model.encode_document("c"), mean("c"), atol=1e-6)
    np.testing.assert_allclose(model.encode_document("c", prompt_name="other"), mean("b", "c"), atol=1e-6)


def test_the_empty_query_prompt_switches_the_default_off(tmp_path):
    settings = {"prompts": {"other": "b "}, "default_prompt_name": "other"}
    model = SentenceTransformer(word_model(tmp_path, settings=settings))
    np.testing.assert_allclose(model.encode("c"), mean("b", "c"), atol=1e-6)
    np.testing.assert_allclose(model.encode_query("c"), mean("c"), atol=1e-6)


def test_the_callers_prompts_win_over_the_saved_ones(tmp_path):
    folder = word_model(tmp_path, settings={"prompts": {"query": "a ", "document": "b "}})
    model = SentenceTransformer(folder, prompts={"query": "d ", "x": "e ", "y": None}, default_prompt_name="x")
    assert model.prompts == {"query": "d ", "document": "b ", "x": "e ", "y": ""}
    np.testing.assert_allclose(model.encode("c"), mean("e", "c"), atol=1e-6)


def test_a_prompt_that_does_not_exist_is_refused_with_those_that_do(tmp_path, model):
    with pytest.raises(ArgumentError, match=r"prompt_name: 'nope', expected one of 'query', 'document'"):
        model.encode("a", "nope")
    with pytest.raises(ArgumentError, match="default_prompt_name: 'nope'"):
        SentenceTransformer(word_model(tmp_path), default_prompt_name="nope")


def test_prompt_and_prompt_name_together_warn_and_prompt_wins(model):
    with pytest.warns(AirvecWarning, match="prompt is used"):
        found = model.encode("c", "query", "a ")
    np.testing.assert_allclose(found, mean("a", "c"), atol=1e-6)


def test_the_prompt_is_left_out_of_pooling_where_the_folder_says_so(tmp_path):
    pooling = {"embedding_dimension": 4, "pooling_mode": "mean", "include_prompt": False}
    model = SentenceTransformer(word_model(tmp_path, pooling))
    np.testing.assert_allclose(model.encode("c", prompt="a b "), rows_of("c")[1:].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(model.encode("c"), mean("c"), atol=1e-6)


def test_truncation_comes_before_normalisation_as_in_the_reference(tmp_path):
    model = SentenceTransformer(word_model(tmp_path, normalize=True))
    whole = mean("a") / np.linalg.norm(mean("a"))
    np.testing.assert_allclose(model.encode("a"), whole, atol=1e-6)
    np.testing.assert_allclose(model.encode("a", truncate_dim=2), whole[:2], atol=1e-6)
    short = model.encode("a", truncate_dim=2, normalize_embeddings=True)
    np.testing.assert_allclose(short, whole[:2] / np.linalg.norm(whole[:2]), atol=1e-6)


def test_dimensions_are_cut_by_call_by_model_by_folder_and_inside_with(tmp_path):
    folder = word_model(tmp_path, settings={"truncate_dim": 3})
    model = SentenceTransformer(folder)
    assert (model.encode("a").shape, model.get_embedding_dimension()) == ((3,), 3)
    assert model.encode("a", truncate_dim=2).shape == (2,)
    assert SentenceTransformer(folder, truncate_dim=1).encode(["a"]).shape == (1, 1)
    with model.truncate_embeddings(2):
        assert (model.encode([]).shape, model.get_sentence_embedding_dimension()) == ((0, 2), 2)
    with model.truncate_embeddings(None):
        assert model.encode("a").shape == (4,)
    assert model.truncate_dim == 3
    assert model.encode("a", truncate_dim=99).shape == (4,)


def test_output_values(model):
    tokens = model.encode(["a b", ""], output_value="token_embeddings")
    np.testing.assert_allclose(tokens[0], rows_of("a", "b"))
    np.testing.assert_allclose(tokens[1], rows_of())
    features = model.encode("a b", output_value=None)
    assert features["input_ids"].tolist() == [2, 4, 5, 3]
    np.testing.assert_allclose(features["sentence_embedding"], mean("a", "b"), atol=1e-6)
    np.testing.assert_allclose(features["token_embeddings"], rows_of("a", "b"))
    assert model.encode([], output_value="token_embeddings") == []
    with pytest.raises(ArgumentError, match="output_value: 'words'"):
        model.encode("a", output_value="words")


def test_conversions(model, monkeypatch):
    listed = model.encode(["a", "b"], convert_to_numpy=False)
    assert isinstance(listed, list)
    np.testing.assert_array_equal(np.stack(listed), model.encode(["a", "b"]))
    monkeypatch.setattr(drop_in, "_warned", set())
    with pytest.warns(AirvecWarning, match="convert_to_tensor") as caught:
        first, second = (model.encode(["a"], convert_to_tensor=True) for _ in range(2))
    assert len(caught) == 1
    np.testing.assert_array_equal(first, second)


def test_precisions(model):
    texts = list("abcdefghij") * 12
    plain = model.encode(texts)
    assert model.encode(texts, precision="int8").dtype == np.int8
    assert model.encode(texts, precision="ubinary").tolist() == np.packbits(plain > 0, axis=1).tolist()
    assert model.encode(texts, precision=None).dtype == np.float32
    with pytest.raises(ArgumentError, match="precision: 'int4', expected one of float32, int8"):
        model.encode(texts, precision="int4")
    with pytest.raises(ArgumentError, match="need ranges, and 1 vector"):
        model.encode("a", precision="int8")


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"batch_size": 0}, "batch_size: 0"),
        ({"device": "cuda"}, "device: 'cuda', but this model was opened on 'cpu'"),
        ({"truncate_dim": 0}, "truncate_dim: 0"),
        ({"on_truncate": "cut"}, "on_truncate: 'cut', expected one of ignore, warn, error, chunk"),
    ],
)
def test_arguments_that_cannot_be_are_refused(model, argument, message):
    with pytest.raises(ArgumentError, match=message):
        model.encode(["a"], **argument)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"prompts": ["a"]}, r"prompts: \['a'\], expected a dict"),
        ({"prompts": {"a": 3}}, r"prompts\['a'\]: 3, expected a str"),
        ({"truncate_dim": 0}, "truncate_dim: 0"),
        ({"truncate_dim": 2.5}, "truncate_dim: 2.5"),
        ({"max_seq_length": 0}, "max_seq_length: 0"),
        ({"model_kwargs": 3}, "model_kwargs: 3, expected a dict"),
        ({"model_kwargs": {"file_name": 3}}, "file_name: 3, expected a str"),
        ({"similarity_fn_name": "angle"}, "similarity_fn_name: 'angle'"),
        ({"device": "mps"}, "device: 'mps'"),
    ],
)
def test_constructor_arguments_that_cannot_be_are_refused(tmp_path, argument, message):
    with pytest.raises(ArgumentError, match=message):
        SentenceTransformer(word_model(tmp_path), **argument)


def test_a_prompt_that_is_no_text_is_refused(model):
    with pytest.raises(ArgumentError, match="prompt: 3, expected a str"):
        model.encode("a", prompt=3)


def test_long_texts_are_cut_told_refused_or_averaged(model):
    long, short = "a b c d e f g h", "a b"
    np.testing.assert_allclose(model.encode(long), mean(*"abcdef"), atol=1e-6)
    with pytest.warns(AirvecWarning, match=r"text 1: 10 tokens, the model reads 8 \(1 of 2 texts are over\)"):
        model.encode([short, long], on_truncate="warn")
    with pytest.raises(TruncationError, match=r"text 0: 10 tokens.*airvec.chunk"):
        model.encode(long, on_truncate="error")
    assert model.encode(short, on_truncate="error").shape == (4,)
    windows = np.stack([mean(*"abcdef"), mean(*"gh")]).mean(axis=0)
    expected = np.stack([windows, mean("a", "b")])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(model.encode([long, short], on_truncate="chunk"), expected, atol=1e-6)
    assert model.encode([], on_truncate="chunk").shape == (0, 4)


def test_long_texts_are_found_before_anything_is_run_and_numbered_through(model, monkeypatch):
    texts = ["a"] * 5000
    texts[4700] = "a b c d e f g h"
    monkeypatch.setattr(type(model._pipeline()), "embed", None)
    with pytest.raises(TruncationError, match=r"text 4700: 10 tokens.*1 of 5000 texts"):
        model.encode(texts, on_truncate="error")
    stream = model.encode_stream(texts[4699:], chunk_size=1, on_truncate="error")
    monkeypatch.undo()
    assert next(stream).shape == (1, 4)
    with pytest.raises(TruncationError, match=r"text 1: .*1 of 1 texts"):
        next(stream)


@pytest.mark.parametrize("output", ["token_embeddings", None])
def test_other_outputs_check_the_same_arguments(model, output):
    with pytest.raises(TruncationError, match="text 0: 10 tokens"):
        model.encode("a b c d e f g h", output_value=output, on_truncate="error")
    for argument in ({"on_truncate": "cut"}, {"truncate_dim": 0}, {"on_truncate": "chunk"}):
        with pytest.raises(ArgumentError, match=next(iter(argument)).replace("on_truncate", "on_truncate|windows")):
            model.encode("a", output_value=output, **argument)


def test_the_length_limit_can_be_read_and_set(tmp_path, model):
    assert model.max_seq_length == 8
    model.max_seq_length = 4
    np.testing.assert_allclose(model.encode("a b c"), mean("a", "b"), atol=1e-6)
    model.max_seq_length = None
    np.testing.assert_allclose(model.encode("a b c d e f g h"), mean(*"abcdefgh"), atol=1e-6)
    assert SentenceTransformer(word_model(tmp_path), max_seq_length=5).max_seq_length == 5
    assert SentenceTransformer(tmp_path, tokenizer_kwargs={"model_max_length": 6}).max_seq_length == 6
    with pytest.raises(ArgumentError, match="max_seq_length: 1"):
        model.max_seq_length = 1


def test_a_stream_is_read_only_as_far_as_it_is_asked_for(model):
    read = []

    def endless():
        for number in count():
            read.append(number)
            yield "a" if number % 2 else "b c"

    arrays = list(islice(model.encode_stream(endless(), chunk_size=3), 2))
    assert read == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(np.concatenate(arrays), model.encode(["b c", "a"] * 3), atol=1e-6)


def test_a_stream_gives_what_encode_gives_and_a_bad_item_only_stops_it_there(model):
    arrays = list(model.encode_stream(TEXTS, chunk_size=2, normalize_embeddings=True, truncate_dim=3))
    assert [len(array) for array in arrays] == [2, 2, 1]
    expected = model.encode(TEXTS, normalize_embeddings=True, truncate_dim=3)
    np.testing.assert_allclose(np.concatenate(arrays), expected, atol=1e-6)
    stream = model.encode_stream(iter(["a", "b", 3]), chunk_size=2)
    assert next(stream).shape == (2, 4)
    with pytest.raises(InputError, match="text 2: int 3"):
        next(stream)
    assert list(model.encode_stream([])) == []
    assert [array.shape for array in model.encode_stream("a")] == [(1, 4)]
    with pytest.raises(InputError, match="texts: int 3"):
        model.encode_stream(3)
    with pytest.raises(ArgumentError, match="chunk_size: 0"):
        model.encode_stream(["a"], chunk_size=0)


def test_similarity_follows_the_model_and_the_caller(tmp_path):
    model = SentenceTransformer(word_model(tmp_path, settings={"similarity_fn_name": "dot"}))
    a, b = [[1.0, 2.0]], [[3.0, 4.0], [0.0, 1.0]]
    assert model.similarity(a, b).tolist() == [[11, 2]]
    assert model.similarity_pairwise(b, b).tolist() == [25, 1]
    model.similarity_fn_name = "manhattan"
    assert model.similarity(a, b).tolist() == [[-4, -2]]
    assert SentenceTransformer(tmp_path, similarity_fn_name="euclidean").similarity_fn_name == "euclidean"
    with pytest.raises(ArgumentError, match="similarity_fn_name: 'angle'"):
        model.similarity_fn_name = "angle"


def test_a_saved_copy_is_whole_and_loads(tmp_path, model):
    target = tmp_path / "deep" / "copy"
    model.save_pretrained(target)
    np.testing.assert_array_equal(SentenceTransformer(target).encode(TEXTS), model.encode(TEXTS))
    (target / "stale").write_text("from before")
    model.save_pretrained(str(target))
    assert not (target / "stale").exists()
    assert [path.name for path in target.parent.iterdir()] == ["copy"]


def test_saving_never_replaces_what_is_no_model(tmp_path, model):
    (tmp_path / "diary").mkdir()
    (tmp_path / "diary" / "today.txt").write_text("dear diary")
    with pytest.raises(ArgumentError, match="is no model folder"):
        model.save_pretrained(tmp_path / "diary")
    assert (tmp_path / "diary" / "today.txt").read_text() == "dear diary"


def test_a_copy_that_fails_leaves_the_old_one(tmp_path, model, monkeypatch):
    target = tmp_path / "copy"
    model.save_pretrained(target)
    before = sorted(path.name for path in target.rglob("*"))
    monkeypatch.setattr("airvec.copying.shutil.copytree", _disk_full)
    with pytest.raises(OSError, match="No space left"):
        copy_folder(tmp_path / "words", target)
    assert sorted(path.name for path in target.rglob("*")) == before


def _disk_full(*_, **__):
    raise OSError(28, "No space left on device")


def test_left_padding_gives_the_answer_of_each_text_alone(tmp_path):
    model = SentenceTransformer(word_model(tmp_path), processor_kwargs={"padding_side": "left"})
    np.testing.assert_allclose(model.encode(TEXTS), [model.encode(text) for text in TEXTS], atol=1e-6)
    assert model.tokenize(["a", "b c"])["attention_mask"].tolist() == [[0, 1, 1, 1], [1, 1, 1, 1]]


def test_tokenize_shows_what_the_model_reads(model):
    found = model.tokenize(["a", "a b c d e f g h"])
    assert found["input_ids"].tolist() == [[2, 4, 3, 0, 0, 0, 0, 0], [2, 4, 5, 6, 7, 8, 9, 3]]
    assert found.keys() == {"input_ids", "attention_mask", "token_type_ids"}


def test_progress_is_drawn_where_it_is_wanted(model, capsys):
    model.encode(TEXTS, show_progress_bar=True)
    assert "5.00/5.00" in capsys.readouterr().err
    model.encode(TEXTS)
    assert not capsys.readouterr().err
    logging.getLogger("airvec").setLevel(logging.INFO)
    try:
        model.encode(TEXTS)
    finally:
        logging.getLogger("airvec").setLevel(logging.NOTSET)
    assert "Encoding" in capsys.readouterr().err


def test_the_model_says_what_it_is(model):
    assert repr(model).endswith("dim=4, max_seq_length=8)")
    assert (model.device, model.similarity_fn_name, model.default_prompt_name) == ("cpu", "cosine", None)
    assert model.tokenizer.encode("a").ids == [2, 4, 3]


def test_without_a_name_the_model_inside_airvec_is_opened():
    model = SentenceTransformer()
    found = model.encode(["A man is playing a guitar.", "Someone plays an instrument.", "Stock prices fell."])
    scores = model.similarity(found, found)
    assert found.shape == (3, model.get_embedding_dimension())
    assert scores[0, 1] > scores[0, 2] + 0.2
