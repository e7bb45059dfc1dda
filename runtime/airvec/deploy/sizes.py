"""How large a package is, part by part, and the limits of AWS Lambda.

Knows nothing of how a package is made.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from zipfile import ZipFile

# Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 250 MB for a function and its layers
# together, 50 MB for a zip that is uploaded directly; both count 2^20 bytes a MB, as Lambda's own errors say them.
UNZIPPED_LIMIT = 250 * 2**20
DIRECT_UPLOAD_LIMIT = 50 * 2**20
MB = 1e6
_PACKAGES = ("numpy", "onnxruntime", "tokenizers", "airvec")
_REST = "the rest"


@dataclass(frozen=True)
class Part:
    """One part of a package: its files' bytes, and what they take in the zip."""

    name: str
    unzipped: int
    zipped: int


def parts_of(files: Iterable[tuple[str, int, int]]) -> list[Part]:
    """Sum files up by part, the largest first.

    Args:
        files: path in the package, bytes, bytes in the zip; 0 while there is no zip.

    >>> parts_of([("python/numpy.libs/a.so", 9, 5), ("python/numpy/b.pyc", 1, 1), ("model/config.json", 2, 1)])
    [Part(name='numpy', unzipped=10, zipped=6), Part(name='model', unzipped=2, zipped=1)]
    """
    sums: dict[str, tuple[int, int]] = {}
    for path, unzipped, zipped in files:
        name = _part(PurePosixPath(path).parts)
        before = sums.get(name, (0, 0))
        sums[name] = before[0] + unzipped, before[1] + zipped
    return sorted((Part(name, *both) for name, both in sums.items()), key=lambda part: (-part.unzipped, part.name))


def _part(parts: tuple[str, ...]) -> str:
    """`numpy` for numpy/, numpy.libs/ and numpy-2.3.0.dist-info/; another top folder by its own name."""
    if parts[0] != "python":
        return parts[0] if len(parts) > 1 else _REST
    if parts[1:3] == ("airvec", "default_model"):
        return "default model"
    return next((name for name in _PACKAGES if parts[1].partition(".")[0].partition("-")[0] == name), _REST)


def zip_parts(archive: ZipFile) -> list[Part]:
    """The parts of a zip."""
    return parts_of((entry.filename, entry.file_size, entry.compress_size) for entry in archive.infolist())


def total(parts: Iterable[Part]) -> Part:
    """All parts as one."""
    found = list(parts)
    return Part("total", sum(part.unzipped for part in found), sum(part.zipped for part in found))


def megabytes(size: int) -> str:
    """Bytes for a reader: `"85.9 MB"`, of 10^6 bytes each."""
    return f"{size / MB:.1f} MB"
