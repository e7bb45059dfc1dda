"""Fetches the files of a repository that are asked for into the Hub client's cache, and gives the snapshot's folder.

The only file that imports huggingface_hub, inside functions. The client resumes a cut download, locks a file that
another process is fetching, and honours HF_ENDPOINT, HF_HOME, HF_TOKEN, HF_HUB_OFFLINE and the proxies' variables.
Knows nothing of which files a model needs.
"""

import sys
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from airvec.errors import AirvecWarning, ArgumentError, DownloadError, ModelNotFoundError, require
from airvec.hub.cache import COMMIT, Cached, Record, check, files_in
from airvec.hub.files import Wanted
from airvec.hub.options import HubOptions
from airvec.hub.problems import Asked, Problem, explain, status_of

BUSY = (408, 429, 500, 502, 503, 504)
WAITS = (1.0, 2.0, 4.0)  # seconds between tries, where the Hub does not say how long
LONGEST_WAIT = 30.0
LARGE = 5_000_000  # bytes; fetched one after another, each with a bar where a person watches
AT_ONCE = 8

Result = TypeVar("Result")


@dataclass(frozen=True)
class Listing:
    """A repository at one commit: the length of each file, and the SHA-256 of those for which the Hub states it."""

    commit: str
    sizes: dict[str, int]
    sha256: dict[str, str]


def fetch(repository: str, wanted: Wanted, options: HubOptions) -> Path:
    """The snapshot's folder, with the files that are wanted in it: from the cache, else from the Hub.

    A commit that is whole in the cache needs no network; a branch or tag costs one request. Where that fails and
    the cache holds what the branch was, that is used, with a warning.

    Raises:
        ModelNotFoundError: no such repository, revision or file there; or not in the cache, without network.
        DownloadError: the Hub or the disk failed, or a file is not the one that the Hub or airvec.json states.
        ArgumentError: `token=True`, and none is saved.
        MissingPackageError: huggingface_hub is not installed.
    """
    require("huggingface_hub", "hub", f"model {repository!r} (no folder of that name exists)")
    from huggingface_hub import constants

    _check_revision(options.revision)
    cached = Cached(repository, Path(options.cache_folder or constants.HF_HUB_CACHE).expanduser().resolve())
    if options.local_files_only or constants.HF_HUB_OFFLINE:
        why = "local_files_only=True" if options.local_files_only else "HF_HUB_OFFLINE is set"
        return _kept(cached, wanted, options.revision, why)
    if options.revision is not None and COMMIT.fullmatch(options.revision) and cached.record(options.revision):
        with suppress(ModelNotFoundError):
            return _kept(cached, wanted, options.revision, "of this commit")
    asked = Asked(repository, options.revision, cached.cache, constants.ENDPOINT)
    found = _list(asked, options, () if cached.holds(options.revision) else WAITS)
    if isinstance(found, Problem):
        return _instead(cached, wanted, options.revision, found)
    return _complete(cached, wanted, found, asked, options)


def _check_revision(revision: object) -> None:
    if revision is not None and (not isinstance(revision, str) or not revision or ".." in revision):
        raise ArgumentError(f"revision: {revision!r}, expected a branch, a tag or a commit. Correct it.")


def _kept(cached: Cached, wanted: Wanted, revision: str | None, why: str) -> Path:
    """What is in the cache, if it is whole."""
    commit = cached.holds(revision)
    if commit is None:
        at = f" at revision {revision!r}" if revision else ""
        raise ModelNotFoundError(
            f"{cached.repository}: not in the cache {cached.cache}{at}, and no network ({why}). "
            "Load it once with network, or give a local folder's path."
        )
    folder, record = cached.snapshot(commit), cached.record(commit)
    names = record.files if record else files_in(folder)
    needed = wanted.needed(folder, names)
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing and record and missing[0] not in names:
        raise wanted.absent(cached.repository, missing[0], names)
    if missing:
        raise ModelNotFoundError(
            f"{cached.repository}: {missing[0]} is not in the cache {cached.cache}, and no network ({why}). "
            "Load the model once with network."
        )
    record = record or Record()
    checked = check(cached, commit, needed, {}, record)
    if checked != record:
        cached.write_record(commit, checked)
    return folder


def _instead(cached: Cached, wanted: Wanted, revision: str | None, problem: Problem) -> Path:
    """What the cache has, where the Hub does not answer; or the error."""
    if problem.kind is ArgumentError:
        raise problem.error(cached.repository)
    try:
        folder = _kept(cached, wanted, revision, problem.found)
    except ModelNotFoundError:
        raise problem.error(cached.repository) from None
    warnings.warn(
        f"{cached.repository}: {problem.found}. The copy in the cache is used, commit {folder.name[:7]}; "
        "local_files_only=True does so without asking.",
        AirvecWarning,
        stacklevel=2,
    )
    return folder


