"""People's judgements in a file of the user's, and a model's score on them.

    pairs.tsv         text1, text2 and a score, with tabs between; or a line of titles that has `score` and two columns
                      of texts (`sentence1`, `text1`, …)                      → Spearman's correlation × 100
    questions.jsonl   a line each: {"query": "…", "passage": "…"}; several passages as a list   → NDCG@10 × 100
    FOLDER            a retrieval task in BEIR's layout: its test split, else the only one      → NDCG@10 × 100
    FOLDER/qrels/train.tsv    the same, of that split

In a `.jsonl`, the passages of all queries are searched; equal passages are one.
Knows nothing of torch and of bounds.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from airvec.arrays import Floats
from airvec.errors import ArgumentError, InputError
from airvec.folder import DENSE, RERANKER, SPARSE
from airvec.search import Retriever
from airvec.search.beir import RetrievalTask, read_beir
from airvec.search.evaluation import evaluated
from airvec.similarity import pairwise_cos_sim
from airvec_exporter.verify.metrics import spearman

DEPTH = 11  # places that NDCG@10 looks at, and one more for a document that is the query itself
COLUMNS = 3


@dataclass(frozen=True)
class ScoredPairs:
    """Pairs of texts, and how alike people find them: scores (n,), on any scale."""

    pairs: tuple[tuple[str, str], ...]
    scores: Floats


Labels = ScoredPairs | RetrievalTask


def read_labels(path: str | Path) -> Labels:
    """Judgements of one of the kinds above.

    Raises:
        ArgumentError: no such file, or of another kind.
        InputError: a line that is not as it should be, or fewer than two.
    """
    place = Path(path)
    if place.parent.name == "qrels" and place.is_file():
        return read_beir(place.parents[1], place.stem)
    if place.is_dir():
        return read_beir(place, _split(place))
    if not place.is_file() or place.suffix not in (".tsv", ".jsonl"):
        raise ArgumentError(
            f"labels: {str(path)!r}, expected a .tsv of pairs and scores, a .jsonl of queries and passages, or a "
            "folder in BEIR's layout. Correct the path."
        )
    return _pairs(place) if place.suffix == ".tsv" else _task(place)


def score(kind: str, model: Any, labels: Labels) -> dict[str, float]:
    """A model's score, × 100, under its name: `sts` or `ndcg`.

    Args:
        kind: the class of `model`: a SentenceTransformer, SparseEncoder or CrossEncoder.
        model: what to score. A reranker of a retrieval task puts the best 50 of BM25 in order.
        labels: what it is scored on.
    """
    if isinstance(labels, RetrievalTask):
        return {"ndcg": 100 * _ndcg(kind, model, labels)}
    found = spearman(_likeness(kind, model, labels.pairs), labels.scores)
    return {} if found is None else {"sts": 100 * found}


def _likeness(kind: str, model: Any, pairs: Sequence[tuple[str, str]]) -> Floats:
    """How alike a model finds the two texts of each pair: (n,)."""
    if kind == RERANKER:
        scores = model.predict(list(pairs), activation_fn="Identity").reshape(len(pairs), -1)
        return scores[:, 0]
    first, second = (model.encode(list(side)) for side in zip(*pairs, strict=True))
    return pairwise_cos_sim(first, second) if kind == DENSE else model.similarity_pairwise(first, second)


def _ndcg(kind: str, model: Any, task: RetrievalTask) -> float:
    if kind == RERANKER:
        retriever = Retriever(bm25=True, reranker=model)
    else:
        retriever = Retriever(sparse=model) if kind == SPARSE else Retriever(model)
    retriever.index(task.corpus, show_progress_bar=False)
    steps = list(retriever.steps(list(task.queries.values()), DEPTH))
    return evaluated(iter(steps), task, list(task.corpus), {one.name: 0 for one in steps}).steps[-1].ndcg_at_10


def _split(folder: Path) -> str:
    """`"test"`, or the only split there is."""
    found = sorted(file.stem for file in folder.glob("qrels/*.tsv"))
    if "test" not in found and len(found) > 1:
        raise ArgumentError(
            f"labels: {str(folder)!r} has the splits {', '.join(found)}, and no test. Name one by its file in qrels/."
        )
    return found[0] if len(found) == 1 else "test"


def _pairs(file: Path) -> ScoredPairs:
    lines = _lines(file)
    titles = lines[0][1].split("\t") if lines else []
    texts = [place for place, title in enumerate(titles) if title in ("sentence1", "sentence2", "text1", "text2")]
    named = "score" in titles and len(texts) == COLUMNS - 1
    columns = (*texts, titles.index("score")) if named else (0, 1, 2)
    pairs: list[tuple[str, str]] = []
    scores: list[float] = []
    for number, line in lines[named:]:
        cells = line.split("\t")
        try:
            first, second, value = (cells[column] for column in columns)
            pairs.append((first, second))
            scores.append(float(value))
        except (IndexError, ValueError):
            raise _wrong(file, number, line, "two texts and a number, with tabs between") from None
    if len(pairs) < 2 or not np.isfinite(scores).all():
        raise InputError(f"{file.name}: {len(pairs)} pairs, expected two or more with finite scores. Correct the file.")
    return ScoredPairs(tuple(pairs), np.array(scores))


def _task(file: Path) -> RetrievalTask:
    """Queries with their passages: ids are q0, q1, … and p0, p1, …."""
    ids: dict[str, str] = {}
    queries: dict[str, str] = {}
    relevant: dict[str, dict[str, int]] = {}
    for number, line in _lines(file):
        query, passages = _query(line)
        if not passages:
            raise _wrong(file, number, line, 'a JSON object such as {"query": "…", "passage": "…"}')
        name = f"q{len(queries)}"
        queries[name] = query
        relevant[name] = {ids.setdefault(passage, f"p{len(ids)}"): 1 for passage in passages}
    if not queries:
        raise InputError(f"{file.name}: {len(queries)} queries, expected one or more. Correct the file.")
    return RetrievalTask({name: text for text, name in ids.items()}, queries, relevant)


def _query(line: str) -> tuple[str, list[str]]:
    """A line's query and passages; no passages for a line that is something else."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return "", []
    record: dict[str, Any] = found if isinstance(found, dict) else {}
    query, passages = record.get("query"), record.get("passage", [])
    passages = [passages] if isinstance(passages, str) else passages
    right = isinstance(query, str) and isinstance(passages, list) and all(isinstance(one, str) for one in passages)
    return (query, passages) if right else ("", [])


def _lines(file: Path) -> list[tuple[int, str]]:
    """Number and text of every line that is not blank."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file.name}: not UTF-8 ({error}). Convert it.") from error
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _wrong(file: Path, number: int, line: str, expected: str) -> InputError:
    return InputError(f"{file.name}: line {number} is {line[:60]!r}, expected {expected}. Correct the file.")
