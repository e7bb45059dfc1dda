"""What a trainer was given, checked as a whole before anything is made of it.

Knows nothing of what is in a data set and of the training loop.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset
from torch import nn
from transformers import EarlyStoppingCallback

from airvec.errors import ArgumentError
from airvec_trainer.arguments import SharedTrainingArguments
from airvec_trainer.data import by_name, columns_of, first_rows
from airvec_trainer.errors import tell
from airvec_trainer.losses.batch import unwrapped
from airvec_trainer.losses.protocol import inside

__all__ = ["check_keys", "check_kind", "check_model", "check_together", "plain_arguments", "tell_unused"]

TRAINERS = {
    "SentenceTransformer": "SentenceTransformerTrainer",
    "SparseEncoder": "SparseEncoderTrainer",
    "CrossEncoder": "CrossEncoderTrainer",
}  # by the class of a model


def check_together(
    args: SharedTrainingArguments,
    model: Any,
    model_init: Any,
    train: Any,
    evaluation: Any,
    evaluator: Any,
    callbacks: Any = None,
) -> None:
    """Raise where what a trainer was given does not fit together.

    Args:
        args: training arguments.
        model: the model, or None.
        model_init: what makes it, or None.
        train: training data in one form.
        evaluation: evaluation data in one form.
        evaluator: one or several, or None.
        callbacks: those that were given, or None.

    Raises:
        ArgumentError: two of them contradict one another, or one is missing; the message names it.
    """
    if (model is None) == (model_init is None):
        raise ArgumentError(
            f"model: {'neither it' if model is None else 'both it'} {'nor' if model is None else 'and'} model_init "
            f"({model_init!r}) given, expected one of them. Give the model, or model_init for a search."
        )
    _check_output(Path(str(args.output_dir)))
    _check_stopping(args, callbacks)
    if evaluator is not None and not isinstance(evaluator, list | tuple) and not callable(evaluator):
        raise ArgumentError(
            f"evaluator: {evaluator!r:.80} is a {type(evaluator).__name__}, expected one of airvec_trainer.evaluation, "
            "or a list of them. Make one of your texts."
        )
    if args.eval_strategy != "no" and evaluation is None and evaluator is None:
        raise ArgumentError(
            f"eval_strategy: {str(args.eval_strategy.value)!r} with eval_dataset None and no evaluator, expected one "
            "of them. Give it, or set eval_strategy='no'."
        )
    if isinstance(args.prompts, Mapping) and any(isinstance(value, Mapping) for value in args.prompts.values()):
        for role, data in (("train_dataset", train), ("eval_dataset", evaluation)):
            if None in by_name(data):
                raise ArgumentError(
                    f"prompts: {args.prompts} by data set and column, and {role} is one data set without a name, "
                    "expected {column: prompt}. Give that, or the data set in a dict."
                )
    wanted = args.metric_for_best_model
    if wanted is None or evaluator is not None or evaluation is None:
        return
    names = ["eval_loss"] if None in by_name(evaluation) else [f"eval_{name}_loss" for name in by_name(evaluation)]
    if (wanted if wanted.startswith("eval_") else f"eval_{wanted}") not in names:
        raise ArgumentError(
            f"metric_for_best_model: {wanted!r}, which no evaluation gives, expected one of {', '.join(names)}. "
            "Correct it, or give the evaluator that measures it."
        )


def _check_output(output: Path) -> None:
    for place in (output, *output.parents):
        if place.exists() and not place.is_dir():
            below = "" if place == output else f", and output_dir is {output}, below it"
            raise ArgumentError(f"output_dir: {place} is a file{below}, expected a folder. Give another path.")


def _check_stopping(args: SharedTrainingArguments, callbacks: Any) -> None:
    """Raise where training is to stop early, by a metric that is never measured or not named."""
    for callback in callbacks or ():
        early = callback is EarlyStoppingCallback or isinstance(callback, EarlyStoppingCallback)
        if early and args.metric_for_best_model is None:
            raise ArgumentError(
                f"EarlyStoppingCallback: metric_for_best_model is {args.metric_for_best_model}, expected the metric to "
                "go by. Set it in the arguments, such as 'eval_loss'."
            )
        if early and args.eval_strategy == "no":
            raise ArgumentError(
                f"EarlyStoppingCallback: eval_strategy is {str(args.eval_strategy.value)!r}, expected 'steps' or "
                "'epoch', so that there is something to go by. Set it in the arguments."
            )


def check_model(model: Any, kind: str, trainer: str) -> None:
    """Raise for what is no model of the kind that a trainer trains; modules of the user's own have no kind.

    Args:
        model: what it was given.
        kind: name of the class that it trains.
        trainer: its own name, for messages.

    Raises:
        ArgumentError: it is a path, a model of transformers, or of another kind.
    """
    if isinstance(model, str | Path):
        raise ArgumentError(
            f"model: {str(model)!r} is a {type(model).__name__}, expected a {kind}. Open it: {kind}({str(model)!r})."
        )
    found = unwrapped(model)
    if isinstance(found, nn.Module) and hasattr(found, "preprocess"):
        others = [name for name in TRAINERS if name != kind and name in [each.__name__ for each in type(found).__mro__]]
        if not others:
            return
        raise ArgumentError(f"model: a {others[0]}, expected a {kind} in {trainer}. Take {TRAINERS[others[0]]}.")
    raise ArgumentError(
        f"model: {type(found).__name__} reads no texts, expected a {kind}. Make one of it, such as by saving it and "
        f"opening the folder: {kind}(folder)."
    )


def check_keys(args: SharedTrainingArguments, train: Any, evaluation: Any, *, by_column: bool) -> None:
    """Raise for a prompt or a route that no data set and no column would ever take.

    Args:
        args: training arguments, with `prompts` and `router_mapping`.
        train: training data in one form.
        evaluation: evaluation data in one form.
        by_column: whether columns may be named; a reranker reads its columns together.

    Raises:
        ArgumentError: a name that is none in the data; the message says which.
    """
    for argument in ("prompts", "router_mapping"):
        mapping = getattr(args, argument)
        if isinstance(mapping, Mapping) and mapping and (train is not None or evaluation is not None):
            _check_mapping(argument, mapping, _names(train, evaluation), by_column=by_column)


def _names(*data: Any) -> dict[str | None, list[str]]:
    """The columns of each data set by its name, those of training and of evaluation together."""
    found: dict[str | None, list[str]] = {}
    for parts in data:
        for name, dataset in by_name(parts).items():
            row = first_rows(dataset, 1)[0] if isinstance(dataset, Dataset) else {}  # a transform may rename columns
            found.setdefault(name, []).extend(row or columns_of(dataset))
    return found


def _check_mapping(
    argument: str, mapping: Mapping[str, Any], names: Mapping[str | None, list[str]], *, by_column: bool
) -> None:
    every = list(dict.fromkeys(column for columns in names.values() for column in columns)) if by_column else []
    sets = [name for name in names if name is not None]
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            _check_key(argument, key, sets, [])
            for column in value:
                _check_key(f"{argument}[{key!r}]", column, [], names[key])
        else:
            _check_key(argument, key, sets, every)


def _check_key(where: str, key: str, sets: list[str], columns: list[str]) -> None:
    if key in sets or key in columns:
        return
    lists = [("data sets", sets), ("columns", columns)]
    known = " and ".join(f"{what} {', '.join(map(repr, names))}" for what, names in lists if names)
    raise ArgumentError(
        f"{where}: {key!r} is no name in the data, expected one of {known or 'several data sets, by name'}. "
        "Correct it, or leave it out."
    )


def check_kind(loss: Any, *, rerank: bool) -> None:
    """Raise for a loss of scores where embeddings are trained, or the other way round; four have the same name.

    Raises:
        ArgumentError: it is of the other room.
    """
    from airvec_trainer import losses  # all losses, which only a trainer needs
    from airvec_trainer.losses import rerank as of_scores

    right, wrong = (of_scores, losses) if rerank else (losses, of_scores)
    others = tuple(found for name in wrong.__all__ if isinstance(found := getattr(wrong, name), type))
    for one in inside(loss):
        if isinstance(one, others):
            raise ArgumentError(
                f"loss: {type(one).__name__} of {wrong.__name__}, which is for "
                f"{'embeddings' if rerank else 'scores of rerankers'}, expected one of {right.__name__}. Take one from "
                "there."
            )


def plain_arguments(args: SharedTrainingArguments) -> dict[str, Any]:
    """The arguments where nothing is given, made in accelerate's state as it is: a new one forgets other processes."""
    found = type(args)(output_dir="unused", accelerator_config={"use_configured_state": True}).to_dict()
    return found | {"accelerator_config": args.to_dict()["accelerator_config"]}


def tell_unused(name: str) -> None:
    """Warn of an argument that sentence-transformers takes and does not use either."""
    tell(f"{name} is not used: an evaluation computes a loss and no predictions. Give an evaluator.")
