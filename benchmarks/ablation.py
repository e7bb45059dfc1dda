"""What each piece of the planner brings: one at a time is taken out, and the rest stays.

    python benchmarks/ablation.py             # 7 minutes
    python benchmarks/ablation.py --quick     # to see that it works; prints only

A piece is taken out by replacing a function or a number of the runtime for the length of a call; there is no switch in
the runtime itself. All variants take turns in one process, and each is compared with the whole planner in its own
round. Mixed: short and long texts by turns, as they come.
Writes benchmarks/results/ablation.json, ablation.md and docs/ablation.png.
Knows nothing of other libraries: that is speed.py.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measure.datasets import LONG, SHORT, read_texts
from measure.draw import OUR_COLOUR, THEIR_COLOUR, figure
from measure.models import CHECKPOINT, make_models
from measure.report import machine, machine_line, quartiles, with_spread
from measure.suite import CACHE, DOCS, exit_code, quiet, save, say
from measure.table import markdown

from airvec import SentenceTransformer, batching, pipeline, side_by_side, tokenizer
from airvec.backends import onnx as backend
from airvec.backends import static
from airvec.backends.static import StaticTable

WHOLE = "all of it"
KINDS = ("short", "long", "mixed", "one text")
SINGLES = 15
WINDOW = 24_000  # characters: some ten batches
BOUND = 1e-5
Model = Any
Patch = tuple[Any, str, Any]


@dataclass(frozen=True)
class Piece:
    """A row: the model that it runs, and what is replaced while it does: (module, name, value)."""

    name: str
    model: str = "fp32"
    patches: tuple[Patch, ...] = ()
    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])


class MissingPieceError(AttributeError):
    """The runtime has no such name any more."""


@contextmanager
def replaced(patches: Sequence[Patch]) -> Generator[None]:
    """Put values into modules for the length of a block.

    Raises:
        MissingPieceError: a module has no such name.
    """
    before: list[Patch] = []
    for owner, name, _ in patches:
        if not hasattr(owner, name):
            raise MissingPieceError(
                f"{owner.__name__}.{name}: the runtime has no such name, but benchmarks/ablation.py replaces it. "
                "Name there what took its place."
            )
        before.append((owner, name, getattr(owner, name)))
    for owner, name, value in patches:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


def in_input_order(lengths: Any, budget: int = batching.TOKEN_BUDGET, *_: Any, **__: Any) -> list[Any]:
    """Batches of the texts as they come: closed where the next text would pass the budget."""
    batches: list[Any] = []
    first, longest = 0, 0
    for row, length in enumerate(np.maximum(lengths, 1)):
        longest = max(longest, int(length))
        if row > first and longest * (row - first + 1) > budget:
            batches.append(np.arange(first, row))
            first, longest = row, int(length)
    return [*batches, np.arange(first, len(lengths))] if len(lengths) else batches


def rows_of_32(plan: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Sorted, and 32 texts a batch whatever their length, as most libraries cut."""
    return partial(_cut, as_full_as_can_be(plan), 1 << 30, 32)


def with_budget(plan: Callable[..., list[Any]], tokens: int) -> Callable[..., list[Any]]:
    """The same plan with another budget of tokens."""
    return partial(_cut, plan, tokens, None)


