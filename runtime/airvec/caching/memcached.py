"""A store in Memcached.

Knows nothing of models and of what the bytes mean.
"""

import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from airvec.checks import whole_number
from airvec.errors import AirvecWarning, ArgumentError, StoreError, require

LARGEST = 1_000_000  # bytes of a row that a server takes unless it was started with -I
ROWS_AT_ONCE = 1000
PREFIX = 180  # characters; a name has 64 more, and 250 at most
MONTH = 30 * 24 * 3600  # seconds; the protocol takes larger numbers for a date: seconds since 1970


class MemcachedStore:
    """Keeps rows on a Memcached server, which forgets the ones not used for longest; safe for threads.

    Args:
        address: `"host:port"`, or `"unix:/path"`; or a client of pymemcache that was made already.
        prefix: in front of the keys.
        seconds: until a row is forgotten; None = as the server has room.
        largest: bytes of a row at most, as the server was started with (`-I`). Longer ones are not kept, and told.

    Raises:
        MissingPackageError: the package pymemcache is not installed.
        ArgumentError: an address that is none, numbers below 1, or a prefix with white space or control characters.
    """

    def __init__(
        self,
        address: Any = "localhost:11211",
        *,
        prefix: str = "airvec:",
        seconds: int | None = None,
        largest: int = LARGEST,
    ) -> None:
        require("pymemcache", "memcached", "MemcachedStore")
        from pymemcache.client.base import PooledClient  # pyright: ignore[reportMissingTypeStubs]
        from pymemcache.exceptions import MemcacheError  # pyright: ignore[reportMissingTypeStubs]

        self._client: Any = (
            PooledClient(_server(address), timeout=5, connect_timeout=5) if isinstance(address, str) else address
        )
        self._errors = (MemcacheError, OSError)
        self._prefix = _checked_prefix(prefix)
        self._seconds = 0 if seconds is None else whole_number("seconds", seconds)
        self._largest = whole_number("largest", largest)

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """What is kept under each key.

        Raises:
            StoreError: the server does not answer.
        """
        names = [self._name(key) for key in keys]
        found: dict[str, bytes] = {}
        try:
            for start in range(0, len(names), ROWS_AT_ONCE):
                found |= self._client.get_many(names[start : start + ROWS_AT_ONCE])
        except self._errors as error:
            raise self._failed(error) from error
        return [found.get(name) for name in names]

    def put(self, rows: Mapping[bytes, bytes]) -> None:
        """Keep rows.

        Raises:
            StoreError: the server does not answer, or refuses a row.
        """
        kept = {self._name(key): row for key, row in rows.items() if len(row) <= self._largest}
        if len(kept) < len(rows):
            longest = max(map(len, rows.values()))
            warnings.warn(
                f"MemcachedStore: {len(rows) - len(kept)} rows of up to {longest:,} bytes are not kept, expected at "
                f"most {self._largest:,}. Start the server with -I, and give largest=….",
                AirvecWarning,
                stacklevel=2,
            )
        items, failed = list(kept.items()), list[str]()
        try:
            for start in range(0, len(items), ROWS_AT_ONCE):
                part = dict(items[start : start + ROWS_AT_ONCE])
                failed += self._client.set_many(part, expire=self._expiry(), noreply=False)
        except self._errors as error:
            raise self._failed(error) from error
        if failed:
            raise StoreError(
                f"MemcachedStore: the server refused {len(failed)} of {len(kept)} rows. Give it memory (-m)."
            )

    def close(self) -> None:
        """Close the connections; the next call opens others."""
        self._client.close()

    def _expiry(self) -> int:
        return self._seconds if self._seconds <= MONTH else int(time.time()) + self._seconds

    def _name(self, key: bytes) -> str:
        return f"{self._prefix}{key.hex()}"  # no spaces and control characters are allowed

    def _failed(self, error: Exception) -> StoreError:
        return StoreError(
            f"MemcachedStore: {error or type(error).__name__}, expected a server that answers. Start it, or correct "
            'the address; CachedModel(…, on_error="warn") goes on without it.'
        )


def _server(address: str) -> Any:
    if address.startswith("unix:"):
        return address
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ArgumentError(f'address: {address!r}, expected "host:port" or "unix:/path". Correct it.')
    return host.strip("[]"), int(port)


def _checked_prefix(prefix: object) -> str:
    if isinstance(prefix, str) and len(prefix) <= PREFIX and all("!" <= one <= "~" for one in prefix):
        return prefix
    raise ArgumentError(
        f"prefix: {prefix!r}, expected at most {PREFIX} ASCII letters, digits and signs, without white space. Correct "
        "it: the protocol takes no others."
    )
