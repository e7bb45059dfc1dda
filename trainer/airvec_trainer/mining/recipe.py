"""The recipe: retrieve → filter by rank → filter by score → sample → arrange.

Ranks are counted among what the filters by score leave, as in the reference: a query's positives go first, then what is
too near to them, and of the rest `range_min` to `range_max` is cut out.
Knows nothing of how each step is done.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airvec.errors import ArgumentError, require
from airvec_trainer.errors import tell
from airvec_trainer.mining import by_rank, by_score
from airvec_trainer.mining.arranging import ARRANGEMENTS, Mined
from airvec_trainer.mining.caching import embedded
from airvec_trainer.mining.counting import Course, counted
from airvec_trainer.mining.indexes import check_package, most_results
from airvec_trainer.mining.pairs import Pairs, check_enough, read_pairs
from airvec_trainer.mining.report import MiningReport
from airvec_trainer.mining.rescoring import rescored
from airvec_trainer.mining.retrieve import retrieved
from airvec_trainer.mining.sampling import sampled
from airvec_trainer.mining.settings import MiningSettings
from airvec_trainer.mining.vectors import check_model, similarity_of

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["mine"]


def mine(
    dataset: Any,
    model: Any,
    settings: MiningSettings | None = None,
    *,
    corpus: Sequence[str] | None = None,
    cross_encoder: Any = None,
) -> "tuple[Dataset, MiningReport]":
    """Mine hard negatives, and tell what was found: `mine_hard_negatives` with its report.

    Args:
        dataset: pairs of a query and a positive, in two columns of a `datasets.Dataset`.
        model: a dense or sparse encoder, of airvec or of the trainer, or `airvec.search.BM25`.
        settings: everything else; None = the defaults.
        corpus: documents to look for negatives in, besides the positives.
        cross_encoder: scores candidates anew where a margin or a bound is set.

    Returns:
        The rows, and their statistics.

    Raises:
        ArgumentError: something that cannot be; nothing has been encoded then.
        InputError: texts, vectors or scores that cannot be used.
        MissingPackageError: `datasets`, or the package of the index, is not installed.
    """
    require("datasets", "train", "mining")
    settings = _settings(settings)
    check_package(settings.index)
    pairs = read_pairs(
        dataset, settings.anchor_column_name, settings.positive_column_name, corpus,
        join_same_texts=settings.join_same_texts,
    )  # fmt: skip
    check_enough(pairs, settings)
    model = check_model(model, pairs.documents, settings)
    depth = _depth(pairs, settings, cross_encoder is not None)
    course = _carried_out(pairs, model, cross_encoder, depth, settings)
    course = replace(course, notes=(*_notes(pairs, depth, settings), *course.notes))
    report = counted(course, settings, depth)
    if not report.rows:
        tell(f"dataset: 0 rows of {report.missing} were made, as too few candidates are left. Loosen the filters.")
    from datasets import Dataset

    return Dataset.from_dict(course.arranged.columns), report


def _carried_out(pairs: Pairs, model: Any, cross_encoder: Any, depth: int, settings: MiningSettings) -> Course:
    """The five steps."""
    queries, documents, files = embedded(model, pairs, settings)
    # No more places than documents can fill, however many are asked for: they are memory for every query.
    most = len(pairs.documents)
    depth, wanted = min(depth, settings.range_min + most), min(settings.num_negatives, most)
    count = depth + pairs.most  # a query's positives may be among the nearest
    found, scores = retrieved(queries, documents, pairs, count, similarity_of(model), settings)
    if cross_encoder is not None and settings.by_score:
        found, scores = rescored(found, pairs, cross_encoder, settings)
    own = by_rank.among(found.rows, pairs.owners, pairs.positives)
    candidates = found if settings.include_positives else by_rank.without(found, own)
    lowest = by_score.lowest(scores, pairs.starts)
    filtered = by_score.filtered(candidates, lowest, settings)
    ranks = by_rank.window(filtered.ranking, settings.range_min, depth)
    negatives = sampled(ranks, wanted, settings.sampling_strategy, settings.seed)
    mined = Mined(pairs, scores, negatives, settings.num_negatives - wanted)
    arranged = ARRANGEMENTS[settings.output_format](mined, settings.output_scores)
    return Course(found, own, lowest, filtered, mined, arranged, tuple(files))


def _settings(given: Any) -> MiningSettings:
    """The settings, or the defaults.

    Raises:
        ArgumentError: something else, such as a dict.
    """
    if given is not None and not isinstance(given, MiningSettings):
        raise ArgumentError(
            f"settings: {type(given).__name__}, expected MiningSettings, or None. Make them: "
            f"MiningSettings({'**settings' if isinstance(given, dict) else 'num_negatives=2'})."
        )
    return given or MiningSettings()


def _depth(pairs: Pairs, settings: MiningSettings, rescores: bool) -> int:
    """`range_max`; one that nobody named is no more than the index can find."""
    depth, most = settings.depth(pairs.most, rescores), most_results(settings.index)
    return depth if settings.range_max is not None or most is None else min(depth, most - pairs.most)


def _notes(pairs: Pairs, depth: int, settings: MiningSettings) -> list[str]:
    notes = [] if settings.range_max is not None else [f"Looked at range_max={depth} candidates a query."]
    if len(pairs.queries) < pairs.rows:
        each = len(pairs.owners) / len(pairs.queries)
        notes.append(f"Found {len(pairs.queries)} different queries in {pairs.rows} rows, {each:.3f} positives each.")
    return notes
