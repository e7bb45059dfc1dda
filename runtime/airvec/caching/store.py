"""What keeps rows: bytes by key. A class of one's own with these two methods is a store.

Knows nothing of models and of what the bytes mean.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Store(Protocol):
    """Bytes by keys of 32 bytes. A store may forget; it may not give what was kept under another key."""

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """What is kept under each key, None where nothing is.

        Raises:
            StoreError: the store cannot be read.
        """
        ...

    def put(self, rows: Mapping[bytes, bytes]) -> None:
        """Keep rows by their keys.

        Raises:
            StoreError: the store cannot be written.
        """
        ...
