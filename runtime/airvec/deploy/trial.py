"""A package is tried before it is handed out: run alone, it gives the numbers that this process gives.

Knows nothing of what the package becomes.
"""

import json
import os
import re
import subprocess
from pathlib import Path

from airvec.deploy import probe
from airvec.deploy.contents import PackedContents
from airvec.deploy.target import this_platform
from airvec.deploy.tree import Staged
from airvec.errors import ArgumentError, ProcessError
from airvec.folder import DENSE

# fp32 graphs and tables: another NumPy or ONNX Runtime adds in another order. int8: a value at the edge of a step may
# round to the next one, which moves an embedding's values by thousandths.
TOLERANCE, ROUNDED_TOLERANCE = 1e-5, 1e-2
_FLOAT = ("", "fp32", "fused")
SECONDS = 300
LAST_LINES = 6
# The last line of a traceback whose error is about what was packed, and says what to do.
_OURS = re.compile(r"airvec\.errors\.(?:ArgumentError|ModelFolderError|ModelNotFoundError): (.+)")


def try_package(staged: Staged, contents: PackedContents) -> str:
    """Run the packages with nothing else on the path: open handler and models, encode a text, compare.

    Returns:
        What was found, or "not tried here: " and why.

    Raises:
        ArgumentError: a constraint keeps onnxruntime too old for a graph; or what was packed does not fit together.
        ProcessError: it does not run, or gives other numbers.
    """
    _check_onnxruntime(staged, contents)
    why_not = _why_not(staged, contents)
    if why_not:
        return f"not tried here: {why_not}"
    models = [(packed.kind, str(packed.path), _tolerance(packed.variant)) for packed in contents.models()]
    if contents.model is None:
        models.insert(0, (DENSE, "", TOLERANCE))
    words = [word for kind, folder, _ in models for word in (kind, folder)]
    found = _run([str(staged.interpreter), "-I", "-S", "-B", probe.__file__, str(staged.folder), *words])
    largest = max(
        _difference(kind, folder, allowed, numbers)
        for (kind, folder, allowed), numbers in zip(models, found, strict=True)
    )
    return f"it runs alone on Python {staged.target.python}: largest difference from this process {largest:.1e}"


def _check_onnxruntime(staged: Staged, contents: PackedContents) -> None:
    """Here, since a package for another machine would tell it only there."""
    there = next((wheel.version for wheel in staged.wheels if wheel.name == "onnxruntime"), "")
    for packed in contents.models():
        if there and _numbers(there) < _numbers(packed.min_onnxruntime):
            raise ArgumentError(
                f"the package: {packed.source} needs onnxruntime {packed.min_onnxruntime}, and pip fetched {there}, "
                f"the newest for Python {staged.target.python} on {staged.target.platform} that --constraint allows. "
                "Allow a newer one, or choose another --python."
            )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


def _why_not(staged: Staged, contents: PackedContents) -> str:
    here = this_platform()
    if staged.target.platform != here:
        return f"it is for {staged.target.platform}, and this machine is {here}"
    if staged.interpreter is None:
        return f"no Python {staged.target.python} was found"
    unmeasured = [packed.variant for packed in contents.models() if packed.max_delta is None]
    return f"this CPU does not run {', '.join(unmeasured)}" if unmeasured else ""


def _tolerance(variants: str) -> float:
    return TOLERANCE if all(name in _FLOAT for name in variants.split(", ")) else ROUNDED_TOLERANCE


def _run(command: list[str]) -> list[list[float]]:
    # What AIRVEC_MODEL and the like name is not what the package would open.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRVEC_")}
    try:
        ran = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, errors="replace", check=False, timeout=SECONDS, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise ProcessError(
            f"the package: gave no vector within {SECONDS} seconds, expected one in a few. Report this."
        ) from error
    if ran.returncode != 0:
        lines = (ran.stdout + ran.stderr).strip().splitlines()
        ours = _OURS.match(lines[-1]) if lines else None
        if ours:
            raise ArgumentError(f"the package: does not open: {ours[1]} Nothing was written.")
        said = " | ".join(lines[-LAST_LINES:])
        raise ProcessError(
            f"the package: does not run ({ran.returncode}): {said}. Nothing was written. Try versions that are known "
            "to work in --constraint, and report this."
        )
    return json.loads(ran.stdout.splitlines()[-1])


def _difference(kind: str, folder: str, allowed: float, found: list[float]) -> float:
    """The largest |difference|, of values up to 1 or relative to the largest."""
    expected = probe.numbers(kind, folder)
    scale = max(1.0, *map(abs, expected))
    if len(found) != len(expected):
        moved = float("inf")
    else:
        moved = max(abs(one - other) for one, other in zip(found, expected, strict=True)) / scale
    if not moved <= allowed:
        raise ProcessError(
            f"the package: {Path(folder).name or 'the default model'} gives {len(found)} numbers that differ by "
            f"{moved:.1e} from those of this process, expected {allowed:.0e} at most. Nothing was written. "
            "Try versions that are known to work in --constraint, and report this."
        )
    return moved
