"""`FewShotTrainingArguments`: SetFit's names, a value for the model or one for each half, and what cannot be."""

import pytest

from airvec.errors import ArgumentError
from airvec_trainer.few_shot import FewShotTrainingArguments
from airvec_trainer.few_shot.body import _arguments

# Those of setfit.TrainingArguments 1.2.0, without what only its head in torch reads, and what it has as old names.
NOT_OURS = {"end_to_end", "max_length", "samples_per_label", "logging_dir", "evaluation_strategy", "eval_delay",
            "metric_for_best_model", "greater_is_better"}  # fmt: skip
SETFIT = NOT_OURS | {
    "output_dir", "batch_size", "num_epochs", "max_steps", "sampling_strategy", "num_iterations", "body_learning_rate",
    "head_learning_rate", "loss", "distance_metric", "margin", "use_amp", "warmup_proportion", "l2_weight",
    "show_progress_bar", "seed", "report_to", "run_name", "logging_strategy", "logging_first_step", "logging_steps",
    "eval_strategy", "eval_steps", "eval_max_steps", "save_strategy", "save_steps", "save_total_limit",
    "load_best_model_at_end",
}  # fmt: skip


def test_the_names_are_setfits():
    assert set(FewShotTrainingArguments().to_dict()) == SETFIT - NOT_OURS


def test_a_value_for_both_halves_and_one_for_each():
    one = FewShotTrainingArguments(batch_size=8, num_epochs=2, body_learning_rate=1e-4)
    two = FewShotTrainingArguments(batch_size=(8, 4), num_epochs=(2, 9), body_learning_rate=(1e-4, 1))
    for found in (one, two):
        assert found.embedding_batch_size == 8
        assert found.embedding_num_epochs == 2
        assert found.body_embedding_learning_rate == 1e-4


def test_the_model_is_trained_by_them(tmp_path):
    given = FewShotTrainingArguments(
        str(tmp_path), batch_size=(4, 2), num_epochs=3, max_steps=7, body_learning_rate=1e-3, l2_weight=0.5, seed=9,
        warmup_proportion=0.2, logging_steps=5, show_progress_bar=False,
    )  # fmt: skip
    found = _arguments(given, grouped=True, measured=False)
    assert (found.per_device_train_batch_size, found.num_train_epochs, found.max_steps) == (4, 3, 7)
    assert (found.learning_rate, found.weight_decay, found.warmup_steps, found.seed) == (1e-3, 0.5, 0.2, 9)
    assert (found.eval_strategy, found.disable_tqdm, found.batch_sampler, found.report_to) == (
        "no", True, "group_by_label", [],
    )  # fmt: skip


def test_update_changes_some():
    found = FewShotTrainingArguments(seed=3).update({"num_iterations": 5})
    assert (found.seed, found.num_iterations) == (3, 5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_size": 0}, "batch_size: 0"),
        ({"batch_size": (1, 2, 3)}, r"batch_size: \(1, 2, 3\), expected one value"),
        ({"num_epochs": -1}, "num_epochs: -1, expected a number of 0 or more"),
        ({"num_epochs": "1"}, "num_epochs: '1'"),
        ({"num_iterations": 0}, "num_iterations: 0"),
        ({"max_steps": 0}, "max_steps: 0"),
        ({"body_learning_rate": (float("nan"), 1)}, "body_learning_rate: nan"),
        ({"head_learning_rate": -1}, "head_learning_rate: -1"),
        ({"warmup_proportion": 2}, "warmup_proportion: 2, expected a number from 0 to 1"),
        ({"sampling_strategy": "all"}, "sampling_strategy: 'all', expected one of oversampling"),
        ({"seed": -1}, "seed: -1"),
    ],
)
def test_what_cannot_be_is_refused(given, message):
    with pytest.raises(ArgumentError, match=message):
        FewShotTrainingArguments(**given)
