"""Sizes of Lambda layers: airvec's for every Python and processor, and other libraries pruned by the same rules.

    python benchmarks/layer_sizes.py FOLDER                             # 10 minutes; writes results/layer_sizes.md
    python benchmarks/layer_sizes.py FOLDER --pythons 3.13 --no-peers   # prints only

FOLDER: all-MiniLM-L6-v2, exported with `--variants fp32,int8-x86,int8-arm64`. Layers are made as `airvec package` does
them. A Python that is not on this machine leaves the sources in, and the table says so (--interpreters names
more). The others are what pip installs (environments/*.txt), with the same rules applied to all their packages and
compiled likewise, beside their own fp32 model; then they are run, to see that nothing is missing.
Knows nothing of speed: that is lambda.py and start.py.
"""

import argparse
import json
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from measure.environments import ROOT, PackagesError, python_of
from measure.pruned_peers import Peer, peers, size_of_peer
from measure.report import machine, machine_line
from measure.table import markdown

from airvec.deploy.archive import files_below, write_zip
from airvec.deploy.contents import Contents
from airvec.deploy.layer import PYTHON, write_layer
from airvec.deploy.prune import UNUSED_NUMPY
from airvec.deploy.sizes import MB
from airvec.deploy.target import Target
from airvec.deploy.tree import DEFAULT_MODEL, FOR_TERMINALS, stage_packages
from airvec.errors import AirvecWarning

RESULTS = ROOT / "benchmarks" / "results"
CACHE = ROOT / ".cache" / "benchmarks" / "environments"
PYTHONS, ARCHITECTURES = ("3.12", "3.13", "3.14"), ("x86_64", "arm64")
PEERS_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
ALONE, STATIC, INT8, FP32 = "runtime alone", "+ static model, no onnxruntime", "+ int8 MiniLM", "+ fp32 MiniLM"
# What issue and documents promise, in MB of 10^6 bytes: unzipped, zipped.
AIMS: dict[str, tuple[float | None, float | None]] = {
    ALONE: (95, None), STATIC: (None, 25), INT8: (None, 50), FP32: (195, None),
}  # fmt: skip
Row = dict[str, Any]


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="all-MiniLM-L6-v2, exported with fp32, int8-x86 and int8-arm64")
    parser.add_argument("--pythons", nargs="+", default=list(PYTHONS), help="versions; others save nothing")
    parser.add_argument(
        "--interpreters", nargs="*", default=[], metavar="VERSION=PATH", help="3.14=/path/to/python3.14"
    )
    parser.add_argument("--environments", type=Path, default=CACHE, help="folder of the other libraries' environments")
    parser.add_argument("--no-peers", action="store_true", help="only airvec; saves nothing")
    return parser.parse_args()


def layers(model: Path, target: Target, interpreter: Path | None) -> Iterator[Row]:
    """A row for each layer of a target."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        without = (*FOR_TERMINALS, DEFAULT_MODEL, *UNUSED_NUMPY)
        staged = stage_packages(target, folder / "stage" / PYTHON, without=without, interpreter=interpreter)
        write_zip(folder / "alone.zip", files_below(folder / "stage"))
        compiled = staged.interpreter is not None
        unzipped = sum(file.stat().st_size for file in (folder / "stage").rglob("*") if file.is_file())
        yield _row(target, ALONE, unzipped, (folder / "alone.zip").stat().st_size, ".pyc" if compiled else ".py")
        for name, contents in (
            (STATIC, Contents()),
            (INT8, Contents(str(model), "int8")),
            (FP32, Contents(str(model), "fp32")),
        ):
            layer = write_layer(folder / "layer.zip", target, contents, interpreter=interpreter)
            unzipped = sum(part.unzipped for part in layer.parts)
            yield _row(target, name, unzipped, layer.path.stat().st_size, ".pyc" if compiled else ".py", layer.trial)


def peer_rows(options: argparse.Namespace) -> Iterator[Row]:
    """A row for each other library, and airvec with the same Python beside them."""
    target = Target(PEERS_PYTHON)
    yield from (row for row in layers_for_peers(options.folder, target))
    for peer in peers(options.folder):
        yield _peer_row(peer, python_of(peer.environment, options.environments), target)


def layers_for_peers(model: Path, target: Target) -> Iterator[Row]:
    """airvec for the Python that the other libraries have here; AWS has no such runtime, the sizes are comparable."""
    yield from (row for row in layers(model, target, Path(sys.executable)) if row["layer"] in (ALONE, FP32))


def _peer_row(peer: Peer, python: Path, target: Target) -> Row:
    with tempfile.TemporaryDirectory() as temporary:
        found = size_of_peer(peer, python, Path(temporary))
    return _row(target, peer.label, found.unzipped, found.zipped, found.kept, found.trial)


def _row(target: Target, layer: str, unzipped: int, zipped: int, code: str, trial: str = "") -> Row:
    most_unzipped, most_zipped = AIMS.get(layer, (None, None))
    met = all(most is None or size / MB <= most for most, size in ((most_unzipped, unzipped), (most_zipped, zipped)))
    aim = ", ".join(f"≤ {most} {what}" for most, what in ((most_unzipped, "unzipped"), (most_zipped, "zipped")) if most)
    return {
        "layer": layer, "processor": target.arch, "Python": target.python,
        "MB unzipped": f"{unzipped / MB:.1f}", "MB zipped": f"{zipped / MB:.1f}", "code": code,
        "aim": f"{aim} {'met' if met else '**missed**'}" if aim else "–", "run here": _short(trial),
    }  # fmt: skip


def _short(trial: str) -> str:
    """What a layer's trial said, in the table's words."""
    if trial.startswith("it runs alone"):
        return "runs, same vector"
    return "–" if not trial or trial.startswith("not tried") else trial


def _interpreters(stated: Sequence[str]) -> dict[str, Path]:
    return {version: Path(path) for version, _, path in (one.partition("=") for one in stated)}


def run(options: argparse.Namespace) -> None:
    """Measure, print, and save a full run."""
    named = _interpreters(options.interpreters)
    warnings.simplefilter("ignore", AirvecWarning)  # of sources and uploads: both are in the table
    rows: list[Row] = []
    for arch in ARCHITECTURES:
        for python in options.pythons:
            print(f"Python {python}, {arch}", file=sys.stderr)
            rows += layers(options.folder, Target(python, arch), named.get(python))
    others = [] if options.no_peers else list(peer_rows(options))
    text = f"{markdown(rows)}\n" + (f"\n{markdown(others)}\n" if others else "") + f"\n{machine_line(machine())}\n"
    print(f"\n{text}")
    if others and tuple(options.pythons) == PYTHONS:
        (RESULTS / "layer_sizes.md").write_text(text, encoding="utf-8")
        saved = {"machine": machine(), "rows": rows, "others": others}
        (RESULTS / "layer_sizes.json").write_text(
            json.dumps(saved, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def main() -> int:
    """Run; what a reader can mend is said in one message."""
    if shutil.disk_usage(tempfile.gettempdir()).free < 8e9:
        print("benchmarks/layer_sizes.py: less than 8 GB free for temporary files. Set TMPDIR.", file=sys.stderr)
        return 2
    try:
        run(arguments())
    except PackagesError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
