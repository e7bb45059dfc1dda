"""Mirrors runtime/airvec/cross_encoder.py: calls and results; folders are in test_cross_encoder_folders.py."""

import logging
import pickle

import numpy as np
import pytest

import airvec.arguments
from airvec import AirvecWarning, ArgumentError, CrossEncoder, InputError
from airvec.activations import identity, sigmoid
from tests.folders import pair_logits, reranker

PAIRS = [("a b", "c"), ("d", "e f g"), ("a", "b"), ("h i", "")]
LOGITS = np.array([pair_logits(*pair) for pair in PAIRS], np.float32)[:, 0]
THREE = np.array([pair_logits(*pair, 3) for pair in PAIRS], np.float32)
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return reranker(tmp_path_factory.mktemp("one") / "ranker")


@pytest.fixture
def model(folder):
    return CrossEncoder(folder)


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """A model with three labels."""
    return CrossEncoder(reranker(tmp_path_factory.mktemp("three") / "classes", labels=3))


def test_a_model_with_one_label_gives_a_sigmoid_for_each_pair(model):
    found = model.predict(PAIRS)
    assert (found.shape, found.dtype, model.num_labels) == ((4,), np.float32, 1)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-LOGITS)), **CLOSE)


def test_a_model_with_several_labels_gives_logits_for_each(classes):
    found = classes.predict(PAIRS)
    assert (found.shape, found.dtype, classes.num_labels) == ((4, 3), np.float32, 3)
    np.testing.assert_allclose(found, THREE, **CLOSE)


def test_softmax_makes_the_labels_of_a_pair_add_up_to_one(classes):
    raised = np.exp(THREE - THREE.max(axis=1, keepdims=True))
    wanted = raised / raised.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classes.predict(PAIRS, apply_softmax=True), wanted, **CLOSE)
    np.testing.assert_allclose(classes.predict(PAIRS, activation_fn="Softmax"), wanted, **CLOSE)


def test_softmax_comes_after_the_activation_and_does_nothing_to_one_label(model, classes):
    assert model.predict(PAIRS, apply_softmax=True).tolist() == model.predict(PAIRS).tolist()
    zeros = classes.predict(PAIRS, activation_fn=np.zeros_like, apply_softmax=True)
    np.testing.assert_allclose(zeros, np.full((4, 3), 1 / 3), **CLOSE)


@pytest.mark.parametrize("pair", [("a b", "c"), ["a b", "c"], np.array(["a b", "c"])])
def test_a_single_pair_gives_a_number_or_a_row(model, classes, pair):
    score, row = model.predict(pair, activation_fn="Identity"), classes.predict(pair)
    assert (type(score), score.shape) == (np.float32, ())
    assert score == pytest.approx(LOGITS[0], rel=1e-5)
    assert row.shape == (3,)
    np.testing.assert_allclose(row, THREE[0], **CLOSE)


def test_no_pairs_give_no_scores(model, classes):
    assert (model.predict([]).shape, model.predict([]).dtype) == ((0,), np.float32)
    assert classes.predict([]).shape == classes.predict([], apply_softmax=True).shape == (0, 3)
    assert model.predict([], activation_fn=lambda logits: logits.max() * logits).shape == (0,)


@pytest.mark.parametrize("batch_size", [None, 1, 3])
def test_scores_come_in_input_order_whatever_the_batches(model, batch_size):
    pairs = [(" ".join("abcdefghij"[: place % 7]), " ".join("jihg"[: place % 4])) for place in range(300)]
    wanted = [pair_logits(*pair)[0] for pair in pairs]
    found = model.predict(pairs, batch_size=batch_size, activation_fn="Identity")
    assert np.ptp(wanted) > 1
    np.testing.assert_allclose(found, wanted, **CLOSE)


def test_the_activation_of_a_call_wins_over_the_models_and_both_over_the_default(folder):
    model = CrossEncoder(folder, activation_fn="Identity")
    np.testing.assert_allclose(model.predict(PAIRS), LOGITS, **CLOSE)
    np.testing.assert_allclose(model.predict(PAIRS, activation_fct="Tanh"), np.tanh(LOGITS), **CLOSE)
    np.testing.assert_allclose(model.predict(PAIRS, activation_fn=lambda x: 2 * x), 2 * LOGITS, **CLOSE)
    assert CrossEncoder(folder, default_activation_function="Identity").activation_fn is identity
    model.activation_fn = "torch.nn.Sigmoid"
    assert model.activation_fn is model.default_activation_function is sigmoid
    with pytest.raises(ArgumentError, match="activation_fn: 'Squash', expected one of"):
        model.activation_fn = "Squash"


