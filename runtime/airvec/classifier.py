"""`Classifier`: texts → labels, by a model's embeddings and a head on them.

A head comes from a fitted estimator of scikit-learn, from descriptions of the labels, or from a folder.
Knows nothing of how heads and files work.
"""

import math
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import numpy as np

from airvec.arguments import check_texts, default_cache_folder
from airvec.arrays import Array, Floats, Integers
from airvec.classifier_file import ARRAYS_NAME, FILE_NAME, Stored, read_classifier, write_classifier
from airvec.errors import ArgumentError, ModelFolderError
from airvec.heads import TEMPERATURE, Head, Prototypes, read_fitted
from airvec.hub import HubOptions, find_files, locate
from airvec.modules.normalize import unit
from airvec.prompts import check_prompt, resolve_prompt
from airvec.sentence_transformer import SentenceTransformer

KNOWN_TEXT = "The quick brown fox jumps over the lazy dog."
# int8 graphs keep a cosine above 0.98 to fp32's; two models' vectors of one text are near 0.
SAME_MODEL = 0.9


class Encoder(Protocol):
    """What a classifier needs of a model."""

    def encode(
        self,
        inputs: Sequence[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        *,
        normalize_embeddings: bool = False,
    ) -> Any:
        """Embeddings (n, dim) of n texts."""
        ...


class Reading(NamedTuple):
    """How texts are read: the prompt in front (None = the model's own), and whether vectors get length 1."""

    prompt: str | None = None
    normalize: bool = False


class Classifier:
    """A model and a head on its embeddings: `classifier(texts)` gives their labels.

    Args:
        model: a `SentenceTransformer`, or the folder or name of one.
        head: one of `airvec.heads`; `from_sklearn` and `from_descriptions` make them.
        labels: of the head's outputs, in their order: each a str, int, float, bool or None.
        normalize_embeddings: scale vectors to length 1 before the head, as it was in training.
        prompt: put in front of each text; None = what the model's `encode` puts there.
        classes: what the labels were in the training, where they are names of these; None = the labels themselves.

    Raises:
        ArgumentError: labels, head and model that do not fit together.
    """

    def __init__(
        self,
        model: Encoder | str | PathLike[str] | None,
        head: Head,
        labels: Sequence[Any],
        *,
        normalize_embeddings: bool = False,
        prompt: str | None = None,
        classes: Sequence[Any] | None = None,
    ) -> None:
        self.model = _opened(model)
        self.head = head
        self.labels = _checked_labels(labels, head)
        self.classes = self.labels if classes is None else _checked_labels(classes, head)
        self.reading = Reading(None if prompt is None else check_prompt("prompt", prompt), normalize_embeddings)
        _check_width(self.model, head)

    def __repr__(self) -> str:
        return f"Classifier({self.model!r}, {type(self.head).__name__}, labels={len(self.labels)})"

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels."""
        return self.head.multi_label

    def __call__(
        self,
        texts: str | Sequence[str] | Array,
        *,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
    ) -> Any:
        """As `predict`."""
        return self.predict(texts, batch_size=batch_size, show_progress_bar=show_progress_bar)

    def predict(
        self,
        texts: str | Sequence[str] | Array,
        *,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
    ) -> Any:
        """The label of each text.

        Args:
            texts: a text, or a list, tuple or array of texts.
            batch_size: as in `encode`.
            show_progress_bar: None = if the logger `airvec` shows INFO.

        Returns:
            A list of labels, `[]` for no texts; one label for a single text. Where a text may have several labels,
            int64 (n, labels), 1 for each that it has, and (labels,) for a single text.

        Raises:
            InputError: something that is not a text.
        """
        listed, single = check_texts(texts)
        found: Integers = self.head.decide(self._vectors(listed, batch_size, show_progress_bar))
        if self.multi_label:
            return found[0] if single else found
        labels = [self.labels[place] for place in found.tolist()]
        return labels[0] if single else labels

    def predict_proba(
        self,
        texts: str | Sequence[str] | Array,
        *,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
    ) -> Floats:
        """The probability of each of `labels`: float32 (n, labels), in their order; (labels,) for a single text.

        Rows sum to 1; where a text may have several labels, each has a probability of its own. Those of
        `from_descriptions` are for comparing labels, and are not calibrated.

        Raises:
            InputError: something that is not a text.
            ArgumentError: a head without probabilities: a support vector machine, ridge.
        """
        listed, single = check_texts(texts)
        found = self.head.probabilities(self._vectors(listed, batch_size, show_progress_bar)).astype(np.float32)
        return found[0] if single else found

    def _vectors(self, texts: list[str], batch_size: int | None, show: bool | None) -> Any:
        """float64 (n, dim): what scikit-learn computes in float32 differs by less than 1e-6."""
        prompt, normalize = self.reading
        vectors = np.asarray(
            self.model.encode(
                texts, None, prompt, batch_size, show_progress_bar=show, normalize_embeddings=normalize
            ),
            dtype=np.float64,
        )  # fmt: skip
        if vectors.shape != (len(texts), self.head.dim):
            if not texts:
                return np.zeros((0, self.head.dim))
            raise _wrong_width(vectors.shape[-1], self.head.dim)
        return vectors

    @classmethod
    def from_descriptions(
        cls,
        model: Encoder | str | PathLike[str] | None,
        descriptions: Mapping[Any, str | Sequence[str]],
        *,
        temperature: float = TEMPERATURE,
        prompt: str | None = None,
    ) -> "Classifier":
        """A classifier without examples: a text gets the label whose description is nearest by cosine.

        Args:
            model: as for the class.
            descriptions: for each label a text, or several, whose embeddings of length 1 are averaged.
            temperature: probabilities are the softmax of cosine / temperature. It changes no label. 0.05 is the scale
                20 with which models such as all-MiniLM-L6-v2 were trained to tell texts apart.
            prompt: put in front of descriptions and texts alike; None = what the model's `encode` puts there.

        Raises:
            ArgumentError: no labels, or one without a description.
        """
        if not isinstance(descriptions, Mapping) or not descriptions:
            raise ArgumentError(f"descriptions: {descriptions!r:.80}, expected a dict of labels and texts. Give one.")
        opened = _opened(model)
        texts = {label: _listed(label, given) for label, given in descriptions.items()}
        every = [text for listed in texts.values() for text in listed]
        vectors = unit(np.asarray(opened.encode(every, None, prompt), dtype=np.float32))
        ends = np.cumsum([len(listed) for listed in texts.values()])
        means = [part.mean(axis=0) for part in np.split(vectors, ends[:-1])]
        return cls(opened, Prototypes(unit(np.stack(means)), temperature), list(texts), prompt=prompt)

    @classmethod
    def from_sklearn(
        cls,
        model: Encoder | str | PathLike[str] | None,
        fitted: Any,
        *,
        labels: Sequence[Any] | None = None,
        normalize_embeddings: bool = False,
        prompt: str | None = None,
    ) -> "Classifier":
        """A classifier with the answers of an estimator that was fitted on `model.encode(texts)`.

        Two exceptions: which of equally near neighbours vote is scikit-learn's secret; and where the first of several
        labels was the same for all texts, OneVsRestClassifier cuts scores at 0.5, and this at 0, as it does elsewhere.

        Args:
            model: as for the class.
            fitted: LogisticRegression, LinearSVC, SVC (linear), RidgeClassifier, SGDClassifier, KNeighborsClassifier
                (cosine or euclidean) or MLPClassifier; one of the first five in OneVsRestClassifier or
                MultiOutputClassifier, or in CalibratedClassifierCV (sigmoid; SVC with two labels); a Pipeline of
                StandardScaler or Normalizer and one of these.
            labels: names in place of the classes 0, 1, 2 …, as in SetFit; None = the estimator's classes.
            normalize_embeddings: give True if it was given to `encode` for the training.
            prompt: as given to `encode` for the training.

        Raises:
            ArgumentError: another estimator, one that is not fitted, or names that do not fit its classes.
        """
        head, classes = read_fitted(fitted)
        names = classes if labels is None else _named(classes, labels)
        return cls(model, head, names, normalize_embeddings=normalize_embeddings, prompt=prompt, classes=classes)

    def save_pretrained(self, path: str | PathLike[str], *, copy_model: bool | str | PathLike[str] = True) -> None:
        """Write a folder that `from_pretrained` opens without scikit-learn: whole or not at all, and without pickle.

        Args:
            path: the folder; a classifier that lies there is replaced.
            copy_model: copy the model's files too, so that the folder is all there is to ship; or those of a folder
                that the model was exported to. False writes some kilobytes, and `from_pretrained` must be given the
                model.

        Raises:
            ArgumentError: something other than a classifier lies there, or the model has no folder to copy.
        """
        model: Any = self.model
        if copy_model is True and not isinstance(model, SentenceTransformer):
            raise ArgumentError(
                f"copy_model: True, but {type(model).__name__} is no exported model. Export it and open the folder "
                "with airvec, or give copy_model=False."
            )
        prompt, normalize = self.reading
        if prompt is None:
            prompt = resolve_prompt(getattr(model, "prompts", {}), getattr(model, "default_prompt_name", None))
        stored = Stored(
            self.head, self.labels, normalize, prompt, getattr(model, "truncate_dim", None),
            getattr(model, "max_seq_length", None), _probe(model),
            None if self.classes == self.labels else self.classes,
        )  # fmt: skip
        source = model.folder if copy_model is True else copy_model
        write_classifier(Path(path), stored, Path(source) if source else None)

    @classmethod
    def from_pretrained(
        cls,
        path: str | PathLike[str],
        *,
        model: Encoder | str | PathLike[str] | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        token: bool | str | None = None,
    ) -> "Classifier":
        """Open the folder that `save_pretrained` wrote.

        Args:
            path: the folder, or the name of one on the Hub, `ORG/NAME`.
            model: to use in place of the model in the folder, such as its int8 variant; needed where there is none. A
                known text's vector must be that of the model which the classifier was made with.
            cache_folder: of what comes from the Hub, like the other arguments as in `SentenceTransformer`.
            revision: a branch, tag or commit.
            local_files_only: take what is in the cache, without network.
            token: for repositories that are not public.

        Raises:
            ModelNotFoundError: no such folder or repository, or no classifier in it.
            ModelFolderError: a file is damaged, or `model` is another one than the classifier was made with.
            DownloadError: the Hub or the disk failed.
            ArgumentError: the folder holds no model, and none is given.
        """
        hub = HubOptions(cache_folder or default_cache_folder(), revision, local_files_only, token)
        files, maker = (FILE_NAME, ARRAYS_NAME), "Classifier.save_pretrained"
        folder = find_files(path, SentenceTransformer.organisation, files, maker, hub)
        stored = read_classifier(folder)
        if model is None and not stored.has_model:
            raise ArgumentError(
                f"{str(path)!r}: model is None, and the folder holds none. Give model=… as it was at saving."
            )
        if model is None:
            opened = _within(path, folder, stored, hub)
        else:
            opened = _opened(model, stored, hub._replace(revision=None))
            _check_known(opened, stored.probe, Path(path))
        try:
            return cls(
                opened, stored.head, stored.labels, normalize_embeddings=stored.normalize, prompt=stored.prompt,
                classes=stored.classes,
            )  # fmt: skip
        except ArgumentError as error:
            raise ModelFolderError(f"{Path(path).name}: {error}") from error


def _within(path: str | PathLike[str], folder: Path, stored: Stored, hub: HubOptions) -> Encoder:
    """The model in the classifier's folder; of a repository the files of the commit that the classifier is of."""
    is_folder = isinstance(locate(path, SentenceTransformer.organisation), Path)
    return _opened(folder if is_folder else path, stored, hub if is_folder else hub._replace(revision=folder.name))


def _opened(
    model: Encoder | str | PathLike[str] | None, stored: Stored | None = None, hub: HubOptions | None = None
) -> Encoder:
    """The model, opened as it was when it was stored, if it is a name."""
    if model is not None and not isinstance(model, (str, PathLike)):
        if isinstance(model, type):
            raise ArgumentError(f"model: the class {model.__name__}, expected a model. Add parentheses.")
        if not hasattr(model, "encode"):
            raise ArgumentError(f"model: {model!r:.80}, expected a SentenceTransformer, or its folder or name.")
        return model
    if stored is None:
        return SentenceTransformer(model)
    found = hub or HubOptions()
    return SentenceTransformer(
        model, truncate_dim=stored.truncate_dim, max_seq_length=stored.max_seq_length, cache_folder=found.cache_folder,
        revision=found.revision, local_files_only=found.local_files_only, token=found.token,
    )  # fmt: skip


def _checked_labels(labels: Sequence[Any], head: Head) -> list[Any]:
    """Plain JSON values, as many as the head has outputs, none twice.

    Raises:
        ArgumentError: they are not.
    """
    plain: list[Any] = [label.item() if isinstance(label, np.generic) else label for label in labels]
    for label in plain:
        is_odd = isinstance(label, float) and not math.isfinite(label)  # JSON has no such number
        if is_odd or not isinstance(label, (str, int, float, bool, type(None))):
            raise ArgumentError(f"labels: {label!r:.80}, expected str, int, float, bool or None. Convert it.")
    if len(plain) != head.outputs:
        raise ArgumentError(f"labels: {len(plain)} for a head with {head.outputs} outputs. Give one for each.")
    if len({(type(label).__name__, label) for label in plain}) != len(plain):
        raise ArgumentError(f"labels: {plain!r:.200} has one of them twice. Give each once.")
    return plain


def _named(classes: Sequence[Any], labels: Sequence[Any]) -> list[Any]:
    """The names of classes that are places in `labels`; 0.0 is the place 0, too."""
    whole = [int(one) for one in classes if isinstance(one, (int, float)) and one == int(one)]
    places = [one for one in whole if 0 <= one < len(labels)]
    if len(places) != len(classes):
        raise ArgumentError(
            f"labels: {list(labels)!r:.80} for the classes {list(classes)!r:.80}, expected classes from 0 to "
            f"{len(labels) - 1}. Leave labels out, or give a name for each class."
        )
    return [labels[place] for place in places]


def _listed(label: Any, given: object) -> list[str]:
    texts, _ = check_texts(given)
    if not texts or not all(text.strip() for text in texts):
        raise ArgumentError(f"descriptions: {label!r} has {given!r:.80}, expected a text or several. Describe it.")
    return texts


def _check_width(model: Encoder, head: Head) -> None:
    """Raise if the model says that its vectors have another width than the head reads."""
    if hasattr(model, "get_embedding_dimension"):
        width = cast("Any", model).get_embedding_dimension()
        if width is not None and width != head.dim:
            raise _wrong_width(width, head.dim)


def _wrong_width(found: int, expected: int) -> ArgumentError:
    return ArgumentError(
        f"model: its vectors have {found} dimensions, expected {expected}, on which the head was fitted. Give that "
        "model, with its truncate_dim."
    )


def _probe(model: Encoder) -> Floats:
    """The vector of a text that is always the same, by which the model is known again: float32 (dim,)."""
    return np.asarray(model.encode([KNOWN_TEXT], prompt=""), np.float32)[0]


def _check_known(model: Encoder, probe: Floats, folder: Path) -> None:
    found = _probe(model)
    if found.shape != probe.shape:
        raise ModelFolderError(f"{folder.name}: {_wrong_width(len(found), len(probe))}")
    cosine = float(unit(found[None])[0] @ unit(probe[None])[0])
    if not cosine >= SAME_MODEL:
        raise ModelFolderError(
            f"{folder.name}: made with another model, as the cosine of a known text's vectors shows: {cosine:.3f}, "
            f"expected {SAME_MODEL} or more. Give the model that it was made with."
        )
