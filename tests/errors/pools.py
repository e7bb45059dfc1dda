"""Processes that share the work: programs without a guard, pools of something else, processes that end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import onnxruntime

from airvec import SentenceTransformer
from tests.errors.cases import Case, Topic
from tests.errors.models import dense
from tests.folders import word_model

START = "import os\nfrom airvec import SentenceTransformer\nmodel = SentenceTransformer()\n"
ENCODE = 'model.encode(["a", "b"], device=["cpu"])\n'
IN_A_DAEMON = """import multiprocessing
from airvec import SentenceTransformer
def work():
    SentenceTransformer().encode(["a", "b"], device=["cpu"])
if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=work, daemon=True)
    process.start()
    process.join()
"""
IN_A_FORK = f"""{START}
if __name__ == "__main__":
    pool = model.start_multi_process_pool(["cpu"])
    if os.fork() == 0:
        model.encode(["a", "b"], pool=pool)
    os.wait()
"""


def program(home: Path, source: str) -> str:
    (home / "program.py").write_text(source)
    return last_error([str(home / "program.py")])


def last_error(arguments: list[str], given: str | None = None) -> str:
    """The last exception that a program shows, without the module that its class is in."""
    done = subprocess.run(
        [sys.executable, *arguments], input=given, capture_output=True, text=True, check=False, timeout=120
    )
    return [line for line in done.stderr.splitlines() if line.startswith("airvec.errors.")][-1].removeprefix(
        "airvec.errors."
    )


def of_another_model(home: Path) -> None:
    with dense(home).start_multi_process_pool(["cpu"]) as pool:
        SentenceTransformer(word_model(home / "others")).encode(["a"], pool=pool)


def after_a_change(home: Path) -> None:
    model = dense(home)
    with model.start_multi_process_pool(["cpu"]) as pool:
        model.max_seq_length = 4
        model.encode(["a"], pool=pool)


def stopped(home: Path) -> None:
    model = dense(home)
    pool = model.start_multi_process_pool(["cpu"])
    model.stop_multi_process_pool(pool)
    model.encode(["a"], pool=pool)


def killed(home: Path) -> None:
    model = dense(home)
    with model.start_multi_process_pool(["cpu"]) as pool:
        os.kill(pool["processes"][0].pid, signal.SIGKILL)
        model.encode(["a", "b"], pool=pool)


def queue(home: Path) -> None:
    with dense(home).start_multi_process_pool(["cpu"]) as pool:
        pool["input"]


def that_cannot_be_sent(home: Path) -> None:
    options = {"session_options": onnxruntime.SessionOptions()}
    SentenceTransformer(word_model(home / "words"), model_kwargs=options).start_multi_process_pool(["cpu"])


CASES = (
    Case("A program without a main guard", "It would start itself again in each process, without end.",
         lambda home: program(home, START + ENCODE)),
    Case("A program that is no file", "`python < program.py`.", lambda _: last_error(["-"], START + ENCODE)),
    Case("A pool in a daemon process", "multiprocessing allows those no children; so are the workers of some servers.",
         lambda home: program(home, IN_A_DAEMON)),
    Case("A pool that another process started", "`os.fork()` after `start_multi_process_pool`.",
         lambda home: program(home, IN_A_FORK)),
    Case("A process that was killed", "By the system, as where memory runs out. The call ends at once.", killed),
    Case("A pool that has been stopped", "`encode(texts, pool=pool)` after `stop_multi_process_pool(pool)`.", stopped),
    Case("A pool of another model", "`encode(texts, pool=pool)` of the wrong one of two models.", of_another_model),
    Case("A pool of the model as it was", "`max_seq_length` was set after the pool had been started.", after_a_change),
    Case("A pool that is none", '`encode(texts, pool="cpu")`.', lambda home: dense(home).encode(["a"], pool="cpu")),
    Case("No pool to stop", "`stop_multi_process_pool(None)`.",
         lambda home: dense(home).stop_multi_process_pool(None)),
    Case("A queue of a pool", '`pool["input"]`, from code written for sentence-transformers.', queue),
    Case("No devices", "`start_multi_process_pool([])`.", lambda home: dense(home).start_multi_process_pool([])),
    Case("An unknown device among several", '`encode(texts, device=["cpu", "mars"])`.',
         lambda home: dense(home).encode(["a"], device=["cpu", "mars"])),
    Case("Parts of no texts", "`encode(texts, pool=pool, chunk_size=0)`.",
         lambda home: dense(home).encode(["a"], device=["cpu"], chunk_size=0)),
    Case("A model that cannot be sent", "It was opened with `session_options`.", that_cannot_be_sent),
)  # fmt: skip
TOPIC = Topic(
    "Several processes",
    "`start_multi_process_pool`, and `device=[…]` or `pool=…` of a call. Errors of a process are raised in the one that"
    " asked.",
    CASES,
    slow=True,
)
