"""What holds for every evaluator, dense, sparse or a reranker's: a new one needs a line in GIVEN and is tested."""

import csv
import zlib

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from airvec.search.beir import RetrievalTask
from airvec.sparse_vectors import SparseVectors
from airvec_trainer import evaluation
from airvec_trainer.examples import InputExample
from tests.trainer.evaluation.stand_in import Card

ABSTRACT = {"BaseEvaluator", "Evaluator", "SentenceEvaluator"}
OTHERWISE = {
    "ReciprocalRankFusionEvaluator",  # compares rankings and is called without a model
    "SequentialEvaluator",  # has no data of its own
}
# MTEB's protocols: of dense models alone, and their files are written wherever a folder is given.
MTEB = {"BitextEvaluator", "ClassificationEvaluator", "ClusteringEvaluator"}
DIM = 12
TEXTS = [f"text {number}" for number in range(8)]
FIRST, SECOND, LABELS = TEXTS[:4], TEXTS[4:], [1, 0, 1, 0]
PAIRS = [list(pair) for pair in zip(FIRST, SECOND, strict=True)]
SAMPLES = [{"query": text, "positive": TEXTS[4:5], "negative": TEXTS[5:]} for text in FIRST]
TASK = {
    "queries": dict(zip("abcd", FIRST, strict=True)),
    "corpus": dict(zip("efgh", SECOND, strict=True)),
    "relevant": {query: {"e": 1, "g": 1} for query in "abcd"},
}
RETRIEVAL = {**TASK, "relevant_docs": {query: set(grades) for query, grades in TASK["relevant"].items()}}
RETRIEVAL.pop("relevant")
SETS = {"dataset_names": None, "dataset_id": {"scifact": RetrievalTask(**TASK)}}


def vector(text):
    """Random, but always the same for one text; some numbers are 0."""
    random = np.random.default_rng(zlib.crc32(text.encode()))
    return np.float32(random.normal(size=DIM) * (random.random(DIM) < 0.7))


class Dense:
    similarity_fn_name = "cosine"
    training = False
    device = "cpu"

    def __init__(self):
        self.model_card_data = Card()

    def encode(self, texts, **_):
        return np.stack([vector(text) for text in texts])

    encode_query = encode_document = encode


class Tensors(Dense):
    def encode(self, texts, **_):
        return torch.tensor(super().encode(texts))

    encode_query = encode_document = encode


class Sparse(Dense):
    def encode(self, texts, **_):
        return SparseVectors.from_dense(super().encode(texts))

    encode_query = encode_document = encode

    def sparsity(self):
        """What sparse encoders have."""


class Reranker(Dense):
    num_labels = 1

    def predict(self, pairs, **_):
        return np.float32([vector(" ".join(pair))[:3].sum() for pair in pairs])


class Trained(Dense):
    """Of torch, as far as LabelAccuracyEvaluator asks."""

    def eval(self):
        return self

    def train(self, mode):
        return self

    def smart_batching_collate(self, batch):
        columns = zip(*(one.texts for one in batch), strict=True)
        return [{"rows": torch.tensor(self.encode(texts))} for texts in columns], torch.tensor(
            [one.label for one in batch]
        )


