"""`fit` and old data sets against sentence-transformers': the same rows in order, the same model afterwards."""

import random

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import airvec_trainer
from airvec_trainer import datasets as our_datasets
from airvec_trainer import losses as our_losses
from airvec_trainer import readers as our_readers
from tests.tiny.checkpoints import reranker_checkpoint, tiny_checkpoint

pytestmark = pytest.mark.parity
WORDS = ["sun", "rain", "wind", "snow", "fog", "hail", "storm"]
TEXTS = [f"{WORDS[number % 7]} and {WORDS[number % 5]}" for number in range(12)]


def examples(kind, label=lambda number: number / 12):
    return [kind(texts=[text, TEXTS[-number]], label=label(number)) for number, text in enumerate(TEXTS)]


def fitted(library, losses, folder, scheduler):
    """Embeddings after two epochs with two losses."""
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    model = library.SentenceTransformer(str(tiny_checkpoint(folder / "base")), device="cpu")
    scored = DataLoader(examples(library.InputExample), shuffle=True, batch_size=4)
    paired = DataLoader(examples(library.InputExample, lambda _: 0), shuffle=True, batch_size=4)
    before = model.encode(TEXTS)
    model.fit(
        train_objectives=[
            (scored, losses.CosineSimilarityLoss(model)),
            (paired, losses.MultipleNegativesRankingLoss(model)),
        ],
        epochs=2,
        scheduler=scheduler,
        warmup_steps=3,
        optimizer_params={"lr": 1e-3},
        show_progress_bar=False,
    )
    return before, model.encode(TEXTS)


@pytest.mark.filterwarnings("ignore:'pin_memory':UserWarning")  # torch's, on a machine without an accelerator
@pytest.mark.parametrize("scheduler", ["WarmupLinear", "constantlr", "warmupcosine"])
def test_a_model_is_the_same_after_fit(tmp_path, monkeypatch, scheduler):
    import sentence_transformers
    from sentence_transformers.sentence_transformer import losses as their_losses

    monkeypatch.chdir(tmp_path)
    _, theirs = fitted(sentence_transformers, their_losses, tmp_path / "theirs", scheduler)
    before, ours = fitted(airvec_trainer, our_losses, tmp_path / "ours", scheduler)
    assert np.abs(ours - before).max() > 0.01
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def fitted_reranker(library, folder):
    torch.manual_seed(1)
    model = library.CrossEncoder(str(reranker_checkpoint(folder / "base")), device="cpu")
    rows = DataLoader(examples(library.InputExample), shuffle=True, batch_size=4)
    model.fit(train_dataloader=rows, epochs=2, warmup_steps=2, optimizer_params={"lr": 1e-3}, show_progress_bar=False)
    return model.predict(list(zip(TEXTS, TEXTS[::-1], strict=True)))


@pytest.mark.filterwarnings("ignore:'pin_memory':UserWarning")
def test_a_reranker_is_the_same_after_fit(tmp_path, monkeypatch):
    import sentence_transformers

    monkeypatch.chdir(tmp_path)
    ours = fitted_reranker(airvec_trainer, tmp_path / "ours")
    theirs = fitted_reranker(sentence_transformers, tmp_path / "theirs")
    assert np.ptp(ours) > 1e-3
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.fixture
def theirs():
    from sentence_transformers.sentence_transformer import datasets, readers

    return datasets, readers


@pytest.mark.parametrize("count", [2, 3])
def test_examples_by_label_come_in_their_order(theirs, count):
    found = []
    for datasets, kind in ((our_datasets, our_readers.InputExample), (theirs[0], theirs[1].InputExample)):
        np.random.seed(7)  # noqa: NPY002
        rows = [kind(texts=[str(number)], label=number % 4) for number in range(30)]
        data = datasets.SentenceLabelDataset(rows, samples_per_label=count)
        found.append([example.texts[0] for _ in range(2) for example in data])
    first = len(found[0]) // 2
    assert found[0][:first] == found[1][: len(found[1]) // 2]


def test_batches_without_duplicates_come_in_their_order(theirs):
    found = []
    for datasets, kind in ((our_datasets, our_readers.InputExample), (theirs[0], theirs[1].InputExample)):
        random.seed(7)
        rows = [kind(texts=[WORDS[number % 7].upper(), str(number)]) for number in range(40)]
        loader = datasets.NoDuplicatesDataLoader(rows, 5)
        found.append([[example.texts for example in batch] for batch in loader])
    assert found[0] == found[1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # they leave files open
def test_files_are_read_as_theirs(theirs, tmp_path):
    (tmp_path / "sts.tsv").write_text("one\ttwo\t2.5\nthree\tfour\t5\n")
    (tmp_path / "triplets.tsv").write_text("a\tb\tc\nd\te\tf\n")
    (tmp_path / "labels.tsv").write_text("x\tone\ny\ttwo\nx\tthree\n")

    def read(readers):
        return [
            (example.guid, example.texts, example.label)
            for reader, name in (
                (readers.STSDataReader(str(tmp_path)), "sts.tsv"),
                (readers.TripletReader(str(tmp_path)), "triplets.tsv"),
                (readers.LabelSentenceReader(str(tmp_path)), "labels.tsv"),
            )
            for example in reader.get_examples(name)
        ]

    assert read(our_readers) == read(theirs[1])
