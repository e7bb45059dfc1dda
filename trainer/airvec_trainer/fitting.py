"""`fit`: how models were trained before there were trainers; it runs through them.

New code makes a trainer itself. Two methods come with it that old code used: `smart_batching_collate`.
Knows nothing of how a trainer works.
"""

import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer.checkpoints import last_checkpoint, remove_leftovers
from airvec_trainer.examples import plain_label

__all__ = ["PairFitting", "TextFitting"]

NOT_DECAYED = ("bias", "LayerNorm.bias", "LayerNorm.weight")
LEARNING_RATE = 2e-5


@dataclass(frozen=True)
class _Run:
    """The arguments that both kinds of `fit` have."""

    evaluator: Any
    epochs: int
    scheduler: Any
    warmup_steps: int
    optimizer_class: Callable[..., Optimizer]
    optimizer_params: Mapping[str, Any] | None
    weight_decay: float
    evaluation_steps: int | None
    output_path: str | Path | None
    save_best_model: bool
    max_grad_norm: float
    use_amp: bool
    callback: Callable[[float, float, int], Any] | None
    show_progress_bar: bool
    checkpoint_path: str | Path | None = None
    checkpoint_save_steps: int = 500
    checkpoint_save_total_limit: int = 0
    resume_from_checkpoint: bool = False
    max_steps: int = -1


class TextFitting:
    """`fit` of models that encode one text at a time."""

    kind: ClassVar[str]
    preprocess: Callable[..., Any]

    def fit(
        self,
        train_objectives: Iterable[tuple[Any, Any]],
        evaluator: Any = None,
        epochs: int = 1,
        steps_per_epoch: int | None = None,
        scheduler: str = "WarmupLinear",
        warmup_steps: int = 10000,
        optimizer_class: Callable[..., Optimizer] = AdamW,
        optimizer_params: Mapping[str, Any] | None = None,
        weight_decay: float = 0.01,
        evaluation_steps: int | None = 0,
        output_path: str | Path | None = None,
        save_best_model: bool = True,
        max_grad_norm: float = 1,
        use_amp: bool = False,
        callback: Callable[[float, float, int], Any] | None = None,
        show_progress_bar: bool = True,
        checkpoint_path: str | Path | None = None,
        checkpoint_save_steps: int = 500,
        checkpoint_save_total_limit: int = 0,
        resume_from_checkpoint: bool = False,
    ) -> None:
        """Train on data loaders of examples, a loss each, in turns of one batch.

        Args:
            train_objectives: (data loader, loss), as many as there are tasks.
            evaluator: called every `evaluation_steps` and at the end of each epoch.
            epochs: walks through the smallest data loader.
            steps_per_epoch: steps, of any of the losses, that count as an epoch; None = all.
            scheduler: constantlr, warmupconstant, warmuplinear, warmupcosine or warmupcosinewithhardrestarts, in any
                case.
            warmup_steps: steps until the learning rate is whole.
            optimizer_class: of torch.
            optimizer_params: its arguments; None = a learning rate of 2e-5.
            weight_decay: not of biases and layer norms.
            evaluation_steps: steps between evaluations; 0 = only at the end of an epoch.
            output_path: where the best model is saved, or the last one if there is no evaluator.
            save_best_model: save it.
            max_grad_norm: gradients are cut to this length.
            use_amp: train in mixed precision.
            callback: called with score, epoch and step after each evaluation.
            show_progress_bar: show it.
            checkpoint_path: a folder for checkpoints; None = none are written.
            checkpoint_save_steps: steps between them.
            checkpoint_save_total_limit: how many are kept; 0 = all.
            resume_from_checkpoint: go on from the newest one in `checkpoint_path`, if there is one.

        Raises:
            ArgumentError: no examples, an unknown scheduler, or others that the trainer refuses.
            TrainingError: as the trainer says.
        """
        max_steps = (steps_per_epoch or 0) * epochs or -1
        run = _Run(
            evaluator, epochs, scheduler, warmup_steps, optimizer_class, optimizer_params, weight_decay,
            evaluation_steps, output_path, save_best_model, max_grad_norm, use_amp, callback, show_progress_bar,
            checkpoint_path, checkpoint_save_steps, checkpoint_save_total_limit, resume_from_checkpoint, max_steps,
        )  # fmt: skip
        _fit(self, list(train_objectives), run)

    def smart_batching_collate(self, batch: Sequence[Any]) -> tuple[list[dict[str, Any]], Tensor]:
        """Examples -> the features of each column, and the labels (batch,) or (batch, dim)."""
        columns = zip(*(example.texts for example in batch), strict=True)
        return [self.preprocess(list(texts)) for texts in columns], torch.as_tensor(
            [plain_label(one.label) for one in batch]
        )


