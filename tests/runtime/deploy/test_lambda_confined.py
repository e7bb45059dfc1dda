"""A layer in a function's room as Lambda has it: read-only but for /tmp, no /sys, 512 MB, 0.29 of a CPU. Needs root."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from measure import sandbox
from measure.function import Place, function

from airvec import CrossEncoder, SentenceTransformer
from tests.folders import reranker
from tests.runtime.deploy.test_lambda_proof import read

pytestmark = pytest.mark.deploy
MEMORY_MB = 512
PROBE = """
import json, os
found = {"cpus hidden": not os.path.exists("/sys/devices/system/cpu"), "folder": os.getcwd()}
for file in ("/opt/x", "/var/task/x", "/var/x", "/usr/x", "/tmp/x"):
    try:
        open(file, "w").close()
        found[file] = "written"
    except OSError as error:
        found[file] = error.strerror
print(json.dumps(found))
"""
BEYOND = f"len(bytearray({2 * MEMORY_MB} * 2**20))"


@pytest.fixture(scope="module")
def confined(interpreter, client, minilm_layer, tmp_path_factory):
    """The place of MiniLM's layer in the room."""
    problem = sandbox.why_not()
    if problem:
        pytest.skip(f"no sandbox here: {problem}")
    try:
        with (
            sandbox.room(Path("/"), minilm_layer, tmp_path_factory.mktemp("task"), client) as inside,
            sandbox.limits(0.29, MEMORY_MB) as words,
        ):
            yield Place(interpreter, "/opt", "/var/task", "/var/runtime", before=[*words, *inside])
    except sandbox.SandboxError as error:
        pytest.skip(f"no sandbox here: {error}")


@pytest.fixture(scope="module")
def running(confined):
    with function(confined, memory_mb=MEMORY_MB) as started:
        started.ready()
        yield started


def ran(confined, code):
    words = confined.command("-c", code)
    return subprocess.run(words, env=confined.environment(MEMORY_MB), capture_output=True, text=True, check=False)


def test_the_room_is_read_only_and_hides_the_cpus(confined):
    done = ran(confined, PROBE)
    assert done.returncode == 0, done.stderr
    refused = dict.fromkeys(("/opt/x", "/var/task/x", "/var/x", "/usr/x"), "Read-only file system")
    assert json.loads(done.stdout) == {"cpus hidden": True, "folder": "/var/task", **refused, "/tmp/x": "written"}


def test_the_room_holds_no_more_memory_than_it_says(confined):
    assert ran(confined, BEYOND).returncode == -9


def test_vectors_are_those_of_the_model_in_this_process(running, minilm):
    texts = ["The cat sleeps.", "Share prices fell. " * 40, ""]
    status, answer = read(running.invoke({"texts": texts}))
    assert status == 200
    np.testing.assert_allclose(answer["embeddings"], SentenceTransformer(minilm).encode(texts), atol=1e-5)


def test_every_task_of_the_layer_is_answered(running, tmp_path):
    texts = {"texts1": ["The cat sleeps."], "texts2": ["A kitten naps.", "Share prices fell."]}
    near, far = read(running.invoke({"path": "/similarity", **texts}))[1]["similarities"][0]
    assert near > far + 0.3
    pairs = {"query": "a b", "documents": ["c", "d e", "f"]}
    ranked = read(running.invoke({"path": "/rerank", **pairs}))[1]["results"]
    expected = CrossEncoder(reranker(tmp_path / "reranker")).rank(pairs["query"], pairs["documents"])
    assert [hit["index"] for hit in ranked] == [hit["corpus_id"] for hit in expected]
    found = read(running.invoke({"path": "/search", "query": "food without meat", "top_k": 2}))[1]["hits"]
    assert len(found) == 2
    assert found[0]["score"] >= found[1]["score"]


def test_a_bad_event_in_the_room_leaves_the_next_one_answered(running):
    for event, expected in (({"texts": ["x" * 7_000_000]}, 413), ({"texts": 7}, 422), ({"texts": ["a"]}, 200)):
        assert read(running.invoke(event))[0] == expected


def test_it_stays_within_its_memory(running):
    assert read(running.invoke({"texts": ["Share prices fell. " * 60] * 24}))[0] == 200
    assert running.peak_mb() < MEMORY_MB * 2**20 / 1e6
    assert running.process.poll() is None
