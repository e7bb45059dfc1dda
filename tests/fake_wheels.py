"""Makes wheels of a few bytes under the names of airvec's dependencies, and points pip at them and at nothing else."""

from pathlib import Path
from zipfile import ZipFile

import pytest

VERSIONS = {"numpy": "9.1.0", "onnxruntime": "9.2.0", "tokenizers": "9.3.0"}
FILES = {
    "numpy": {
        "numpy/__init__.py": "def fail():\n    raise ValueError\n",
        "numpy/__init__.pyi": "",
        "numpy/tests/test_it.py": "",
        "numpy/lib/tests/test_it.py": "",
        "numpy/LICENSE.txt": "mine",
        "numpy/random/__init__.py": "",
        "numpy/random/LICENSE.md": "theirs",
        "numpy/random/lib/libnpyrandom.a": "a library",
        "numpy/random/mtrand.so": "mtrand",
        "numpy/fft/__init__.py": "",
        "numpy.libs/libblas.so": "blas" * 100,
    },
    "onnxruntime": {
        "onnxruntime/__init__.py": "",
        "onnxruntime/ThirdPartyNotices.txt": "theirs",
        "onnxruntime/capi/libonnxruntime.so.9.2": "a second copy",
        "onnxruntime/capi/state.so": "the module",
        "onnxruntime/tools/check.py": "",
    },
    "tokenizers": {"tokenizers/__init__.py": "", "tokenizers/tools/draw.py": ""},
}


def wheel(folder: Path, name: str, version: str = "9.0.0", tag: str = "py3-none-any", files=None) -> Path:
    """Write one wheel: its files' names → texts."""
    records = f"{name}-{version}.dist-info"
    texts = {
        f"{records}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{records}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{records}/RECORD": "",
        f"{records}/licenses/LICENSE": f"licence of {name}",
        **(files or {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    with ZipFile(path, "w") as archive:
        for place, text in texts.items():
            archive.writestr(place, text)
    return path


def offline(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a wheel of each dependency, which is all that pip knows for the rest of the test."""
    for name, version in VERSIONS.items():
        wheel(folder, name, version, files=FILES[name])
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder
