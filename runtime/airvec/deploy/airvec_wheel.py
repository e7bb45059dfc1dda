"""The airvec that runs here → a wheel, by the standard library alone: what a wheelhouse lacks to be complete.

Knows nothing of the other packages.
"""

import csv
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from importlib import metadata
from io import StringIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import airvec
from airvec.deploy.wheels import REQUIREMENTS

SOURCES = Path(airvec.__file__).parent
# The time of every file in it: the oldest that a zip can say, so that the same sources give the same bytes.
TIME = (1980, 1, 1, 0, 0, 0)
WHEEL = "Wheel-Version: 1.0\nGenerator: airvec {version}\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ENTRY_POINTS = "[console_scripts]\nairvec = airvec.cli.main:main\n"


def write_airvec_wheel(folder: Path) -> Path:
    """Write `airvec-VERSION-py3-none-any.whl`: the runtime with its sources and its default model, not the exporter.

    Source: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
    """
    path = folder / f"airvec-{airvec.__version__}-py3-none-any.whl"
    records = f"airvec-{airvec.__version__}.dist-info"
    listed: list[tuple[str, str, int | str]] = []
    with ZipFile(path, "w", ZIP_DEFLATED) as wheel:
        for name, content in _files(records):
            entry = ZipInfo(name, TIME)
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, content, ZIP_DEFLATED)
            digest = urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()
            listed.append((name, f"sha256={digest}", len(content)))
        record = StringIO()
        csv.writer(record, lineterminator="\n").writerows([*listed, (f"{records}/RECORD", "", "")])
        entry = ZipInfo(f"{records}/RECORD", TIME)
        entry.external_attr = 0o644 << 16
        wheel.writestr(entry, record.getvalue(), ZIP_DEFLATED)
    return path


def _files(records: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents: the sources in order, then the records, as the specification recommends."""
    for path in sorted(SOURCES.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield f"airvec/{path.relative_to(SOURCES).as_posix()}", path.read_bytes()
    licence = _licence()
    if licence is not None:
        yield f"{records}/licenses/LICENSE", licence.encode()
    yield f"{records}/METADATA", runtime_metadata().encode()
    yield f"{records}/WHEEL", WHEEL.format(version=airvec.__version__).encode()
    yield f"{records}/entry_points.txt", ENTRY_POINTS.encode()


def runtime_metadata() -> str:
    """METADATA of the runtime alone, whether this airvec was installed or is a checkout."""
    lines = [
        "Metadata-Version: 2.4",
        "Name: airvec",
        f"Version: {airvec.__version__}",
        "Summary: Sentence embeddings without torch. This wheel, made by airvec package, holds the runtime alone.",
        "License-Expression: Apache-2.0",
        "Requires-Python: >=3.11",
        *(f"Requires-Dist: {requirement}" for requirement in REQUIREMENTS.values()),
    ]
    return "\n".join(lines) + "\n"


def _licence() -> str | None:
    """The text of airvec's licence, where airvec was installed rather than put on PYTHONPATH."""
    try:
        return metadata.distribution("airvec").read_text("licenses/LICENSE")
    except metadata.PackageNotFoundError:
        return None
