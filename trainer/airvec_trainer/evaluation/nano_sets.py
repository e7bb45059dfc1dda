"""Reads collections of small retrieval sets, such as NanoBEIR: from memory, from a folder, or from the Hub.

A folder holds either one folder a set in BEIR's layout (`corpus.jsonl`, `queries.jsonl`, `qrels/SPLIT.tsv`, and where
there are candidates to rerank `bm25.jsonl` of {query-id, corpus-ids}), or what a data set of the Hub holds: parquet
files `corpus/NanoSciFact-00000-of-00001.parquet`, and so in `queries/`, `qrels/` and `bm25/`.
Knows nothing of models and metrics.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

from airvec.errors import ArgumentError, DownloadError, InputError, require
from airvec.search.beir import RetrievalTask, read_beir

__all__ = ["READABLE", "NanoSet", "Source", "chosen", "read_set", "readable"]

# The sets of NanoBEIR, as they are asked for, and as their names go on after "Nano".
READABLE = {
    "climatefever": "ClimateFEVER", "dbpedia": "DBPedia", "fever": "FEVER", "fiqa2018": "FiQA2018",
    "hotpotqa": "HotpotQA", "msmarco": "MSMARCO", "nfcorpus": "NFCorpus", "nq": "NQ",
    "quoraretrieval": "QuoraRetrieval", "scidocs": "SCIDOCS", "arguana": "ArguAna", "scifact": "SciFact",
    "touche2020": "Touche2020",
}  # fmt: skip
COLUMNS = {
    "corpus": ("_id", "text"), "queries": ("_id", "text"), "qrels": ("query-id", "corpus-id"),
    "bm25": ("query-id", "corpus-ids"),
}  # fmt: skip
SPLITS = ("test", "train", "dev")

Source: TypeAlias = str | Path | Mapping[str, RetrievalTask | str | Path]
Rows: TypeAlias = list[dict[str, Any]]


@dataclass(frozen=True)
class NanoSet:
    """One set: texts by id, the relevant documents of each query, and perhaps documents found for each, best first."""

    queries: dict[str, str]
    corpus: dict[str, str]
    relevant: dict[str, list[str]]
    candidates: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


def readable(name: str) -> str:
    """What metrics call a set: `scifact` and `NanoSciFact` are `NanoSciFact`; a name of one's own stays.

    >>> readable("scifact"), readable("my-set")
    ('NanoSciFact', 'my-set')
    """
    plain = name.lower().removeprefix("nano")
    return f"Nano{READABLE[plain]}" if plain in READABLE else name


def chosen(where: str, source: Source, names: Iterable[str] | None, left_out: tuple[str, ...] = ()) -> list[str]:
    """The names of the sets to evaluate, checked.

    Args:
        where: starts the messages.
        source: where the sets come from.
        names: those asked for; None = all of a folder or a mapping, or NanoBEIR's thirteen.
        left_out: of all; those that are named are not left out.

    Raises:
        ArgumentError: none, or one that is not there.
    """
    local = _local(where, source)
    there = list(READABLE) if local is None else list(local)
    if names is None:
        return [name for name in there if readable(name) not in map(readable, left_out)]
    asked = [names] if isinstance(names, str) else list(names)
    known = {readable(name) for name in there}
    wrong = [name for name in asked if not isinstance(name, str) or readable(name) not in known]
    if wrong or not asked:
        raise ArgumentError(
            f"{where}: dataset_names {wrong or asked}, expected some of {', '.join(there)}. Correct them."
        )
    return asked


def read_set(where: str, source: Source, name: str, *, candidates: bool = False) -> NanoSet:
    """One set by its name; with `candidates` the documents to rerank, too, where they are there.

    Raises:
        ArgumentError: it is not there.
        InputError: something in it is not as it should be.
        DownloadError: the Hub does not give it.
        MissingPackageError: parquet or the Hub is asked for, and its package is not installed.
    """
    local = _local(where, source)
    if local is not None:
        found = {readable(key): value for key, value in local.items()}[readable(name)]
        if isinstance(found, RetrievalTask):
            return _of_task(found, {})
        if (Path(found) / "corpus.jsonl").is_file():
            return _of_beir(where, Path(found), candidates)
    read = partial(_from_hub, where, str(source)) if local is None else partial(_parquet, where, Path(str(source)))
    parts = ["corpus", "queries", "qrels", *(["bm25"] if candidates else [])]
    tables = {part: _checked(where, part, read(part, readable(name))) for part in parts}
    relevant: dict[str, list[str]] = {}
    for row in tables["qrels"]:
        one = row["corpus-id"]
        relevant.setdefault(row["query-id"], []).extend([one] if isinstance(one, str) else one)
    return NanoSet(
        {row["_id"]: row["text"] for row in tables["queries"]},
        {row["_id"]: row["text"] for row in tables["corpus"]},
        {query: list(dict.fromkeys(documents)) for query, documents in relevant.items()},
        {row["query-id"]: list(row["corpus-ids"]) for row in tables.get("bm25", [])},
    )


def _local(where: str, source: Source) -> "dict[str, RetrievalTask | Path] | None":
    """What a mapping or a folder holds by the sets' names; None for a name on the Hub."""
    if isinstance(source, Mapping):
        return {name: one if isinstance(one, RetrievalTask) else Path(one) for name, one in source.items()}
    home = Path(source)
    if not home.is_dir():
        if isinstance(source, str) and source.count("/") == 1 and not source.startswith((".", "/", "~")):
            return None
        raise ArgumentError(
            f"{where}: dataset_id {source!r:.80}, expected a folder, or ORG/NAME of a data set on the Hub. Correct it."
        )
    found: dict[str, RetrievalTask | Path] = {
        one.name: one for one in sorted(home.iterdir()) if (one / "corpus.jsonl").is_file()
    }
    found |= {file.stem.partition("-0")[0]: home for file in sorted(home.glob("corpus/*.parquet"))}
    if not found:
        raise ArgumentError(
            f"{where}: {home.name}/ holds no set, expected folders with corpus.jsonl, or corpus/NAME-*.parquet. "
            "Name another folder."
        )
    return found


