"""The trainer that the three kinds of model share: transformers' loop over columns of texts and their losses.

Checkpoints are in `checkpointed.py`, what is checked before the first step in `rehearsal.py`.
Knows nothing of what is special about a kind of model.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from datasets import DatasetDict, IterableDataset
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PreTrainedTokenizerBase
from transformers.trainer_utils import EvalLoopOutput

from airvec.errors import ArgumentError
from airvec_trainer.arguments import SharedTrainingArguments
from airvec_trainer.callbacks import (
    ClearLossGradients,
    SpladeRegularizerWeightSchedulerCallback,
    scheduled_losses,
)
from airvec_trainer.card.callback import ModelCardCallback
from airvec_trainer.checkpointed import CheckpointedTrainer
from airvec_trainer.data import NamedRows, by_name, checked_form
from airvec_trainer.errors import TrainingError, shortened
from airvec_trainer.evaluation.sequence import SequentialEvaluator
from airvec_trainer.given import check_keys, check_kind, check_model, check_together, plain_arguments, tell_unused
from airvec_trainer.loaders import data_loader
from airvec_trainer.losses.protocol import total
from airvec_trainer.objectives import check_names, loss_parts, made_for
from airvec_trainer.parts_log import PartsLog
from airvec_trainer.rehearsal import rehearse
from airvec_trainer.weights import Weights, parameter_groups, place

__all__ = ["ModelTrainer"]

PROJECTS = {"WandbCallback": "WANDB_PROJECT", "TrackioCallback": "TRACKIO_PROJECT"}


class ModelTrainer(CheckpointedTrainer, ABC):
    """Trains a model with a loss on rows of texts.

    Args:
        model: the model; leave it out where `model_init` makes one.
        args: training arguments of this kind of model; by default they write to `tmp_trainer`.
        train_dataset: a `Dataset`, an `IterableDataset`, or several by name. The order of columns is the order of the
            loss's inputs; a column label, labels, score or scores holds the labels.
        eval_dataset: the same, for the loss at evaluations.
        loss: a loss, a function of the model that makes one, or a dict of either by data set; None = the usual one.
        evaluator: one or a list, called at evaluations; their metrics get the prefix `eval_`, and `output_dir/eval` a
            CSV file each.
        data_collator: in place of the usual one.
        processing_class: kept for callbacks, and saved; texts are tokenised by the model itself.
        model_init: makes the model anew for each `train()`, as a search over hyper-parameters needs.
        compute_metrics: not used; give an evaluator.
        callbacks: beside the usual ones.
        optimizers: an optimiser and a scheduler in place of the usual ones.
        optimizer_cls_and_kwargs: the class of the optimiser and its arguments; weights of losses are among its
            parameters, and `learning_rate_mapping` holds.
        preprocess_logits_for_metrics: not used.
        tokenizer: old name of `processing_class`.

    Raises:
        ArgumentError: arguments that do not fit together.
    """

    arguments: ClassVar[type[SharedTrainingArguments]]
    columns_apart: ClassVar[bool] = True  # whether each column is read by itself, with a prompt and a route of its own

    def __init__(
        self,
        model: Any = None,
        args: SharedTrainingArguments | None = None,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        loss: Any = None,
        evaluator: Any = None,
        data_collator: Callable[..., Any] | None = None,
        processing_class: Any = None,
        model_init: Callable[..., Any] | None = None,
        compute_metrics: Callable[..., Any] | None = None,
        callbacks: list[Any] | None = None,
        optimizers: tuple[Any, Any] = (None, None),
        optimizer_cls_and_kwargs: tuple[type[torch.optim.Optimizer], dict[str, Any]] | None = None,
        preprocess_logits_for_metrics: Callable[..., Any] | None = None,
        tokenizer: Any = None,
    ) -> None:
        args = self._checked_arguments(args)
        plain = plain_arguments(args)
        train, evaluation = checked_form(train_dataset, "train_dataset"), checked_form(eval_dataset, "eval_dataset")
        check_together(args, model, model_init, train, evaluation, evaluator, callbacks)
        if model is not None:
            self._check_model(model)
        if data_collator is None:
            check_keys(args, train, evaluation, by_column=self.columns_apart)
        if compute_metrics is not None or preprocess_logits_for_metrics is not None:
            tell_unused("compute_metrics" if compute_metrics is not None else "preprocess_logits_for_metrics")
        self._given_loss: Any = None
        self._given_collator = data_collator
        super().__init__(
            model=None if model_init else model,
            args=args,
            data_collator=data_collator or _no_collator,
            train_dataset=train,
            eval_dataset=evaluation if evaluation is not None or evaluator is None else [],
            processing_class=processing_class or tokenizer,
            model_init=model_init,
            callbacks=callbacks,
            optimizers=optimizers,
            optimizer_cls_and_kwargs=optimizer_cls_and_kwargs,
        )
        self.eval_dataset = evaluation
        self.can_return_loss = True
        self.evaluator = SequentialEvaluator(evaluator) if isinstance(evaluator, list | tuple) else evaluator
        self.parts_log = PartsLog()
        self._eval_loaders: dict[str, DataLoader[Any]] = {}
        self._given_loss = self._with_default(loss)
        data = {"train_dataset": by_name(train), "eval_dataset": by_name(evaluation)}
        check_names(self._given_loss, {role: names for role, names in data.items() if names})
        self._fit_to(self.model)
        self.name_card()
        self._add_callbacks(plain)

    def _with_default(self, loss: Any) -> Any:
        """The usual loss in place of None, for one of several data sets, too."""
        if isinstance(loss, Mapping) and None in loss.values():
            usual = self.default_loss(self.model)
            return {name: usual if one is None else one for name, one in loss.items()}
        return self.default_loss(self.model) if loss is None else loss

    @abstractmethod
    def default_loss(self, model: Any) -> Any:
        """The loss where none is given."""

    def check_loss(self, loss: Any) -> None:
        """Raise where a loss cannot train this kind of model."""

    @abstractmethod
    def default_collator(self, model: Any) -> Callable[..., Any]:
        """What makes batches of rows where nothing else is given."""

    def _check_model(self, model: Any) -> None:
        check_model(model, self.arguments.__name__.removesuffix("TrainingArguments"), type(self).__name__)

    def _checked_arguments(self, args: SharedTrainingArguments | None) -> SharedTrainingArguments:
        if args is None:
            return self.arguments(output_dir="tmp_trainer")
        if not isinstance(args, self.arguments):
            raise ArgumentError(
                f"{type(self).__name__}: args are {type(args).__name__}, expected {self.arguments.__name__}. "
                "Make them of that class."
            )
        return args

    def _fit_to(self, model: Any) -> None:
        """The loss and the collator for a model: this one, or the next that `model_init` makes."""
        with torch.random.fork_rng(devices=[]):  # weights of a loss depend on the seed, and the first batch not on them
            torch.manual_seed(self.args.seed)
            self.loss = made_for(self._given_loss, model)
        for loss in self.loss.values() if isinstance(self.loss, Mapping) else [self.loss]:
            check_kind(loss, rerank=not self.columns_apart)
            self.check_loss(loss)
        self.weights = Weights(model, self.loss)
        place(self.loss, model.device)
        self.data_collator = self._given_collator or self.default_collator(model)
        if self.processing_class is None and model.config is not None:
            own = getattr(model, "tokenizer", None)
            self.processing_class = own if isinstance(own, PreTrainedTokenizerBase) else None

    def call_model_init(self, trial: Any = None) -> Any:
        """A model of `model_init`, and the loss for it."""
        model = super().call_model_init(trial)
        self._check_model(model)
        if self._given_loss is not None:
            self._fit_to(model)
        return model

    def _add_callbacks(self, plain_arguments: dict[str, Any]) -> None:
        self.add_callback(ClearLossGradients(self))
        self.add_callback(ModelCardCallback(self, plain_arguments))
        given = self.callback_handler.callbacks
        known = [entry.loss.schedule for entry in given if isinstance(entry, SpladeRegularizerWeightSchedulerCallback)]
        for loss in scheduled_losses(self.loss):
            if not any(loss.schedule is schedule for schedule in known):
                given.insert(
                    1, SpladeRegularizerWeightSchedulerCallback(loss)
                )  # before those that write what is logged
        for callback in given:
            if type(callback).__name__ in PROJECTS:
                os.environ.setdefault(PROJECTS[type(callback).__name__], "airvec")

    # ---- before the first step ----

    def train(
        self,
        resume_from_checkpoint: str | bool | None = None,
        trial: Any = None,
        ignore_keys_for_eval: list[str] | None = None,
    ) -> Any:
        """Train, or go on from a checkpoint: a path, or True for the last in `output_dir`.

        Raises:
            TrainingError: data that the loss cannot take (before the first step), a loss that is no number, a
                checkpoint that cannot be written.
            ArgumentError: there is no such checkpoint.
        """
        if self.train_dataset is None:
            raise ArgumentError(
                f"{type(self).__name__}: train_dataset is {self.train_dataset!r}, expected rows. Give it."
            )
        self._rehearse()
        return super().train(resume_from_checkpoint, trial, ignore_keys_for_eval)

    def _rehearse(self) -> None:
        """What would stop the training later stops it now."""
        if self.is_deepspeed_enabled or self.is_fsdp_enabled:
            return  # no process has the whole model there
        for role, data in (("train_dataset", self.train_dataset), ("eval_dataset", self.eval_dataset)):
            rehearse(
                data,
                role,
                model=self.model,
                loss=self.loss,
                collate=self.data_collator,
                compute=lambda inputs: total(loss_parts(self.loss, self.model, self._prepare_inputs(inputs))),
            )
        for data in by_name(self.eval_dataset).values():
            data_loader(data, self.args, batch_size=self.args.eval_batch_size, collate=self.data_collator)

    # ---- loss ----

    def compute_loss(
        self, model: nn.Module, inputs: Mapping[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The loss of a batch, its parts noted for the log.

        Raises:
            TrainingError: it is no number, or has no gradient, while training.
        """
        parts = loss_parts(self.loss, model, inputs)
        value = total(parts)
        if set(parts) != {"loss"}:
            self.parts_log.add("train" if self.model.training else "eval", parts)
        if self.model.training and torch.is_grad_enabled() and not value.requires_grad:
            raise TrainingError(
                f"step {self.state.global_step + 1}: the loss is {value.item()} without a gradient, expected one of "
                "the model's weights. Make it of the embeddings without .detach() and .item(), and freeze not all."
            )
        if self.model.training and not bool(torch.isfinite(value)):
            raise self._not_a_number(value, inputs)
        return (value, {}) if return_outputs else value

    def _not_a_number(self, value: Tensor, inputs: Mapping[str, Any]) -> TrainingError:
        name = inputs.get("dataset_name")
        where = f"step {self.state.global_step + 1}" + ("" if name is None else f", data set {name!r}")
        rows = "; ".join(
            f"column {number}: {shortened(texts, most=2)}" for number, texts in enumerate(inputs.get("texts", ()))
        )
        broken = next((key for key, weight in self.model.named_parameters() if not weight.isfinite().all()), None)
        if broken is not None:
            cause = (
                f"The weights {broken!r} are no numbers already, so an earlier step has broken them: lower "
                "learning_rate, set warmup_steps and max_grad_norm, train in bf16 or fp32 in place of fp16, and go on "
                "from a checkpoint."
            )
        else:
            cause = "Look at these rows and their labels, and at the loss's settings, such as scale; try fp32."
        return TrainingError(f"{where}: the loss is {value.item()}, expected a number. Rows: {rows}. {cause}")

    # ---- optimiser ----

    def create_optimizer(self, model: nn.Module | None = None) -> Any:
        """The optimiser over the model's weights and the losses' own."""
        given = self.optimizer_cls_and_kwargs
        if given is not None and isinstance(given[0], type) and issubclass(given[0], torch.optim.Optimizer):
            own = {"params", "model", "optimizer_dict"} & set(given[1])
            groups = {} if own else {"optimizer_dict": self._groups(model)}
            self.optimizer_cls_and_kwargs = (given[0], {**given[1], **groups})
        try:
            return super().create_optimizer(model)
        finally:
            self.optimizer_cls_and_kwargs = given

    def get_optimizer_cls_and_kwargs(  # type: ignore[override]  # transformers calls it on the trainer, too
        self, args: Any, model: nn.Module | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """The optimiser that the arguments name, with groups of weights where it does not make them itself."""
        found, how = super().get_optimizer_cls_and_kwargs(args, model)
        if not {"params", "model", "optimizer_dict"} & set(how):
            how["optimizer_dict"] = self._groups(model)
        elif args.learning_rate_mapping:
            raise ArgumentError(
                f"learning_rate_mapping: optimiser {args.optim!r} makes groups of its own, expected one that does not. "
                "Take adamw_torch, or leave the mapping out."
            )
        return found, how

    def _groups(self, model: nn.Module | None) -> list[dict[str, Any]]:
        weights = self.weights if model is None or model is self.weights.model else Weights(model, self.loss)
        decayed = self.get_decay_parameter_names(weights)
        return parameter_groups(weights, decayed, self.args.weight_decay, self.args.learning_rate_mapping)

    # ---- data ----

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches for training."""
        self.accelerator.even_batches = False  # a batch filled up with others' rows would mix data sets
        return self._loader(self.train_dataset, self.args.train_batch_size)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:
        """Batches for the loss at evaluations: of a data set, of one by its name, or of the trainer's."""
        if eval_dataset is None and self.eval_dataset is None:
            if self.evaluator is not None:
                return DataLoader([])
            raise ArgumentError(f"{type(self).__name__}: eval_dataset is {eval_dataset!r}, expected rows. Give it.")
        key = eval_dataset if isinstance(eval_dataset, str) else "eval"
        kept = self.args.dataloader_persistent_workers and (eval_dataset is None or isinstance(eval_dataset, str))
        if kept and key in self._eval_loaders:
            return self._eval_loaders[key]
        data = self.eval_dataset if eval_dataset is None else eval_dataset
        if isinstance(eval_dataset, str):
            data = NamedRows(self.eval_dataset[eval_dataset], eval_dataset)
        self.accelerator.even_batches = True
        loader = self._loader(checked_form(data, "eval_dataset"), self.args.eval_batch_size)
        if kept:
            self._eval_loaders[key] = loader
        return loader

    def get_test_dataloader(self, test_dataset: Any) -> DataLoader[Any]:
        """Batches of a data set that is given to `predict`."""
        return self.get_eval_dataloader(test_dataset)

    def _loader(self, data: Any, batch_size: int) -> DataLoader[Any]:
        if isinstance(data, IterableDataset):  # each process reads the stream: texts cannot be sent between them
            self.accelerator.dataloader_config.dispatch_batches = False
        return self.accelerator.prepare(data_loader(data, self.args, batch_size=batch_size, collate=self.data_collator))

    # ---- evaluation ----

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """The loss on the evaluation data, and the evaluators' metrics."""
        if eval_dataset is not None and not isinstance(eval_dataset, str):
            eval_dataset = checked_form(eval_dataset, "eval_dataset")
            if isinstance(eval_dataset, DatasetDict):
                eval_dataset = {name: NamedRows(dataset, name) for name, dataset in eval_dataset.items()}
        return super().evaluate(eval_dataset, ignore_keys, metric_key_prefix)

    def evaluation_loop(
        self,
        dataloader: DataLoader[Any],
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> EvalLoopOutput:
        """The loss over a data set; with the first of several, or the only one, the evaluators are called."""
        output = super().evaluation_loop(dataloader, description, prediction_loss_only, ignore_keys, metric_key_prefix)
        names = list(by_name(self.eval_dataset)) if isinstance(self.eval_dataset, Mapping) else []
        if self.evaluator is None or metric_key_prefix in [f"eval_{name}" for name in names[1:]]:
            return output
        prefix = "eval" if names and metric_key_prefix == f"eval_{names[0]}" else metric_key_prefix
        output.metrics.update(self._evaluated(prefix))
        return output

    def _evaluated(self, prefix: str) -> dict[str, float]:
        """The evaluators' metrics. Every process computes them, so that none waits; one writes the CSV files."""
        folder = None
        if self.is_world_process_zero():
            folder = Path(str(self.args.output_dir)) / "eval"
            folder.mkdir(parents=True, exist_ok=True)
        found = self.evaluator(
            self.model, None if folder is None else str(folder), self.state.epoch or 0.0, self.state.global_step
        )
        found = found if isinstance(found, dict) else {"evaluator": found}
        return {name if name.startswith(f"{prefix}_") else f"{prefix}_{name}": found[name] for name in found}

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, with the parts of the loss since the last entry."""
        role = "train" if "loss" in logs else "eval" if any(name.endswith("_loss") for name in logs) else None
        parts = self.parts_log.drain(role, self.args.parallel_mode) if role and "train_loss" not in logs else {}
        super().log({**logs, **parts}, start_time)


def _no_collator(rows: Any) -> Any:
    """Stands in until the model is there, whose collator it takes."""
    raise TrainingError(f"{len(rows)} rows were to be collated before the trainer was ready. Make the trainer first.")