def test_an_activation_may_choose_a_label_but_not_drop_pairs(classes):
    assert classes.predict(PAIRS, activation_fn=lambda x: x[:, 1]).shape == (4,)
    with pytest.raises(ArgumentError, match=r"gives an array of shape \[3\] for logits of shape \[4, 3\]"):
        classes.predict(PAIRS, activation_fn=lambda x: x.mean(axis=0))


def test_the_prompt_stands_in_front_of_the_first_text(folder):
    model = CrossEncoder(folder, prompts={"ask": "j "}, default_prompt_name="ask", activation_fn="Identity")
    wanted = pair_logits("j a", "b")[0]
    assert wanted != pair_logits("a", "b")[0]
    assert model.predict(("a", "b")) == pytest.approx(wanted, rel=1e-5)
    assert model.predict(("a", "b"), prompt="") == pytest.approx(pair_logits("a", "b")[0], rel=1e-5)
    assert model.rank("a", ["b"], prompt_name="ask")[0]["score"] == pytest.approx(wanted, rel=1e-5)
    assert model.rank("a", ["b"], prompt="c ")[0]["score"] == pytest.approx(pair_logits("c a", "b")[0], rel=1e-5)


def test_a_reranker_has_no_prompts_but_its_own(model):
    assert model.prompts == {}
    with pytest.raises(ArgumentError, match="prompt_name: 'query'"):
        model.predict(PAIRS, prompt_name="query")


def test_the_limit_cuts_pairs_and_can_be_changed(folder):
    model = CrossEncoder(folder, max_length=6, activation_fn="Identity")
    assert (model.max_length, model.max_seq_length, CrossEncoder(folder).max_length) == (6, 6, 12)
    assert model.predict(("a b c", "d e")) == pytest.approx(pair_logits("a b", "d")[0], rel=1e-5)
    model.max_length = 8
    assert model.predict(("a b c", "d e")) == pytest.approx(pair_logits("a b c", "d e")[0], rel=1e-5)
    with pytest.raises(ArgumentError, match="^max_length: 0"):
        model.max_length = 0
    model.max_length = 3
    assert model.predict(PAIRS).shape == (len(PAIRS),)


def test_a_limit_that_does_not_hold_the_special_tokens_of_a_pair_is_refused_where_it_is_set(folder):
    model = CrossEncoder(folder)
    message = "max_length: 2, but a pair has 3 special tokens. Raise the limit"
    for name in ("max_length", "max_seq_length"):
        with pytest.raises(ArgumentError, match=message):
            setattr(model, name, 2)
    assert model.max_length == 12
    with pytest.raises(ArgumentError, match=message):
        CrossEncoder(folder, max_length=2)
    model.max_length = None
    assert model.max_length is None


def test_a_limit_beyond_the_positions_is_refused_by_the_rerankers_name_for_it(tmp_path):
    folder = reranker(tmp_path / "m", max_position_embeddings=16)
    with pytest.raises(ArgumentError, match=r"^max_length: 17, but .* for 16 tokens\. Lower it to that\.$"):
        CrossEncoder(folder, max_length=17)
    assert CrossEncoder(folder, max_length=16).max_length == 16


def test_a_function_that_takes_no_arrays_is_refused_with_its_type(model):
    def of_tensors(logits):
        raise TypeError(f"sigmoid(): argument 'input' must be Tensor, not {type(logits).__name__}")

    message = r"activation_fn: function of_tensors fails on a NumPy array \(sigmoid.*not ndarray\), expected a fun"
    with pytest.raises(ArgumentError, match=message):
        model.predict(PAIRS, activation_fn=of_tensors)


def test_tokenize_gives_what_the_model_reads(model):
    found = model.tokenize([("a", "b"), ("a b", "c")])
    assert found["input_ids"].tolist() == [[2, 4, 3, 5, 3, 0], [2, 4, 5, 3, 6, 3]]
    assert found["token_type_ids"].tolist() == [[0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 1, 1]]
    assert found["attention_mask"].sum(axis=1).tolist() == [5, 6]


def test_rank_orders_documents_and_gives_python_numbers(model):
    hits = model.rank("c", ["a", "f", "d", "f"], return_documents=True)
    assert [(hit["corpus_id"], hit["text"]) for hit in hits] == [(1, "f"), (3, "f"), (2, "d"), (0, "a")]
    assert {(type(hit["corpus_id"]), type(hit["score"])) for hit in hits} == {(int, float)}
    assert hits[0]["score"] == hits[1]["score"] == pytest.approx(float(model.predict(("c", "f"))))
    assert model.rank("c", ["a", "f"]) == [
        {key: hits[place][key] for key in ("corpus_id", "score")} for place in (0, 3)
    ]


