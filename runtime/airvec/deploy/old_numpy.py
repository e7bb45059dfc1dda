"""What old versions of NumPy need of that which packages leave out of newer ones: test modules and docstrings.

Knows nothing of how it is kept.
"""

from importlib import metadata
from pathlib import Path

# Paths below the folder of the packages → the last version that needs them. `import numpy` describes this module:
_TEST_MODULES = {
    "numpy/_core/_multiarray_tests.*": (2, 0),
    # numpy.testing takes a stand-in for pandas' NA from the tests:
    "numpy/_core/tests/_natype.py": (2, 2),
}
# Its docstrings are handed to functions in C, which take no None for one.
_DOCSTRINGS = {"numpy/_core/multiarray.py": (2, 3)}


def modules_needed(folder: Path) -> tuple[str, ...]:
    """Globs of modules for NumPy's own tests that the NumPy in a folder of packages loads all the same."""
    return tuple(glob for glob, last in _TEST_MODULES.items() if _numpy(folder) <= last)


def docstrings_needed(folder: Path) -> tuple[str, ...]:
    """Sources that the NumPy in a folder of packages does not run without their docstrings."""
    return tuple(name for name, last in _DOCSTRINGS.items() if _numpy(folder) <= last)


def _numpy(folder: Path) -> tuple[int, ...]:
    """The version as (major, minor)."""
    found = next(iter(metadata.distributions(name="numpy", path=[str(folder)])))
    return tuple(map(int, found.version.split(".")[:2]))
