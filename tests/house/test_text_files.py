"""What holds for every text file of the repository: nothing in it belongs to one machine."""

import re

import pytest

from tests.house.sources import ROOT, tracked_files

MACHINE_PATH = re.compile(r"(?<![\w.<}-])/(work|farm|root|home|Users)/[\w.]")
BIG = 5_000_000


def machine_paths(text: str) -> list[str]:
    return [line.strip()[:120] for line in text.splitlines() if MACHINE_PATH.search(line)]


def test_no_file_names_a_path_of_one_machine():
    found = []
    for name in tracked_files():
        content = (ROOT / name).read_bytes()
        if len(content) < BIG and b"\0" not in content:
            found += [f"{name}: {line}" for line in machine_paths(content.decode("utf-8", "replace"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("text", ["cd /wo" + "rk/main", 'path = "/ho' + 'me/ada/model"', "in /ro" + "ot/.cache"])
def test_a_path_of_one_machine_would_be_caught(text):
    assert machine_paths(text)


@pytest.mark.parametrize("text", ["./build/main", "https://host.example/home/page", "$HOME/work/x", "runtime/root/x"])
def test_other_paths_are_not_reported(text):
    assert not machine_paths(text)