class PairFitting:
    """`fit` of models that read two texts together."""

    preprocess: Callable[..., Any]
    num_labels: Any

    def fit(
        self,
        train_dataloader: Any,
        evaluator: Any = None,
        epochs: int = 1,
        loss_fct: Any = None,
        activation_fct: Callable[[Tensor], Tensor] | None = None,
        scheduler: Any = "WarmupLinear",
        warmup_steps: int = 10000,
        optimizer_class: Callable[..., Optimizer] = AdamW,
        optimizer_params: Mapping[str, Any] | None = None,
        weight_decay: float = 0.01,
        evaluation_steps: int | None = 0,
        output_path: str | Path | None = None,
        save_best_model: bool = True,
        max_grad_norm: float = 1,
        use_amp: bool = False,
        callback: Callable[[float, float, int], Any] | None = None,
        show_progress_bar: bool = True,
    ) -> None:
        """Train on a data loader of examples with two texts each; arguments as `SentenceTransformer.fit` has them.

        Args:
            train_dataloader: gives examples.
            evaluator: called every `evaluation_steps` and at the end of each epoch.
            epochs: walks through the data loader.
            loss_fct: of torch, called with logits (batch,) or (batch, labels) and labels (batch,); None = binary
                cross entropy for one label, cross entropy for several.
            activation_fct: applied to the logits before the loss; None = none.
            scheduler: a name, or a scheduler of torch.
            warmup_steps: steps until the learning rate is whole.
            optimizer_class: of torch.
            optimizer_params: its arguments; None = a learning rate of 2e-5.
            weight_decay: not of biases and layer norms.
            evaluation_steps: steps between evaluations; 0 = only at the end of an epoch.
            output_path: where the best model is saved, or the last one if there is no evaluator.
            save_best_model: save it.
            max_grad_norm: gradients are cut to this length.
            use_amp: train in mixed precision.
            callback: called with score, epoch and step after each evaluation.
            show_progress_bar: show it.

        Raises:
            ArgumentError: no examples, an unknown scheduler, or others that the trainer refuses.
            TrainingError: as the trainer says.
        """
        run = _Run(
            evaluator, epochs, scheduler, warmup_steps, optimizer_class, optimizer_params, weight_decay,
            evaluation_steps, output_path, save_best_model, max_grad_norm, use_amp, callback, show_progress_bar,
        )  # fmt: skip
        loss = _pair_loss(self.num_labels, loss_fct, activation_fct or nn.Identity())
        _fit(self, [(train_dataloader, loss)], run)

    def smart_batching_collate(self, batch: Sequence[Any]) -> tuple[dict[str, Any], Tensor]:
        """Examples -> the features of their pairs, and the labels (batch,): float32 for one label, else int64."""
        features = self.preprocess([[text.strip() for text in example.texts] for example in batch])
        kind = torch.float if self.num_labels == 1 else torch.long
        return features, torch.tensor([example.label for example in batch], dtype=kind)

    def smart_batching_collate_text_only(self, batch: Sequence[Sequence[str]]) -> dict[str, Any]:
        """Pairs of texts -> their features."""
        return self.preprocess([[text.strip() for text in pair] for pair in batch])


