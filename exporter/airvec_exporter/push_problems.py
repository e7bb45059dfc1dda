"""Why a push failed, in one line with what to do: the Hub client's errors → ours.

Knows nothing of what is pushed.
"""

from airvec.errors import AirvecError, ArgumentError
from airvec.hub.problems import BUSY, DOWN, LOG_IN, status_of
from airvec_exporter.errors import PushError

KEPT = "The folder here is as it was: push it again."
# HTTP status → what was found, what to do.
REFUSALS = {
    400: ("it does not take the commit", "Correct what it names."),
    401: ("no token, or one that it does not know", f"Run hf auth login, or {LOG_IN}."),
    403: ("this token may not write there", "Use one that may, of the name's owner; or pass create_pr=True."),
    404: ("no such repository, owner or branch", f"Check name and revision; if they are right, {LOG_IN}."),
    409: ("someone else changes it at this moment, or it holds no models", "Wait a moment, or choose another name."),
    413: ("too large", "Leave the weights out with --no-weights, or push fewer variants."),
    BUSY: ("too many requests", "Wait some minutes."),
}
# The client's errors from before anything was sent, by their names.
UNSENT = {
    "LocalTokenNotFoundError": ("no token is saved here", f"Run hf auth login, or {LOG_IN}."),
    "OfflineModeIsEnabled": ("HF_HUB_OFFLINE is set, so that nothing can be pushed", "Unset it."),
}


def explain(error: Exception, name: str, endpoint: str) -> AirvecError:
    """Our error for one of the client, of the HTTP library below it, or of the disk.

    Args:
        error: what was raised.
        name: the repository.
        endpoint: the Hub's address.
    """
    if "HFValidationError" in _names(error):
        return ArgumentError(f"{name}: not a name that a repository can have ({_line(error)}). Correct it.")
    found, remedy = _answer(error) or _here(error, endpoint)
    return PushError(f"{name}: {found}. {remedy} {KEPT}")


def _answer(error: Exception) -> tuple[str, str] | None:
    """What the Hub answered; None where it did not."""
    status = status_of(error)
    if status is None:
        return None
    usual = ("it is down", "Try later.") if status >= DOWN else ("expected 200", "Check the name and HF_ENDPOINT.")
    found, remedy = REFUSALS.get(status, usual)
    said = " ".join(str(getattr(error, "server_message", "") or "").split()).rstrip(".")
    return f"the Hub answers {status}: {found}" + (f" ({said})" if said else ""), remedy


def _here(error: Exception, endpoint: str) -> tuple[str, str]:
    """What went wrong on this side, or in between."""
    known = [UNSENT[name] for name in _names(error) if name in UNSENT]
    if known:
        return known[0]
    if isinstance(error, ValueError):
        return f"the Hub's client refuses it ({_line(error)})", "Correct what it names."
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be read ({error.strerror})", "Check the disk."
    cause = f"{type(error).__name__}: {_line(error)}"
    remedy = "Check the network, and HTTPS_PROXY and HF_ENDPOINT if you set them."
    return f"the Hub cannot be reached at {endpoint} ({cause})", remedy


def _names(error: Exception) -> list[str]:
    return [type(link).__name__ for link in (error, error.__cause__, error.__context__) if link is not None]


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
