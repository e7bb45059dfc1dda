"""`FewShotModel`: a `SentenceTransformer` in torch and a head, predicted with by the runtime's own code.

Knows nothing of pairs and losses.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from airvec.classifier import Classifier
from airvec.classifier_file import FILE_NAME, read_classifier
from airvec.errors import ArgumentError
from airvec.heads import read_fitted
from airvec.prompts import resolve_prompt
from airvec_trainer.few_shot.heads import LOGISTIC, PERCEPTRON, is_perceptron, new_head
from airvec_trainer.sentence_transformer import SentenceTransformer


class FewShotModel:
    """A model and a head to be trained by `FewShotTrainer`.

    Args:
        model_body: a `SentenceTransformer` of airvec_trainer.
        model_head: the name of a head, `"logistic_regression"`, `"linear_svc"`, `"knn"` or `"mlp"`; an estimator of
            scikit-learn that `airvec.Classifier.from_sklearn` reads; or an `airvec.Classifier`'s head.
        multi_target_strategy: where texts may have several labels, `"one-vs-rest"` or `"multi-output"`.
        normalize_embeddings: scale vectors to length 1 before the head.
        labels: names in place of the labels 0, 1, 2 …
        head_params: arguments of the head that is named.

    Raises:
        ArgumentError: another kind of model, or a head that there is not.
    """

    def __init__(
        self,
        model_body: Any,
        model_head: Any = LOGISTIC,
        multi_target_strategy: str | None = None,
        normalize_embeddings: bool = False,
        labels: Sequence[Any] | None = None,
        *,
        head_params: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(model_body, SentenceTransformer):
            raise ArgumentError(
                f"model_body: {model_body!r:.80}, expected airvec_trainer.SentenceTransformer, which can be trained. "
                "Open the checkpoint with it."
            )
        if not isinstance(model_head, str) and head_params:
            raise ArgumentError(f"head_params: {dict(head_params)!r} beside {model_head!r:.80}. Set them on that.")
        self.model_body = model_body
        named = isinstance(model_head, str)
        self.named_perceptron = named and model_head == PERCEPTRON
        self.model_head = new_head(model_head, head_params, multi_target_strategy) if named else model_head
        self.multi_target_strategy = multi_target_strategy
        self.normalize_embeddings = normalize_embeddings
        self.labels = None if labels is None else list(labels)
        self.classes: list[Any] | None = None  # of a head from a folder; a fitted estimator knows its own

    @classmethod
    def from_pretrained(
        cls,
        model_id: str | Path,
        *,
        labels: Sequence[Any] | None = None,
        head: Any = LOGISTIC,
        head_params: Mapping[str, Any] | None = None,
        multi_target_strategy: str | None = None,
        normalize_embeddings: bool = False,
        device: str | None = None,
    ) -> "FewShotModel":
        """A model by its folder or name; the head too, where `save_pretrained` or `export` wrote the folder.

        Args:
            model_id: a folder, or a name on the Hub.
            labels: as for the class.
            head: as for the class.
            head_params: as for the class.
            multi_target_strategy: as for the class.
            normalize_embeddings: as for the class.
            device: where to put the model; None = the accelerator, where there is one.

        Raises:
            ModelNotFoundError: no such folder or name.
            ModelFolderError: the folder is damaged.
            ArgumentError: a head that there is not, or a classifier with a prompt of its own.
        """
        if (Path(model_id) / FILE_NAME).is_file():
            return cls._stored(Path(model_id), device)
        body = SentenceTransformer(str(model_id), device=device)
        return cls(body, head, multi_target_strategy, normalize_embeddings, labels, head_params=head_params)

    @classmethod
    def _stored(cls, folder: Path, device: str | None) -> "FewShotModel":
        """With a head that predicts and is not fitted again."""
        stored = read_classifier(folder)
        body = SentenceTransformer(str(folder), device=device, truncate_dim=stored.truncate_dim)
        own = resolve_prompt(body.prompts, body.default_prompt_name)
        if stored.prompt != own:
            raise ArgumentError(
                f"{folder.name}: a classifier with the prompt {stored.prompt!r}, expected the model's own, {own!r}: "
                "here there is no other. Set the model's default_prompt_name before it is saved."
            )
        if stored.max_seq_length is not None:
            body.max_seq_length = stored.max_seq_length
        made = cls(body, stored.head, None, stored.normalize, stored.labels if stored.classes else None)
        made.classes = stored.classes or stored.labels
        return made

    def fit(self, x_train: Sequence[str], y_train: Sequence[Any]) -> None:
        """Fit the head on the vectors of texts, as the model now makes them.

        Args:
            x_train: the texts.
            y_train: their labels; rows of 0 and 1 where texts may have several.

        Raises:
            ArgumentError: the head is one that was read from a folder.
        """
        self.check_head()
        self.model_head.fit(self.encode(x_train), np.asarray(y_train) if np.ndim(y_train) == 2 else list(y_train))

    def check_head(self) -> None:
        """Raise for a head that cannot be fitted.

        Raises:
            ArgumentError: it was read from a folder.
        """
        if not hasattr(self.model_head, "fit"):
            raise ArgumentError(
                f"model_head: {type(self.model_head).__name__}, read from a folder, expected an estimator to "
                "fit. Make FewShotModel(model.model_body, 'logistic_regression')."
            )

    def set_head_learning_rate(self, rate: float) -> None:
        """The learning rate of the head `"mlp"`; one that was given has its own, and the others have none."""
        if self.named_perceptron and is_perceptron(self.model_head):
            self.model_head.set_params(learning_rate_init=rate)

    def encode(self, inputs: Sequence[str], batch_size: int = 32, show_progress_bar: bool | None = None) -> Any:
        """Vectors of texts, as the head reads them: float32 (n, dim)."""
        return self.model_body.encode(
            list(inputs), batch_size=batch_size, show_progress_bar=show_progress_bar,
            normalize_embeddings=self.normalize_embeddings,
        )  # fmt: skip

    def classifier(self, use_labels: bool = True) -> Classifier:
        """The model and its fitted head as the runtime's class; with the head's own classes if `use_labels` is False.

        Raises:
            ArgumentError: the head is not fitted.
        """
        normalize = self.normalize_embeddings
        if not hasattr(self.model_head, "fit"):
            classes = self.classes or list(range(self.model_head.outputs))
            labels = self.labels if use_labels and self.labels else classes
            return Classifier(
                self.model_body, self.model_head, labels, normalize_embeddings=normalize, classes=classes
            )  # fmt: skip
        if not hasattr(self.model_head, "classes_"):
            raise ArgumentError(
                f"model_head: {self.model_head!r:.80} is not fitted, expected one that is. Call trainer.train() first."
            )
        classes = read_fitted(self.model_head).labels
        names = self.labels if use_labels and not any(isinstance(one, str) for one in classes) else None
        return Classifier.from_sklearn(
            self.model_body, self.model_head, labels=names, normalize_embeddings=normalize
        )  # fmt: skip

    def predict(
        self,
        inputs: str | Sequence[str],
        batch_size: int = 32,
        as_numpy: bool = False,
        use_labels: bool = True,
        show_progress_bar: bool | None = None,
    ) -> Any:
        """The label of each text, in the types that SetFit has.

        Args:
            inputs: a text or several.
            batch_size: texts in a batch.
            as_numpy: an array in place of a tensor.
            use_labels: give names, if `labels` are there.
            show_progress_bar: None = if the logger `airvec` shows INFO.

        Returns:
            A list of names where `labels` hold; else a tensor, or an array of texts where the labels are texts. One of
            them for a single text.
        """
        classifier = self.classifier(use_labels)
        found = classifier.predict(inputs, batch_size=batch_size, show_progress_bar=show_progress_bar)
        named = use_labels and self.labels is not None and not classifier.multi_label
        if named or isinstance(found, str):
            return found
        array = np.asarray(found)
        return array if as_numpy or array.dtype.kind not in "biuf" else torch.as_tensor(array)

    def __call__(
        self,
        inputs: str | Sequence[str],
        batch_size: int = 32,
        as_numpy: bool = False,
        use_labels: bool = True,
        show_progress_bar: bool | None = None,
    ) -> Any:
        """As `predict`."""
        return self.predict(inputs, batch_size, as_numpy, use_labels, show_progress_bar)

    def predict_proba(
        self,
        inputs: str | Sequence[str],
        batch_size: int = 32,
        as_numpy: bool = False,
        show_progress_bar: bool | None = None,
    ) -> Any:
        """The probability of each label: a tensor (n, labels), an array if `as_numpy`; (labels,) for a single text.

        Raises:
            ArgumentError: the head has none, or is not fitted.
        """
        classifier = self.classifier()
        found = classifier.predict_proba(inputs, batch_size=batch_size, show_progress_bar=show_progress_bar)
        return found if as_numpy else torch.from_numpy(found)

    def save_pretrained(self, path: str | Path) -> None:
        """Write the model in torch and the head, which `from_pretrained` opens: whole or not at all, without pickle."""
        with tempfile.TemporaryDirectory(prefix="airvec-") as scratch:
            self.model_body.save_pretrained(Path(scratch) / "model")
            self.classifier().save_pretrained(path, copy_model=Path(scratch) / "model")

    def export(
        self, out: str | Path, *, variants: Sequence[str] = ("fp32",), weights: bool = True, speed: bool = False
    ) -> Classifier:
        """Write the folder that `airvec.Classifier` opens where neither torch nor scikit-learn is.

        Args:
            out: the folder; a classifier that lies there is replaced.
            variants: graphs beside `"fp32"`, as in `SentenceTransformer.export`.
            weights: whether torch's weights go with it, to train on.
            speed: whether graphs are timed.

        Returns:
            The classifier, opened from the folder.

        Raises:
            ArgumentError: something else lies there, or the head is not fitted.
            VerificationError: the graph does not give the model's vectors; nothing was written.
        """
        classifier = self.classifier()
        with tempfile.TemporaryDirectory(prefix="airvec-") as scratch:
            model = Path(scratch) / Path(out).absolute().name
            self.model_body.export(model, variants=variants, weights=weights, speed=speed)
            classifier.save_pretrained(out, copy_model=model)
        return Classifier.from_pretrained(out)
