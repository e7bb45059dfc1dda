"""The wheel, installed outside the checkout with its real dependencies and nothing else, encodes and has its command.

An editable install hides files that the wheel lacks, so only this test sees what a user gets.
"""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house.sources import ROOT

pytestmark = pytest.mark.slow

ENCODE = """
import json, sys
import airvec
model = airvec.SentenceTransformer()
vectors = model.encode(["a cat sat on the mat", "a kitten on a rug", "the price of oil"])
scores = model.similarity(vectors, vectors)
print(json.dumps({
    "home": airvec.__file__, "shape": vectors.shape, "dtype": str(vectors.dtype),
    "near": float(scores[0, 1]), "far": float(scores[0, 2]),
    "heavy": sorted({"torch", "transformers", "scipy"} & set(sys.modules)),
}))
"""


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing of this checkout or its environment on the way."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_CONSTRAINT")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def run_well(command: list[str], folder: Path) -> str:
    done = run(command, folder)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel as `pip` or `build` make it from this checkout."""
    out = tmp_path_factory.mktemp("wheel")
    run_well([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)], out)
    (built,) = out.glob("airvec-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The `bin` folder of a fresh environment that holds the wheel and its own dependencies."""
    home = tmp_path_factory.mktemp("installed")
    run_well([sys.executable, "-m", "venv", str(home / "env")], home)
    python = str(home / "env" / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--constraint", str(ROOT / "constraints.txt"), str(wheel)]
    run_well(install, home)
    return home / "env" / "bin"


def test_the_wheel_holds_the_three_packages_the_default_model_and_the_type_marker(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    model = ROOT / "runtime/airvec/default_model"
    on_disk = {
        f"airvec/default_model/{file.relative_to(model).as_posix()}" for file in model.rglob("*") if file.is_file()
    }
    assert any(name.endswith("modules.json") for name in on_disk), f"{model.name} holds no model"
    assert on_disk <= names
    assert {"airvec/py.typed", "airvec_exporter/py.typed", "airvec_trainer/py.typed"} <= names
    assert "airvec_trainer/card/template.md.jinja" in names
    tops = {name.partition("/")[0] for name in names}
    assert tops - {"airvec", "airvec_exporter", "airvec_trainer"} == {
        name for name in tops if name.endswith(".dist-info")
    }
    assert not any("__pycache__" in name or name.startswith("airvec/typings") for name in names)


def test_the_default_model_encodes_from_the_wheel(installed, tmp_path):
    told = json.loads(run_well([str(installed / "python"), "-c", ENCODE], tmp_path))
    assert Path(told["home"]).is_relative_to(installed.parent)
    assert told["shape"][0] == 3
    assert told["dtype"] == "float32"
    assert told["near"] > told["far"] + 0.2
    assert told["heavy"] == []


def test_the_command_of_the_wheel_encodes(installed, tmp_path):
    (tmp_path / "texts.txt").write_text("one text\nanother text\n")
    run_well([str(installed / "airvec"), "--help"], tmp_path)
    lines = run_well([str(installed / "airvec"), "similarity", "a cat", "a kitten"], tmp_path)
    assert lines.strip()


@pytest.mark.parametrize(
    ("code", "extra"),
    [("import airvec_exporter", "export"), ("from airvec_trainer import SentenceTransformer", "train")],
)
def test_what_needs_torch_gives_the_pip_line(installed, tmp_path, code, extra):
    done = run([str(installed / "python"), "-c", code], tmp_path)
    assert done.returncode == 1
    assert "MissingPackageError" in done.stderr
    assert f'pip install "airvec[{extra}]"' in done.stderr


def test_evaluators_and_airvec_eval_need_nothing_more_than_the_wheel(installed, tmp_path):
    (tmp_path / "sts.tsv").write_text("score\tsentence1\tsentence2\n5\ta cat\ta kitten\n0\ta cat\train\n", "utf-8")
    run_well([str(installed / "python"), "-c", "from airvec_trainer.evaluation import TripletEvaluator"], tmp_path)
    assert "stsb" in run_well([str(installed / "airvec"), "eval", "default", "--task", "stsb:sts.tsv"], tmp_path)


def test_the_export_command_without_torch_gives_the_pip_line_and_no_traceback(installed, tmp_path):
    done = run([str(installed / "airvec"), "export", "checkpoint", "out"], tmp_path)
    assert done.returncode != 0
    assert 'pip install "airvec[export]"' in done.stderr
    assert "Traceback" not in done.stderr
