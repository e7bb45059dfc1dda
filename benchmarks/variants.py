"""One model folder, every graph in it: size, speed, distance from torch, scores, and whether batches matter.

    python benchmarks/variants.py FOLDER --checkpoint CHECKPOINT    # all; writes results/variants.json and variants.md
    python benchmarks/variants.py FOLDER --quick                    # to see that it works; prints only

Speeds take turns, round after round, on the same texts, in one process. Cosines and the ten nearest documents are
compared with torch (sentence-transformers, from CHECKPOINT), over both bench files and SciFact's train queries; without
a checkpoint with the fp32 graph. "moved" is the largest |difference| of a unit vector alone and among neighbours.
Knows nothing of how the graphs were made: `airvec export CHECKPOINT FOLDER --variants …`.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measure.datasets import DATA, LONG, SHORT, MissingDataError, Retrieval, read_beir, read_sts, read_texts
from measure.environments import ROOT
from measure.report import machine, machine_line
from measure.scores import ndcg, spearman, top
from measure.table import markdown
from numpy.typing import NDArray

from airvec import SentenceTransformer
from airvec.folder import read_folder, variants_of
from airvec.similarity import pairwise_cos_sim

RESULTS = ROOT / "benchmarks" / "results"
ALONE = 300  # texts that are encoded alone, too
ONE = "How do I sort a list of words?"
FP32 = "fp32"
ONE_TEXT = "one text, ms"
SPEEDS = ("short texts/s", "long texts/s", ONE_TEXT)
WORTH = ("cosine mean", "cosine min", "moved", "STSb", "SciFact", "top 10 equal", "top 10 shared")
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Reference:
    """Unit vectors to compare with: of the bench texts, and of SciFact's corpus and queries."""

    texts: Floats
    corpus: Floats
    queries: Floats