PAIRED = {"sentences1": FIRST, "sentences2": SECOND}
SIDES = {"source_sentences": FIRST, "target_sentences": SECOND}
TRIPLETS = {"anchors": FIRST, "positives": SECOND, "negatives": SECOND[::-1]}
EXAMPLES = [InputExample(texts=pair, label=label) for pair, label in zip(PAIRS, LABELS, strict=True)]
# By name: what it is made with.
GIVEN = {
    "BinaryClassificationEvaluator": PAIRED | {"labels": LABELS},
    "EmbeddingSimilarityEvaluator": PAIRED | {"scores": [0.1, 0.7, 0.3, 0.9]},
    "InformationRetrievalEvaluator": RETRIEVAL,
    "LabelAccuracyEvaluator": {
        "dataloader": DataLoader(EXAMPLES, batch_size=3),
        "softmax_model": lambda columns, labels: (None, columns[0]["rows"][:, :2]),
    },
    "MSEEvaluator": SIDES | {"teacher_model": Dense()},
    "MSEEvaluatorFromDataFrame": {
        "dataframe": [{"en": one, "de": other} for one, other in PAIRS],
        "teacher_model": Dense(),
        "combinations": [("en", "de")],
    },
    "NanoBEIREvaluator": SETS,
    "ParaphraseMiningEvaluator": {"sentences_map": dict(enumerate(TEXTS)), "duplicates_list": [(0, 4), (1, 2)]},
    "RerankingEvaluator": {"samples": SAMPLES},
    "TranslationEvaluator": SIDES,
    "TripletEvaluator": TRIPLETS,
    "BitextEvaluator": PAIRED,
    "ClassificationEvaluator": {"train_texts": SECOND, "train_labels": LABELS, "sentences": FIRST, "labels": LABELS},
    "ClusteringEvaluator": {"sentences": FIRST, "labels": LABELS},
    "CrossEncoderClassificationEvaluator": {"sentence_pairs": PAIRS, "labels": LABELS},
    "CrossEncoderCorrelationEvaluator": {"sentence_pairs": PAIRS, "scores": [0.1, 0.7, 0.3, 0.9]},
    "CrossEncoderNanoBEIREvaluator": SETS,
    "CrossEncoderRerankingEvaluator": {"samples": SAMPLES},
}
EVERY = sorted(
    {
        name
        for name in evaluation.__all__
        if "Evaluator" in name and not name.startswith("CE") and name not in ABSTRACT | OTHERWISE
    }
)
# As in the reference, those of several sets have no name of their own, and the sets tell the card.
ONE_SET = [name for name in EVERY if "NanoBEIR" not in name]


def made(kind, **options):
    return getattr(evaluation, kind)(**{**GIVEN[kind.removeprefix("Sparse")], **options})


def model_of(name):
    if name.startswith("CrossEncoder"):
        return Reranker()
    if name == "LabelAccuracyEvaluator":
        return Trained()
    return Sparse() if name.startswith("Sparse") else Dense()


def test_every_evaluator_is_tested_here():
    assert {name.removeprefix("Sparse") for name in EVERY} == set(GIVEN)
    assert len(EVERY) > 20


@pytest.mark.parametrize("name", EVERY)
def test_metrics_are_finite_numbers_that_a_second_call_gives_again(name):
    evaluator, model = made(name), model_of(name)
    found = evaluator(model)
    assert found
    assert all(type(value) is float and np.isfinite(value) for value in found.values())
    assert evaluator.primary_metric in found
    assert evaluator(model) == found
    assert evaluator.greater_is_better


@pytest.mark.parametrize("name", ONE_SET)
def test_the_card_is_told_under_the_same_keys(name):
    evaluator, model = made(name), model_of(name)
    found = evaluator(model, epoch=1.0, steps=3)
    stored = [metrics for one, metrics, _, _ in model.model_card_data.stored if one is evaluator]
    assert [set(metrics) for metrics in stored] == [set(found)]
    assert evaluator.description
    assert isinstance(evaluator.get_config_dict(), dict)


@pytest.mark.parametrize("name", ONE_SET)
def test_the_name_of_the_data_comes_before_every_metric_and_into_the_file(name):
    plain, named = made(name)(model_of(name)), made(name, name="dev-set")
    assert named(model_of(name)) == {f"dev-set_{key}": value for key, value in plain.items()}
    assert named.primary_metric.startswith("dev-set_")
    assert "dev-set" in named.csv_file


@pytest.mark.parametrize("name", EVERY)
def test_each_call_adds_a_row_as_wide_as_the_head(tmp_path, name):
    evaluator = made(name)
    for epoch in (1, 2):
        evaluator(model_of(name), str(tmp_path / "made"), epoch, 7)
    files = sorted((tmp_path / "made").glob("*.csv"))
    assert evaluator.csv_file in {file.name for file in files}
    for file in files:
        with file.open(newline="") as lines:
            head, *rows = csv.reader(lines)
        assert head[:2] == ["epoch", "steps"]
        assert [row[:2] for row in rows] == [["1", "7"], ["2", "7"]]
        assert {len(row) for row in rows} == {len(head)}
        assert len(set(head)) == len(head) > 2


@pytest.mark.parametrize("name", sorted(set(EVERY) - MTEB))
def test_no_file_is_written_where_none_is_wanted(tmp_path, name):
    made(name, write_csv=False)(model_of(name), str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", [name for name in EVERY if not name.startswith(("Sparse", "CrossEncoder", "LabelAccuracy"))]
)
def test_tensors_and_sparse_vectors_give_the_numbers_of_arrays(name):
    expected = made(name)(Dense())
    assert made(name)(Tensors()) == expected
    if name not in MTEB:
        assert made(name)(Sparse()) == pytest.approx(expected, abs=1e-5)