@dataclass(frozen=True)
class _GivenLoss:
    """A loss of torch on the logits of pairs."""

    function: Any
    activation: Any
    labels: int

    def on_batch(self, batch: Any, labels: Any = None) -> Tensor:
        """What the function says of the pairs' scores.

        Raises:
            ArgumentError: no labels.
        """
        from airvec_trainer.losses.rerank.pairs import columns_of, logits_of

        first, second = columns_of(batch, "CrossEncoder.fit", "2, the two texts of a pair", 2, 2)
        logits = logits_of(batch, list(zip(first, second, strict=True)))
        if labels is None:
            raise ArgumentError(
                f"CrossEncoder.fit: labels {labels!r}, expected one for each pair. Give examples a label."
            )
        logits = logits.view(-1) if self.labels == 1 else logits
        labels = labels.float() if self.labels == 1 else labels.long()
        return self.function(self.activation(logits), labels)


def _pair_loss(labels: int, function: Any, activation: Any) -> Any:
    from airvec_trainer.losses.rerank import BinaryCrossEntropyLoss, CrossEntropyLoss

    if function is not None:
        return _GivenLoss(function, activation, labels)
    return (BinaryCrossEntropyLoss if labels == 1 else CrossEntropyLoss)(activation_fn=activation)


def _fit(model: Any, tasks: Sequence[tuple[Any, Any]], run: _Run) -> None:
    """Objectives → data sets and losses by name, arguments, trainer, callbacks; then train."""
    from airvec_trainer.fitting_data import objective

    if not tasks:
        raise ArgumentError(f"fit: {len(tasks)} objectives, expected at least one. Give (data loader, loss).")
    objectives = [objective(loader) for loader, _ in tasks]
    batch_size = objectives[-1].batch_size
    if len({one.batch_size for one in objectives}) > 1:
        sizes = ", ".join(str(one.batch_size) for one in objectives)
        warnings.warn(
            f"fit: data loaders with batch sizes {sizes}; all train with {batch_size}, the last.", AirvecWarning,
            stacklevel=3,
        )  # fmt: skip
    names = [f"_dataset_{number}" for number in range(1, len(tasks) + 1)]
    data = dict(zip(names, (one.rows for one in objectives), strict=True))
    losses = dict(zip(names, (loss for _, loss in tasks), strict=True))
    sampler = next((one.sampler for one in reversed(objectives) if one.sampler != "batch_sampler"), "batch_sampler")
    with ExitStack() as stack:
        folder = run.checkpoint_path or stack.enter_context(tempfile.TemporaryDirectory(prefix="airvec-fit-"))
        trainer = _trainer(model, data, losses, _settings(run, str(folder), batch_size, sampler))
        trainer.optimizer = _optimizer(trainer, run)
        trainer.lr_scheduler = _scheduler(trainer.optimizer, run, _steps(trainer, run))
        for callback in _callbacks(run):
            trainer.add_callback(callback)
        trainer.train(resume_from_checkpoint=_newest(run))


def _settings(run: _Run, folder: str, batch_size: int, sampler: str) -> dict[str, Any]:
    """The arguments of the trainer."""
    return {
        "output_dir": folder,
        "batch_sampler": sampler,
        "multi_dataset_batch_sampler": "round_robin",
        "per_device_train_batch_size": batch_size,
        "per_device_eval_batch_size": batch_size,
        "num_train_epochs": run.epochs,
        "max_steps": run.max_steps,
        "max_grad_norm": run.max_grad_norm,
        "fp16": run.use_amp,
        "disable_tqdm": not run.show_progress_bar,
        "dataloader_pin_memory": torch.accelerator.is_available(),
        "save_strategy": "no" if run.checkpoint_path is None else "steps",
        "save_steps": run.checkpoint_save_steps,
        "save_total_limit": run.checkpoint_save_total_limit or None,
    }


