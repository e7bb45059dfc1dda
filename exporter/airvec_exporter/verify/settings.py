"""What an export is to be checked on, and what is let through.

Knows nothing of models.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from airvec.errors import ArgumentError
from airvec_exporter.verify.labels import read_labels


@dataclass(frozen=True)
class Checks:
    """How graphs are verified.

    Args:
        texts: at least two; None = 240 texts of 1 to 600 tokens from Python's documentation. Pairs are made of them.
        max_delta: the largest |difference| from torch that is let through in graphs in float32, on unit vectors or
            relative to the largest value; None = 1e-5 for dense models, 1e-4 for the others.
        accept_worse: let graphs through that are beyond their bound, and say so in `Measured.misses`.
        labels: a file with people's judgements, to score each graph on (see `airvec_exporter.verify.labels`).
        speed: whether to measure it; a few seconds a graph at most.

    Raises:
        ArgumentError: texts that cannot be measured on, or no such file of labels.
        InputError: a damaged file of labels.
    """

    texts: Sequence[str] | None = None
    max_delta: float | None = None
    accept_worse: bool = False
    labels: str | Path | None = None
    speed: bool = True

    def __post_init__(self) -> None:
        check_texts(self.texts)
        if self.labels is not None:
            read_labels(self.labels)  # before minutes of work


def check_texts(texts: object) -> None:
    """Refuse texts that cannot be measured on; None is fine.

    Raises:
        ArgumentError: not a sequence of two texts or more.
    """
    if texts is None:
        return
    if not isinstance(texts, Sequence) or isinstance(texts, str) or len(texts) < 2:
        raise ArgumentError(f"texts: {texts!r:.80}, expected a list of two texts or more. Batches must mix lengths.")
    wrong = next((text for text in texts if not isinstance(text, str)), None)
    if wrong is not None:
        raise ArgumentError(f"texts: {wrong!r:.80}, expected a list of str. Convert it first.")
