"""A table of token vectors that says of texts what a teacher says: `distil_static`.

The student has no layers: a text is the mean of its tokens' vectors, made to unit length, so that it is hundreds of
times faster than the teacher. The table begins with what the teacher says of each token alone, and is then trained on
texts (static_training.py).
Knows nothing of where texts come from and of model folders.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from airvec.arguments import want_progress
from airvec.arrays import Array
from airvec.errors import ArgumentError
from airvec_trainer.distillation.given import check_teacher, given_texts
from airvec_trainer.distillation.static_training import StaticSettings, TokenRows, train_table
from airvec_trainer.distillation.teachers import teacher_vectors
from airvec_trainer.modules import Normalize, StaticEmbedding
from airvec_trainer.sentence_transformer import SentenceTransformer

__all__ = ["StaticSettings", "StaticTable", "distil_static", "int8_rows"]


@dataclass(frozen=True)
class StaticTable:
    """What was learnt.

    Args:
        tokenizer: whose ids are the table's rows.
        vectors: (tokens, dimensions) float32; special tokens have rows of zeros and so say nothing.
        losses: of held-out texts, before the first epoch and after each: `cosine_distance` to the teacher's vectors
            (0 to 2), and `similarity_error`, the mean squared difference of cosines between texts.
    """

    tokenizer: Tokenizer
    vectors: Array
    losses: list[dict[str, float]] = field(default_factory=list)

    def model(self) -> SentenceTransformer:
        """A model in torch: it encodes, is saved, trained further and exported like any other."""
        return SentenceTransformer(modules=[StaticEmbedding(self.tokenizer, self.vectors), Normalize()])

    def int8(self) -> tuple[Array, Array]:
        """A quarter of the size: `int8_rows` of the vectors."""
        return int8_rows(self.vectors)


def distil_static(
    teacher: Any,
    texts: Sequence[str],
    *,
    dimensions: int = 256,
    tokenizer: Any | None = None,
    vectors: Array | None = None,
    settings: StaticSettings | None = None,
    show_progress_bar: bool | None = None,
) -> StaticTable:
    """Token vectors whose means are near a dense teacher's vectors of texts.

    The vectors are learnt in the axes in which the teacher's vectors of the texts vary most. Texts that lie side by
    side stay in one batch, where they are compared: put those together that resemble each other.

    Args:
        teacher: any model with `encode`.
        texts: what it learns from: short ones and long ones, some hundred thousand for a vocabulary of 30,000. Random
            words among them teach those that the others lack. The last tenth, 4,096 at most, only measures.
        dimensions: of the result.
        tokenizer: the student's, of tokenizers or a fast one of transformers; None = a copy of the teacher's.
        vectors: (texts, dim) the teacher's, such as `teacher_vectors(teacher, texts, cache_folder=…)` keeps them;
            None = they are asked for.
        settings: of the training.
        show_progress_bar: None = if the logger `airvec` shows INFO.

    Raises:
        ArgumentError: texts that are none, too few of them, more dimensions than the teacher has, a slow tokenizer,
            vectors of another shape.
        TrainingError: the loss is no number.
    """
    check_teacher(teacher, "encode")
    settings, student = settings or StaticSettings(), _student_tokenizer(teacher, tokenizer)
    texts = given_texts("texts", texts)
    _check_texts(texts)
    if vectors is None:
        vectors = teacher_vectors(teacher, texts, show_progress_bar=show_progress_bar)
    _check_vectors(vectors, len(texts), dimensions)
    unit = _unit(torch.from_numpy(np.array(vectors, dtype=np.float32)))  # (texts, dim)
    mean, axes = principal_axes(unit, dimensions, settings.variance_power)
    tokens = token_texts(student)
    spoken = torch.tensor([bool(token) for token in tokens])
    rows = TokenRows.of(student, texts, spoken, settings.longest)
    asked = [token for token in tokens if token]
    alone = teacher_vectors(teacher, asked, show_progress_bar=show_progress_bar)
    start = torch.zeros(len(tokens), dimensions)
    start[spoken] = (_unit(torch.from_numpy(np.array(alone, dtype=np.float32))) - mean) @ axes
    start *= rows.inverse_frequency(len(tokens), settings.frequency)[:, None]
    show = want_progress(show_progress_bar)
    table, losses = train_table(start, rows, unit, _unit((unit - mean) @ axes), settings, show_progress_bar=show)
    return StaticTable(student, table.numpy(), losses)


def principal_axes(unit: Tensor, dimensions: int, variance_power: float) -> tuple[Tensor, Tensor]:
    """The mean (dim,) of vectors, and the axes (dim, dimensions) in which they vary most, in falling order.

    Axis i is scaled by (variance i / largest variance) ** (variance_power / 2): 0 leaves it, -1 whitens it. An axis
    points to where its largest entry is positive; its sign is otherwise up to the solver.
    """
    mean = unit.mean(dim=0)
    centred = (unit - mean).double()
    variances, axes = torch.linalg.eigh(centred.T @ centred / len(unit))
    # Numbers below are the solver's rounding: an axis without variance must not be scaled by a power of it.
    variances = variances.flip(0)[:dimensions].clamp_min(1e-12)
    axes = axes.flip(1)[:, :dimensions]
    axes = axes * torch.sign(axes.gather(0, axes.abs().argmax(dim=0, keepdim=True)))
    return mean, (axes * (variances / variances[0]) ** (variance_power / 2)).float()


def int8_rows(rows: Array) -> tuple[Array, Array]:
    """Rows as int8 with one float32 scale each, `rows ≈ int8 * scale[:, None]`; a row of zeros has scale 0.

    >>> int8_rows(np.array([[0.5, -1.0], [0.0, 0.0]]))[0].tolist()
    [[64, -127], [0, 0]]
    """
    largest = np.abs(rows).max(axis=1)
    steps = 127 / np.where(largest > 0, largest, 1)
    return np.rint(rows * steps[:, None]).astype(np.int8), (largest / 127).astype(np.float32)


def token_texts(tokenizer: Tokenizer) -> list[str]:
    """Each token as a text that can be read alone, by id; "" for special tokens and ids that no token has."""
    special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    found = [""] * (max(tokenizer.get_vocab().values()) + 1)
    for token, number in tokenizer.get_vocab().items():
        if number not in special:
            found[number] = tokenizer.decode([number]).removeprefix("##").strip() or token
    return found


def _student_tokenizer(teacher: Any, given: Any | None) -> Tokenizer:
    """A copy that neither cuts nor pads."""
    found = given if given is not None else getattr(teacher, "tokenizer", None)
    found = getattr(found, "backend_tokenizer", found)
    if not isinstance(found, Tokenizer):
        raise ArgumentError(
            f"tokenizer: {type(found).__name__}, expected a tokenizers.Tokenizer, or a fast one of transformers. "
            "Open it with Tokenizer.from_file."
        )
    copy = Tokenizer.from_str(found.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy


def _check_texts(texts: Sequence[str]) -> None:
    if len(texts) < 20:
        raise ArgumentError(f"texts: {len(texts)}, expected at least 20, better 100,000. Give more.")


def _check_vectors(vectors: Array, texts: int, dimensions: int) -> None:
    if vectors.ndim != 2 or len(vectors) != texts:
        raise ArgumentError(
            f"vectors: {list(vectors.shape)}, expected the teacher's embeddings of the {texts} texts, ({texts}, dim). "
            "Make them with teacher_vectors."
        )
    most = min(vectors.shape[1], texts)
    if not 1 <= dimensions <= most:
        raise ArgumentError(
            f"dimensions: {dimensions}, expected 1 to {most}, as many as the teacher's vectors of the texts have. "
            "Lower it."
        )


def _unit(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors, dim=1)
