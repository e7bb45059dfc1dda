"""One repository in the Hub client's cache: what of it is on disk, and whether it is what it should be.

The client compares lengths and no checksums, and older ones keep no list of a repository's files. So a file
`airvec/COMMIT.json` beside the snapshots records both: all files there are, and which have had their SHA-256 checked.
Knows nothing of the network.
"""

import json
import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from airvec.cache_names import storage_name
from airvec.errors import DownloadError, ModelFolderError
from airvec.json_file import read_object
from airvec.manifest import FILE_NAME, read_manifest, sha256_of

COMMIT = re.compile(r"[0-9a-f]{40}")
MAIN = "main"


@dataclass(frozen=True)
class Record:
    """The files of a repository at one commit, and those that were fetched and checked."""

    files: frozenset[str] = frozenset()
    checked: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Cached:
    """A repository's folder in the cache, which may not exist yet."""

    repository: str
    cache: Path

    @property
    def home(self) -> Path:
        """The folder that holds its snapshots."""
        return self.cache / storage_name(self.repository)

    def snapshot(self, commit: str) -> Path:
        """The folder of one commit."""
        return self.home / "snapshots" / commit

    def commit(self, revision: str | None) -> str | None:
        """The commit that a branch, tag or commit stood for when it was last fetched; None = never fetched."""
        if revision is not None and COMMIT.fullmatch(revision):
            return revision
        with suppress(OSError):
            found = (self.home / "refs" / (revision or MAIN)).read_text(encoding="ascii").strip()
            return found if COMMIT.fullmatch(found) else None
        return None

    def holds(self, revision: str | None) -> str | None:
        """As `commit`, where the cache has files of it."""
        commit = self.commit(revision)
        return commit if commit and self.snapshot(commit).is_dir() else None

    def point(self, revision: str | None, commit: str) -> None:
        """Remember what a branch or tag stands for, so that it is found without network."""
        if self.commit(revision) != commit:
            _write(self.home / "refs" / (revision or MAIN), commit)

    def record(self, commit: str) -> Record | None:
        """What an earlier start wrote about a commit; None where there is nothing that can be read."""
        try:
            found = read_object(self._record_file(commit))
            return Record(frozenset(map(str, found.items("files"))), frozenset(map(str, found.items("checked"))))
        except (OSError, ModelFolderError):
            return None

    def write_record(self, commit: str, record: Record) -> None:
        """Write it; a cache that cannot be written to goes without."""
        content = {"files": sorted(record.files), "checked": sorted(record.checked)}
        with suppress(OSError):
            _write(self._record_file(commit), json.dumps(content, indent=1))

    def _record_file(self, commit: str) -> Path:
        return self.home / "airvec" / f"{commit}.json"


def check(cached: Cached, commit: str, needed: Collection[str], stated: Mapping[str, str], record: Record) -> Record:
    """Compare files on disk with their SHA-256, those of airvec.json among them, each file once.

    Args:
        cached: the repository.
        commit: which of its snapshots.
        needed: the files to look at.
        stated: SHA-256 by file name, as far as the Hub states it.
        record: what is known already; its `checked` files are not read again.

    Returns:
        The record with these files in it.

    Raises:
        DownloadError: a file is not the one that is stated; it has been taken out of the cache.
    """
    folder = cached.snapshot(commit)
    by_source = {"the Hub": stated, FILE_NAME: _manifest(folder)}
    for name in sorted(set(needed) - record.checked):
        for source, sums in by_source.items():
            expected = sums.get(name)
            if expected:
                _check_file(cached, folder / name, name, f"{expected} as {source} says", expected)
    return Record(record.files, record.checked | frozenset(needed))


def _manifest(folder: Path) -> dict[str, str]:
    manifest = read_manifest(folder)
    return {name: graph.sha256 for name, graph in manifest.graphs.items()} if manifest else {}


def _check_file(cached: Cached, file: Path, name: str, expected: str, sha256: str) -> None:
    found = sha256_of(file)
    if found == sha256:
        return
    remove(file)
    raise DownloadError(
        f"{cached.repository}: {name} has SHA-256 {found}, expected {expected}. The damaged file is deleted: load the "
        "model again to fetch it anew; if that gives the same error, the repository itself is wrong."
    )


def remove(file: Path) -> None:
    """Take a file out of the cache: the name in the snapshot, and the content that it points to."""
    content = file.parent / file.readlink() if file.is_symlink() else file
    for path in (content, file):
        path.unlink(missing_ok=True)


def _write(file: Path, text: str) -> None:
    """Whole or not at all: another process may be reading, or writing the same."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def files_in(folder: Path) -> frozenset[str]:
    """The files of a snapshot that are on disk."""
    return frozenset(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
