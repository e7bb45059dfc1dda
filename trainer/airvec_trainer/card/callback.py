"""What a training tells its model's card: data sets, losses, arguments, log, times, energy.

Knows nothing of how a card is written.
"""

import random
import time
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from airvec_trainer.card.data import TRAINED, ModelCardData
from airvec_trainer.card.describing import described, named_parts
from airvec_trainer.card.examples import usage_examples, widget
from airvec_trainer.card.losses import all_losses

__all__ = ["ModelCardCallback"]

# Where and when something is written says nothing of the model.
LEFT_OUT = {
    "do_eval", "do_predict", "do_test", "do_train", "eval_delay", "eval_steps", "eval_strategy", "evaluation_strategy",
    "greater_is_better", "hub_token", "logging_dir", "logging_first_step", "logging_steps", "logging_strategy",
    "metric_for_best_model", "output_dir", "push_to_hub_token", "report_to", "run_name", "samples_per_label",
    "save_steps", "save_strategy", "save_total_limit", "show_progress_bar",
}  # fmt: skip
SECRET = ("token", "password", "secret", "api_key")
NOT_SECRET = ("num_tokens", "tokens_seen", "num_input_tokens", "eos_token", "pad_token")


class ModelCardCallback(TrainerCallback):
    """Fills in `model.model_card_data`. A trainer makes one, and calls `on_init_end` with itself at the end of its own.

    Its random choices have a generator of their own, so that a training draws the same numbers with a card as without.
    """

    def on_init_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,
        trainer: Any = None,
        **kwargs: Any,
    ) -> None:
        """Describe data sets and losses; nothing without a trainer, which transformers' own call does not give."""
        data = _card_of(model)
        if data is None or trainer is None:
            return
        data.add_tags(TRAINED)
        self.carbon = _carbon_of(trainer)
        routes = getattr(args, "router_mapping", None) or {}
        for data_set, name in ((trainer.train_dataset, "train_datasets"), (trainer.eval_dataset, "eval_datasets")):
            if data_set:
                setattr(data, name, described(data_set, getattr(data, name), trainer.loss, model, routes))
        rows = sum(entry.get("size") or 0 for entry in data.train_datasets) if trainer.train_dataset else 0
        if rows:
            data.add_tags(f"dataset_size:{rows}")
        data.set_losses(all_losses(trainer.loss))
        if trainer.train_dataset and data.ir_model is None and _has_queries(trainer.train_dataset):
            data.ir_model = True
        _take_examples(data, model, trainer.eval_dataset or trainer.train_dataset)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        """Keep the arguments, and the time."""
        self.started = time.monotonic()
        data = _card_of(model)
        if data is not None:
            data.all_hyperparameters, data.non_default_hyperparameters = _arguments(args)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,
        metrics: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Add the losses on data that was not trained on."""
        data = _card_of(model)
        if data is None or metrics is None:
            return
        data.evaluation_seconds += metrics.get("eval_runtime", 0.0)
        losses = {
            key.removeprefix("eval_").replace("_", " "): value
            for key, value in metrics.items()
            if key.startswith("eval_") and key.endswith("_loss")
        }
        if set(losses) == {"loss"}:
            losses = {"Validation Loss": losses["loss"]}
        if losses:
            data.add_log(state.epoch, state.global_step, losses)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Add the loss of the training."""
        data = _card_of(model)
        if data is not None and logs and "loss" in logs:
            data.add_log(state.epoch, state.global_step, {"Training Loss": logs["loss"]})

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        """Keep the time so far, for what is saved next."""
        self._take_time(_card_of(model))

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        """Keep the time, the energy and the step whose weights were kept."""
        data = _card_of(model)
        self._take_time(data)
        if data is None:
            return
        if args.load_best_model_at_end and state.best_global_step:
            data.set_best_model_step(state.best_global_step)
        carbon = getattr(self, "carbon", None)
        if carbon is not None:
            data.emissions = _emissions(carbon)

    def _take_time(self, data: ModelCardData | None) -> None:
        if data is not None and hasattr(self, "started"):
            data.training_seconds = time.monotonic() - self.started


def _card_of(model: Any) -> ModelCardData | None:
    """The card's data; under DDP the model is inside a wrapper."""
    found = getattr(getattr(model, "module", model), "model_card_data", None)
    return found if isinstance(found, ModelCardData) else None


def _arguments(args: TrainingArguments) -> tuple[dict[str, Any], dict[str, Any]]:
    """All arguments that a card shows, and those that are not at their defaults."""
    plain = type(args)(output_dir="unused").to_dict()
    found = {name: _harmless(name, value) for name, value in args.to_dict().items() if name not in LEFT_OUT}
    changed = {name: value for name, value in found.items() if value != _harmless(name, plain.get(name))}
    return found, changed


def _harmless(name: str, value: Any) -> Any:
    """A value without what only this machine or its user may know: secrets, and where files lie."""
    if isinstance(value, Mapping):
        return {key: _harmless(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_harmless(name, inner) for inner in value]
    if value and any(word in name.lower() for word in SECRET) and not any(word in name for word in NOT_SECRET):
        return "<hidden>"
    is_path = isinstance(value, str) and (PurePath(value).is_absolute() or value.startswith("~"))
    return PurePath(value).name if is_path else value


def _has_queries(data: Any) -> bool:
    parts = named_parts(data).values()
    return any({"query", "question"} & set(getattr(part, "column_names", None) or ()) for part in parts)


def _take_examples(data: ModelCardData, model: Any, data_set: Any) -> None:
    if not data_set or not data.generate_widget_examples or data.usage_examples:
        return
    generator = random.Random(0)
    kind = getattr(model, "kind", type(model).__name__)
    parts = list(named_parts(data_set).values())
    data.usage_examples = usage_examples(parts, kind, generator)
    data.widget = widget(parts, kind, generator)


def _carbon_of(trainer: Any) -> Any:
    callbacks: Iterable[Any] = getattr(getattr(trainer, "callback_handler", None), "callbacks", [])
    return next((one for one in callbacks if type(one).__name__ == "CodeCarbonCallback"), None)


def _emissions(carbon: Any) -> dict[str, Any]:
    """`co2_eq_emissions` of the front matter, from what codecarbon has measured; empty where it has not."""
    measured = getattr(getattr(carbon, "tracker", None), "final_emissions_data", None)
    if measured is None:
        return {}
    found = {
        "emissions": float(measured.emissions) * 1000,  # kg → g
        "energy_consumed": float(measured.energy_consumed),
        "source": "codecarbon",
        "training_type": "fine-tuning",
        "on_cloud": measured.on_cloud == "Y",
        "cpu_model": measured.cpu_model,
        "ram_total_size": measured.ram_total_size,
    }
    return found | ({"hardware_used": measured.gpu_model} if measured.gpu_model else {})
