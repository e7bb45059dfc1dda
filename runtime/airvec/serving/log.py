"""The log: a line of JSON on standard output for each request, without texts.

Knows nothing of requests.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

from airvec.errors import ArgumentError

SHOWN = 128  # characters of what a client says, such as the id of its request


def wants_log(environment: Mapping[str, str]) -> bool:
    """What `AIRVEC_LOG` says; on where it says nothing.

    Raises:
        ArgumentError: neither on nor off.
    """
    stated = environment.get("AIRVEC_LOG", "")
    if stated not in ("", "on", "off"):
        raise ArgumentError(f"AIRVEC_LOG: {stated!r:.60}, expected on or off. Correct or unset it.")
    return stated != "off"


def write_line(line: Mapping[str, Any]) -> None:
    """Write a line at once and in one piece, as threads may write beside each other."""
    sys.stdout.write(json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n")
    sys.stdout.flush()
