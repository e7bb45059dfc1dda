"""Checkpoints that are whole or not there: written under another name, then renamed.

A folder `checkpoint-N` is always one that training can go on from; what a killed run left half-written has a name that
nobody looks for, and the next run removes it.
Knows nothing of what is in a checkpoint.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from airvec.errors import ArgumentError
from airvec_trainer.errors import TrainingError

__all__ = ["last_checkpoint", "remove_leftovers", "resumable", "writing"]

STATE = "trainer_state.json"
NUMBERED = re.compile(r"^checkpoint-(\d+)$")
WRITING, REPLACED = "writing", "replaced"
# What torch.save says where its file cannot be written: its writer's name, or the file of the writer's source.
TORCH_WRITER = re.compile(r"PytorchStreamWriter|inline_container")


@contextmanager
def writing(final: Path, *, main: bool = True, wait: Callable[[], None] = lambda: None) -> Iterator[Path]:
    """A folder to write a checkpoint into; it gets its name when the block ends without an error.

    Args:
        final: the folder that is to be.
        main: whether this process makes and renames folders, as one of several does.
        wait: returns when all processes have come to it.

    Raises:
        TrainingError: a file could not be written, such as on a full disk; earlier checkpoints are as they were.
    """
    folder = final.with_name(f".{final.name}.{WRITING}")
    if main:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        if main:
            folder.mkdir(parents=True)
        wait()
        yield folder
        wait()
        if main:
            _rename(folder, final)
        wait()
    except BaseException as error:
        if main:
            shutil.rmtree(folder, ignore_errors=True)
        if _could_not_write(error):
            raise _failed(final, error) from error
        raise


def _rename(folder: Path, final: Path) -> None:
    """A folder of that name, from an earlier run, is there until the new one is."""
    replaced = final.with_name(f".{final.name}.{REPLACED}")
    shutil.rmtree(replaced, ignore_errors=True)
    if final.exists():
        final.rename(replaced)
    try:
        folder.rename(final)
    except BaseException:
        if replaced.exists():
            replaced.rename(final)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def _could_not_write(error: BaseException) -> bool:
    """Disks fail as OSError; torch's writer says it with a RuntimeError, and safetensors with an error of its own."""
    if isinstance(error, RuntimeError):
        return TORCH_WRITER.search(str(error)) is not None
    return isinstance(error, OSError) or type(error).__name__ == "SafetensorError"


def _failed(final: Path, error: BaseException) -> TrainingError:
    free = shutil.disk_usage(final.parent).free if final.parent.is_dir() else 0
    last = last_checkpoint(final.parent)
    remedy = f"Free room, then train(resume_from_checkpoint=True): {last.name} is whole." if last else "Free room."
    return TrainingError(
        f"{final}: the checkpoint could not be written ({error}), {free / 1e6:,.0f} MB are free there, and nothing of "
        f"it was kept. {remedy} save_total_limit keeps fewer checkpoints, save_only_model smaller ones."
    )


def last_checkpoint(folder: Path) -> Path | None:
    """The checkpoint of the latest step in a folder, or None."""
    found = {int(match[1]): path for path in _entries(folder) if (match := NUMBERED.match(path.name))}
    return found[max(found)] if found else None


def _entries(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def resumable(given: str | bool | None, output_dir: str) -> Path | None:
    """The checkpoint to go on from: a path as given, the last one for True, None for False and None.

    Raises:
        ArgumentError: there is none, or it is not whole.
    """
    if given is None or given is False:
        return None
    found = last_checkpoint(Path(output_dir)) if given is True else Path(given)
    if found is None:
        raise ArgumentError(
            f"resume_from_checkpoint: {output_dir} holds no checkpoint, expected a folder checkpoint-N there. Start "
            "without resume_from_checkpoint, or give the path of a checkpoint."
        )
    if not (found / STATE).is_file():
        raise ArgumentError(
            f"resume_from_checkpoint: {found} holds no {STATE}, expected a checkpoint of a trainer. Give the path of "
            "a whole one, such as output_dir/checkpoint-500."
        )
    return found


def remove_leftovers(output_dir: str) -> None:
    """Undo what killed runs left half-done; call it before a training.

    A run that was killed while a checkpoint took the place of another left both under other names: the old one, which
    is whole, gets its name back.
    """
    run = Path(output_dir)
    for replaced in run.glob(f".checkpoint-*.{REPLACED}"):
        final = run / replaced.name[1 : -len(REPLACED) - 1]
        if NUMBERED.match(final.name) and not final.exists():
            with suppress(FileNotFoundError):  # another process was faster
                replaced.rename(final)
        shutil.rmtree(replaced, ignore_errors=True)
    for path in run.glob(f".checkpoint-*.{WRITING}"):
        shutil.rmtree(path, ignore_errors=True)
