"""Evaluators and correlations against sentence-transformers' and scipy's, on the same embeddings and scores."""

import numpy as np
import pytest

from airvec_trainer.evaluation import (
    CrossEncoderCorrelationEvaluator,
    EmbeddingSimilarityEvaluator,
    SequentialEvaluator,
    TripletEvaluator,
)
from airvec_trainer.evaluation.metrics import pearson, spearman
from tests.trainer.evaluation.stand_in import Card, TableModel

pytestmark = pytest.mark.parity
MEASURES = ["cosine", "dot", "euclidean", "manhattan"]


@pytest.fixture
def theirs():
    """The reference's evaluators."""
    from sentence_transformers.base.evaluation import SequentialEvaluator as Sequence
    from sentence_transformers.cross_encoder import evaluation as rerank
    from sentence_transformers.sentence_transformer import evaluation

    return {
        EmbeddingSimilarityEvaluator: evaluation.EmbeddingSimilarityEvaluator,
        TripletEvaluator: evaluation.TripletEvaluator,
        CrossEncoderCorrelationEvaluator: rerank.CrossEncoderCorrelationEvaluator,
        SequentialEvaluator: Sequence,
    }


def table(count=60, dim=24, dtype=np.float64):
    """Embeddings of texts, with twins among them."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(count, dim)).astype(dtype)
    vectors[1] = vectors[0]
    vectors[5] = 0
    return TableModel({str(number): vectors[number] for number in range(count)})


def pairs(count=60):
    random = np.random.default_rng(1)
    first, second = ([str(number) for number in random.permutation(count)] for _ in range(2))
    return {"sentences1": first, "sentences2": second, "scores": random.integers(0, 6, count).tolist()}


def agree(ours, theirs, model, tmp_path, within=1e-9):
    """Same keys, values and primary metric, twice, and the same CSV file."""
    model.model_card_data = Card()
    for _ in range(2):
        mine, other = ours(model, str(tmp_path / "a"), 1.0, 5), theirs(model, str(tmp_path / "b"), 1.0, 5)
        assert list(mine) == list(other)
        np.testing.assert_allclose(list(mine.values()), list(other.values()), rtol=0, atol=within)
        assert ours.primary_metric == theirs.primary_metric
    return mine


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"name": "dev"},
        {"similarity_fn_names": MEASURES, "name": "sts-dev"},
        {"main_similarity": "manhattan"},
        {"similarity_fn_names": ["dot", "cosine"], "main_similarity": "dot"},
        {"truncate_dim": 7},
    ],
)
def test_similarity(theirs, tmp_path, options):
    given = pairs() | options
    ours, other = EmbeddingSimilarityEvaluator(**given), theirs[EmbeddingSimilarityEvaluator](**given)
    found = agree(ours, other, table(), tmp_path)
    assert max(map(abs, found.values())) > 0.02
    assert ours.get_config_dict() == other.get_config_dict()
    assert ours.description == other.description
    mine, reference = (sorted((tmp_path / side).glob("*.csv")) for side in "ab")
    assert [path.name for path in mine] == [path.name for path in reference]
    heads = [path.read_text().splitlines()[0] for path in (mine[0], reference[0])]
    assert heads[0] == heads[1]


@pytest.mark.parametrize("twins", [2, 8, 20])
def test_similarity_of_float32_embeddings_with_identical_pairs(theirs, twins):
    """Identical pairs are ties here; float32 cosines, the reference's, are 1 ± 1e-7, which ranks them by luck.

    Where people's scores of them are equal, that luck lengthens the vector of ranks at right angles to theirs: by at
    most twins (twins² - 1) / 12 in the square, of count (count² - 1) / 12.
    """
    vectors = np.random.default_rng(0).normal(size=(60, 24)).astype(np.float32)
    model = TableModel({str(number): vector for number, vector in enumerate(vectors)})
    given = pairs()
    given["sentences2"] = [str((int(text) + 1) % 60) for text in given["sentences1"]]  # none is the same
    for row in range(twins):
        given["sentences2"][row], given["scores"][row] = given["sentences1"][row], 6
    ours, other = EmbeddingSimilarityEvaluator(**given), theirs[EmbeddingSimilarityEvaluator](**given)
    model.model_card_data = Card()
    mine, reference = ours(model), other(model)
    assert mine["pearson_cosine"] == pytest.approx(reference["pearson_cosine"], abs=1e-6)
    least = np.sqrt(1 - twins * (twins**2 - 1) / (60 * (60**2 - 1)))
    assert mine["spearman_cosine"] * least - 1e-9 <= reference["spearman_cosine"] <= mine["spearman_cosine"] + 1e-9


@pytest.mark.parametrize("precision", ["int8", "uint8", "binary", "ubinary"])
def test_similarity_of_codes(theirs, tmp_path, precision):
    kind = np.uint8 if precision.startswith("u") else np.int8
    codes = np.random.default_rng(2).integers(-128 if kind is np.int8 else 0, 128, (60, 8)).astype(kind)
    model = TableModel({str(number): codes[number] for number in range(60)})
    given = pairs() | {"precision": precision, "similarity_fn_names": MEASURES}
    # The reference computes cosines in float32, whose last bit parts equal ones of bits: its ranks are luck.
    within = 2e-3 if "binary" in precision else 1e-6
    agree(EmbeddingSimilarityEvaluator(**given), theirs[EmbeddingSimilarityEvaluator](**given), model, tmp_path, within)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"name": "nli", "similarity_fn_names": MEASURES},
        {"margin": 0.1, "main_similarity_function": "dot"},
        {"margin": {"cosine": 0.05}, "similarity_fn_names": ["cosine", "euclidean"]},
        {"truncate_dim": 3},
    ],
)
def test_triplets(theirs, tmp_path, options):
    random = np.random.default_rng(3)
    anchors, positives, negatives = ([str(number) for number in random.permutation(60)] for _ in range(3))
    given = {"anchors": anchors, "positives": positives, "negatives": negatives} | options
    ours, other = TripletEvaluator(**given), theirs[TripletEvaluator](**given)
    found = agree(ours, other, table(), tmp_path, within=1e-7)  # the reference averages in float32
    assert 0.1 < min(found.values()) < 0.9
    assert ours.get_config_dict() == other.get_config_dict()
    assert ours.description == other.description
    (mine,), (reference,) = ((tmp_path / side).glob("*.csv") for side in "ab")
    assert mine.name == reference.name
    assert mine.read_text().splitlines()[0] == reference.read_text().splitlines()[0]


def test_rerank_scores(theirs, tmp_path):
    random = np.random.default_rng(4)
    scores = random.normal(size=40).round(1).tolist()  # ties
    model = TableModel({}, scores=(np.array(scores) + random.normal(size=40)).astype(np.float32))
    given = {"sentence_pairs": [["a", "b"]] * 40, "scores": scores, "name": "dev"}
    ours, other = CrossEncoderCorrelationEvaluator(**given), theirs[CrossEncoderCorrelationEvaluator](**given)
    agree(ours, other, model, tmp_path, within=1e-7)  # the reference correlates in float32
    assert ours.description == other.description


def test_a_sequence(theirs, tmp_path):
    def both(kind, **given):
        return kind(**given), theirs[kind](**given)

    (ours, other), more = both(EmbeddingSimilarityEvaluator, **pairs()), pairs() | {"name": "second"}
    second = both(EmbeddingSimilarityEvaluator, **more)
    chosen = {"main_score_function": sum}
    mine = SequentialEvaluator([ours, second[0]], **chosen)
    agree(mine, theirs[SequentialEvaluator]([other, second[1]], **chosen), table(), tmp_path)


def test_correlations_are_scipys():
    from scipy.stats import pearsonr, spearmanr

    random = np.random.default_rng(5)
    for count in (2, 3, 10, 1000):
        for scale in (1e-8, 1.0, 1e8):
            x, y = random.normal(size=count) * scale, random.normal(size=count).round(1)
            assert pearson(x, y) == pytest.approx(pearsonr(x, y).statistic, abs=1e-12)
            assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
