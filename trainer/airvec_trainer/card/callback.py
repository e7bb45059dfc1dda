"""What a training tells its model's card: data sets, losses, arguments, log, times, energy.

Knows nothing of how a card is written.
"""

import random
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from transformers import TrainerCallback

from airvec_trainer.card.data import TRAINED, ModelCardData
from airvec_trainer.card.describing import described, named_parts
from airvec_trainer.card.examples import usage_examples, widget
from airvec_trainer.card.guarding import only_warned
from airvec_trainer.card.losses import all_losses

__all__ = ["ModelCardCallback"]

# Where and when something is written says nothing of the model.
LEFT_OUT = {
    "do_eval", "do_predict", "do_test", "do_train", "eval_delay", "eval_steps", "eval_strategy", "evaluation_strategy",
    "greater_is_better", "hub_token", "logging_dir", "logging_first_step", "logging_steps", "logging_strategy",
    "metric_for_best_model", "output_dir", "push_to_hub_token", "report_to", "run_name", "samples_per_label",
    "save_steps", "save_strategy", "save_total_limit", "show_progress_bar",
}  # fmt: skip
SECRET = re.compile(r"(^|_)(token|password|secret|api_key)$")


class ModelCardCallback(TrainerCallback):
    """Fills in `model.model_card_data` while a trainer trains; without it, a training leaves the card as it was.

    Its random choices have a generator of their own, so that a training draws the same numbers with a card as without.

    Args:
        trainer: whose data sets, loss and callbacks the card describes.
        plain_arguments: the trainer's arguments where nothing is given, as `to_dict()` gives them.
    """

    def __init__(self, trainer: Any, plain_arguments: Mapping[str, Any]) -> None:
        self.trainer = trainer
        self.plain_arguments = plain_arguments
        self.started: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Describe data sets and losses, and keep the arguments and the time."""
        self.started = time.monotonic()
        data = _card_of(model)
        if data is None:
            return
        data.add_tags(TRAINED)
        with only_warned("the arguments are not in it"):
            data.all_hyperparameters, data.non_default_hyperparameters = _arguments(args, self.plain_arguments)
        with only_warned("the data sets are not described in it"):
            routes = getattr(args, "router_mapping", None)
            self._describe(data, model, routes if isinstance(routes, Mapping) else {})  # a reranker's may be one text
        with only_warned("the losses are not in it"):
            data.set_losses(all_losses(self.trainer.loss))

    def _describe(self, data: ModelCardData, model: Any, routes: Mapping[str, Any]) -> None:
        train, evaluation, loss = self.trainer.train_dataset, self.trainer.eval_dataset, self.trainer.loss
        data.train_datasets = described(train, data.train_datasets, loss, model, routes)
        if evaluation:
            data.eval_datasets = described(evaluation, data.eval_datasets, loss, model, routes)
        rows = sum(entry.get("size") or 0 for entry in data.train_datasets)
        data.add_tags([f"dataset_size:{rows}"] if rows else [])
        if data.ir_model is None and _has_queries(train):
            data.ir_model = True
        _take_examples(data, model, evaluation or train)

    def on_evaluate(
        self, args: Any, state: Any, control: Any, model: Any = None, metrics: Mapping[str, Any] | None = None, **_: Any
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
        self, args: Any, state: Any, control: Any, model: Any = None, logs: Mapping[str, Any] | None = None, **_: Any
    ) -> None:
        """Add the loss of the training."""
        data = _card_of(model)
        if data is not None and logs and "loss" in logs:
            data.add_log(state.epoch, state.global_step, {"Training Loss": logs["loss"]})

    def on_save(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Keep the time so far, for what is saved next."""
        self._take_time(_card_of(model))

    def on_train_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Keep the time, the energy and the step whose weights were kept."""
        data = _card_of(model)
        self._take_time(data)
        if data is None:
            return
        if args.load_best_model_at_end and state.best_global_step:
            data.set_best_model_step(state.best_global_step)
        with only_warned("the emissions are not in it"):
            data.emissions = _emissions(self.trainer)

    def _take_time(self, data: ModelCardData | None) -> None:
        if data is not None and self.started is not None:
            data.training_seconds = time.monotonic() - self.started


def _card_of(model: Any) -> ModelCardData | None:
    """The card's data; under DDP the model is inside a wrapper."""
    found = getattr(getattr(model, "module", model), "model_card_data", None)
    return found if isinstance(found, ModelCardData) else None


def _arguments(args: Any, plain: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """All arguments that a card shows, and those that are not at their defaults."""
    found = {name: _harmless(name, value) for name, value in args.to_dict().items() if name not in LEFT_OUT}
    changed = {name: value for name, value in found.items() if value != _harmless(name, plain.get(name))}
    return found, changed


def _harmless(name: str, value: Any) -> Any:
    """A value without what only this machine or its user may know: secrets, and where files lie."""
    if isinstance(value, Mapping):
        return {key: _harmless(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_harmless(name, inner) for inner in value]
    if value and SECRET.search(name.lower()):
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


def _emissions(trainer: Any) -> dict[str, Any]:
    """`co2_eq_emissions` of the front matter, from what codecarbon has measured; empty where it has not."""
    callbacks: Iterable[Any] = trainer.callback_handler.callbacks
    carbon = next((one for one in callbacks if type(one).__name__ == "CodeCarbonCallback"), None)
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