def _of_beir(where: str, folder: Path, candidates: bool) -> NanoSet:
    files = {file.stem for file in (folder / "qrels").glob("*.tsv")}
    split = next((name for name in SPLITS if name in files), None) or (files.pop() if len(files) == 1 else None)
    if split is None:
        raise ArgumentError(f"{where}: {folder.name}/qrels holds {sorted(files)}, expected test.tsv. Add it.")
    ranked = folder / "bm25.jsonl"
    lines = ranked.read_bytes().splitlines() if candidates and ranked.is_file() else []
    rows = [_record(ranked, line) for line in lines if line.strip()]
    return _of_task(read_beir(folder, split), {row["query-id"]: list(row["corpus-ids"]) for row in rows})


def _of_task(task: RetrievalTask, candidates: dict[str, list[str]]) -> NanoSet:
    relevant = {query: [name for name, grade in grades.items() if grade > 0] for query, grades in task.relevant.items()}
    return NanoSet(task.queries, task.corpus, relevant, candidates)


def _checked(where: str, part: str, rows: Rows) -> Rows:
    missing = [column for column in COLUMNS[part] if rows and column not in rows[0]]
    if missing:
        raise InputError(
            f"{where}: {part} has the columns {', '.join(rows[0])}, expected {', '.join(missing)} as well. Name "
            "another data set."
        )
    return rows


def _parquet(where: str, home: Path, part: str, split: str) -> Rows:
    """The rows of a table; no documents to rerank where none are there."""
    files = sorted([*(home / part).glob(f"{split}-*.parquet"), *(home / part).glob(f"{split}.parquet")])
    if not files and part == "bm25":
        return []
    if not files:
        raise ArgumentError(
            f"{where}: {home.name}/ has no {part}/{split}-*.parquet, expected one. Fetch the whole folder."
        )
    require("pyarrow", "train", f"{where}: parquet files")
    parquet: Any = import_module("pyarrow.parquet")
    return [row for file in files for row in parquet.read_table(file).to_pylist()]


def _from_hub(where: str, name: str, part: str, split: str) -> Rows:
    require("datasets", "train", f"{where}: the data set {name}")
    try:
        return import_module("datasets").load_dataset(name, part, split=split).to_list()
    except Exception as error:
        raise DownloadError(
            f"{where}: {name}, {part} of {split}: {type(error).__name__}: {error!s:.200}. Expected a data set with "
            "these parts. Give a folder as dataset_id to read a local copy."
        ) from error


def _record(file: Path, line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
        if isinstance(found["query-id"], str) and all(isinstance(name, str) for name in found["corpus-ids"]):
            return found
    except (ValueError, KeyError, TypeError):
        pass
    raise InputError(f"{file.name}: {line[:60]!r}, expected an object with query-id and corpus-ids. Correct the line.")
