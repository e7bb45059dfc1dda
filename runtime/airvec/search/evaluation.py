"""Scores every step of a retrieval on a judged task: NDCG@10, Recall@100, queries a second, megabytes.

Knows nothing of how the steps work.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

from airvec.search.beir import RetrievalTask
from airvec.search.metrics import ndcg, recall
from airvec.search.ranking import Ranking

DEPTH = 100
TITLES = ("stage", "NDCG@10", "Recall@100", "queries/s", "index MB")


@dataclass(frozen=True)
class Step:
    """What one stage found, or what was made of what all stages before it found (`combines`)."""

    name: str
    ranking: Ranking
    combines: bool = False


@dataclass(frozen=True)
class StepScores:
    """One line of the table; both measures are means over the queries, from 0 to 1.

    `queries_per_second` counts encoding the queries, all in one call; for a step that combines others, their time too.
    `index_mb` is millions of bytes of the index, or of all indexes that the step builds on; texts are not counted.
    """

    name: str
    ndcg_at_10: float
    recall_at_100: float
    queries_per_second: float
    index_mb: float


@dataclass(frozen=True)
class Evaluation:
    """A line for every stage, then for their fusion, then for the reranked results; `str` gives a Markdown table."""

    queries: int
    documents: int
    steps: tuple[StepScores, ...]

    def __str__(self) -> str:
        lines = [
            (one.name, f"{100 * one.ndcg_at_10:.2f}", f"{100 * one.recall_at_100:.2f}",
             f"{one.queries_per_second:,.0f}", f"{one.index_mb:,.2f}")
            for one in self.steps
        ]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(TITLES, *lines, strict=True)]
        rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
        return "\n".join([_line(TITLES, widths), f"|{rule}|", *(_line(line, widths) for line in lines)])

    def __getitem__(self, name: str) -> StepScores:
        """The line of a step, such as `"dense"`.

        Raises:
            KeyError: there is none of that name.
        """
        return {one.name: one for one in self.steps}[name]


def evaluated(
    steps: Iterator[Step], task: RetrievalTask, ids: Sequence[str], index_bytes: Mapping[str, int]
) -> Evaluation:
    """Take the steps of all the task's queries one by one, and score and time each.

    Args:
        steps: at least `depth_for(task)` results each; computed as they are taken.
        task: the queries, in the order of the rankings, and their grades.
        ids: of the rows that the rankings hold.
        index_bytes: of each step that does not combine others, by name.
    """
    found: list[StepScores] = []
    total = 0.0
    start = perf_counter()
    for step in steps:
        seconds = perf_counter() - start
        total += seconds
        bytes_read = sum(index_bytes.values()) if step.combines else index_bytes[step.name]
        speed = len(task.queries) / max(total if step.combines else seconds, 1e-9)
        found.append(StepScores(step.name, *_means(step.ranking, task, ids), speed, bytes_read / 1e6))
        start = perf_counter()
    return Evaluation(len(task.queries), len(ids), tuple(found))


def depth_for(task: RetrievalTask) -> int:
    """Results a query that the measures need: one more where a query's own document may be among them."""
    return DEPTH + any(query in task.corpus for query in task.queries)


def _means(ranking: Ranking, task: RetrievalTask, ids: Sequence[str]) -> tuple[float, float]:
    """Mean NDCG@10 and mean Recall@100; a document that has the query's id is no result, as in BEIR."""
    if not task.queries:
        return 0.0, 0.0
    gains, shares = 0.0, 0.0
    for place, query in enumerate(task.queries):
        names = [ids[row] for row, _ in ranking.hits(place) if ids[row] != query]
        gains += ndcg(names, task.relevant[query])
        shares += recall(names, task.relevant[query], DEPTH)
    return gains / len(task.queries), shares / len(task.queries)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(widths[0]) if place == 0 else cell.rjust(widths[place]) for place, cell in enumerate(cells)
    )
    return f"| {' | '.join([first, *others])} |"
