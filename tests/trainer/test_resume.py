"""A training that is killed, also in the middle of a checkpoint, goes on as if nothing had happened."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tiny.checkpoints import tiny_checkpoint

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("resumed.py")
STEPS = 14  # of two micro-batches: more than two epochs of 5 and a half


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("resume") / "model")


@pytest.fixture(scope="module")
def unbroken(model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("unbroken")
    return finish(model, out, "whole")


def command(model: Path, out: Path, plan: str) -> list[str]:
    return [sys.executable, str(SCRIPT), str(model), str(out), plan, str(STEPS)]


def finish(model: Path, out: Path, plan: str) -> dict[str, Any]:
    done = subprocess.run(command(model, out, plan), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((out / "result.json").read_text())


def kill_at(model: Path, out: Path, plan: str, line: str) -> None:
    """Start a training and kill it, as the system does, when it has said a line."""
    with subprocess.Popen(
        command(model, out, plan), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        said = [text.strip() for text in iter(process.stdout.readline, f"{line}\n")]
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=60) == -signal.SIGKILL, said


def assert_same(resumed: dict[str, Any], unbroken: dict[str, Any]) -> None:
    assert resumed["losses"] == unbroken["losses"]
    assert resumed["weights"] == unbroken["weights"]
    assert any(name.startswith("classes.") for name in resumed["weights"]), "the loss has weights, too"


def test_a_killed_training_goes_on_with_the_same_losses_and_weights(
    model: Path, unbroken: dict[str, Any], tmp_path: Path
) -> None:
    kill_at(model, tmp_path, "whole", "saved 8")
    assert not (tmp_path / "result.json").exists()
    assert_same(finish(model, tmp_path, "resume"), unbroken)


def test_a_training_killed_while_it_writes_a_checkpoint_goes_on_from_the_one_before(
    model: Path, unbroken: dict[str, Any], tmp_path: Path
) -> None:
    kill_at(model, tmp_path, "stall", "writing 8")
    assert (tmp_path / "checkpoint-4").is_dir()
    assert not (tmp_path / "checkpoint-8").exists()
    assert (tmp_path / ".checkpoint-8.writing").is_dir(), "it was killed too early"
    assert_same(finish(model, tmp_path, "resume"), unbroken)
    assert (tmp_path / "checkpoint-8").is_dir()
    assert not list(tmp_path.glob(".checkpoint-*")), "what was half-written is gone"