def _list(asked: Asked, options: HubOptions, waits: Sequence[float]) -> Listing | Problem:
    """The repository's files, from the Hub; or why not."""
    from huggingface_hub import HfApi, constants

    def ask() -> Any:
        return HfApi().model_info(
            asked.repository,
            revision=options.revision,
            files_metadata=True,
            token=options.token,
            timeout=constants.HF_HUB_ETAG_TIMEOUT,
        )

    try:
        about: Any = _patiently(ask, waits)
    except Exception as error:  # noqa: BLE001  (the client's errors, and those of any HTTP library below it)
        return explain(error, asked)
    if not COMMIT.fullmatch(about.sha or ""):
        return Problem(DownloadError, f"the Hub states commit {about.sha!r}, expected 40 digits", "Check HF_ENDPOINT.")
    files: list[Any] = about.siblings or []
    return Listing(
        about.sha,
        {file.rfilename: file.size or 0 for file in files},
        {file.rfilename: file.lfs.sha256 for file in files if file.lfs is not None},
    )


def _complete(cached: Cached, wanted: Wanted, listing: Listing, asked: Asked, options: HubOptions) -> Path:
    """Fetch, round by round, what is missing: what has come may name more."""
    folder, names = cached.snapshot(listing.commit), frozenset(listing.sizes)
    before = cached.record(listing.commit) or Record()
    record = Record(names, before.checked)
    while missing := [name for name in wanted.needed(folder, names) if not (folder / name).is_file()]:
        absent = [name for name in missing if name not in names]
        if absent:
            raise wanted.absent(cached.repository, absent[0], names)
        _download(missing, listing, asked, options)
        _check_there(folder, missing, asked.repository)
        record = Record(names, record.checked - frozenset(missing))
    record = check(cached, listing.commit, wanted.needed(folder, names), listing.sha256, record)
    if record != before:
        cached.write_record(listing.commit, record)
    with suppress(OSError):  # a cache that cannot be written to has all the files already
        cached.point(options.revision, listing.commit)
    return folder


def _check_there(folder: Path, names: list[str], repository: str) -> None:
    """The client files what it gets under the commit that the answer names; a wrong one would be fetched for ever."""
    for name in names:
        if not (folder / name).is_file():
            raise DownloadError(
                f"{repository}: {name} came for another commit, expected {folder.name}. "
                "Check HF_ENDPOINT, or load the model again."
            )


def _download(names: list[str], listing: Listing, asked: Asked, options: HubOptions) -> None:
    """Small files several at once, then large ones in turn: an interrupt ends those at once."""
    from huggingface_hub import hf_hub_download  # pyright: ignore[reportUnknownVariableType]  (its own hints)

    def get(name: str) -> None:
        try:
            _patiently(
                lambda: hf_hub_download(
                    asked.repository,
                    name,
                    revision=listing.commit,
                    cache_dir=str(asked.cache),
                    token=options.token,
                )
            )
        except Exception as error:  # the client's errors, those of the HTTP library below it, and the disk's
            raise explain(error, replace(asked, file=name)).error(asked.repository) from error

    small = [name for name in names if listing.sizes[name] < LARGE]
    with _bars(show=False), ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(get, small))
    with _bars(show=sys.stderr.isatty()):
        for name in names:
            if name not in small:
                get(name)


@contextmanager
def _bars(show: bool) -> Generator[None]:
    """With or without the client's progress bars; HF_HUB_DISABLE_PROGRESS_BARS, 0 or 1, has the last word."""
    from huggingface_hub import constants
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if show or constants.HF_HUB_DISABLE_PROGRESS_BARS is not None or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def _patiently(ask: Callable[[], Result], waits: Sequence[float] = WAITS) -> Result:
    """Ask again, after a while, where the Hub is busy or stumbles."""
    for wait in waits:
        try:
            return ask()
        except Exception as error:  # any but a busy Hub's goes on
            pause = _pause(error, wait)
            if pause is None or pause > LONGEST_WAIT:
                raise
            time.sleep(pause)
    return ask()


def _pause(error: Exception, wait: float) -> float | None:
    """Seconds to wait before the next try; None = do not try again."""
    response = getattr(error, "response", None)
    if response is None or status_of(error) not in BUSY:
        return None
    stated = str(response.headers.get("Retry-After", ""))
    return float(stated) if stated.isdecimal() else wait
