"""Mirrors runtime/airvec/backends/starting.py: programs run in processes of their own, with an onnxruntime of ours."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import airvec
from airvec.backends.starting import cannot_start
from tests.folders import word_model

OPEN = "import sys; from airvec import SentenceTransformer; SentenceTransformer(sys.argv[1])"
PACK = "import sys; from airvec.deploy.model import pack_model; pack_model(sys.argv[1], sys.argv[2])"
STATIC = "from airvec import SentenceTransformer; print(SentenceTransformer().encode('a cat').shape)"

ANY = """
import sys
from airvec import SentenceTransformer
for name in (None, sys.argv[1]):
    print(SentenceTransformer(name, threads=2).encode(["a", "b c"] * 40, batch_size=1).shape)
"""
BARE = """
mount -t tmpfs -o ro none /sys/devices/system/cpu && mount -o remount,ro,bind / || exit 77
exec env -i "PYTHONPATH=$1" "$2" -W error -c "$3" "$4"
"""


@pytest.fixture
def broken(tmp_path):
    """Run a program where the import of onnxruntime does what `source` does."""

    def run(source, program, *arguments):
        package = tmp_path / "packages" / "onnxruntime"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(source)
        path = os.pathsep.join([str(package.parent), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-c", program, *map(str, arguments)]
        return subprocess.run(
            command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize(
    "raised",
    ['ImportError("libc.so.6: version `GLIBC_2.28\' not found")', "OSError('file too short')", "RuntimeError('CPU')"],
)
def test_an_import_that_fails_is_told_with_its_reason_and_what_runs_without(broken, tmp_path, raised):
    done = broken(f"raise {raised}", OPEN, word_model(tmp_path / "model"))
    last = done.stderr.splitlines()[-1]
    kind, reason = raised.split("(")[0], raised.split("(")[1].strip("\")'")
    assert last.startswith(f"airvec.errors.MissingPackageError: onnxruntime: its import failed ({kind}: {reason}")
    assert f"Python {sys.version.split()[0]}" in last
    assert last.endswith("A static model runs without: SentenceTransformer(), or airvec package lambda without MODEL.")


def test_packing_tells_it_too(broken, tmp_path):
    last = broken("raise ImportError('no')", PACK, word_model(tmp_path / "model"), tmp_path / "out").stderr.splitlines()
    assert last[-1].startswith("airvec.errors.MissingPackageError: onnxruntime: its import failed (ImportError: no)")


def test_an_onnxruntime_that_is_not_installed_is_told_with_the_pip_line(broken, tmp_path):
    source = "raise ModuleNotFoundError(\"No module named 'onnxruntime'\", name='onnxruntime')"
    last = broken(source, OPEN, word_model(tmp_path / "model")).stderr.splitlines()[-1]
    assert "onnxruntime: not installed, expected for models with a graph. Run: pip install onnxruntime" in last


def test_a_static_model_runs_where_onnxruntime_ends_the_process(broken):
    done = broken("import os; os.abort()", STATIC)
    assert (done.returncode, done.stdout) == (0, "(256,)\n")


def test_a_module_that_onnxruntime_misses_is_not_taken_for_onnxruntime():
    said = str(cannot_start(ModuleNotFoundError("No module named 'x'", name="x")))
    assert said.startswith("onnxruntime: its import failed (ModuleNotFoundError: No module named 'x')")


def test_with_the_cpus_hidden_and_nothing_to_write_to_both_kinds_of_model_run_in_silence(tmp_path):
    """Without /sys/devices/system/cpu older versions of onnxruntime printed errors, and on some machines aborted."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("mounts of our own need root and the program unshare")
    model = word_model(tmp_path / "model")
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", BARE, "sh"]
    path = str(Path(airvec.__file__).parents[1])
    done = subprocess.run([*command, path, sys.executable, ANY, model], capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no mounts of our own here: {done.stderr.strip()}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "(80, 256)\n(80, 4)\n"