def _trainer(model: Any, data: Mapping[str, Any], losses: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
    from datasets import DatasetDict

    from airvec_trainer import arguments, trainer

    kind = type(model).kind
    made = getattr(arguments, f"{kind}TrainingArguments")(**settings)
    if hasattr(model, "num_labels"):  # rerankers have always had one data loader
        (rows,), (loss,) = data.values(), losses.values()
        return getattr(trainer, f"{kind}Trainer")(model=model, args=made, train_dataset=rows, loss=loss)
    rows = DatasetDict(data)
    return getattr(trainer, f"{kind}Trainer")(model=model, args=made, train_dataset=rows, loss=dict(losses))


def _optimizer(trainer: Any, run: _Run) -> Optimizer:
    """The optimiser over the model's and the losses' weights; biases and layer norms do not decay."""
    weights = [(name, weight) for name, weight in trainer.weights.named_parameters() if weight.requires_grad]
    groups = [
        {
            "params": [weight for name, weight in weights if any(part in name for part in NOT_DECAYED) is not decays],
            "weight_decay": run.weight_decay if decays else 0.0,
        }
        for decays in (True, False)
    ]
    given = {"lr": LEARNING_RATE} if run.optimizer_params is None else dict(run.optimizer_params)
    return run.optimizer_class(groups, **given)


def _steps(trainer: Any, run: _Run) -> int:
    """As many as the trainer makes, a last batch with fewer rows among them.

    sentence-transformers counts whole batches only: there, the learning rate is 0 in the steps that are left, which
    may be all of them.
    """
    from airvec_trainer.loaders import data_loader

    args = trainer.args
    batches = data_loader(
        trainer.train_dataset, args, batch_size=args.train_batch_size, collate=trainer.data_collator
    )  # fmt: skip
    return run.max_steps if run.max_steps > 0 else len(batches) * run.epochs


def _scheduler(optimizer: Optimizer, run: _Run, steps: int) -> Any:
    """A scheduler by its old name; a scheduler itself stays.

    Raises:
        ArgumentError: an unknown name.
    """
    import transformers

    if not isinstance(run.scheduler, str):
        return run.scheduler
    warmup = {"num_warmup_steps": run.warmup_steps}
    both = {**warmup, "num_training_steps": steps}
    known: dict[str, tuple[Callable[..., Any], dict[str, int]]] = {
        "constantlr": (transformers.get_constant_schedule, {}),
        "warmupconstant": (transformers.get_constant_schedule_with_warmup, warmup),
        "warmuplinear": (transformers.get_linear_schedule_with_warmup, both),
        "warmupcosine": (transformers.get_cosine_schedule_with_warmup, both),
        "warmupcosinewithhardrestarts": (transformers.get_cosine_with_hard_restarts_schedule_with_warmup, both),
    }
    if run.scheduler.lower() not in known:
        raise ArgumentError(f"fit: scheduler {run.scheduler!r}, expected one of {', '.join(known)}. Correct it.")
    make, given = known[run.scheduler.lower()]
    return make(optimizer, **given)


def _callbacks(run: _Run) -> list[Any]:
    from airvec_trainer.fitting_callbacks import FitEvaluation, FitSaving

    path = None if run.output_path is None else Path(run.output_path)
    if run.evaluator is not None:
        every = run.evaluation_steps or 0
        return [FitEvaluation(run.evaluator, every, path, run.save_best_model, run.callback)]
    return [] if path is None else [FitSaving(path)]


def _newest(run: _Run) -> str | None:
    """The newest checkpoint, where one is wanted and there is one."""
    if not run.resume_from_checkpoint or run.checkpoint_path is None:
        return None
    folder = Path(run.checkpoint_path)
    remove_leftovers(str(folder))  # a checkpoint may get its name back
    found = last_checkpoint(folder)
    if found is None:
        warnings.warn(
            f"fit: no checkpoint in {folder}; training starts from the beginning.", AirvecWarning, stacklevel=5
        )
    return None if found is None else str(found)
