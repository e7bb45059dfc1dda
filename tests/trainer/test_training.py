"""What the trainers share: losses in all forms, evaluation, checkpoints, optimisers, streams."""

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset, DatasetDict
from torch import nn
from transformers import EarlyStoppingCallback

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from airvec_trainer.errors import TrainingError
from airvec_trainer.losses import CoSENTLoss, MultipleNegativesRankingLoss, SoftmaxLoss
from tests.tiny.checkpoints import tiny_checkpoint
from tests.trainer.trainings import arguments, losses_of, pairs, scored, trainer, words


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("training") / "model")


class Spread:
    """An evaluator of a test: one metric, and the folder that it is given."""

    primary_metric = "toy_spread"
    name = "toy"

    def __init__(self, values: list[float] | None = None) -> None:
        self.folders: list[Any] = []
        self.values = values

    def __call__(self, model: Any, output_path: Any = None, epoch: float = -1, steps: int = -1) -> dict[str, float]:
        self.folders.append(output_path)
        if self.values is not None:
            return {"toy_spread": self.values[len(self.folders) - 1]}
        return {"toy_spread": float(model.encode(words(4)).std())}


@pytest.mark.parametrize(
    "loss",
    [
        MultipleNegativesRankingLoss(),
        lambda model: MultipleNegativesRankingLoss(model, scale=20.0),
        MultipleNegativesRankingLoss,
    ],
    ids=["instance", "function", "class"],
)
def test_a_loss_may_be_given_itself_or_as_what_makes_it_of_the_model(folder: Path, tmp_path: Path, loss: Any) -> None:
    found = trainer(folder, tmp_path, data=pairs(), loss=loss)
    found.train()
    plain = trainer(folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss())
    plain.train()
    assert losses_of(found) == losses_of(plain)
    assert len(losses_of(found)) == 4


def test_a_function_of_columns_and_labels_is_a_loss(folder: Path, tmp_path: Path) -> None:
    def squared(columns: Any, labels: Any = None) -> torch.Tensor:
        return ((columns[0] - columns[1]) ** 2).sum()

    found = trainer(folder, tmp_path, data=pairs(), loss=squared)
    found.train()
    assert losses_of(found)[-1] < losses_of(found)[0]


def test_a_module_of_one_s_own_is_a_loss_whose_weights_are_trained(folder: Path, tmp_path: Path) -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(2.0))

        def forward(self, columns: Any, labels: Any = None) -> torch.Tensor:
            return self.scale * ((columns[0] - columns[1]) ** 2).sum()

    loss = Scaled()
    trainer(folder, tmp_path, data=pairs(), loss=loss).train()
    assert loss.scale.item() < 2.0


def test_the_default_loss_is_cosent(folder: Path, tmp_path: Path) -> None:
    assert isinstance(trainer(folder, tmp_path, data=scored()).loss, CoSENTLoss)


def test_losses_own_weights_are_trained_and_their_gradients_cleared(folder: Path, tmp_path: Path) -> None:
    data = pairs().add_column("label", [row % 3 for row in range(12)])
    found = trainer(folder, tmp_path, data=data, loss=SoftmaxLoss(embedding_dimension=32, num_labels=3))
    before = {name: weight.detach().clone() for name, weight in found.weights.of_losses().items()}
    found.train()
    after = found.weights.of_losses()
    assert before
    assert all(not torch.equal(before[name], after[name]) for name in before)
    assert all(weight.grad is None for weight in after.values())


def test_weights_that_a_pattern_finds_have_their_own_learning_rate(folder: Path, tmp_path: Path) -> None:
    options = {"learning_rate_mapping": {r"^model\.0\..*layer\.0\.": 0.0}, "weight_decay": 0.1}
    found = trainer(folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss(), options=options)
    before = {name: weight.detach().clone() for name, weight in found.model.named_parameters()}
    found.train()
    moved = {name for name, weight in found.model.named_parameters() if not torch.equal(before[name], weight)}
    assert not any("layer.0." in name for name in moved)
    assert any("layer.1." in name for name in moved)
    groups = found.optimizer.param_groups
    assert sum(len(group["params"]) for group in groups) == len(list(found.model.parameters()))


