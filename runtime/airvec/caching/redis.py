"""A store in Redis, or in what speaks as it does (Valkey, KeyDB).

Knows nothing of models and of what the bytes mean.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from airvec.checks import whole_number
from airvec.errors import ArgumentError, StoreError, require

ROWS_AT_ONCE = 1000


class RedisStore:
    """Keeps rows on a Redis server; safe for threads, processes and machines.

    Args:
        url: such as `"redis://localhost:6379/0"`; or a `redis.Redis` that was made already, with
            `decode_responses=False`.
        prefix: in front of the keys.
        seconds: until a row is forgotten; None = as the server's own policy says.

    Raises:
        MissingPackageError: the package redis is not installed.
        ArgumentError: a URL that is none, or `seconds` is no whole number of at least 1.
    """

    def __init__(
        self, url: Any = "redis://localhost:6379/0", *, prefix: str = "airvec:", seconds: int | None = None
    ) -> None:
        require("redis", "redis", "RedisStore")
        import redis

        connect: Any = getattr(redis.Redis, "from_url")  # noqa: B009  (its hints are incomplete)
        try:
            self._client: Any = connect(url) if isinstance(url, str) else url
        except ValueError as error:
            raise ArgumentError(f"url: {url!r} ({error}), expected redis://host:port/number. Correct it.") from error
        self._error = redis.RedisError
        self._prefix = prefix.encode()
        self._seconds = None if seconds is None else whole_number("seconds", seconds)

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """What is kept under each key.

        Raises:
            StoreError: the server does not answer.
        """
        found: list[bytes | None] = []
        try:
            for start in range(0, len(keys), ROWS_AT_ONCE):
                found += self._client.mget([self._prefix + key for key in keys[start : start + ROWS_AT_ONCE]])
        except self._error as error:
            raise self._failed(error) from error
        return found

    def put(self, rows: Mapping[bytes, bytes]) -> None:
        """Keep rows.

        Raises:
            StoreError: the server does not answer, or is full and may forget nothing.
        """
        items = list(rows.items())
        try:
            for start in range(0, len(items), ROWS_AT_ONCE):
                with self._client.pipeline(transaction=False) as pipe:
                    for key, row in items[start : start + ROWS_AT_ONCE]:
                        pipe.set(self._prefix + key, row, ex=self._seconds)
                    pipe.execute()
        except self._error as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Close the connections; the next call opens others."""
        self._client.close()

    def _failed(self, error: Exception) -> StoreError:
        return StoreError(
            f"RedisStore: {error}, expected a server that answers. Start it, or correct the address; "
            'CachedModel(…, on_error="warn") goes on without it.'
        )
