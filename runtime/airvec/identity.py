"""What a model folder is, as a number: its weights, graphs, tokenizer and settings in one digest.

Knows nothing of what the files mean.
"""

import os
import stat
from collections.abc import Iterator
from typing import Any

from airvec.paths import StrPath

__all__ = ["SETTINGS", "add_folder", "folder_digest", "folder_files"]

# What a folder may hold besides the model, and what changes without it: cards, figures, what a Hub client leaves.
BESIDE = (".md", ".png", ".svg", ".lock", ".metadata", ".gitattributes", ".gitignore")
# Attributes of a model that change its answers and can be set after it was opened.
SETTINGS = ("prompts", "default_prompt_name", "max_seq_length", "truncate_dim", "max_active_dims")
BLOCK = 1 << 20  # bytes

FileState = tuple[str, int, int]


def folder_digest(folder: StrPath) -> bytes:
    """SHA-256 of every file's path and content, but for those that are no part of the model: 32 bytes."""
    from hashlib import sha256  # a model that is opened needs `folder_files` alone

    digest = sha256()
    add_folder(digest, folder)
    return digest.digest()


def add_folder(digest: Any, folder: StrPath) -> None:
    """Add what `folder_digest` is of to a digest of hashlib's."""
    for inside, size, _ in folder_files(folder):
        digest.update(f"\n{inside} {size}\n".encode("utf-8", "surrogateescape"))
        with open(os.path.join(folder, inside), "rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)


def folder_files(folder: StrPath) -> tuple[FileState, ...]:
    """Path inside the folder, bytes, and time of the last change in ns, of each file that is part of the model.

    Links are followed, to files and to folders; no file is opened. The default model's 8 files take 0.02 ms.
    """
    return tuple(sorted(_files(folder, "", ())))


def _files(folder: StrPath, inside: str, above: tuple[tuple[int, int], ...]) -> Iterator[FileState]:
    """The files of a folder and those below it; `above` holds the folders on the way, into which a link may lead."""
    try:
        here = os.stat(folder)
        entries = list(os.scandir(folder))
    except OSError:  # nobody can read a model from it
        return
    mark = (here.st_dev, here.st_ino)
    if mark in above:
        return
    for entry in entries:
        name = entry.name
        if name.endswith(BESIDE) or (not inside and name.startswith(".")):
            continue
        try:
            found = entry.stat()
        except OSError:  # a link that leads nowhere
            continue
        if stat.S_ISDIR(found.st_mode):
            yield from _files(entry.path, f"{inside}{name}/", (*above, mark))
        elif stat.S_ISREG(found.st_mode):
            yield f"{inside}{name}", found.st_size, found.st_mtime_ns
