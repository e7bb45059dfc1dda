"""`FewShotTrainer`: first the model, on pairs of the few texts, and then the head, on their vectors.

Knows nothing of pairs, losses and files.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from transformers import set_seed

from airvec.classifier import Classifier
from airvec.errors import ArgumentError
from airvec_trainer.few_shot.arguments import FewShotTrainingArguments
from airvec_trainer.few_shot.model import FewShotModel
from airvec_trainer.few_shot.rows import labelled_texts
from airvec_trainer.few_shot.scoring import check_metric, measured
from airvec_trainer.sentence_transformer import SentenceTransformer


class FewShotTrainer:
    """Trains a classifier from a few examples a label.

    Args:
        model: a `FewShotModel`; or a `SentenceTransformer`, which gets a logistic regression.
        args: the training's arguments; None = SetFit's own.
        train_dataset: a `Dataset` of the columns `text` and `label`. A label is a text or a number, or a row of 0 and 1
            where a text may have several.
        eval_dataset: the same, for `evaluate` and for the loss at evaluations.
        model_init: makes the model, in place of `model`.
        metric: `"accuracy"`, `"f1"`, `"precision"`, `"recall"`, `"matthews_correlation"`, or a function of predictions
            and true labels.
        metric_kwargs: further arguments of the metric, such as `{"average": "macro"}`.
        callbacks: transformers' callbacks, for the model's training.
        column_mapping: `{a column: "text" or "label"}` where columns have other names.

    Raises:
        ArgumentError: arguments that do not fit together, or a data set without one of the columns.
        InputError: something among the texts that is not a text.
    """

    def __init__(
        self,
        model: Any = None,
        args: FewShotTrainingArguments | None = None,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        model_init: Callable[[], Any] | None = None,
        metric: str | Callable[..., Any] = "accuracy",
        metric_kwargs: Mapping[str, Any] | None = None,
        callbacks: list[Any] | None = None,
        column_mapping: Mapping[str, str] | None = None,
    ) -> None:
        self.args = _checked_arguments(args)
        check_metric(metric)
        self.metric, self.metric_kwargs = metric, metric_kwargs
        self.column_mapping = column_mapping
        self.callbacks = callbacks or []
        self.train_dataset, self.eval_dataset = train_dataset, eval_dataset
        for role, data in (("train_dataset", train_dataset), ("eval_dataset", eval_dataset)):
            if data is not None:
                labelled_texts(data, column_mapping, role)
        set_seed(self.args.seed)  # before a model is made, so that its new weights are the seed's
        self.model = _checked_model(model, model_init)
        self.body_trainer: Any = None

    def train(self, args: FewShotTrainingArguments | None = None) -> None:
        """Train the model and fit the head.

        Args:
            args: arguments for this call alone.

        Raises:
            ArgumentError: no training data, or labels that model and head cannot take.
        """
        chosen = self.args if args is None else _checked_arguments(args)
        if self.train_dataset is None:
            raise ArgumentError(f"train_dataset: {self.train_dataset!r}, expected a datasets.Dataset. Give one.")
        train = labelled_texts(self.train_dataset, self.column_mapping, "train_dataset")
        self._check_labels(train[1])
        self.model.check_head()
        set_seed(chosen.seed)
        if chosen.embedding_num_epochs:
            from airvec_trainer.few_shot.body import train_body  # all losses, which the head alone does not need

            other = None
            if self.eval_dataset is not None:
                other = labelled_texts(self.eval_dataset, self.column_mapping, "eval_dataset")
            self.body_trainer = train_body(self.model.model_body, chosen, train, other, self.callbacks)
        self.model.set_head_learning_rate(chosen.head_learning_rate)
        self.model.fit(*train)

    def evaluate(self, dataset: Any = None) -> dict[str, float]:
        """The metric on a data set.

        Args:
            dataset: as `train_dataset`; None = `eval_dataset`.

        Raises:
            ArgumentError: there is none, or the head is not fitted, or its labels are of another kind.
        """
        chosen = self.eval_dataset if dataset is None else dataset
        texts, labels = labelled_texts(chosen, self.column_mapping, "eval_dataset")
        true = np.asarray(labels)
        is_text = (
            true.dtype.kind == "U"
        )  # texts may be the names of a head's classes; numbers are the classes themselves
        predicted = np.asarray(self.model.predict(texts, as_numpy=True, use_labels=is_text))
        if (predicted.dtype.kind == "U") != is_text:
            known = self.model.classifier(is_text).labels
            raise ArgumentError(
                f"label: {labels[0]!r:.60}, expected labels such as the model's: {known!r:.100}. Evaluate on rows with "
                "these."
            )
        return measured(self.metric, predicted, true, self.metric_kwargs)

    def export(self, out: str | Path, *, variants: tuple[str, ...] = ("fp32",), weights: bool = True) -> Classifier:
        """Write the folder that `airvec.Classifier` opens without torch: as `FewShotModel.export`."""
        return self.model.export(out, variants=variants, weights=weights)

    def _check_labels(self, labels: list[Any]) -> None:
        """Raise, before minutes of training, for labels that the head would refuse after it."""
        if isinstance(labels[0], list):
            head, strategy = self.model.model_head, self.model.multi_target_strategy
            if strategy is None and type(head).__name__ in ("LogisticRegression", "LinearSVC"):
                raise ArgumentError(
                    f"label: rows such as {labels[0]!r:.60} for one {type(head).__name__}, expected one label a text. "
                    "Give the model multi_target_strategy='one-vs-rest'."
                )
            return
        found = dict.fromkeys(labels)
        if len(found) < 2:
            raise ArgumentError(f"label: {labels[0]!r} in all {len(labels)} rows, expected two labels. Add another.")
        names = self.model.labels
        numbers = [label for label in found if isinstance(label, int)]
        if names is not None and numbers and not 0 <= min(numbers) <= max(numbers) < len(names):
            raise ArgumentError(
                f"label: from {min(numbers)} to {max(numbers)} with {len(names)} names in the model's labels, expected "
                f"0 to {len(names) - 1}. Correct the names."
            )


def _checked_arguments(args: Any) -> FewShotTrainingArguments:
    if args is not None and not isinstance(args, FewShotTrainingArguments):
        raise ArgumentError(f"args: {type(args).__name__}, expected FewShotTrainingArguments. Make one.")
    return args or FewShotTrainingArguments()


def _checked_model(model: Any, model_init: Callable[[], Any] | None) -> FewShotModel:
    if (model is None) == (model_init is None):
        found = "neither" if model is None else "both"
        raise ArgumentError(f"model: {found} of model and model_init given, expected one. Give a FewShotModel.")
    made = model if model_init is None else model_init()
    if isinstance(made, SentenceTransformer):
        return FewShotModel(made)
    if not isinstance(made, FewShotModel):
        raise ArgumentError(f"model: {made!r:.80}, expected a FewShotModel or a SentenceTransformer of airvec_trainer.")
    return made
