"""What went wrong between us and the Hub, in one line with what to do: the client's errors → ours.

The client's classes are told by their names and the numbers they carry, which are the same in all its versions, while
the modules they live in and the HTTP library below are not.
Knows nothing of how files are fetched.
"""

import errno
import re
from dataclasses import dataclass
from pathlib import Path

from airvec.errors import AirvecError, ArgumentError, DownloadError, ModelNotFoundError

LENGTHS = re.compile(r"should be of size (\d+) but has size (\d+)")  # the client's words
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
BUSY, DOWN = 429, 500
LOG_IN = 'pass token="hf_…" or set HF_TOKEN'
OTHER_FOLDER = "choose another folder with cache_folder=… or AIRVEC_CACHE"


@dataclass(frozen=True)
class Asked:
    """What was asked for when an error came; `file` None = the list of the repository's files."""

    repository: str
    revision: str | None
    cache: Path
    endpoint: str
    file: str | None = None


@dataclass(frozen=True)
class Problem:
    """The kind of our error, what was found, and what to do."""

    kind: type[AirvecError]
    found: str
    remedy: str

    def error(self, repository: str) -> AirvecError:
        """The exception to raise."""
        return self.kind(f"{repository}: {self.found}. {self.remedy}")


def explain(error: Exception, asked: Asked) -> Problem:
    """What an error of the client, of the HTTP library below it, or of the disk means."""
    chain = _chain(error)
    names = {type(link).__name__ for link in chain}
    status = status_of(error)
    if "HFValidationError" in names:
        return Problem(ModelNotFoundError, f"not a name that a repository can have ({_line(error)})", "Correct it.")
    if "LocalTokenNotFoundError" in names:
        return Problem(ArgumentError, "token=True, but no token is saved here", f"Run hf auth login, or {LOG_IN}.")
    if status is not None:
        return _refused(status, names, asked)
    if isinstance(error, OSError) and error.errno in FULL + READ_ONLY:
        return _disk(error, asked.cache)
    if asked.file is None:
        return Problem(
            DownloadError,
            f"the Hub cannot be reached at {asked.endpoint} ({_cause(chain)})",
            "Check the network, and HTTPS_PROXY and HF_ENDPOINT if you set them; or give a local folder's path.",
        )
    lengths = LENGTHS.search(str(error))
    found = (
        f"{asked.file} came with {lengths[2]} bytes, expected {lengths[1]}"
        if lengths
        else f"the download of {asked.file} broke off ({_cause(chain)})"
    )
    return Problem(DownloadError, found, "Load the model again: files that are whole are kept.")


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an error, or what caused it, is about; None where it is about none."""
    for link in _chain(error):
        status = getattr(getattr(link, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
    return None


def _refused(status: int, names: set[str], asked: Asked) -> Problem:
    what = f"the Hub answers {status}" + (f" for {asked.file}" if asked.file else "")
    if "RevisionNotFoundError" in names:
        found = f"no revision {asked.revision!r} on the Hub ({status}), expected a branch, a tag or a commit"
        return Problem(ModelNotFoundError, found, "Correct revision=….")
    if status in (401, 403) or "GatedRepoError" in names:
        remedy = f"If the name is right, {LOG_IN}, of a user who has access: accept a gated model's terms on its page."
        return Problem(ModelNotFoundError, f"{what}: a private or gated model, or no such one", remedy)
    if status == 404:
        remedy = f"Check the name, or give a local folder's path; for a private model {LOG_IN}."
        return Problem(ModelNotFoundError, f"{what}: no such model", remedy)
    if status == BUSY:
        return Problem(DownloadError, f"{what}: too many requests", f"Wait some minutes; or {LOG_IN}: it allows more.")
    if status >= DOWN:
        return Problem(
            DownloadError, f"{what}, again and again: it is down", "Try later, or give a local folder's path."
        )
    return Problem(DownloadError, f"{what}, expected 200", "Check the name and HF_ENDPOINT.")


def _disk(error: OSError, cache: Path) -> Problem:
    if error.errno in FULL:
        return Problem(DownloadError, f"no space left in {cache} ({error.strerror})", f"Free some, or {OTHER_FOLDER}.")
    return Problem(
        DownloadError, f"cannot write to the cache {cache} ({error.strerror})", f"Allow it, or {OTHER_FOLDER}."
    )


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in found:
        found.append(link)
        link = link.__cause__ or link.__context__
    return found


def _cause(chain: list[BaseException]) -> str:
    """The first link that is no mere "not in the cache": what really happened."""
    link = next((link for link in chain if "LocalEntryNotFound" not in type(link).__name__), chain[0])
    return f"{type(link).__name__}: {_line(link)}"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")
