"""`StoredTexts`: many texts as one block of UTF-8 and the place where each begins, in memory or on disk.

Opened from disk, a text is read when it is asked for; a million texts are two files and no objects.
Knows nothing of what the texts are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from airvec.array_file import read_array
from airvec.arrays import Array, Integers
from airvec.errors import InputError, ModelFolderError


@dataclass(frozen=True)
class StoredTexts:
    """n texts: text i is the bytes from `starts[i]` to `starts[i + 1]`, `starts` being int64 (n + 1,)."""

    data: Array
    starts: Integers
    name: str = "texts"

    @classmethod
    def of(cls, texts: Sequence[str], name: str = "texts") -> Self:
        """Store texts.

        Raises:
            InputError: one holds half of a surrogate pair, which UTF-8 cannot.
        """
        pieces = [_encoded(text, place, name) for place, text in enumerate(texts)]
        starts = np.zeros(len(pieces) + 1, np.int64)
        np.cumsum([len(piece) for piece in pieces], out=starts[1:])
        return cls(np.frombuffer(b"".join(pieces), np.uint8), starts, name)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __iter__(self) -> Iterator[str]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, row: int) -> str:
        """The text of a row from 0.

        Raises:
            ModelFolderError: the bytes on disk are not what was written.
        """
        try:
            return self.data[self.starts[row] : self.starts[row + 1]].tobytes().decode()
        except UnicodeDecodeError as error:
            raise ModelFolderError(f"{self.name}: text {row} is no UTF-8 ({error.reason}). Write it again.") from error

    @property
    def nbytes(self) -> int:
        """Bytes of texts and places."""
        return self.data.nbytes + self.starts.nbytes

    def save(self, folder: Path) -> None:
        """Write `NAME.npy` and `NAME_starts.npy` into a folder that is there."""
        np.save(folder / f"{self.name}.npy", self.data, allow_pickle=False)
        np.save(folder / f"{self.name}_starts.npy", self.starts, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, name: str = "texts") -> Self:
        """Open what `save` wrote; texts stay on disk.

        Raises:
            ModelNotFoundError: a file is missing.
            ModelFolderError: a file is damaged, or the two do not fit.
        """
        data = read_array(folder / f"{name}.npy", np.uint8, mmap=True)
        starts = read_array(folder / f"{name}_starts.npy", np.int64, mmap=True)
        if not len(starts) or starts[0] != 0 or starts[-1] != len(data):
            ends = int(starts[-1]) if len(starts) else None
            raise ModelFolderError(
                f"{folder.name}/{name}_starts.npy: ends at {ends}, expected {len(data)}, the bytes of {name}.npy. "
                "Write both again."
            )
        return cls(data, starts, name)


def _encoded(text: str, place: int, name: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{name}: item {place} holds {text[error.start]!r}, half of a surrogate pair, expected Unicode. Mend it."
        ) from None
