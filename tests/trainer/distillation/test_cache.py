"""Mirrors trainer/airvec_trainer/distillation/cache.py: whole or not at all, found again, damage told."""

import signal
import subprocess
import sys

import numpy as np
import pytest

from airvec.errors import ArgumentError, ModelFolderError
from airvec_trainer.distillation.cache import Rows, cached_rows, digest_of_texts, made_rows


class StopError(Exception):
    """Stands for a machine that is switched off."""


class Squares:
    """Row i is (i, i²); counts what it was asked for, and may stop at a row."""

    def __init__(self, until=None):
        self.asked, self.until = [], until

    def __call__(self, start, stop):
        if self.until is not None and stop > self.until:
            raise StopError
        self.asked.append((start, stop))
        return np.array([[row, row * row] for row in range(start, stop)], np.float64)


def rows(count=10, dtype="float32", **about):
    return Rows("squares", count, {"teacher": "a", **about}, dtype)


def names(folder):
    return sorted(path.suffix for path in folder.iterdir())


def test_rows_are_made_once_and_mapped(tmp_path):
    compute = Squares()
    made = cached_rows(rows(), compute, tmp_path, show=False, shard=4)
    again = cached_rows(rows(), compute, tmp_path, show=False, shard=3)
    assert compute.asked == [(0, 4), (4, 8), (8, 10)]
    assert made.tolist() == again.tolist() == [[row, row * row] for row in range(10)]
    assert isinstance(again, np.memmap)
    assert (again.dtype, again.flags.writeable) == (np.float32, False)
    assert names(tmp_path) == [".json", ".npy"]


def test_an_interrupted_run_goes_on_behind_its_last_shard(tmp_path):
    first, second = Squares(until=8), Squares()
    with pytest.raises(StopError):
        cached_rows(rows(), first, tmp_path, show=False, shard=4)
    assert names(tmp_path) == [".parts"]  # nothing that looks finished
    found = cached_rows(rows(), second, tmp_path, show=False, shard=4)
    assert (first.asked, second.asked) == ([(0, 4), (4, 8)], [(8, 10)])
    assert found.tolist() == [[row, row * row] for row in range(10)]
    assert names(tmp_path) == [".json", ".npy"]


def test_a_run_that_stopped_between_its_two_files_makes_nothing_again(tmp_path, monkeypatch):
    compute = Squares()
    with monkeypatch.context() as patch:
        patch.setattr("airvec_trainer.distillation.cache.json.dumps", _dumps_until_the_last())
        with pytest.raises(StopError):
            cached_rows(rows(), compute, tmp_path, show=False, shard=4)
    assert names(tmp_path) == [".npy", ".parts"]
    assert len(cached_rows(rows(), compute, tmp_path, show=False, shard=4)) == 10
    assert len(compute.asked) == 3


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from airvec_trainer.distillation.cache import Rows, cached_rows

def compute(start, stop):
    if start == 8:
        os.kill(os.getpid(), signal.SIGKILL)
    return np.array([[row, row * row] for row in range(start, stop)], np.float64)

