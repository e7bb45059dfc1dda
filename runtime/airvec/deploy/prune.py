"""Which files of NumPy, ONNX Runtime and tokenizers are never loaded by airvec, each with the reason.

Every public name of NumPy stays, for handlers of one's own, but for packages that a caller leaves out whole: a Lambda
layer leaves out UNUSED_NUMPY unless --whole-numpy keeps it, and signposts in its place say so.
libonnxruntime_providers_shared (15 kB) stays: without it ONNX Runtime warns on stderr each time it is imported.
Knows nothing of how the packages were fetched.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from airvec.deploy.old_numpy import modules_needed
from airvec.deploy.signpost import put_signpost


@dataclass(frozen=True)
class Rule:
    """Files that are left out.

    Args:
        package: the package that they belong to, by the name of its wheel.
        glob: their path below the package folder; `*` stands for any characters, `/` among them.
        reason: why nothing misses them.
        systems: where the package has such files.
    """

    package: str
    glob: str
    reason: str
    systems: tuple[str, ...] = ("linux", "macos", "windows")


@dataclass(frozen=True)
class Pruned:
    """What was left out: a rule, the number of files and their bytes."""

    rule: Rule
    files: int
    size: int


# ONNX Runtime's own module holds all of it: its NEEDED entries name libc, libm, libstdc++ and the like, and none of the
# libraries beside it (readelf -d, otool -L and the import table of 1.31.1: Linux x86_64 and aarch64, macOS, Windows).
_SECOND_COPY = (
    "the C library for other languages; the Python module has its own copy inside, and does not link this one"
)
RULES = (
    Rule("numpy", "numpy/tests/*", "NumPy's own tests"),
    Rule("numpy", "numpy/*/tests/*", "NumPy's own tests"),
    Rule("numpy", "numpy/conftest.py", "set-up of NumPy's own tests"),
    Rule("numpy", "numpy/_core/*_tests.*", "modules for NumPy's own tests"),
    Rule("numpy", "numpy/_core/_simd.*", "a module for NumPy's own tests"),
    Rule("numpy", "numpy/f2py/src/*", "C sources, for compilers"),
    Rule("numpy", "numpy/*.pyi", "types, for editors"),
    Rule("numpy", "numpy/*.pxd", "declarations, for Cython"),
    Rule("numpy", "numpy/_core/include/*", "headers, for C compilers"),
    Rule("numpy", "numpy/_core/lib/*", "a static library, for linkers"),
    Rule("numpy", "numpy/random/lib/*", "a static library, for linkers"),
    Rule("numpy", "numpy/random/_examples/*", "examples"),
    Rule("numpy", "numpy/_pyinstaller/*", "a hook for PyInstaller"),
    Rule("onnxruntime", "onnxruntime/capi/libonnxruntime.so*", _SECOND_COPY, ("linux",)),
    Rule("onnxruntime", "onnxruntime/capi/libonnxruntime.*dylib", _SECOND_COPY, ("macos",)),
    Rule("onnxruntime", "onnxruntime/capi/onnxruntime.dll", _SECOND_COPY, ("windows",)),
    Rule("onnxruntime", "onnxruntime/transformers/*", "optimises graphs, when they are made"),
    Rule("onnxruntime", "onnxruntime/quantization/*", "makes int8 graphs, when they are made"),
    Rule("onnxruntime", "onnxruntime/tools/*", "programs for developers"),
    Rule("onnxruntime", "onnxruntime/datasets/*", "example models"),
    Rule("onnxruntime", "onnxruntime/backend/*", "the interface of the package onnx"),
    Rule("tokenizers", "tokenizers/tools/*", "draws tokens in notebooks"),
    Rule("tokenizers", "tokenizers/*.pyi", "types, for editors"),
    Rule("numpy", "numpy-*.dist-info/*", "pip's records; METADATA and licences stay"),
    Rule("onnxruntime", "onnxruntime-*.dist-info/*", "pip's records; METADATA and licences stay"),
    Rule("tokenizers", "tokenizers-*.dist-info/*", "pip's records; METADATA and licences stay"),
)
# 1.6 MB zipped. Neither airvec, ONNX Runtime and tokenizers nor the rest of NumPy (2.0 to 2.5) load them: they are
# imported once they are named. `from numpy import *` names them all, and so does numpy.matlib, which starts with it.
UNUSED_NUMPY = ("numpy.random", "numpy.fft", "numpy.f2py")
_LICENCE_WORDS = ("licen", "copying", "notice", "authors")


def prune(
    folder: Path, packages: tuple[str, ...], system: str, without: tuple[str, ...] = ()
) -> tuple[list[Pruned], list[str]]:
    """Delete what the rules name.

    Args:
        folder: where the packages were unpacked.
        packages: those that were; the others' rules do not apply.
        system: the target's system.
        without: packages inside of these to leave out whole but for licences, as they are imported: see UNUSED_NUMPY.

    Returns:
        What was deleted, and notes: each rule that matched nothing, since the package has changed since it was
        written, and what was left out whole.
    """
    whole = {_whole(name): name for name in without}
    rules = [rule for rule in (*RULES, *whole) if rule.package in packages and system in rule.systems]
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    for glob in modules_needed(folder):
        paths = {name: path for name, path in paths.items() if not fnmatchcase(name, glob)}
    pruned: list[Pruned] = []
    for rule in rules:
        names = [name for name in paths if fnmatchcase(name, rule.glob) and not _is_kept(name)]
        files = [paths.pop(name) for name in names]
        pruned.append(Pruned(rule, len(files), sum(path.stat().st_size for path in files)))
        for path in files:
            path.unlink()
    _remove_empty_folders(folder)
    notes = [f"the rule {one.rule.glob} ({one.rule.reason}) matched no file" for one in pruned if not one.files]
    left_out = [whole[one.rule] for one in pruned if one.files and one.rule in whole]
    for name in left_out:
        put_signpost(folder, name)
    if left_out:
        notes.append(f"left out, since airvec never loads them: {', '.join(left_out)} (--whole-numpy keeps them)")
    return pruned, notes


def _whole(name: str) -> Rule:
    """The rule for a package that is left out whole."""
    return Rule(name.partition(".")[0], f"{name.replace('.', '/')}/*", "never loaded by airvec")


def _is_kept(name: str) -> bool:
    """Whether it is a licence text, or the METADATA from which importlib.metadata reads a package's version."""
    parts = name.lower().split("/")
    in_records = parts[0].endswith(".dist-info")
    return (
        any(word in parts[-1] for word in _LICENCE_WORDS)
        or (in_records and parts[-1] == "metadata")
        or (in_records and parts[1] == "licenses")
    )


def _remove_empty_folders(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
