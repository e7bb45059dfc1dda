"""How tasks are asked of a model, and what a task becomes.

Knows nothing of files and of metrics.
"""

from dataclasses import dataclass
from typing import Any

from airvec.folder import DENSE, RERANKER, SPARSE
from airvec_trainer.evaluation.embedding import EncodeOptions

__all__ = ["Settings", "Task", "counted"]

WORDS = {DENSE: "dense", SPARSE: "sparse", RERANKER: "rerank"}


@dataclass(frozen=True)
class Settings:
    """What holds for all tasks of a call.

    Attributes:
        kind: of the model: `"SentenceTransformer"`, `"SparseEncoder"` or `"CrossEncoder"`.
        batch_size: texts or pairs in a batch; None = by tokens.
        show_progress_bar: whether encoding shows one.
        precision: of embeddings, where a task quantises them itself.
    """

    kind: str = DENSE
    batch_size: int | None = None
    show_progress_bar: bool = False
    precision: str | None = None

    @property
    def reranks(self) -> bool:
        """Whether the model scores pairs of texts."""
        return self.kind == RERANKER

    @property
    def word(self) -> str:
        """The model's kind in a word."""
        return WORDS[self.kind]

    @property
    def encoding(self) -> EncodeOptions:
        """For the evaluators that take it so."""
        return EncodeOptions(self.batch_size, self.show_progress_bar)

    @property
    def given(self) -> dict[str, Any]:
        """For those that take the reference's arguments."""
        return {"batch_size": self.batch_size, "show_progress_bar": self.show_progress_bar}


@dataclass(frozen=True)
class Task:
    """A task, ready to be measured.

    Attributes:
        evaluator: called with a model and a folder for its CSV file.
        rows: how many the file has, by what they are: `{"pairs": 1379}`.
        also: metrics to show beside the primary one, without the data's name in front.
        left_out: how many of the file's queries are not measured; None = all are, always.
        note: why, for a person; empty = nothing is left out.
        split: whose grades count where the command line does not say; empty = there are none, or it says.
    """

    evaluator: Any
    rows: dict[str, int]
    also: tuple[str, ...] = ()
    left_out: int | None = None
    note: str = ""
    split: str = ""


def counted(count: int, what: str) -> str:
    """How many there are of something.

    >>> counted(1379, "pairs"), counted(1, "queries"), counted(1, "labels")
    ('1,379 pairs', '1 query', '1 label')
    """
    one = f"{what.removesuffix('ies')}y" if what.endswith("ies") else what.removesuffix("s")
    return f"{count:,} {one if count == 1 else what}"
