"""Mirrors runtime/airvec/deploy/folder_readme.py."""

from pathlib import Path

import pytest

from airvec.deploy.contents import PackedContents
from airvec.deploy.folder_readme import folder_readme, needed_machine, oldest_glibc, size_table
from airvec.deploy.target import Target
from airvec.deploy.tree import Staged
from airvec.deploy.wheels import Wheel


@pytest.mark.parametrize(
    ("name", "oldest"),
    [
        ("numpy-2.5-cp313-cp313-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", (2, 27)),
        ("tokenizers-0.23-cp310-abi3-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", (2, 17)),
        ("onnxruntime-1.31-cp313-cp313-manylinux_2_28_x86_64.whl", (2, 28)),
        ("airvec-0.1-py3-none-any.whl", (2, 17)),
    ],
)
def test_a_wheels_name_says_the_oldest_c_library(name, oldest):
    assert oldest_glibc(name) == oldest


def test_a_folder_needs_the_newest_of_what_its_wheels_need():
    names = ("a-1-cp313-cp313-manylinux_2_17_aarch64.whl", "b-1-cp313-cp313-manylinux_2_28_aarch64.whl")
    wheels = [Wheel(Path(name), name[0], "1", "") for name in names]
    assert needed_machine(Target("3.13", "arm64", "linux"), wheels) == (
        "CPython 3.13 on Linux (arm64) with glibc 2.28 or newer, so not Alpine"
    )
    assert needed_machine(Target("3.13", "arm64", "macos"), []) == "CPython 3.13 on macos-arm64"


def test_sizes_add_up_to_all_and_packages_come_one_by_one(tmp_path):
    for name, size in {"lib/numpy/a": 1_000_000, "lib/b/c/d": 500_000, "model/e": 2_000_000, "run.py": 250_000}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0" * size)
    rows = dict(line.split() for line in size_table(tmp_path).splitlines())
    assert rows == {"lib/b": "0.5", "lib/numpy": "1.0", "model": "2.0", "all": "3.8"}


@pytest.mark.parametrize(
    ("system", "line"),
    [
        ("linux", "    PYTHONPATH=$PWD/lib python3.13 program.py\n"),
        ("windows", '    set "PYTHONPATH=%CD%\\lib" && py -3.13 program.py\n'),
    ],
)
def test_the_line_for_a_program_sets_the_path_and_no_blank_after_it(tmp_path, system, line):
    (tmp_path / "lib").mkdir()
    staged = Staged(tmp_path / "lib", Target("3.13", "x86_64", system), (), None, (), ())
    assert line in folder_readme(tmp_path, staged, PackedContents(None, None, None))
