"""Two processes train one model, and go on together from a checkpoint."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny.checkpoints import tiny_checkpoint

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("two_processes.py")


def test_two_processes_keep_one_model_and_resume_it(tmp_path: Path) -> None:
    model, out = tiny_checkpoint(tmp_path / "model"), tmp_path / "out"
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    paths = os.pathsep.join([str(SCRIPT.parents[2]), *sys.path])
    done = subprocess.run(
        [*run, str(SCRIPT), str(model), str(out)], capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (json.loads((out / f"process-{number}.json").read_text()) for number in (0, 1))
    assert first == second
    whole, resumed = first
    assert whole["processes"] == 2
    assert len(whole["losses"]) == 4
    assert resumed == whole
