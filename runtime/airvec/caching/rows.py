"""One text's answer ↔ bytes, with a checksum: a row that a disk or a server damaged is computed again.

Knows nothing of stores and of models.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from airvec.errors import ArgumentError
from airvec.sparse_vectors import SparseVectors

CHECKSUM = 4  # bytes in front of a row


class Form(NamedTuple):
    """How answers become rows and rows an answer.

    Args:
        packed: an answer to n texts -> n rows.
        joined: n rows -> the answer; n is 1 or more.
        width: a row -> how many numbers an answer of its model has.
    """

    packed: Callable[[Any], list[bytes]]
    joined: Callable[[Sequence[bytes]], Any]
    width: Callable[[bytes], int]


def sealed(row: bytes) -> bytes:
    """A row with its checksum."""
    return crc32(row).to_bytes(CHECKSUM, "little") + row


def opened(kept: bytes | None) -> bytes | None:
    """The row; None where nothing is kept, or something that is damaged."""
    if kept is None or len(kept) < CHECKSUM:
        return None
    row = kept[CHECKSUM:]
    return row if crc32(row).to_bytes(CHECKSUM, "little") == kept[:CHECKSUM] else None


def _packed_dense(answer: Any) -> list[bytes]:
    return [row.tobytes() for row in np.asarray(answer, "<f4")]


def _joined_dense(rows: Sequence[bytes]) -> Any:
    _expect_one_width(set(map(_dense_width, rows)))
    return np.frombuffer(b"".join(rows), "<f4").astype(np.float32).reshape(len(rows), -1)


def _packed_sparse(answer: Any) -> list[bytes]:
    """The width of the vocabulary, then indices, then weights."""
    width = np.array([answer.shape[1]], "<i4").tobytes()
    rows = [answer[place] for place in range(len(answer))]
    return [width + row.indices.astype("<i4").tobytes() + row.values.astype("<f4").tobytes() for row in rows]


def _joined_sparse(rows: Sequence[bytes]) -> Any:
    words = [np.frombuffer(row, "<i4") for row in rows]
    _expect_one_width(set(map(_sparse_width, rows)))
    counts = np.array([(len(row) - 1) // 2 for row in words], np.int64)
    indices = np.concatenate([row[1 : 1 + count] for row, count in zip(words, counts, strict=True)])
    values = np.concatenate([row[1 + count :] for row, count in zip(words, counts, strict=True)]).view("<f4")
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return SparseVectors(indices.astype(np.int32), values.astype(np.float32), starts, int(words[0][0]))


def _expect_one_width(widths: set[int]) -> None:
    if len(widths) > 1:
        raise ArgumentError(
            f"CachedModel: answers of {' and '.join(map(str, sorted(widths)))} numbers in one call, expected one "
            "width. Change a model's settings between calls, or give a model of another library another identity."
        )


def _dense_width(row: bytes) -> int:
    return len(row) // 4


def _sparse_width(row: bytes) -> int:
    return int.from_bytes(row[:4], "little")


DENSE = Form(_packed_dense, _joined_dense, _dense_width)
SPARSE = Form(_packed_sparse, _joined_sparse, _sparse_width)
