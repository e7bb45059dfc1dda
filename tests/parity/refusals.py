"""Models with code of their own: the exporter refuses each, and names the code."""

from pathlib import Path

from airvec.errors import AirvecError
from airvec_exporter import export
from tests.parity.matrix import FAILED, REFUSED, Outcome
from tests.tiny.remote_families import REMOTE


def refusals(scratch: Path) -> dict[str, Outcome]:
    """What becomes of every such model."""
    return {name: refusal(name, scratch / name) for name in REMOTE}


def refusal(name: str, scratch: Path) -> Outcome:
    """Refused, where the message names the class or module that would have to be run."""
    build, code = REMOTE[name]
    made = build(scratch / name)
    try:
        export(made, scratch / "out", show_progress_bar=False)
    except AirvecError as error:
        said = str(error)
        return Outcome(REFUSED if code in said else FAILED, reason=said)
    return Outcome(FAILED, reason="was exported")
