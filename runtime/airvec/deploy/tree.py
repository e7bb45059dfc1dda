"""The folder `python/` of a package: airvec and what it runs on, for the target, without what is never loaded.

Knows nothing of models, and of what the folder becomes.
"""

import shutil
import warnings
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import airvec
from airvec.deploy.airvec_wheel import runtime_metadata
from airvec.deploy.bytecode import compile_tree, find_interpreter
from airvec.deploy.old_numpy import docstrings_needed
from airvec.deploy.prune import Pruned, prune
from airvec.deploy.target import Target
from airvec.deploy.wheels import Wheel, fetch_wheels, unpack
from airvec.errors import AirvecWarning, ArgumentError

LOCK = "requirements.txt"
DEFAULT_MODEL = "airvec.default_model"
# Parts of airvec for a terminal, which a Lambda function has not.
FOR_TERMINALS = ("airvec.cli", "airvec.doctor", "airvec.integrations")
# What makes packages, and has no use inside of one.
_LEFT_OUT = ("__pycache__", "*.pyi", "py.typed", "deploy")


@dataclass(frozen=True)
class Staged:
    """A folder of packages, ready to run.

    Args:
        folder: it goes on sys.path.
        target: the machine that it runs on.
        wheels: what was fetched, by name; their paths are gone unless a wheelhouse was asked for.
        interpreter: the one that compiled; None where the sources were kept.
        pruned: what was left out of the packages.
        notes: what a reader of the report should know.
    """

    folder: Path
    target: Target
    wheels: tuple[Wheel, ...]
    interpreter: Path | None
    pruned: tuple[Pruned, ...]
    notes: tuple[str, ...]


def stage_packages(
    target: Target,
    out: Path,
    *,
    with_onnxruntime: bool = True,
    without: tuple[str, ...] = (DEFAULT_MODEL,),
    constraint: Path | None = None,
    interpreter: Path | None = None,
    wheelhouse: Path | None = None,
) -> Staged:
    """Fetch, unpack, prune and compile the packages of a target into a folder.

    Args:
        target: which Python, processor and system.
        out: the folder to fill; it does not exist, or is empty.
        with_onnxruntime: False for static models, which run on NumPy and tokenizers alone.
        without: what to leave out, as it is imported: parts of airvec (its static default model, unless other ones are
            named), and packages of NumPy, see `UNUSED_NUMPY`.
        constraint: a pip constraints file that fixes versions.
        interpreter: a Python of the target's version, which compiles; found if not given.
        wheelhouse: an existing, empty folder that keeps the wheels as they were fetched.

    Raises:
        ArgumentError: `out` has files in it, or `constraint` or `interpreter` cannot be used.
        MissingPackageError: this Python has no pip.
        DownloadError: a wheel could not be fetched, or is damaged.
        ProcessError: a package does not compile.
    """
    if out.exists() and any(out.iterdir()):
        raise ArgumentError(f"{out}: the folder has files in it, expected none. Give another, or empty it.")
    compiler = find_interpreter(target, interpreter)
    packages = ("numpy", "onnxruntime", "tokenizers") if with_onnxruntime else ("numpy", "tokenizers")
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as temporary:
        wheels = fetch_wheels(target, packages, wheelhouse or Path(temporary), constraint)
        for wheel in wheels:
            unpack(wheel, out)
    pruned, notes = prune(out, packages, target.system, without)
    copy_airvec(out, without=without)
    (out / LOCK).write_text("".join(f"{wheel.locked}\n" for wheel in wheels), encoding="utf-8", newline="\n")
    if compiler is None:
        warn_of_sources(target)
        notes.append(f"no Python {target.python} was found here to compile with: the .py sources were kept")
    else:
        compile_tree(out, compiler, with_docstrings=docstrings_needed(out))
    return Staged(out, target, tuple(wheels), compiler, tuple(pruned), tuple(notes))


def copy_airvec(out: Path, *, without: tuple[str, ...] = ()) -> None:
    """Copy the airvec that runs here, METADATA, which tells its version, and its licence where it was installed.

    Args:
        out: the folder to copy into.
        without: what to leave out, as it is imported; names of other packages count for nothing here.
    """
    parts = [name.removeprefix("airvec.") for name in without if name.startswith("airvec.")]
    left_out = shutil.ignore_patterns(*_LEFT_OUT, *parts)
    shutil.copytree(Path(airvec.__file__).parent, out / "airvec", ignore=left_out)
    text, licence = _installed()
    records = out / f"airvec-{airvec.__version__}.dist-info"
    records.mkdir()
    (records / "METADATA").write_text(text or runtime_metadata(), encoding="utf-8", newline="\n")
    if licence is not None:
        (records / "LICENSE").write_text(licence, encoding="utf-8", newline="\n")


def _installed() -> tuple[str | None, str | None]:
    """METADATA and licence of the airvec that runs here; None of a checkout on PYTHONPATH."""
    try:
        installed = metadata.distribution("airvec")
    except metadata.PackageNotFoundError:
        return None, None
    if installed.version != airvec.__version__:  # another airvec, which the checkout comes before
        return None, None
    return installed.read_text("METADATA"), installed.read_text("licenses/LICENSE")


def warn_of_sources(target: Target) -> None:
    """Say that nothing compiled, and what that costs."""
    warnings.warn(
        f"airvec package: no Python {target.python} was found here, so the package keeps its .py sources, and every "
        "cold start compiles them: imports take about twice as long. Install one (uv python install "
        f"{target.python}, or pyenv install {target.python}), or name one by --interpreter.",
        AirvecWarning,
        stacklevel=3,
    )
