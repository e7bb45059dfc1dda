"""Reads the evaluation sets: STS Benchmark (TSV) and retrieval sets in BEIR layout.

Knows nothing of models and scores.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHARED = Path(__file__).resolve().parents[3] / "shared"
DATA = SHARED / "data"
SHORT, LONG = SHARED / "bench" / "debian_short.txt", SHARED / "bench" / "debian_long.txt"


class MissingDataError(FileNotFoundError):
    """A file of an evaluation set is not there."""


@dataclass(frozen=True)
class ScoredPairs:
    """n pairs of texts, and how similar people found them, float64 (n,) from 0 to 5."""

    left: list[str]
    right: list[str]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class Retrieval:
    """A corpus, queries, and for each query the grades of its relevant documents; all by id."""

    corpus: dict[str, str]
    queries: dict[str, str]
    relevant: dict[str, dict[str, int]]


def read_sts(file: Path) -> ScoredPairs:
    """Read a TSV file with the columns score, sentence1, sentence2.

    Raises:
        MissingDataError: there is no such file.
    """
    rows = [line.split("\t") for line in _lines(file)[1:]]
    scores = np.array([float(row[0]) for row in rows])
    return ScoredPairs([row[1] for row in rows], [row[2] for row in rows], scores)


def read_beir(folder: Path, split: str) -> Retrieval:
    """Read `corpus.jsonl`, `queries.jsonl` and `qrels/SPLIT.tsv`; a document's text is its title, a space, its text.

    Raises:
        MissingDataError: one of them is missing.
    """
    corpus = {row["_id"]: f"{row['title']} {row['text']}" for row in map(json.loads, _lines(folder / "corpus.jsonl"))}
    texts = {row["_id"]: row["text"] for row in map(json.loads, _lines(folder / "queries.jsonl"))}
    relevant: dict[str, dict[str, int]] = {}
    for line in _lines(folder / "qrels" / f"{split}.tsv")[1:]:
        query, document, grade = line.split("\t")
        relevant.setdefault(query, {})[document] = int(grade)
    return Retrieval(corpus, {query: texts[query] for query in relevant}, relevant)


def read_texts(file: Path) -> list[str]:
    """The lines of a file.

    Raises:
        MissingDataError: there is no such file.
    """
    return _lines(file)


def check_file(file: Path) -> Path:
    """The path itself.

    Raises:
        MissingDataError: there is nothing at it.
    """
    if not file.exists():
        raise MissingDataError(
            f"{file}: no such file. The evaluation data is no part of this repository: "
            "state its folder (see --help), or leave this benchmark out."
        )
    return file


def _lines(file: Path) -> list[str]:
    return check_file(file).read_text(encoding="utf-8").removesuffix("\n").split("\n")
