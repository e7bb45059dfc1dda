"""Where and how to look for a model on the Hub.

Knows nothing of the network: what opens a model from a folder reads this, and not the client.
"""

from typing import NamedTuple


class HubOptions(NamedTuple):
    """Where and how to look: the reference's arguments of the same names."""

    cache_folder: str | None = None
    revision: str | None = None
    local_files_only: bool = False
    token: bool | str | None = None
