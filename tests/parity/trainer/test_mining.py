"""mine_hard_negatives against sentence-transformers', row by row, with every option."""

import random
from functools import cache

import numpy as np
import pytest

from airvec import SentenceTransformer
from airvec_trainer import SentenceTransformer as TorchModel
from airvec_trainer.mining import MiningSettings, mine, mine_hard_negatives
from tests.parity.trainer.mining_cases import WordOverlap, WordVectors, pairs, texts

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:include_positives:airvec.errors.AirvecWarning")]
QUIET = {"verbose": False, "show_progress_bar": False}
FORMATS = ("triplet", "n-tuple", "labeled-pair", "labeled-list")
# Scores are sums of products in float32, which torch and NumPy sum in another order.
WITHIN = 1e-6
TABLE = ("Count", "Mean", "Median", "Std", "Min", "25%", "50%", "75%", "Max")
OPTIONS = {
    "defaults": {},
    "one negative": {"num_negatives": 1},
    "range": {"range_min": 5, "range_max": 40},
    "range_min alone": {"range_min": 10},
    "max_score": {"max_score": 0.5},
    "min_score": {"min_score": 0.45},
    "both scores": {"min_score": 0.3, "max_score": 0.6, "range_max": 30},
    "absolute_margin": {"absolute_margin": 0.1},
    "absolute_margin of 0": {"absolute_margin": 0.0},
    "relative_margin": {"relative_margin": 0.05},
    "all filters": {
        "absolute_margin": 0.02, "relative_margin": 0.05, "max_score": 0.7, "min_score": 0.2, "range_min": 2,
    },
    "random": {"sampling_strategy": "random", "range_min": 1, "range_max": 20},
    "random with a filter": {"sampling_strategy": "random", "relative_margin": 0.3, "num_negatives": 5},
    "random, too few": {"sampling_strategy": "random", "max_score": 0.45, "min_score": 0.4, "num_negatives": 4},
    "prompt names": {"query_prompt_name": "query", "corpus_prompt_name": "passage"},
    "prompts": {"query_prompt": "find: ", "corpus_prompt": "read: ", "range_max": 9},
    "cross-encoder without a filter": {"cross_encoder": WordOverlap()},
    "cross-encoder, max_score": {"cross_encoder": WordOverlap(), "max_score": 0.5},
    "cross-encoder, min_score": {"cross_encoder": WordOverlap(), "min_score": -1.5},
    "cross-encoder, absolute_margin": {"cross_encoder": WordOverlap(), "absolute_margin": 1.0, "range_min": 1},
    "cross-encoder, relative_margin": {"cross_encoder": WordOverlap(), "relative_margin": 0.3},
    "small batches": {"batch_size": 3, "faiss_batch_size": 17},
    "more than there is": {"range_max": 2500},
}  # fmt: skip


@pytest.fixture
def theirs():
    """The reference's function."""
    from sentence_transformers.util import mine_hard_negatives as reference

    return reference


@pytest.fixture(scope="module")
def data(request):
    """Pairs and a corpus of 2,000 texts."""
    try:
        return pairs(texts(request.getfixturevalue("shared")))
    except pytest.skip.Exception:
        return pairs(texts(None))


@cache
def model(similarity="cosine"):
    """Encoded once for all tests."""
    return WordVectors(similarity)


def both(theirs, data, mined_with=None, **given):
    """What the two give from the same state of `random`."""
    found = []
    for function in (mine_hard_negatives, theirs):
        quiet = QUIET if function is mine_hard_negatives else {"verbose": False}
        random.seed(12)
        found.append(function(data[0], mined_with or model(), **{"corpus": data[1]} | given | quiet).to_dict())
    return found


def assert_equal(ours, expected):
    """The same columns in the same order, the same texts and labels, and scores within rounding."""
    assert list(ours) == list(expected)
    for name, column in expected.items():
        if name in ("score", "scores"):
            flat = [np.concatenate([np.ravel(row) for row in rows]) for rows in (ours[name], column)]
            np.testing.assert_allclose(*flat, rtol=WITHIN, atol=WITHIN)
            assert [np.size(row) for row in ours[name]] == [np.size(row) for row in column]
        else:
            assert len(ours[name]) == len(column)
            found = [row for row, one in enumerate(column) if ours[name][row] != one]
            assert len(found) <= 2, found
            assert all(equally_near(expected["query"][row], ours[name][row], column[row]) for row in found)


def equally_near(query, ours, expected):
    """Two texts, or lists of them, may change places where their scores are equal but for rounding."""
    ours, expected = ([one] if isinstance(one, str) else one for one in (ours, expected))
    vector = np.float64(model().vector(query))
    return len(ours) == len(expected) and all(
        abs(vector @ (np.float64(model().vector(one)) - model().vector(other))) <= WITHIN
        for one, other in zip(ours, expected, strict=True)
    )


