"""Evaluators of pairs, translations, students and paraphrases against the reference, on the same embeddings."""

import numpy as np
import pytest

from airvec_trainer import evaluation as ours
from tests.trainer.evaluation.stand_in import Card, TableModel

pytestmark = pytest.mark.parity
MEASURES = ["cosine", "dot", "euclidean", "manhattan"]
COUNT, DIM = 60, 24


@pytest.fixture
def theirs():
    """The reference's evaluators, dense ones and rerankers'."""
    from sentence_transformers.cross_encoder import evaluation as rerank
    from sentence_transformers.sentence_transformer import evaluation as dense

    return {**vars(dense), **vars(rerank)}


class TorchTable(TableModel):
    """The same table, which gives torch tensors where the reference asks for them."""

    def encode(self, texts, convert_to_numpy=True, prompt_name=None, prompt=None, **given):
        import torch

        found = super().encode(texts, **given)
        if given.get("convert_to_tensor"):
            return torch.tensor(found)
        return found if convert_to_numpy else list(torch.tensor(found))

    def eval(self):
        return self


def table(seed=0, dtype=np.float64, scale=1.0, around=None):
    """Embeddings of texts, with twins and a vector of zeros among them; float64, as ours are computed."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(COUNT, DIM)) * scale
    if around is not None:
        vectors = around + vectors
    vectors[1] = vectors[0]
    vectors[5] = 0
    return TorchTable({str(number): vectors[number].astype(dtype) for number in range(COUNT)})


def texts(seed):
    return [str(number) for number in np.random.default_rng(seed).permutation(COUNT)]


def agree(mine, other, model, folder, within=1e-9):
    """Same keys, values, primary metric, card and CSV file, twice."""
    model.model_card_data = Card()
    for _ in range(2):
        found, expected = mine(model, str(folder / "a"), 1.0, 5), other(model, str(folder / "b"), 1.0, 5)
        assert list(found) == list(expected)
        np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=within, atol=within)
        assert mine.primary_metric == other.primary_metric
    assert mine.description == other.description
    assert mine.get_config_dict() == other.get_config_dict()
    (path,), (expected,) = ((folder / side).glob("*.csv") for side in "ab")
    assert path.name == expected.name
    (head, *rows), (their_head, *their_rows) = (one.read_text().splitlines() for one in (path, expected))
    assert head == their_head
    # the reference writes float32 thresholds with their own digits
    np.testing.assert_allclose(numbers(rows), numbers(their_rows), rtol=max(within, 1e-7), atol=within)
    return found


def numbers(rows):
    return [[float(value) for value in row.split(",")] for row in rows]


def paired(**given):
    labels = np.random.default_rng(6).integers(0, 2, COUNT).tolist()
    return {"sentences1": texts(7), "sentences2": texts(8), "labels": labels} | given


@pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"name": "quora", "similarity_fn_names": MEASURES},
        {"truncate_dim": 5, "similarity_fn_names": ["euclidean"]},
        {"labels": [1] * COUNT},
        {"labels": [1] + [0] * (COUNT - 1)},
        {"sentences1": ["3"] * COUNT, "sentences2": ["9", "10"] * (COUNT // 2), "similarity_fn_names": MEASURES},
        {"sentences1": ["3"] * COUNT, "sentences2": ["9"] * COUNT, "similarity_fn_names": MEASURES},  # one score
    ],
)
def test_binary_classification(theirs, tmp_path, options):
    given = paired(**options)
    mine = ours.BinaryClassificationEvaluator(**given)
    # the reference computes cosines in float32 from lists of float64 rows
    agree(mine, theirs["BinaryClassificationEvaluator"](**given), table(), tmp_path, within=2e-6)


def test_binary_classification_of_float32_embeddings_with_identical_pairs(theirs, tmp_path):
    """Identical pairs that all belong together come first in any order: only thresholds differ, in float32's digits."""
    given = paired(similarity_fn_names=MEASURES)
    for row in range(12):
        given["sentences2"][row], given["labels"][row] = given["sentences1"][row], 1
    mine = ours.BinaryClassificationEvaluator(**given)
    found = agree(mine, theirs["BinaryClassificationEvaluator"](**given), table(dtype=np.float32), tmp_path, 5e-6)
    assert found["cosine_ap"] > 0.5


@pytest.mark.filterwarnings("ignore:No positive class found:UserWarning")
def test_binary_classification_without_a_pair_that_belongs_together(theirs, tmp_path):
    given = paired(labels=[0] * COUNT, similarity_fn_names=MEASURES)
    mine = ours.BinaryClassificationEvaluator(**given)
    agree(mine, theirs["BinaryClassificationEvaluator"](**given), table(), tmp_path, within=2e-6)