@dataclass(frozen=True)
class Material:
    """The texts of all measurements."""

    short: list[str]
    long: list[str]
    compared: list[str]
    scifact: Retrieval


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="all-MiniLM-L6-v2, exported with several variants")
    parser.add_argument("--checkpoint", type=Path, help="the same in torch; needs sentence-transformers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("speed", "quality"), help="measure one half, and keep the other")
    parser.add_argument("--quick", action="store_true", help="a few texts and rounds; saves nothing")
    return parser.parse_args()


def material(quick: bool) -> Material:
    """The texts, fewer of them to see that it works."""
    short, long = read_texts(SHORT), read_texts(LONG)
    task = read_beir(DATA / "scifact", "train")
    if quick:
        short, long = short[:400], long[:80]
        task = Retrieval(dict(list(task.corpus.items())[:100]), dict(list(task.queries.items())[:20]), task.relevant)
    many = len(short) // 2
    return Material(short[:many], long[: many // 4], short[:1000] + long[:1000], task)


def torch_reference(checkpoint: Path, texts: Material) -> Reference:
    """What sentence-transformers gives on torch."""
    from sentence_transformers import SentenceTransformer as Torch

    model = Torch(str(checkpoint), device="cpu")

    def encode(inputs: Sequence[str]) -> Floats:
        return model.encode(list(inputs), normalize_embeddings=True, show_progress_bar=sys.stderr.isatty())

    return Reference(
        encode(texts.compared), encode(texts.scifact.corpus.values()), encode(texts.scifact.queries.values())
    )


def vectors(model: SentenceTransformer, texts: Material) -> Reference:
    """The same of one of our graphs."""
    return Reference(
        model.encode(texts.compared, normalize_embeddings=True),
        model.encode(list(texts.scifact.corpus.values()), normalize_embeddings=True),
        model.encode(list(texts.scifact.queries.values()), normalize_embeddings=True),
    )


def quality(model: SentenceTransformer, texts: Material, wanted: Reference | None) -> tuple[dict[str, Any], Reference]:
    """Cosines, scores, neighbours and batch invariance of one graph; and its vectors."""
    found = vectors(model, texts)
    wanted = wanted or found
    cosines = (found.texts.astype(np.float64) * wanted.texts).sum(axis=1)
    ours, theirs = (top(one.queries @ one.corpus.T) for one in (found, wanted))
    shared = [len(set(mine) & set(other)) / len(mine) for mine, other in zip(ours, theirs, strict=True)]
    names, task = list(texts.scifact.corpus), texts.scifact
    gains = [ndcg([names[place] for place in row], task.relevant[q]) for row, q in zip(ours, task.queries, strict=True)]
    pairs = read_sts(DATA / "stsb" / "test.tsv")
    similarity = pairwise_cos_sim(model.encode(pairs.left), model.encode(pairs.right))
    mixed = [*texts.long[:ALONE], *texts.short[:ALONE]]
    among = model.encode(mixed, normalize_embeddings=True)
    alone = np.stack([model.encode(text, normalize_embeddings=True) for text in mixed])
    return {
        "cosine mean": f"{cosines.mean():.5f}",
        "cosine min": f"{cosines.min():.5f}",
        "moved": float(np.abs(among - alone).max()),
        "STSb": f"{100 * spearman(similarity, pairs.scores):.2f}",
        "SciFact": f"{100 * float(np.mean(gains)):.2f}",
        "top 10 equal": f"{100 * float((ours == theirs).all(axis=1).mean()):.1f} %",
        "top 10 shared": f"{100 * float(np.mean(shared)):.1f} %",
    }, found


def speeds(models: Mapping[str, SentenceTransformer], texts: Material, rounds: int) -> dict[str, dict[str, float]]:
    """Texts a second in bulk, and milliseconds of one text: medians of rounds in which all take turns."""
    jobs = dict(zip(SPEEDS, (texts.short, texts.long), strict=False))
    found: dict[str, dict[str, list[float]]] = {name: {} for name in models}
    for model in models.values():
        model.encode(texts.short[:64])
        model.encode(ONE)
    for number in range(rounds):
        for name in list(models) if number % 2 else list(models)[::-1]:
            for title, job in jobs.items():
                begin = time.perf_counter()
                models[name].encode(job)
                found[name].setdefault(title, []).append(len(job) / (time.perf_counter() - begin))
            found[name].setdefault(ONE_TEXT, []).append(_one_text(models[name]))
    return {name: {title: statistics.median(values) for title, values in row.items()} for name, row in found.items()}


def _one_text(model: SentenceTransformer, times: int = 50) -> float:
    begin = time.perf_counter()
    for _ in range(times):
        model.encode(ONE)
    return 1000 * (time.perf_counter() - begin) / times


def opening(folder: Path, variant: str, times: int = 5) -> float:
    """Milliseconds from a folder's name to a model that can encode: the median, with all packages imported."""
    found: list[float] = []
    for _ in range(times):
        begin = time.perf_counter()
        SentenceTransformer(folder, variant=variant).encode(ONE)
        found.append(1000 * (time.perf_counter() - begin))
    return statistics.median(found)


def megabytes(file: Path) -> float:
    """Size of a graph with the file of its weights."""
    beside = [file.with_suffix(".bin")] if file.suffix == ".xml" else file.parent.glob(f"{file.name}_data*")
    return sum(one.stat().st_size for one in (file, *beside) if one.is_file()) / 1e6


def run(options: argparse.Namespace) -> None:
    """Measure, print, and save a full run."""
    texts, saved = material(options.quick), RESULTS / "variants.json"
    files = variants_of(read_folder(options.folder))
    models = {name: SentenceTransformer(options.folder, variant=name) for name in files}
    rows: dict[str, dict[str, Any]] = {name: {"MB": megabytes(Path(file))} for name, file in files.items()}
    if options.only:  # the other half is that of an earlier run
        earlier = json.loads(saved.read_text(encoding="utf-8"))["rows"]
        rows = {name: {**earlier.get(name, {}), **row} for name, row in rows.items()}
    if options.only != "quality":
        here = machine_line(machine())
        for name, row in speeds(models, texts, 2 if options.quick else options.rounds).items():
            rows[name] |= row | {"open, ms": opening(options.folder, name), "machine": here}
    if options.only != "speed":
        wanted = torch_reference(options.checkpoint, texts) if options.checkpoint else None
        for name, model in models.items():  # fp32 comes first
            worth, found = quality(model, texts, wanted)
            wanted = wanted or found
            rows[name] |= worth
            print(name, worth, file=sys.stderr)
    against = "torch" if options.checkpoint else "the fp32 graph"
    text = f"{table(rows)}\n\nCosines and top 10 against {against}. {rows[FP32].get('machine', '')}\n"
    print(text)
    if not options.quick:
        (RESULTS / "variants.md").write_text(text, encoding="utf-8")
        saved.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """A row a variant; speeds with how many times fp32's they are."""
    base = rows[FP32]
    lines: list[dict[str, object]] = []
    for name, row in rows.items():
        line: dict[str, object] = {"variant": name, "MB": f"{row['MB']:.1f}", "open, ms": row.get("open, ms")}
        for title in SPEEDS:
            if title in row and title in base:
                ratio = base[title] / row[title] if title == ONE_TEXT else row[title] / base[title]
                line[title] = f"{row[title]:,.{2 if title == ONE_TEXT else 0}f} ({ratio:.2f} ×)"
            else:
                line[title] = None
        lines.append(line | {title: row.get(title) for title in WORTH})
    return markdown(lines)


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    try:
        run(arguments())
    except MissingDataError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
