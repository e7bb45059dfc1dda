"""`fit`: what old training code says, and what comes of it."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer import InputExample, SentenceTransformer, losses
from airvec_trainer.datasets import NoDuplicatesDataLoader, SentenceLabelDataset
from airvec_trainer.evaluation import CrossEncoderCorrelationEvaluator
from airvec_trainer.fitting_data import objective
from tests.trainer.fitted import encoder, examples, reranker

QUIET = {"show_progress_bar": False, "warmup_steps": 0}
FAST = QUIET | {"optimizer_params": {"lr": 1e-2}}


def loader(rows, batch_size=4, **options):
    return DataLoader(rows, batch_size=batch_size, **options)


class Steps:
    """An evaluator that notes when it was called."""

    def __init__(self):
        self.seen = []

    def __call__(self, model, output_path, epoch, steps):
        self.seen.append(steps)
        return 0.0


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def distance_from_labels(model, rows):
    first, second = (model.encode([row.texts[place] for row in rows]) for place in (0, 1))
    found = model.similarity_pairwise(first, second).numpy()
    return float(np.mean((found - [row.label for row in rows]) ** 2))


def test_a_loader_becomes_columns_with_a_label():
    found = objective(loader(examples(5)))
    assert found.rows.column_names == ["sentence_0", "sentence_1", "label"]
    assert found.rows["label"][:2] == [0.0, 1 / 12]
    assert (len(found.rows), found.batch_size, found.sampler) == (5, 4, "batch_sampler")


def test_labels_that_are_all_0_are_no_labels_and_vectors_are():
    assert objective(loader(examples(label=lambda _: 0))).rows.column_names == ["sentence_0", "sentence_1"]
    vectors = objective(loader(examples(3, 1, label=lambda number: np.float32([number, 0.5])))).rows
    assert vectors["label"][1] == [1.0, 0.5]


def test_a_loader_is_left_as_it_was_and_its_kind_chooses_the_sampler():
    shuffled = loader(examples(), shuffle=True, collate_fn=str)
    objective(shuffled)
    assert shuffled.collate_fn is str
    assert objective(NoDuplicatesDataLoader(examples(), 4)).sampler == "no_duplicates"
    by_label = SentenceLabelDataset(examples(8, 1, label=lambda number: number % 2))
    assert objective(loader(by_label)).sampler == "group_by_label"


def test_fit_moves_the_model_towards_the_labels(tmp_path):
    model = encoder(tmp_path)
    rows = examples(8, label=lambda number: float(number % 2))
    before = distance_from_labels(model, rows)
    model.fit([(loader(rows, shuffle=True), losses.CosineSimilarityLoss(model))], epochs=24, **FAST)
    assert distance_from_labels(model, rows) < 0.8 * before
    assert list(tmp_path.iterdir()) == [tmp_path / "dense"]  # nothing is left behind


def test_objectives_take_turns(tmp_path, monkeypatch):
    seen = []

    def spy(name, loss):
        class Spy(type(loss)):
            def __call__(self, columns, labels=None):
                seen.append(name)
                return super().__call__(columns, labels)

        return Spy()

    model = encoder(tmp_path)
    first, second = spy("pairs", losses.MultipleNegativesRankingLoss()), spy("scores", losses.CosineSimilarityLoss())
    rows = examples(8), examples(20)
    model.fit([(loader(rows[0]), first), (loader(rows[1]), second)], **QUIET)
    trained = seen[-4:]
    assert sorted(trained) == ["pairs", "pairs", "scores", "scores"]


def test_the_best_model_is_kept_and_every_evaluation_told(tmp_path):
    model, told = encoder(tmp_path), []
    scores = iter([0.1, 0.5, 0.3, 0.2])

    def evaluator(model, output_path, epoch, steps):
        assert output_path == tmp_path / "out" / "eval"
        return next(scores)

    saved = []
    save = model.save_pretrained
    model.save_pretrained = lambda path: (saved.append(path), save(path))
    model.fit(
        train_objectives=[(loader(examples(8)), losses.CosineSimilarityLoss(model))],
        epochs=2,
        evaluator=evaluator,
        evaluation_steps=2,
        output_path=str(tmp_path / "out"),
        callback=lambda score, epoch, steps: told.append((score, epoch, steps)),
        **QUIET,
    )
    # after two steps, at the end of the epoch, which is the same step, and both again
    assert told == [(0.1, 1.0, 2), (0.5, 1.0, 2), (0.3, 2.0, 4), (0.2, 2.0, 4)]
    assert saved == [tmp_path / "out"] * 2


def test_an_evaluator_whose_less_is_better_is_believed(tmp_path):
    model, saved = encoder(tmp_path), []

    class Measure:
        greater_is_better, primary_metric = False, "distance"
        values = iter([3.0, 2.0, 4.0])

        def __call__(self, model, output_path, epoch, steps):
            return {"other": 9.0, "distance": next(self.values)}

    model.save_pretrained = saved.append
    data = [(loader(examples(4)), losses.CosineSimilarityLoss(model))]
    model.fit(data, epochs=3, evaluator=Measure(), output_path="out", **QUIET)
    assert len(saved) == 2


def test_without_an_evaluator_the_last_model_is_saved_and_opens(tmp_path):
    model = encoder(tmp_path)
    model.fit([(loader(examples()), losses.MultipleNegativesRankingLoss(model))], output_path="out", **QUIET)
    text = ["sun and rain"]
    again = SentenceTransformer("out", device="cpu").encode(text)
    np.testing.assert_allclose(again, model.encode(text), atol=1e-6)


@pytest.mark.slow
def test_checkpoints_are_written_and_resumed(tmp_path):
    model = encoder(tmp_path)
    data = [(loader(examples(16)), losses.CosineSimilarityLoss(model))]
    given = {"checkpoint_path": str(tmp_path / "kept"), "checkpoint_save_steps": 2, **QUIET}
    model.fit(data, epochs=1, checkpoint_save_total_limit=1, **given)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["checkpoint-4"]
    steps = Steps()
    model.fit(
        data,
        epochs=2,
        resume_from_checkpoint=True,
        evaluator=steps,
        **given,
    )
    assert steps.seen == [8]


def test_resuming_without_a_checkpoint_says_so(tmp_path):
    model = encoder(tmp_path)
    data = [(loader(examples(4)), losses.CosineSimilarityLoss(model))]
    with pytest.warns(AirvecWarning, match="no checkpoint in .*none"):
        model.fit(data, checkpoint_path=str(tmp_path / "none"), resume_from_checkpoint=True, **QUIET)


def test_steps_of_an_epoch_may_be_fewer(tmp_path):
    model, steps = encoder(tmp_path), Steps()
    data = [(loader(examples(12)), losses.CosineSimilarityLoss(model))]
    model.fit(data, epochs=2, steps_per_epoch=1, evaluator=steps, **QUIET)
    assert max(steps.seen) == 2


@pytest.mark.parametrize(
    "name", ["constantlr", "WarmupConstant", "warmuplinear", "WarmupCosine", "warmupcosinewithhardrestarts"]
)
def test_every_old_scheduler_trains(tmp_path, name):
    model = encoder(tmp_path)
    before = model.encode(["sun"])
    model.fit([(loader(examples(8)), losses.CosineSimilarityLoss(model))], scheduler=name, **FAST)
    assert not np.allclose(before, model.encode(["sun"]))


@pytest.mark.parametrize(("rows", "batch_size", "steps"), [(3, 4, 2), (6, 4, 4), (8, 4, 4)])
def test_the_last_batch_counts_however_few_its_rows(tmp_path, rows, batch_size, steps):
    """Learning rates before each step: from the whole one down, and 0 only after the last."""
    model, rates = encoder(tmp_path), []

    class Noting(torch.optim.AdamW):
        def step(self, closure=None):
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    before = model.encode(["sun"])
    data = [(loader(examples(rows), batch_size), losses.CosineSimilarityLoss(model))]
    model.fit(data, epochs=2, optimizer_class=Noting, **FAST)
    assert rates == pytest.approx([1e-2 * (steps - step) / steps for step in range(steps)])
    assert not np.allclose(before, model.encode(["sun"]), atol=1e-4)


def test_a_loss_with_weights_trains_them(tmp_path):
    model = encoder(tmp_path)
    loss = losses.SoftmaxLoss(model, model.get_embedding_dimension(), 2)
    weights = loss.classifier.weight
    before, embedded = weights.detach().clone(), model.encode(["sun"])
    model.fit([(loader(examples(8, label=lambda number: number % 2)), loss)], **FAST)
    assert (weights - before).abs().max() > 1e-3
    assert not np.allclose(embedded, model.encode(["sun"]), atol=1e-4)


def test_loaders_of_unlike_batch_sizes_are_told(tmp_path):
    model = encoder(tmp_path)
    loss = losses.CosineSimilarityLoss(model)
    steps = Steps()
    with pytest.warns(AirvecWarning, match="batch sizes 4, 2; all train with 2, the last"):
        model.fit([(loader(examples(8)), loss), (loader(examples(8), 2), loss)], evaluator=steps, **QUIET)
    assert steps.seen == [8]


@pytest.mark.parametrize(
    ("rows", "given", "message"),
    [
        ([], {}, "0 examples"),
        ([InputExample(texts=["a"]), InputExample(texts=["a", "b"])], {}, "examples of 1 and 2 texts"),
        (None, {"scheduler": "linear"}, "scheduler 'linear'"),
    ],
)
def test_what_cannot_be_trained_is_refused_by_value(tmp_path, rows, given, message):
    model = encoder(tmp_path)
    data = [(loader(examples(4) if rows is None else rows), losses.CosineSimilarityLoss(model))]
    with pytest.raises(ArgumentError, match=message):
        model.fit(data, **(QUIET | given))


def test_no_objectives_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match="0 objectives"):
        encoder(tmp_path).fit([])


def test_a_batch_is_collated_as_before(tmp_path):
    columns, labels = encoder(tmp_path).smart_batching_collate(examples(3))
    assert len(columns) == 2
    assert columns[0]["input_ids"].shape[0] == 3
    assert labels.tolist() == pytest.approx([0, 1 / 12, 2 / 12])


def test_a_reranker_fits_its_labels_and_the_best_is_kept(tmp_path):
    model = reranker(tmp_path)
    rows = examples(8, label=lambda number: float(number % 2))
    measure = CrossEncoderCorrelationEvaluator.from_input_examples(rows, name="dev")
    before = measure(model)["dev_pearson"]
    settings = QUIET | {"optimizer_params": {"lr": 3e-3}}
    model.fit(train_dataloader=loader(rows), evaluator=measure, epochs=20, output_path="out", **settings)
    assert measure(model)["dev_pearson"] > before + 0.2
    assert (tmp_path / "out" / "eval" / "CrossEncoderCorrelationEvaluator_dev_results.csv").is_file()
    assert (tmp_path / "out" / "model.safetensors").is_file()


def test_a_reranker_takes_a_loss_and_an_activation_of_torch(tmp_path):
    model, seen = reranker(tmp_path), []

    def loss(scores, labels):
        seen.append((tuple(scores.shape), labels.dtype, bool((scores.min() >= 0) & (scores.max() <= 1))))
        return torch.nn.functional.mse_loss(scores, labels)

    model.fit(loader(examples(4)), loss_fct=loss, activation_fct=torch.nn.Sigmoid(), **QUIET)
    assert set(seen) == {((4,), torch.float32, True)}


def test_a_reranker_of_several_labels_takes_classes(tmp_path):
    model = reranker(tmp_path, labels=3)
    rows = examples(6, label=lambda number: number % 3)
    for given in ({}, {"loss_fct": torch.nn.CrossEntropyLoss()}):
        before = model.predict([("sun", "rain")])
        model.fit(loader(rows), **FAST, **given)
        assert not np.allclose(before, model.predict([("sun", "rain")]), atol=1e-4)
    features, labels = model.smart_batching_collate(rows)
    assert labels.dtype == torch.int64
    assert features["input_ids"].shape[0] == 6
    assert model.smart_batching_collate_text_only([["a ", "b"]])["input_ids"].shape[0] == 1
