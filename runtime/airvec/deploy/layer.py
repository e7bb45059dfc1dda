"""A Lambda layer: the packages and the models in one zip, tried, measured and within AWS's limits.

Knows nothing of how packages are fetched and models are packed.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from airvec.array_file import whole_file
from airvec.deploy.archive import check_zip_path, files_below, fill_zip, write_zip
from airvec.deploy.bytecode import find_interpreter
from airvec.deploy.contents import Contents, PackedContents, pack_contents
from airvec.deploy.prune import UNUSED_NUMPY
from airvec.deploy.sizes import DIRECT_UPLOAD_LIMIT, UNZIPPED_LIMIT, Part, megabytes, parts_of, total, zip_parts
from airvec.deploy.target import Target
from airvec.deploy.tree import DEFAULT_MODEL, FOR_TERMINALS, Staged, stage_packages
from airvec.deploy.trial import try_package
from airvec.deploy.upload import HANDLER, upload_commands
from airvec.errors import AirvecWarning, ArgumentError
from airvec.progress import progress_bar

# Where sys.path has it: layers are unzipped to /opt, and Lambda puts /opt/python on the path.
PYTHON = "python"
# Lambda takes no function without a file of its own.
FUNCTION_FILE = "README.txt"
FUNCTION_TEXT = f"""The code of this function is in its layer: the handler is {HANDLER}.
Code of your own goes here, as a module with a handler that imports airvec.
The layer's NumPy is without numpy.random, numpy.fft and numpy.f2py, unless it was made with --whole-numpy.
"""


@dataclass(frozen=True)
class Layer:
    """A layer that was written.

    Args:
        path: the layer's zip.
        function: the zip for a function that has no code of its own.
        parts: sizes, the largest first.
        trial: what running it here showed, or why it was not run.
        commands: what uploads it.
        notes: what a reader of the report should know.
    """

    path: Path
    function: Path
    parts: tuple[Part, ...]
    trial: str
    commands: tuple[str, ...]
    notes: tuple[str, ...]


def write_layer(
    out: Path,
    target: Target,
    contents: Contents,
    *,
    constraint: Path | None = None,
    interpreter: Path | None = None,
    whole_numpy: bool = False,
    show_progress: bool = False,
) -> Layer:
    """Fetch, pack, try and zip; whole or not at all.

    Two runs over the same versions, models and interpreter give the same bytes.

    Args:
        out: the zip to write; one that lies there is replaced once the new one is whole. The function's zip comes to
            lie beside it, as `OUT-function.zip`.
        target: a target that `target_for_lambda` gave.
        contents: which models and which index.
        constraint: a pip constraints file that fixes versions.
        interpreter: a Python of the target's version; found if not given.
        whole_numpy: whether what airvec never loads of NumPy is kept for code of one's own, see `UNUSED_NUMPY`.
        show_progress: bars by tqdm.

    Raises:
        ArgumentError: `out` is something else than a zip, or the layer is above AWS's limit.
        ProcessError: the layer does not run, or gives other numbers than this process.
        AirvecError: see `pack_contents` and `stage_packages`.
        OSError: the disk is full, or cannot be written to.
    """
    function = out.with_name(f"{out.stem}-function.zip")
    for path in (out, function):
        check_zip_path(path)
    if interpreter is not None:
        find_interpreter(target, interpreter)  # a wrong one is told before anything is fetched
    without = _left_out(contents, whole_numpy)
    with TemporaryDirectory(prefix="airvec-") as temporary:
        stage = Path(temporary)
        with progress_bar(show_progress, 1, "packing the model", "step") as done:
            packed = pack_contents(contents, stage, target.arch)
            done(1)
        with progress_bar(show_progress, 1, "fetching packages", "step") as done:
            staged = _stage(target, stage, packed, without, constraint, interpreter)
            done(1)
        files = files_below(stage)
        size = _checked_size(parts_of((name, (stage / name).stat().st_size, 0) for name in files))
        with progress_bar(show_progress, 1, "trying it", "step") as done:
            trial = try_package(staged, packed)
            done(1)
        # Both are whole before one of them takes its place.
        with progress_bar(show_progress, size, "zipping", "B") as advance, whole_file(function) as small:
            fill_zip(small, {FUNCTION_FILE: FUNCTION_TEXT.encode()})
            write_zip(out, files, advance)
    with ZipFile(out) as archive:
        parts = zip_parts(archive)
    zipped = out.stat().st_size
    if zipped > DIRECT_UPLOAD_LIMIT:
        warnings.warn(_large_upload(out, zipped), AirvecWarning, stacklevel=2)
    commands = upload_commands(out, function, zipped, target)
    return Layer(out, function, tuple(parts), trial, tuple(commands), (*packed.notes, *staged.notes))


def _left_out(contents: Contents, whole_numpy: bool) -> tuple[str, ...]:
    """What the layer does without, as it is imported."""
    default_model = () if contents.model is None else (DEFAULT_MODEL,)
    return (*FOR_TERMINALS, *default_model, *(() if whole_numpy else UNUSED_NUMPY))


def _stage(
    target: Target,
    stage: Path,
    packed: PackedContents,
    without: tuple[str, ...],
    constraint: Path | None,
    interpreter: Path | None,
) -> Staged:
    return stage_packages(
        target,
        stage / PYTHON,
        with_onnxruntime=packed.needs_onnxruntime,
        without=without,
        constraint=constraint,
        interpreter=interpreter,
    )


def _checked_size(parts: list[Part]) -> int:
    size = total(parts).unzipped
    if size > UNZIPPED_LIMIT:
        largest = ", ".join(f"{part.name} {megabytes(part.unzipped)}" for part in parts[:4])
        raise ArgumentError(
            f"the layer: {size:,} bytes unzipped ({largest}), expected {UNZIPPED_LIMIT:,} at most, AWS Lambda's limit "
            "for a function and its layers. Nothing was written. Pack a smaller graph (--variant int8) or model, or "
            "use a container image, which may have 10 GB (airvec package dockerfile)."
        )
    return size


def _large_upload(out: Path, size: int) -> str:
    return (
        f"{out}: {megabytes(size)} zipped, and AWS takes {megabytes(DIRECT_UPLOAD_LIMIT)} at most by direct upload. "
        "Upload it by way of S3, as the commands show, or pack a smaller graph (--variant int8)."
    )
