"""`MiningSettings`: every choice of a mining, checked when it is made.

Knows nothing of data, models and of how anything is mined.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from os import PathLike
from typing import Any

from airvec.batching import check_batch_size
from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec_trainer.errors import tell

__all__ = ["MiningSettings"]

FORMATS = ("triplet", "n-tuple", "labeled-pair", "labeled-list")
STRATEGIES = ("top", "random")
INDEXES = ("numpy", "faiss", "usearch")
NUMBERS = ("max_score", "min_score", "absolute_margin", "relative_margin")
SPARE = 10  # candidates for every negative that is asked for, where a filter by score may drop some: the reference's


@dataclass(frozen=True, kw_only=True)
class MiningSettings:
    """The arguments of `mine_hard_negatives`, which describes them, under the same names and with the same defaults.

    `index`, `seed` and `join_same_texts` are airvec's own; `use_faiss=True` is `index="faiss"` here, and old
    spellings have gone.

    Raises:
        ArgumentError: a value that cannot be, or two that exclude each other.
    """

    anchor_column_name: str | None = None
    positive_column_name: str | None = None
    range_min: int = 0
    range_max: int | None = None
    max_score: float | None = None
    min_score: float | None = None
    absolute_margin: float | None = None
    relative_margin: float | None = None
    num_negatives: int = 3
    sampling_strategy: str = "top"
    query_prompt_name: str | None = None
    query_prompt: str | None = None
    corpus_prompt_name: str | None = None
    corpus_prompt: str | None = None
    include_positives: bool = False
    output_format: str = "triplet"
    output_scores: bool = False
    batch_size: int | None = 32
    faiss_batch_size: int = 16384
    index: str = "numpy"
    use_multi_process: bool | Sequence[str] = False
    cache_folder: str | PathLike[str] | None = None
    seed: int | None = None
    join_same_texts: bool = False
    show_progress_bar: bool = True

    def __post_init__(self) -> None:
        whole_number("num_negatives", self.num_negatives)
        whole_number("range_min", self.range_min, 0)
        whole_number("faiss_batch_size", self.faiss_batch_size)
        check_batch_size(self.batch_size)
        _check_choice("output_format", self.output_format, FORMATS)
        _check_choice("sampling_strategy", self.sampling_strategy, STRATEGIES)
        _check_choice("index", self.index, INDEXES)
        for name in NUMBERS:
            _check_number(name, getattr(self, name))
        if self.seed is not None:
            whole_number("seed", self.seed, 0)
        self._check_ranks()
        self._check_scores()
        if self.include_positives:
            self._make_ranking()

    @property
    def by_score(self) -> bool:
        """Whether a margin or a bound is set, so that candidates may be dropped, and a cross-encoder is asked."""
        return any(getattr(self, name) is not None for name in NUMBERS)

    def depth(self, most_positives: int, rescored: bool) -> int:
        """`range_max`, or what the reference takes for it.

        Args:
            most_positives: rows of the query that has most.
            rescored: whether there is a cross-encoder, under which `min_score` drops more, too.
        """
        if self.range_max is not None:
            return self.range_max
        bounds = (self.absolute_margin, self.relative_margin, self.max_score, self.min_score if rescored else None)
        spare = SPARE if any(bound is not None for bound in bounds) else 1
        return self.range_min + self.num_negatives * spare + most_positives

    def _check_ranks(self) -> None:
        if self.range_max is None:
            return
        whole_number("range_max", self.range_max)
        left = self.range_max - self.range_min
        if left < self.num_negatives:
            raise ArgumentError(
                f"range_max: {self.range_max} and range_min: {self.range_min} leave {max(0, left)} candidates a query, "
                f"expected num_negatives={self.num_negatives} of them at least. Raise range_max, or lower the others."
            )

    def _check_scores(self) -> None:
        if self.max_score is not None and self.min_score is not None and self.min_score > self.max_score:
            raise ArgumentError(
                f"min_score: {self.min_score!r}, expected at most max_score={self.max_score!r}, as nothing lies "
                "between. Swap them."
            )

    def _make_ranking(self) -> None:
        """Rankings with positives among them are n-tuples: in no other format would the order be kept."""
        untouched = MiningSettings()
        names = ("range_min", "range_max", *NUMBERS, "sampling_strategy")
        changed = [name for name in names if getattr(self, name) != getattr(untouched, name)]
        if changed:
            tell(f"include_positives: {', '.join(changed)} may leave positives out all the same. Keep the defaults.")
        if self.output_format != "n-tuple":
            tell(f"include_positives: makes n-tuples in order of score, not {self.output_format!r}. Say 'n-tuple'.")
            object.__setattr__(self, "output_format", "n-tuple")


def _check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ArgumentError(f"{name}: {value!r}, expected one of {', '.join(map(repr, choices))}. Correct it.")


def _check_number(name: str, value: Any) -> None:
    try:
        right = value is None or (not isinstance(value, (bool, str)) and isfinite(value))
    except TypeError:
        right = False
    if not right:
        raise ArgumentError(f"{name}: {value!r}, expected a finite number, or None. Correct it.")