@pytest.mark.parametrize("high", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_thresholds_of_tied_scores(theirs, high, dtype):
    random = np.random.default_rng(9)
    for count in (1, 2, 5, 40):
        for _ in range(20):
            scores = random.integers(0, 8, count).astype(dtype) / dtype(7)
            labels = random.integers(0, 2, count)
            for name in ("find_best_acc_and_threshold", "find_best_f1_and_threshold"):
                mine = getattr(ours.BinaryClassificationEvaluator, name)(scores, labels, high)
                assert mine == getattr(theirs["BinaryClassificationEvaluator"], name)(scores, labels, high)


@pytest.mark.parametrize("options", [{}, {"name": "stsb"}, {"truncate_dim": 3}])
def test_mse(theirs, tmp_path, options):
    student = table(1, np.float32)
    given = {"source_sentences": texts(7), "target_sentences": texts(7), "teacher_model": table(2, np.float32)}
    mine = ours.MSEEvaluator(**given, **options)
    # the reference takes the mean in float32
    found = agree(mine, theirs["MSEEvaluator"](**given, **options), student, tmp_path, within=2e-6)
    assert found[mine.primary_metric] < -10


@pytest.mark.parametrize("name", ["", "news"])
def test_mse_from_rows_of_languages(theirs, tmp_path, name):
    columns = {language: texts(seed) for seed, language in enumerate(("en", "de", "fr"))}
    rows = [{language: column[row] for language, column in columns.items()} for row in range(COUNT)]
    rows[3]["fr"] = " "
    given = {"dataframe": rows, "combinations": [("en", "de"), ("en", "fr"), ("de", "fr")], "name": name}
    mine = ours.MSEEvaluatorFromDataFrame(**given, teacher_model=table(2))
    other = theirs["MSEEvaluatorFromDataFrame"](**given, teacher_model=table(2))
    agree(mine, other, table(1), tmp_path)


@pytest.mark.parametrize("options", [{}, {"name": "en-nl"}, {"truncate_dim": 2}])
def test_translation(theirs, tmp_path, options):
    sources, targets = texts(7), texts(7)
    targets[10:40] = targets[40:10:-1]
    targets[2] = targets[3]  # a text twice
    given = {"source_sentences": sources, "target_sentences": targets} | options
    mine = ours.TranslationEvaluator(**given)
    found = agree(mine, theirs["TranslationEvaluator"](**given), table(), tmp_path)
    assert 0.1 < found[mine.primary_metric] < 0.9


PAIRS = [("1", "0"), ("2", "3"), ("3", "4"), ("4", "99"), ("7", "30"), ("8", "9"), ("9", "8"), ("11", "11")]


@pytest.mark.parametrize(
    "options",
    [
        {"duplicates_list": PAIRS},
        {"duplicates_list": PAIRS, "add_transitive_closure": True, "name": "quora"},
        {"duplicates_list": PAIRS, "max_pairs": 40},
        {"duplicates_list": PAIRS, "top_k": 2, "truncate_dim": 4},
        {"duplicates_list": PAIRS, "query_chunk_size": 7, "corpus_chunk_size": 11},
        {"duplicates_list": [("0", "98")]},
    ],
)
def test_paraphrase_mining(theirs, tmp_path, options):
    sentences = {str(number): str(number) for number in range(COUNT)}
    mine = ours.ParaphraseMiningEvaluator(sentences, **options)
    other = theirs["ParaphraseMiningEvaluator"](sentences, **options)
    assert mine.total_num_duplicates == other.total_num_duplicates
    agree(mine, other, table(dtype=np.float32, around=0.3), tmp_path, within=1e-6)


def test_the_closure_of_a_graph_is_theirs(theirs):
    random = np.random.default_rng(3)
    for _ in range(30):
        nodes = [str(node) for node in range(12)]
        graph = {node: {} for node in nodes}
        for one, other, value in zip(*random.integers(0, 12, (2, 10)), random.integers(0, 4, 10), strict=True):
            graph[str(one)][str(other)] = bool(value)
        mine = ours.ParaphraseMiningEvaluator.add_transitive_closure(graph)
        copied = {node: dict(others) for node, others in graph.items()}
        assert mine == theirs["ParaphraseMiningEvaluator"].add_transitive_closure(copied)


def scored(scores, labels=1):
    model = TableModel({}, scores=np.asarray(scores))
    model.num_labels = labels
    return model


@pytest.mark.parametrize("options", [{}, {"name": "dev"}])
def test_classes_of_a_reranker_with_one_label(theirs, tmp_path, options):
    random = np.random.default_rng(4)
    given = {"sentence_pairs": [["a", "b"]] * 50, "labels": random.integers(0, 2, 50).tolist()} | options
    model = scored(random.normal(size=50).round(1).astype(np.float32))
    mine = ours.CrossEncoderClassificationEvaluator(**given)
    # the last bit of average precision is that of the order of its sum
    agree(mine, theirs["CrossEncoderClassificationEvaluator"](**given), model, tmp_path, within=1e-15)


def test_classes_of_a_reranker_with_several_labels(theirs, tmp_path):
    random = np.random.default_rng(4)
    given = {"sentence_pairs": [["a", "b"]] * 50, "labels": random.integers(0, 3, 50).tolist(), "name": "nli"}
    model = scored(random.normal(size=(50, 4)).astype(np.float32), 4)  # nobody has the last class
    mine = ours.CrossEncoderClassificationEvaluator(**given)
    found = agree(mine, theirs["CrossEncoderClassificationEvaluator"](**given), model, tmp_path)
    assert len({round(value, 3) for value in found.values()}) > 1