def test_an_optimiser_s_class_keeps_the_losses_weights(folder: Path, tmp_path: Path) -> None:
    data = pairs().add_column("label", [row % 3 for row in range(12)])
    loss = SoftmaxLoss(embedding_dimension=32, num_labels=3)
    chosen = (torch.optim.SGD, {"lr": 0.1})
    found = trainer(folder, tmp_path, data=data, loss=loss, optimizer_cls_and_kwargs=chosen)
    before = {name: weight.detach().clone() for name, weight in found.weights.of_losses().items()}
    found.train()
    assert all(not torch.equal(before[name], weight) for name, weight in found.weights.of_losses().items())


def test_a_pattern_that_finds_nothing_is_an_error(folder: Path, tmp_path: Path) -> None:
    options = {"learning_rate_mapping": {"nowhere": 1e-3}}
    found = trainer(folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss(), options=options)
    with pytest.raises(ArgumentError, match="'nowhere' finds none"):
        found.train()


def test_evaluators_get_a_folder_for_their_csv_and_their_metrics_a_prefix(folder: Path, tmp_path: Path) -> None:
    evaluators = [Spread(), Spread()]
    found = trainer(
        folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss(), evaluator=evaluators,
        options={"eval_strategy": "steps", "eval_steps": 2},
    )  # fmt: skip
    found.train()
    logged = [entry for entry in found.state.log_history if "eval_toy_spread" in entry]
    assert [entry["step"] for entry in logged] == [2, 4]
    assert "eval_sequential_score" in logged[0]
    assert evaluators[0].folders == [str(tmp_path / "eval")] * 2


def test_several_evaluation_sets_have_a_loss_each_and_one_run_of_the_evaluator(folder: Path, tmp_path: Path) -> None:
    evaluator = Spread()
    found = trainer(
        folder, tmp_path, data={"a": pairs(), "b": scored()}, eval_dataset={"a": pairs(8), "b": scored(8)},
        loss={"a": MultipleNegativesRankingLoss(), "b": CoSENTLoss()}, evaluator=evaluator,
    )  # fmt: skip
    metrics = found.evaluate()
    assert {"eval_a_loss", "eval_b_loss", "eval_toy_spread"} <= set(metrics)
    assert len(evaluator.folders) == 1
    single = trainer(folder, tmp_path, data=scored(), eval_dataset=scored(8), loss=CoSENTLoss()).evaluate()
    assert metrics["eval_b_loss"] == pytest.approx(single["eval_loss"], abs=1e-6)


def test_the_best_model_is_taken_up_at_the_end(folder: Path, tmp_path: Path) -> None:
    found = trainer(
        folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss(), evaluator=Spread([0.1, 0.9, 0.2, 0.3]),
        options={
            "eval_strategy": "steps", "eval_steps": 1, "save_strategy": "steps", "save_steps": 1, "save_total_limit": 1,
            "load_best_model_at_end": True, "metric_for_best_model": "toy_spread", "greater_is_better": True,
        },
    )  # fmt: skip
    found.train()
    best = tmp_path / "checkpoint-2"
    assert found.state.best_model_checkpoint == str(best)
    saved = SentenceTransformer(str(best), device="cpu")
    assert all(torch.equal(a, b) for a, b in zip(saved.parameters(), found.model.parameters(), strict=True))
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-2"]


@pytest.mark.parametrize("wanted", ["toy_sprad", "eval_toy_sprad"])
def test_a_misspelt_best_metric_is_told_with_those_that_there_are(folder: Path, tmp_path: Path, wanted: str) -> None:
    found = trainer(
        folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss(), evaluator=Spread(), eval_dataset=pairs(8),
        options={"eval_strategy": "steps", "eval_steps": 1, "metric_for_best_model": wanted},
    )  # fmt: skip
    message = f"metric_for_best_model: {wanted!r}, which the evaluation does not give, expected one of eval_loss, eval_"
    with pytest.raises(ArgumentError, match=message + "toy_spread. Correct it"):
        found.train()


def test_early_stopping_ends_the_training(folder: Path, tmp_path: Path) -> None:
    found = trainer(
        folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss(), evaluator=Spread([0.9, 0.5, 0.4, 0.3]),
        callbacks=[EarlyStoppingCallback(early_stopping_patience=2)],
        options={
            "eval_strategy": "steps", "eval_steps": 1, "save_strategy": "steps", "save_steps": 1,
            "load_best_model_at_end": True, "metric_for_best_model": "toy_spread", "greater_is_better": True,
        },
    )  # fmt: skip
    found.train()
    assert found.state.global_step == 3