cached_rows(Rows("squares", 10, {"teacher": "a"}), compute, Path(sys.argv[1]), show=False, shard=4)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_process_that_was_killed_leaves_what_the_next_one_goes_on_with(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    compute = Squares()
    assert cached_rows(rows(), compute, tmp_path, show=False, shard=4).shape == (10, 2)
    assert compute.asked == [(8, 10)]


def test_two_processes_at_once_end_with_the_same_file(tmp_path):
    """The other one finishes, and takes the shards away, while this one makes its last."""
    other = Squares()

    def compute(start, stop):
        if start == 8:
            cached_rows(rows(), other, tmp_path, show=False, shard=4)
        return other(start, stop)

    found = cached_rows(rows(), compute, tmp_path, show=False, shard=4)
    assert found.tolist() == [[row, row * row] for row in range(10)]
    assert names(tmp_path) == [".json", ".npy"]


def _dumps_until_the_last():
    """json.dumps that names files and stops at the description of a finished one."""
    import json

    plain = json.dumps

    def dumps(value, **settings):
        if "crc32" in value:
            raise StopError
        return plain(value, **settings)

    return dumps


@pytest.mark.parametrize(
    "other",
    [rows(teacher="b"), rows(settings={"prompt": "x"}), rows(dtype="float16"), rows(count=9)],
    ids=["teacher", "settings", "dtype", "count"],
)
def test_other_content_has_another_name(other):
    assert other.name != rows().name


def test_half_precision_takes_half_the_space(tmp_path):
    found = cached_rows(rows(dtype="float16"), Squares(), tmp_path, show=False)
    assert (found.dtype, found.nbytes) == (np.float16, 40)


@pytest.mark.parametrize("what", ["cut", "changed", "shape", "json"])
def test_a_damaged_file_is_named(tmp_path, what):
    cached_rows(rows(), Squares(), tmp_path, show=False)
    (array,), (told,) = tmp_path.glob("*.npy"), tmp_path.glob("*.json")
    data = array.read_bytes()
    if what == "cut":
        array.write_bytes(data[:-8])
    elif what == "changed":
        array.write_bytes(data[:-1] + b"\x7f")
    elif what == "shape":
        np.save(array, np.zeros((10, 3), np.float32))
    else:
        told.write_text(told.read_text()[:-9])
    named = told if what == "json" else array
    with pytest.raises(ModelFolderError, match=f"{named.name}: .*remove it"):
        cached_rows(rows(), Squares(), tmp_path, show=False)


def test_a_damaged_shard_is_named(tmp_path):
    with pytest.raises(StopError):
        cached_rows(rows(), Squares(until=8), tmp_path, show=False, shard=4)
    (part,) = tmp_path.glob("*/rows-4-8.npy")
    part.write_bytes(part.read_bytes()[:-8])
    with pytest.raises(ModelFolderError, match=r"rows-4-8\.npy: .*remove it"):
        cached_rows(rows(), Squares(), tmp_path, show=False, shard=4)


def test_pickled_objects_are_not_read(tmp_path):
    cached_rows(rows(), Squares(), tmp_path, show=False)
    (array,) = tmp_path.glob("*.npy")
    np.save(array, np.array([{}] * 10, object), allow_pickle=True)
    with pytest.raises(ModelFolderError, match=array.name):
        cached_rows(rows(), Squares(), tmp_path, show=False)


@pytest.mark.parametrize(
    ("value", "dtype", "found"),
    [(np.nan, "float32", "nan for text 5"), (np.inf, "float32", "inf for text 5"), (1e6, "float16", "or take float32")],
)
def test_what_is_no_finite_number_is_refused_with_its_place(tmp_path, value, dtype, found):
    def compute(start, stop):
        return np.array([[1.0, value if row == 5 else 0.0] for row in range(start, stop)])

    with pytest.raises(ArgumentError, match=found):
        cached_rows(rows(dtype=dtype), compute, tmp_path, show=False, shard=3)


def test_what_is_no_array_of_as_many_rows_is_refused():
    with pytest.raises(ArgumentError, match="expected an array of numbers with 10 rows"):
        made_rows(rows(), lambda start, stop: np.zeros((3, 2)), show=False)
    with pytest.raises(ArgumentError, match="expected an array of numbers"):
        made_rows(rows(), lambda start, stop: np.array(["a"] * 10), show=False)


def test_no_rows_are_no_file(tmp_path):
    assert cached_rows(rows(count=0), lambda start, stop: np.zeros((0, 2)), tmp_path, show=False).shape == (0, 2)
    assert list(tmp_path.iterdir()) == []


def test_the_digest_of_texts_knows_their_order_and_bounds():
    found = {digest_of_texts(texts) for texts in (["ab", "c"], ["a", "bc"], ["c", "ab"], ["ab", "c", ""], ["abc"])}
    assert len(found) == 5
    assert digest_of_texts(iter(["ab", "c"])) in found
