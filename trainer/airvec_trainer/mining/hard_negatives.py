"""`mine_hard_negatives`: mining under the reference's name, arguments and defaults.

Knows nothing of how negatives are mined.
"""

import sys
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from airvec.errors import ArgumentError
from airvec_trainer.errors import tell
from airvec_trainer.mining.recipe import mine
from airvec_trainer.mining.settings import MiningSettings

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["mine_hard_negatives"]


def mine_hard_negatives(
    dataset: Any,
    model: Any,
    anchor_column_name: str | None = None,
    positive_column_name: str | None = None,
    corpus: Sequence[str] | None = None,
    cross_encoder: Any = None,
    range_min: int = 0,
    range_max: int | None = None,
    max_score: float | None = None,
    min_score: float | None = None,
    absolute_margin: float | None = None,
    relative_margin: float | None = None,
    num_negatives: int = 3,
    sampling_strategy: str = "top",
    query_prompt_name: str | None = None,
    query_prompt: str | None = None,
    corpus_prompt_name: str | None = None,
    corpus_prompt: str | None = None,
    include_positives: bool = False,
    output_format: str = "triplet",
    output_scores: bool = False,
    batch_size: int | None = 32,
    faiss_batch_size: int = 16384,
    use_faiss: bool = False,
    use_multi_process: bool | Sequence[str] = False,
    verbose: bool = True,
    cache_folder: str | PathLike[str] | None = None,
    as_triplets: bool | None = None,
    margin: float | None = None,
    *,
    index: str | None = None,
    seed: int | None = None,
    join_same_texts: bool = False,
    show_progress_bar: bool | None = None,
) -> "Dataset":
    """Pairs of a query and a positive, with texts that look like the positive and are none.

    Args:
        dataset: a `datasets.Dataset`; a query that stands in several rows has several positives.
        model: a dense or sparse encoder, of airvec or of the trainer, or `airvec.search.BM25`, which is fitted to the
            documents if it has seen none.
        anchor_column_name: the column of queries; None = the first.
        positive_column_name: the column of positives; None = the second.
        corpus: documents to look for negatives in, besides the positives.
        cross_encoder: scores candidates and positives anew, if a margin, `max_score` or `min_score` is set.
        range_min: best candidates to pass over.
        range_max: best candidates to look at, all if there are fewer; None = enough for `num_negatives`, ten times as
            many where a filter by score may drop some.
        max_score: candidates above are dropped.
        min_score: candidates below are dropped.
        absolute_margin: candidates with score + margin above the query's lowest positive are dropped.
        relative_margin: candidates above p - |p| · margin are dropped, p the score of the query's lowest positive:
            0.05 leaves what has at most 95 % of p. A negative margin, of either kind, lets candidates above p in.
        num_negatives: negatives a query.
        sampling_strategy: `"top"` = the best; `"random"` = any of what is left.
        query_prompt_name: which of the model's prompts to put in front of queries; None = as `encode_query` does.
        query_prompt: the text to put in front, instead.
        corpus_prompt_name: as for queries, in front of documents.
        corpus_prompt: as for queries, in front of documents.
        include_positives: whether positives may be among the negatives, for lists to rerank; makes n-tuples.
        output_format: `"triplet"`, a row a negative: query, positive, `negative`. `"n-tuple"`, a row a positive:
            `negative_1` to `negative_n`, left out if there are fewer. `"labeled-pair"`, a row a text, with `label` 1
            or 0. `"labeled-list"`, a row a positive: its column holds a list of texts, `labels` a list.
        output_scores: adds `scores`; instead of `label` and `labels`, `score` and `scores`.
        batch_size: texts in a batch; None = as the model likes it.
        faiss_batch_size: queries that are searched for at once; fewer, if need be for memory, with NumPy.
        use_faiss: old way to say `index="faiss"`.
        use_multi_process: encode in several processes: True, or their devices.
        verbose: whether the statistics are printed, and progress shown.
        cache_folder: a folder to keep vectors in, for the next call with these texts and this model as it is now.
        as_triplets: old; True is the output format `"triplet"`, False `"n-tuple"`.
        margin: old name of `absolute_margin`.
        index: `"numpy"`, exact and without a further package; `"faiss"` or `"usearch"`, exact, too, if installed.
        seed: of the random sample; None = the module `random` as it stands.
        join_same_texts: whether texts that differ by case and spaces alone are one: queries share their positives, and
            no negative is a positive in another spelling. Rows have the first spelling, of positives before the corpus.
            False as in the reference, which takes them for different texts; a recipe's stages say True.
        show_progress_bar: whether progress is shown; None = as `verbose` says (the reference shows it always).

    Returns:
        A `datasets.Dataset` in the order of the queries.

    Raises:
        ArgumentError: something that cannot be; nothing has been encoded then.
        InputError: texts, vectors or scores that cannot be used.
        MissingPackageError: `datasets`, or the package of the index, is not installed.
    """
    output_format, output_scores = _format(output_format, output_scores, as_triplets)
    settings = MiningSettings(
        anchor_column_name=anchor_column_name,
        positive_column_name=positive_column_name,
        range_min=range_min,
        range_max=range_max,
        max_score=max_score,
        min_score=min_score,
        absolute_margin=_margin(absolute_margin, margin),
        relative_margin=relative_margin,
        num_negatives=num_negatives,
        sampling_strategy=sampling_strategy,
        query_prompt_name=query_prompt_name,
        query_prompt=query_prompt,
        corpus_prompt_name=corpus_prompt_name,
        corpus_prompt=corpus_prompt,
        include_positives=include_positives,
        output_format=output_format,
        output_scores=output_scores,
        batch_size=batch_size,
        faiss_batch_size=faiss_batch_size,
        index=_index(index, use_faiss),
        use_multi_process=use_multi_process,
        cache_folder=cache_folder,
        seed=seed,
        join_same_texts=join_same_texts,
        show_progress_bar=verbose if show_progress_bar is None else show_progress_bar,
    )
    found, report = mine(dataset, model, settings, corpus=corpus, cross_encoder=cross_encoder)
    if verbose:  # the caller's own wish, and the reference's default
        sys.stdout.write(f"{report.text()}\n")
    return found


def _format(output_format: str, output_scores: bool, as_triplets: bool | None) -> tuple[str, bool]:
    if as_triplets is not None:
        output_format = "triplet" if as_triplets else "n-tuple"
        tell(f"as_triplets: {as_triplets!r} is an old spelling. Say output_format={output_format!r}.")
    if output_format == "n-tuple-scores":
        tell(f"output_format: {output_format!r} is an old spelling. Say 'n-tuple' with output_scores=True.")
        return "n-tuple", True
    return output_format, output_scores


def _margin(absolute_margin: float | None, margin: float | None) -> float | None:
    if margin is None:
        return absolute_margin
    tell(f"margin: {margin!r} is an old spelling. Say absolute_margin={margin!r}.")
    return margin


def _index(index: str | None, use_faiss: bool) -> str:
    if use_faiss and index not in (None, "faiss"):
        raise ArgumentError(f"use_faiss: {use_faiss!r}, together with index={index!r}. Give one of the two.")
    return "faiss" if use_faiss else index or "numpy"
