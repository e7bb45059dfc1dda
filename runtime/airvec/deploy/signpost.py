"""What stands in the place of a package that was left out of a layer: an error that says so, and what to do.

Knows nothing of which packages these are.
"""

from pathlib import Path

# An ImportError, which code that can do without the package expects, and whose text Lambda shows for a handler.
_SIGNPOST = """raise ImportError(
    "{name} was left out of this layer, since airvec never loads it. For code that needs it, as `from numpy import *` "
    "does, run airvec package lambda with --whole-numpy.",
    name="{name}",
)
"""


def put_signpost(folder: Path, name: str) -> None:
    """Make a package whose import fails with what to do about it.

    Args:
        folder: where the packages were unpacked.
        name: the package that was left out, as it is imported: numpy.random.
    """
    package = folder.joinpath(*name.split("."))
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text(_SIGNPOST.format(name=name), encoding="utf-8", newline="\n")
