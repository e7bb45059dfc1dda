"""The rows of a stage with hard negatives, which are kept in files: a run that goes on trains on the same.

Knows nothing of training.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airvec import search
from airvec.errors import ArgumentError
from airvec_trainer.mining import MiningSettings, mine
from airvec_trainer.opening import open_model
from airvec_trainer.recipes.checking import check_keys, made, parameters
from airvec_trainer.recipes.made_from import check_made_from, digest_of_rows, mining_parts
from airvec_trainer.recipes.retrieval_evaluators import BM25, check_retriever
from airvec_trainer.recipes.sections import MiningSection
from airvec_trainer.recipes.stage_records import write_json, write_text

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["check_mining", "mined_rows"]

MINED_FROM = "mined_from.json"
TOLD = ("queries", "documents", "rows", "missing", "likely_false_negatives")  # of a mining's report, in ours


def check_mining(section: MiningSection | None, kind: str, place: str) -> None:
    """Refuse what cannot mine, without opening it.

    Raises:
        ArgumentError: an unknown key, a value that cannot be, or a reranker that is to find documents.
    """
    if section is None:
        return
    known = {*parameters(MiningSettings), "model", "cross_encoder"}
    check_keys(section.settings, known, place)
    made(MiningSettings, section.settings, place)
    if section.model is None and kind == "rerank":
        raise ArgumentError(
            f"{place}.model: {section.model!r} for a reranker, which finds no documents, expected a model's name or "
            f"folder, or {BM25!r}. Name what mines."
        )
    if section.cross_encoder == BM25:
        raise ArgumentError(
            f"{place}.cross_encoder: {BM25!r}, which scores no pairs, expected a reranker's name or folder. Name one, "
            "or take it as model."
        )
    for key in ("model", "cross_encoder"):
        if getattr(section, key) is not None:
            check_retriever(getattr(section, key), f"{place}.{key}")


def mined_rows(
    section: MiningSection,
    rows: "Mapping[str, Dataset]",
    corpora: Mapping[str, list[str]],
    model: Any,
    folder: Path,
    seed: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Mine for every data set, or read what was mined of the same rows and settings before the run was stopped.

    Args:
        section: how.
        rows: pairs, by the name of their data set.
        corpora: where negatives are looked for, besides the positives.
        model: that the stage before left.
        folder: of the stage.
        seed: of random samples, where the recipe says none.

    Returns:
        The rows by name, and what is told of each mining.

    Raises:
        ArgumentError: what was mined is of other rows or settings; or no row has negatives.
    """
    found: dict[str, Any] = {}
    told: dict[str, Any] = {}
    retriever = cross = None
    parts = _parts(section, rows, corpora, seed)
    if any((folder / f"mined-{name}.json").is_file() for name in rows):
        check_made_from(folder / MINED_FROM, parts)
    write_json(folder / MINED_FROM, parts)
    for name, part in rows.items():
        file, about = folder / f"mined-{name}.jsonl", folder / f"mined-{name}.json"
        if not about.is_file():  # written last
            retriever = retriever or _retriever(section, model)
            if section.cross_encoder is not None and cross is None:  # once for all data sets
                cross = open_model(section.cross_encoder, "rerank")
            ours = {"seed": seed, "join_same_texts": True, "show_progress_bar": False}
            settings = MiningSettings(**{**ours, **section.settings})
            new, report = mine(part, retriever(), settings, corpus=corpora.get(name), cross_encoder=cross)
            if not len(new):
                raise ArgumentError(
                    f"[stages.mining]: {len(new)} rows of {len(part)} pairs of {name!r} have negatives, expected some. "
                    "Loosen its margins, or lower num_negatives."
                )
            write_text(file, "".join(json.dumps(row) + "\n" for row in new))
            scores = {"positive": report.positive.mean, "negative": report.negative.mean}
            write_text(about, json.dumps({**{key: asdict(report)[key] for key in TOLD}, "mean_score": scores}))
        found[name] = _read(file)
        told[name] = json.loads(about.read_text(encoding="utf-8"))
    return found, told


def _parts(
    section: MiningSection, rows: "Mapping[str, Dataset]", corpora: Mapping[str, list[str]], seed: int
) -> dict[str, Any]:
    """What these rows depend on, but for the model, which the stage's own record tells of."""
    data = {name: digest_of_rows(part) for name, part in rows.items()}
    return {"mining": mining_parts(section, corpora), "data": data, "seed": section.settings.get("seed", seed)}


def _retriever(section: MiningSection, model: Any) -> Any:
    """A function that gives what mines: BM25 is made anew for each corpus, models are opened once."""
    if section.model == BM25:
        return search.BM25
    opened = model if section.model is None else open_model(section.model, "dense")
    return lambda: opened


def _read(file: Path) -> Any:
    from datasets import Dataset

    with file.open(encoding="utf-8") as lines:
        return Dataset.from_list([json.loads(line) for line in lines])