def test_a_stream_trains_as_its_rows_in_order_do(folder: Path, tmp_path: Path) -> None:
    stream = pairs(16).to_iterable_dataset()
    found = trainer(folder, tmp_path, data=stream, loss=MultipleNegativesRankingLoss())
    found.train()
    assert len(losses_of(found)) == 4


def test_a_stream_does_not_use_a_batch_sampler_and_says_so(folder: Path, tmp_path: Path) -> None:
    found = trainer(
        folder, tmp_path, data=pairs(16).to_iterable_dataset(), loss=MultipleNegativesRankingLoss(),
        options={"batch_sampler": "no_duplicates"},
    )  # fmt: skip
    with pytest.warns(AirvecWarning, match="IterableDataset gives its rows in its own order"):
        found.train()


def test_model_init_makes_a_model_for_every_training(folder: Path, tmp_path: Path) -> None:
    made: list[Any] = []

    def init() -> Any:
        made.append(SentenceTransformer(str(folder), device="cpu"))
        return made[-1]

    found = SentenceTransformerTrainer(
        args=SentenceTransformerTrainingArguments(**arguments(tmp_path)),
        train_dataset=pairs(),
        loss=MultipleNegativesRankingLoss,
        model_init=init,
    )
    found.train()
    first = losses_of(found)
    found.train()
    assert losses_of(found) == first
    assert found.model is made[-1]
    assert len(made) >= 3


def test_saving_the_model_alone_leaves_no_state_and_no_pickle(folder: Path, tmp_path: Path) -> None:
    options = {"save_strategy": "steps", "save_steps": 4, "save_only_model": True}
    trainer(folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss(), options=options).train()
    names = {path.name for path in (tmp_path / "checkpoint-4").iterdir()}
    assert {"modules.json", "training_args.json"} <= names
    assert not {name for name in names if name.endswith((".pt", ".pth", ".bin"))}


def test_recomputed_activations_give_the_same_losses(folder: Path, tmp_path: Path) -> None:
    plain = trainer(folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss())
    plain.train()
    options = {"activation_checkpointing": True}
    again = trainer(folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss(), options=options)
    again.train()
    assert losses_of(again) == pytest.approx(losses_of(plain), abs=1e-5)


def test_bfloat16_trains_near_float32(folder: Path, tmp_path: Path) -> None:
    plain = trainer(folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss())
    plain.train()
    half = trainer(folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss(), options={"bf16": True})
    half.train()
    assert losses_of(half) != losses_of(plain)
    assert losses_of(half)[0] == pytest.approx(losses_of(plain)[0], rel=0.1)


def test_a_loss_that_is_no_number_stops_with_the_step_the_data_set_and_the_rows(folder: Path, tmp_path: Path) -> None:
    def broken(columns: Any, labels: Any = None) -> torch.Tensor:
        return columns[0].sum() * float("nan")

    found = trainer(folder, tmp_path, data={"odd": pairs()}, loss={"odd": lambda model: broken})
    with pytest.raises(TrainingError, match=r"step 1, data set 'odd': the loss is nan.*'word"):
        found.train()


def test_broken_weights_are_named_where_the_loss_is_no_number(folder: Path, tmp_path: Path) -> None:
    found = trainer(folder, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss())
    with torch.no_grad():
        next(iter(found.model.parameters())).fill_(float("nan"))
    with pytest.raises(TrainingError, match="are no numbers already.*lower learning_rate"):
        found.train()


def test_several_data_sets_may_have_one_loss_and_datasetdict(folder: Path, tmp_path: Path) -> None:
    data = DatasetDict({"a": pairs(), "b": pairs(8)})
    found = trainer(folder, tmp_path, data=data, loss=MultipleNegativesRankingLoss())
    found.train()
    assert len(losses_of(found)) == 4


def test_a_data_set_is_left_as_it_was(folder: Path, tmp_path: Path) -> None:
    data: dict[str, Dataset] = {"a": pairs(), "b": scored()}
    trainer(folder, tmp_path, data=data, loss={"a": MultipleNegativesRankingLoss(), "b": CoSENTLoss()}).train()
    assert data["a"][0] == pairs()[0]
    assert data["a"].format["type"] is None
