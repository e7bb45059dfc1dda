"""Mirrors runtime/airvec/threads.py: AWS Lambda's share of the CPUs, and the threads of tokenizers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airvec import threads
from airvec.threads import available_threads, lambda_share, limit_tokenizers, memory_limit

COUNT = """
import os
from airvec import SentenceTransformer
model = SentenceTransformer()
model.encode(["one text", "another"] * 64)
print(len(os.listdir("/proc/self/task")))
"""
needs_tasks = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")


@pytest.fixture(autouse=True)
def no_lambda(monkeypatch):
    for name in ("AWS_LAMBDA_FUNCTION_NAME", "LAMBDA_TASK_ROOT", "AWS_EXECUTION_ENV",
                 "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AIRVEC_THREADS"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAYON_NUM_THREADS", "undone")  # so that it is as before when the test has ended
    monkeypatch.delenv("RAYON_NUM_THREADS")


@pytest.fixture
def function(monkeypatch):
    """A function of so many MB, in a container of eight CPUs."""

    def set_memory(megabytes):
        monkeypatch.setattr(threads, "_affinity", lambda: 8)
        monkeypatch.setattr(threads, "cpu_quota", lambda: None)
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "embed")
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", str(megabytes))

    return set_memory


@pytest.mark.parametrize(
    ("megabytes", "expected"), [(128, 1), (512, 1), (1769, 1), (1770, 2), (3538, 2), (10240, 6), (99999, 8)]
)
def test_a_function_of_so_many_megabytes_has_so_many_threads(function, megabytes, expected):
    function(megabytes)
    assert available_threads() == expected


def test_a_functions_share_is_a_vcpu_for_1769_megabytes(function):
    function(512)
    assert lambda_share() == pytest.approx(0.2894, abs=1e-4)


def test_a_smaller_quota_counts_on_lambda_too(function, monkeypatch):
    function(10240)
    monkeypatch.setattr(threads, "cpu_quota", lambda: 1.5)
    assert available_threads() == 2


def test_the_environment_wins_on_lambda_too(function, monkeypatch):
    function(512)
    monkeypatch.setenv("AIRVEC_THREADS", "4")
    assert available_threads() == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [("AWS_LAMBDA_FUNCTION_NAME", "f"), ("LAMBDA_TASK_ROOT", "/"), ("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13")],
)  # fmt: skip
def test_any_of_lambdas_variables_says_that_we_are_there(monkeypatch, name, value):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
    assert lambda_share() is None
    monkeypatch.setenv(name, value)
    assert lambda_share() == 1


def test_other_services_of_aws_are_not_lambda(monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE")
    assert lambda_share() is None


@pytest.mark.parametrize("value", ["", "0", "-512", "512MB", "1e3", "²", "9" * 20])
def test_a_memory_that_is_no_number_of_megabytes_is_no_share(function, value):
    function(value)
    assert lambda_share() is None
    assert available_threads() == 8


def test_the_memory_of_a_function_is_a_limit_beside_the_cgroups(function, tmp_path):
    function(512)
    assert memory_limit(tmp_path) == 512 * 2**20
    (tmp_path / "memory.max").write_text("1000\n")
    assert memory_limit(tmp_path) == 1000


def test_tokenizers_is_left_alone_where_only_affinity_and_quota_limit_us():
    limit_tokenizers()
    assert "RAYON_NUM_THREADS" not in os.environ


def test_tokenizers_gets_the_threads_of_a_function(function):
    function(512)
    limit_tokenizers()
    assert os.environ["RAYON_NUM_THREADS"] == "1"


def test_what_the_user_says_of_tokenizers_threads_is_kept(monkeypatch):
    monkeypatch.setenv("AIRVEC_THREADS", "2")
    monkeypatch.setenv("RAYON_NUM_THREADS", "7")
    limit_tokenizers()
    limit_tokenizers(1)
    assert os.environ["RAYON_NUM_THREADS"] == "7"


def test_a_process_of_a_pool_takes_its_share_of_what_the_first_one_set(monkeypatch):
    monkeypatch.setenv("AIRVEC_THREADS", "4")
    limit_tokenizers()
    assert os.environ["RAYON_NUM_THREADS"] == "4"
    limit_tokenizers(2)
    assert os.environ["RAYON_NUM_THREADS"] == "2"


@needs_tasks
@pytest.mark.parametrize("count", [1, 3])
def test_airvec_threads_reaches_tokenizers(count):
    """NumPy's BLAS is held to one thread; what is left are the main thread and those of tokenizers."""
    more = {"AIRVEC_THREADS": str(count), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", COUNT], env=os.environ | more, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == 1 + count


@needs_tasks
def test_a_child_forked_after_encoding_encodes_again_and_says_nothing():
    program = (
        COUNT
        + "pid = os.fork()\nmodel.encode(['one', 'two'] * 64)\n"
        + ("os._exit(0) if pid == 0 else print(os.waitpid(pid, 0)[1])")
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"AIRVEC_THREADS": "2"}, capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.split()[-1] == "0"
    assert done.stderr == ""