def as_full_as_can_be(plan: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Batches that the budget alone ends."""
    return lambda lengths, budget, max_rows=None, *_: plan(lengths, budget, max_rows, None)


def small_windows(parts_of: Callable[..., Any]) -> Callable[..., Any]:
    """Windows so small that a call has several, as a call with more than 4,096 texts has."""
    return lambda texts, count, _: parts_of(texts, count, WINDOW)


def whole_last_batches(run_beside: Callable[..., None]) -> Callable[..., None]:
    """The last batches as they were before they were halved."""

    def run(work: Callable[[Any], None], batches: Sequence[Any], threads: int) -> None:
        count = 2 * threads
        rest, halves = list(batches[:-count]), list(batches[-count:])
        joined = [np.concatenate(halves[place : place + 2]) for place in range(0, len(halves), 2)]
        run_beside(work, rest + joined, threads)

    return run


def pieces() -> list[Piece]:
    """The whole planner, then each piece of it in turn."""
    plan, beside = batching.plan, side_by_side.run_beside
    # Their batches, too, run side by side, though a window has fewer of them.
    small: tuple[Patch, ...] = (
        (pipeline, "parts_of", small_windows(tokenizer.parts_of)),
        (pipeline, "BULK_BATCHES", 4),
    )
    # Larger batches would run one at a time; here they too run side by side.
    unlimited: tuple[Patch, ...] = ((backend, "TOKEN_BUDGET", 1 << 30), (backend, "ALONE_TOKENS", 1 << 30))
    return [
        Piece(WHOLE),
        Piece("texts not sorted by length", patches=((pipeline, "plan", in_input_order),)),
        Piece("32 texts a batch, no token budget", patches=((pipeline, "plan", rows_of_32(plan)), *unlimited)),
        Piece("batches that the budget alone ends", patches=((pipeline, "plan", as_full_as_can_be(plan)),)),
        Piece("256 tokens a batch, not 512", patches=((pipeline, "plan", with_budget(plan, 256)),)),
        Piece("2,048 tokens a batch, not 512", patches=((pipeline, "plan", with_budget(plan, 2048)), *unlimited)),
        Piece("one batch on all threads, not side by side", patches=((pipeline, "BULK_BATCHES", 1 << 30),)),
        Piece("small windows, tokenised ahead", patches=small),
        Piece("small windows, not tokenised ahead", patches=(*small, (pipeline, "ahead", map))),
        Piece("last batches not halved", patches=((pipeline, "run_beside", whole_last_batches(beside)),)),
        Piece("ONNX Runtime's slow fusions left in", "slow fusions"),
        Piece("pooling inside the graph, not in NumPy", "fused"),
        Piece("one thread", "one thread"),
    ]


def static_pieces() -> list[Piece]:
    """What there is to take out where a table is read, and no graph run."""
    return [
        Piece(WHOLE, "static"),
        Piece("texts not tokenised ahead", "static", ((pipeline, "ahead", map),)),
        Piece(
            "windows of 4,096 texts, and so not ahead either",
            "static",
            ((StaticTable, "window", batching.WINDOW_TEXTS),),
        ),
        Piece("one group for 128 tokens, not 2,048", "static", ((static, "GROUP_TOKENS", 128),)),
        Piece("one thread", "static, one thread"),
    ]


def open_models(fp32: Path, fused: Path) -> dict[str, Model]:
    """The models that the pieces run, warm: both sessions of each are open."""
    models: dict[str, Model] = {"fp32": SentenceTransformer(fp32), "one thread": SentenceTransformer(fp32, threads=1)}
    models["fused"] = SentenceTransformer(fused, variant="fused")
    with replaced(((backend, "SLOW_FUSIONS", []),)):
        models["slow fusions"] = SentenceTransformer(fp32)
        models["slow fusions"].encode(read_texts(SHORT)[:700])  # opens its sessions now
        models["slow fusions"].encode("one text")
    models |= {"static": SentenceTransformer(), "static, one thread": SentenceTransformer(threads=1)}
    for model in models.values():
        model.encode(read_texts(LONG)[:700] if model.folder == models["static"].folder else read_texts(SHORT)[:700])
        model.encode("one text")
    return models


def texts_of(short: int, long: int) -> dict[str, list[str]]:
    """The texts of each kind, "one text" aside: mixed is half of each, by turns in a fixed random order."""
    shorts, longs = read_texts(SHORT)[:short], read_texts(LONG)[:long]
    mixed = shorts[: short // 2] + longs[: long // 2]
    order = np.random.default_rng(7).permutation(len(mixed))
    return {"short": shorts, "long": longs, "mixed": [mixed[row] for row in order]}


def check(found: Sequence[Piece], models: Mapping[str, Model], texts: Mapping[str, list[str]]) -> None:
    """A piece may change the time and nothing else.

    Raises:
        SystemExit: vectors differ.
    """
    wanted = models[found[0].model].encode(texts["mixed"])
    for piece in found:
        with replaced(piece.patches):
            delta = float(np.abs(models[piece.model].encode(texts["mixed"]) - wanted).max())
        if delta > BOUND:
            raise SystemExit(f"{piece.name}: vectors differ by {delta:.1e}, expected {BOUND} at most.")


def measure(
    found: Sequence[Piece], models: Mapping[str, Model], texts: Mapping[str, list[str]], rounds: int,
    tick: Callable[[str], None],
) -> None:  # fmt: skip
    """Seconds of every piece and kind, a round after the other; of one text the median of its calls."""
    singles = read_texts(SHORT)[-SINGLES:]
    for number in range(rounds):
        for kind in KINDS:
            for piece in found if number % 2 == 0 else found[::-1]:
                tick(f"round {number + 1} {kind} {piece.name}")
                with replaced(piece.patches):
                    calls = [[text] for text in singles] if kind == "one text" else [texts[kind]]
                    piece.seconds.setdefault(kind, []).append(
                        statistics.median(_seconds(models[piece.model], call) for call in calls)
                    )


def ratios(piece: Piece, whole: Piece, kind: str) -> list[float]:
    """How much longer it takes than the whole planner, in each round."""
    return [one / other for one, other in zip(piece.seconds[kind], whole.seconds[kind], strict=True)]


def report(found: Sequence[Piece], texts: Mapping[str, list[str]]) -> str:
    """The table: the whole planner's texts a second, then how many times as long each other takes."""
    whole = found[0]
    speeds = {kind: with_spread([len(texts[kind]) / one for one in whole.seconds[kind]], 0) for kind in texts}
    single = with_spread([1000 * one for one in whole.seconds["one text"]], 2)
    rows: list[dict[str, object]] = [
        {"taken out, or changed": piece.name, **{f"{kind}, × as long": _times(piece, whole, kind) for kind in KINDS}}
        for piece in found[1:]
    ]
    said = ", ".join(f"{speed} {kind} texts a second" for kind, speed in speeds.items())
    return f"With {WHOLE}: {said}; one text in {single} ms.\n\n{markdown(rows)}"


def draw(found: Sequence[Piece], machine_words: str, file: Path) -> None:
    """A bar a piece and kind: how many times as long."""
    whole, others = found[0], found[1:][::-1]
    with figure(file, 2, len(KINDS) // 2, 3.2) as (picture, axes):
        for panel, kind in zip(axes, KINDS, strict=True):
            values = [statistics.median(ratios(piece, whole, kind)) for piece in others]
            colours = [OUR_COLOUR if value > 1.02 else THEIR_COLOUR for value in values]
            bars = panel.barh([piece.name for piece in others], values, color=colours)
            panel.bar_label(bars, [f"{value:.2f}" for value in values], padding=3, fontsize=8)
            panel.axvline(1, color="#444444", linewidth=0.8)
            panel.set_title(f"{kind}: × as long", fontsize=10, loc="left")
            panel.set_xticks([])
            panel.margins(x=0.16)
            panel.spines[["top", "right", "bottom"]].set_visible(False)
            panel.tick_params(axis="y", length=0, labelsize=8, labelleft=panel in axes[::2])
        picture.supxlabel(machine_words, fontsize=7, color="#666666")


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="all-MiniLM-L6-v2 with torch weights")
    parser.add_argument("--model", type=Path, help="the same, exported; left out: exported now, with this checkout")
    parser.add_argument("--environments", type=Path, default=CACHE / "environments", help="folder of environments")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a few texts and rounds; saves nothing")
    parser.add_argument("--no-progress", action="store_true", help="do not say what is being done")
    return parser.parse_args()


def run(options: argparse.Namespace) -> None:
    """Measure, print, and save a full run."""
    here, tick = machine(), quiet if options.no_progress else say
    folders = make_models(options.checkpoint, options.model, CACHE, options.environments, ("airvec", "airvec-fused"))
    rounds, texts = (2, texts_of(400, 80)) if options.quick else (options.rounds, texts_of(1200, 160))
    models, found = open_models(folders["airvec"], folders["airvec-fused"]), pieces()
    tables, many = static_pieces(), texts_of(400, 400) if options.quick else texts_of(8000, 8000)
    for rows, lines in ((found, texts), (tables, many)):
        check(rows, models, lines)
        measure(rows, models, lines, rounds, tick)
    text = (
        f"{report(found, texts)}\n\nThe static model inside airvec. {report(tables, many)}\n\n"
        f"Medians (quartiles) of {rounds} rounds. {machine_line(here)}"
    )
    print(f"\n{text}")
    if not options.quick:
        save("ablation", text, {"machine": here, "rows": _by_name(found), "static": _by_name(tables)})
        draw(found, machine_line(here), DOCS / "ablation.png")


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    options = arguments()
    return exit_code(lambda: run(options))


def _cut(
    plan: Callable[..., list[Any]], tokens: int, rows: int | None, lengths: Any, _: int = 0, most: int | None = None,
    *cost: int | None,
) -> list[Any]:  # fmt: skip
    """A plan that does not listen to the budget that it is given."""
    return plan(lengths, tokens, most or rows, *cost)


def _by_name(found: Sequence[Piece]) -> dict[str, dict[str, list[float]]]:
    return {piece.name: piece.seconds for piece in found}


def _times(piece: Piece, whole: Piece, kind: str) -> str:
    found = ratios(piece, whole, kind)
    low, high = quartiles(found)
    return f"{statistics.median(found):.2f} ({low:.2f}–{high:.2f})"


def _seconds(model: Model, texts: list[str]) -> float:
    start = time.perf_counter()
    model.encode(texts)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
