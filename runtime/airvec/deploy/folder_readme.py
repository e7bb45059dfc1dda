"""README.txt of a folder package: how to use it, what machine it needs, and what takes how much.

Knows nothing of how the folder was made.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from airvec import __version__
from airvec.deploy.contents import PackedContents
from airvec.deploy.target import Target
from airvec.deploy.tree import Staged
from airvec.deploy.wheels import Wheel
from airvec.folder import DENSE, RERANKER, SPARSE

TEXT = """\
airvec {version} for Python {python} on {platform}
{rule}

Nothing needs to be installed, and nothing asks the network. The folder may be moved, and its name may hold spaces.
It needs {machine}.

From here, or by its full path from anywhere:

    {command}

In a program of yours, without installing:

    {program}

The same with -m airvec.http_server in place of program.py answers JSON over HTTP on port 8080 (AIRVEC_PORT), for every
machine that reaches this one unless AIRVEC_HOST=127.0.0.1 is set: POST /encode {{"texts": ["a small boat"]}}.

{installing}
{model}

What takes how much, in MB (1,000,000 bytes):

{sizes}
"""
INSTALLING = """\
In an environment of yours (--no-deps: tokenizers names huggingface_hub, which nothing here needs):

    pip install --no-index --no-deps --find-links wheelhouse {names}
"""
PROGRAM = "PYTHONPATH=$PWD/lib python{} program.py"
# In quotes, or the blank before && becomes a part of the path.
WINDOWS_PROGRAM = 'set "PYTHONPATH=%CD%\\lib" && py -{} program.py'
COMMANDS = {
    DENSE: 'encode "a small boat"',
    SPARSE: 'explain "a boat" "a small boat"',
    RERANKER: 'rerank "a small boat" --documents texts.txt',
}


def folder_readme(folder: Path, staged: Staged, packed: PackedContents) -> str:
    """The text of README.txt, for the folder as it lies there."""
    target = staged.target
    windows = target.system == "windows"
    command = COMMANDS[packed.model.kind if packed.model is not None else DENSE]
    names = " ".join(sorted(["airvec", *(wheel.name for wheel in staged.wheels)]))
    return TEXT.format(
        version=__version__, python=target.python, platform=target.platform,
        rule="=" * len(f"airvec {__version__} for Python {target.python} on {target.platform}"),
        machine=needed_machine(target, staged.wheels), command=f"{'airvec' if windows else './airvec'} {command}",
        program=WINDOWS_PROGRAM.format(target.python) if windows else PROGRAM.format(target.python),
        installing=INSTALLING.format(names=names) if (folder / "wheelhouse").is_dir() else "",
        model=_model_line(packed), sizes=size_table(folder),
    )  # fmt: skip


def needed_machine(target: Target, wheels: Iterable[Wheel]) -> str:
    """What the packages need of the machine: the Python, and the newest C library that any of them asks for."""
    python = f"CPython {target.python}"
    if target.system != "linux":
        return f"{python} on {target.platform}"
    glibc = max((oldest_glibc(wheel.path.name) for wheel in wheels), default=(2, 17))
    return f"{python} on Linux ({target.arch}) with glibc {glibc[0]}.{glibc[1]} or newer, so not Alpine"


def oldest_glibc(file_name: str) -> tuple[int, int]:
    """The oldest glibc that a wheel says it runs on.

    >>> oldest_glibc("numpy-2.5.5-cp313-cp313-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl")
    (2, 27)
    """
    found = re.findall(r"manylinux_(\d+)_(\d+)_", file_name)
    return min(((int(major), int(minor)) for major, minor in found), default=(2, 17))


def size_table(folder: Path) -> str:
    """The sizes of what lies in a package, the packages one by one, in MB."""
    parts = [path for path in sorted(folder.iterdir()) if path.is_dir() and path.name != "lib"]
    parts = [*(path for path in sorted((folder / "lib").iterdir()) if path.is_dir()), *parts]
    sizes = {path.relative_to(folder).as_posix(): size_of(path) for path in parts}
    shown = {name: size for name, size in sizes.items() if not name.endswith(".dist-info")}
    shown["all"] = size_of(folder)
    width = max(map(len, shown))
    return "\n".join(f"    {name.ljust(width)}  {size / 1e6:7.1f}" for name, size in shown.items())


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _model_line(packed: PackedContents) -> str:
    model = packed.model
    if model is None:
        return (
            "The model is the static English one inside airvec. Only static models run: there is no onnxruntime here."
        )
    graph = f", graph {model.variant}" if model.variant else ""
    return f"The model is {model.source}{graph}, in model/; AIRVEC_MODEL or --model names another."
