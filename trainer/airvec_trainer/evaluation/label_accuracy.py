"""Does a classifier that was trained on pairs of embeddings tell their class?

Works on the trainer's torch models, without importing torch: tensors and models are used by what they can do.
Knows nothing of losses.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.embedding import as_embeddings
from airvec_trainer.evaluation.evaluator import Evaluator

__all__ = ["LabelAccuracyEvaluator"]


class LabelAccuracyEvaluator(Evaluator):
    """Share of rows whose class a classifier over two texts' embeddings tells. Gives `accuracy`, the primary metric.

    Args:
        dataloader: of torch, over examples with texts and a class as label.
        name: of the data.
        softmax_model: `SoftmaxLoss` with its trained classifier, or anything with `logits(columns)` from embeddings
            (batch, dim) of each column to (batch, classes); or sentence-transformers' form, `softmax_model(features,
            labels=None)`, which gives the logits second.
        write_csv: write `accuracy_evaluation_{name}_results.csv`.

    Raises:
        ArgumentError: no classifier; later, a model that is not one of the trainer's, or no rows.
    """

    def __init__(self, dataloader: Any, name: str = "", softmax_model: Any = None, write_csv: bool = True) -> None:
        where = type(self).__name__
        if not callable(softmax_model):
            raise ArgumentError(f"{where}: softmax_model {softmax_model!r:.60}, expected a SoftmaxLoss. Give one.")
        file = f"accuracy_evaluation{'_' + name if name else ''}_results.csv"
        super().__init__(name=name, csv_file=file, write_csv=write_csv)
        self.dataloader, self.softmax_model = dataloader, softmax_model

    def measure(self, model: Any) -> dict[str, float]:
        """The accuracy."""
        where = type(self).__name__
        if not hasattr(model, "smart_batching_collate"):
            raise ArgumentError(
                f"{where}: {type(model).__name__}, expected a model of airvec_trainer: the classifier is torch's. "
                "Export is not needed to evaluate it."
            )
        self.dataloader.collate_fn = model.smart_batching_collate
        if hasattr(self.softmax_model, "prepared"):  # a loss of the trainer: its weights go where the model is
            self.softmax_model.prepared(model)
        right = total = 0
        with _evaluating(model):
            for columns, labels in self.dataloader:
                logits = as_embeddings(self._logits(model, [_moved(features, model.device) for features in columns]))
                right += int((logits.argmax(axis=1) == np.asarray(labels)).sum())
                total += len(logits)
        if not total:
            raise ArgumentError(f"{where}: {total} rows in the data loader, expected one at least. Give examples.")
        return {"accuracy": right / total}

    def primary(self, metrics: Mapping[str, float]) -> str:
        """The only one."""
        return "accuracy"

    def _logits(self, model: Any, columns: list[dict[str, Any]]) -> Any:
        if not hasattr(self.softmax_model, "logits"):
            return self.softmax_model(columns, labels=None)[1]
        # Detached at once, so that what was kept for a backward pass is freed.
        embeddings = [model(features)["sentence_embedding"].detach() for features in columns]
        return self.softmax_model.logits(embeddings)


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """Without dropout; the model is left as it was."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def _moved(features: Mapping[str, Any], device: Any) -> dict[str, Any]:
    return {name: value.to(device) if hasattr(value, "to") else value for name, value in features.items()}