@pytest.mark.parametrize("scores", [False, True], ids=["texts", "scores"])
@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("option", OPTIONS)
def test_rows_are_the_reference_s(option, output_format, scores, data, theirs):
    given = OPTIONS[option] | {"output_format": output_format, "output_scores": scores}
    ours, expected = both(theirs, data, **given)
    assert len(expected["query"]) > 20  # an empty result would equal anything
    assert_equal(ours, expected)


@pytest.mark.parametrize("output_format", FORMATS)
def test_positives_alone_are_a_corpus(output_format, data, theirs):
    assert_equal(*both(theirs, data, corpus=None, output_format=output_format, output_scores=True))


@pytest.mark.parametrize("given", [{}, {"num_negatives": 20}, {"max_score": 0.9}], ids=str)
@pytest.mark.parametrize("output_format", ["n-tuple", "triplet"])
def test_rankings_with_positives(given, output_format, data, theirs):
    given = given | {"include_positives": True, "output_scores": True, "output_format": output_format}
    ours, expected = both(theirs, data, **given)
    assert_equal(ours, expected)
    names = [name for name in ours if name.startswith("negative_")]
    assert any(ours["answer"][row] == ours[name][row] for name in names for row in range(50))


@pytest.mark.parametrize("similarity", ["dot", "euclidean", "manhattan"])
@pytest.mark.parametrize("given", [{}, {"relative_margin": 0.1}, {"absolute_margin": 0.1, "range_min": 2}], ids=str)
def test_every_similarity(similarity, given, data, theirs):
    """Of which two are below 0, so that a relative margin must not turn round."""
    assert_equal(*both(theirs, data, model(similarity), output_scores=True, **given))


def test_columns_by_name(data, theirs):
    turned = data[0].select_columns(["answer", "query"])
    given = {"anchor_column_name": "query", "positive_column_name": "answer"}
    assert_equal(*both(theirs, (turned, data[1]), **given))


OLD = ({"as_triplets": True}, {"as_triplets": False}, {"margin": 0.1}, {"output_format": "n-tuple-scores"})


@pytest.mark.filterwarnings("ignore:.* is an old spelling:airvec.errors.AirvecWarning")
@pytest.mark.parametrize("given", OLD, ids=str)
def test_old_spellings(given, data, theirs):
    assert_equal(*both(theirs, data, **given))


@pytest.mark.parametrize("output_format", FORMATS)
def test_cached_vectors_give_the_same_rows(output_format, data, theirs, tmp_path):
    fresh = WordVectors()
    first = both(theirs, data, fresh, cache_folder=str(tmp_path), output_format=output_format)
    encoded = fresh.encoded
    again = both(theirs, data, fresh, cache_folder=str(tmp_path), output_format=output_format)
    assert_equal(*first)
    assert_equal(again[0], first[1])
    assert fresh.encoded - encoded <= 40  # ours looks at some texts again


@pytest.mark.parametrize("option", ["defaults", "all filters", "random with a filter", "cross-encoder, max_score"])
@pytest.mark.parametrize("output_format", FORMATS)
def test_the_statistics_are_the_reference_s(option, output_format, data, theirs, capsys):
    given = OPTIONS[option] | {"output_format": output_format}
    random.seed(12)
    theirs(data[0], model(), corpus=data[1], **given)
    expected = statistics(capsys.readouterr().out)
    scorer = given.pop("cross_encoder", None)
    random.seed(12)
    settings = MiningSettings(show_progress_bar=False, **given)
    _, report = mine(data[0], model(), settings, corpus=data[1], cross_encoder=scorer)
    found = statistics(report.table())
    assert list(found) == list(TABLE)
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=0, atol=1.01e-4)  # printed with four digits


def statistics(printed):
    """The rows of a printed table, by their names."""
    rows = (line.replace(",", "").split() for line in printed.splitlines())
    return {row[0]: np.float64(row[1:]) for row in rows if len(row) in (3, 4) and row[0] in TABLE}


@pytest.mark.slow
@pytest.mark.parametrize("given", [{}, {"relative_margin": 0.05, "range_min": 1}], ids=str)
def test_all_minilm_l6_v2_mines_the_same_in_torch_and_from_the_exported_folder(given, data, theirs, checkpoint, minilm):
    from sentence_transformers import SentenceTransformer as Reference

    some = data[0].select(range(200)), data[1][:600]
    options = {"corpus": some[1], "output_format": "n-tuple", "output_scores": True, **given}
    expected = theirs(some[0], Reference(str(checkpoint), device="cpu"), verbose=False, **options).to_dict()
    for mined_with in (TorchModel(str(checkpoint), device="cpu"), SentenceTransformer(minilm)):
        ours = mine_hard_negatives(some[0], mined_with, **options, **QUIET).to_dict()
        np.testing.assert_allclose(ours["scores"], expected["scores"], rtol=0, atol=1e-5)
        assert {name: ours[name] for name in ours if name != "scores"} == {
            name: column for name, column in expected.items() if name != "scores"
        }