def test_equal_scores_keep_the_given_order(model):
    documents = ["a b", "c", "b a", "c", "c"] * 20
    order = [hit["corpus_id"] for hit in model.rank("d", documents, activation_fn=np.zeros_like)]
    assert order == list(range(100))
    best = [hit["corpus_id"] for hit in model.rank("d", documents)]
    assert best == sorted(best, key=lambda row: (documents[row] == "c", row))


@pytest.mark.parametrize(("top_k", "count"), [(1, 1), (np.int64(2), 2), (3, 3), (50, 3), (None, 3)])
def test_top_k_cuts_the_list(model, top_k, count):
    assert len(model.rank("a", ["b", "c", "d"], top_k)) == count


def test_no_documents_give_no_hits(model):
    assert model.rank("a", []) == []


@pytest.mark.parametrize("top_k", [0, -1, 1.5, "3", True])
def test_a_top_k_that_cannot_be_is_an_error(model, top_k):
    with pytest.raises(ArgumentError, match=f"top_k: {top_k!r}, expected a whole number of at least 1"):
        model.rank("a", ["b"], top_k)


def test_rank_needs_a_model_with_one_label(classes):
    with pytest.raises(ArgumentError, match="rank: this model has 3 labels, expected 1"):
        classes.rank("a", ["b"])


@pytest.mark.parametrize(
    ("query", "documents", "message"),
    [
        (["a"], ["b"], r"query: list \['a'\], expected a str"),
        (None, ["b"], "query: None"),
        ("a", "b", "documents: str 'b', expected a list of str"),
        ("a", ["b", None], "text 1: None, expected a str"),
        ("a", [("b", "c")], "text 0: tuple"),
        ("a", None, "texts: None, expected a str or a list"),
        ("a", {"b": 1}, "texts: dict"),
    ],
)
def test_a_query_or_documents_that_are_no_texts_are_errors(model, query, documents, message):
    with pytest.raises(InputError, match=message):
        model.rank(query, documents)


@pytest.mark.parametrize("inputs", ["a", ["a"], [("a", "b", "c")], [("a", None)], [1, 2], 5])
def test_inputs_that_are_no_pairs_are_errors(model, inputs):
    with pytest.raises(InputError, match="pair"):
        model.predict(inputs)
    with pytest.raises(InputError, match="neither of inputs and sentences given"):
        model.predict()


def test_old_names_of_arguments_do_what_they_did(model):
    assert model.predict(sentences=PAIRS, num_workers=4).tolist() == model.predict(PAIRS).tolist()
    old = {"num_workers": 0, "apply_softmax": True, "convert_to_numpy": True, "convert_to_tensor": False}
    assert model.rank("a", ["b", "c"], activation_fct="Identity", **old) == model.rank(
        "a", ["b", "c"], activation_fn="Identity"
    )


def test_other_containers_hold_the_same_scores(model, monkeypatch):
    monkeypatch.setattr(airvec.arguments, "_warned", set())
    listed = model.predict(PAIRS, convert_to_numpy=False)
    assert (type(listed), len(listed)) == (list, 4)
    with pytest.warns(AirvecWarning, match="airvec has no tensors"):
        found = model.predict(PAIRS, convert_to_tensor=True, convert_to_numpy=False)
    assert found.tolist() == listed
    assert type(model.predict(PAIRS[0], convert_to_numpy=False)) is np.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size: 0"),
        ({"chunk_size": 0}, "chunk_size: 0"),
        ({"device": "cuda"}, "device: 'cuda', but this model was opened on 'cpu'"),
        ({"activation_fn": "Squash"}, "activation_fn: 'Squash'"),
        ({"prompt_name": "poem"}, "prompt_name: 'poem'"),
    ],
)
def test_arguments_that_cannot_be_are_errors_before_any_work(model, arguments, message):
    with pytest.raises(ArgumentError, match=message):
        model.predict(PAIRS, **arguments)


def test_a_bar_counts_pairs(model, capsys):
    model.predict(PAIRS, show_progress_bar=True)
    assert "Scoring: 100%" in capsys.readouterr().err
    assert logging.getLogger("airvec").level == logging.NOTSET


def test_a_model_can_be_sent_to_another_process(model):
    again = pickle.loads(pickle.dumps(model))
    assert again.predict(PAIRS).tolist() == model.predict(PAIRS).tolist()


def test_other_processes_give_the_same_scores(model):
    pairs = [("a b", " ".join("abcdefghij"[: count % 9])) for count in range(60)]
    assert model.predict(pairs, device=["cpu", "cpu"], chunk_size=7).tolist() == model.predict(pairs).tolist()


def test_repr_names_folder_labels_and_limit(model, folder):
    assert repr(model) == f"CrossEncoder({str(folder)!r}, num_labels=1, max_length=12)"
