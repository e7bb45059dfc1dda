"""Pools of models: the same results as without, their errors, and programs that start them."""

import multiprocessing
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from airvec import ArgumentError, CrossEncoder, SentenceTransformer, SparseEncoder
from tests.folders import reranker, word_model
from tests.sparse_folders import inference_free

TEXTS = [text for number in range(40) for text in ("a", "b c", "", "d e f", "a b c d e f g h", f"word{number} j i")]
SECONDS = 120
PAGE = Path(__file__).parents[2] / "docs" / "processes.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    settings = {"prompts": {"query": "a "}, "default_prompt_name": None}
    return word_model(tmp_path_factory.mktemp("pools") / "words", settings=settings)


@pytest.fixture(scope="module")
def model(folder):
    return SentenceTransformer(folder, threads=4)


@pytest.fixture(scope="module")
def pool(model):
    with model.start_multi_process_pool(["cpu", "cpu"]) as pool:
        yield pool


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"chunk_size": 1, "batch_size": 3},
        {"prompt_name": "query", "normalize_embeddings": True, "truncate_dim": 3},
        {"precision": "int8"},
        {"on_truncate": "chunk"},
        {"convert_to_numpy": False},
        {"output_value": "token_embeddings"},
    ],
)
def test_a_pool_gives_what_one_process_gives(model, pool, settings):
    found, expected = model.encode(TEXTS, pool=pool, **settings), model.encode(TEXTS, **_without_chunks(settings))
    assert len(found) == len(expected) == len(TEXTS)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"precision": "int8"}, {"chunk_size": 7, "truncate_dim": 3}])
def test_a_pool_writes_to_a_file_in_order(model, pool, tmp_path, settings):
    found = model.encode(TEXTS, pool=pool, out=tmp_path / "rows.npy", **settings)
    np.testing.assert_allclose(found, model.encode(TEXTS, **_without_chunks(settings)), atol=1e-6)


def _without_chunks(settings):
    return {name: value for name, value in settings.items() if name != "chunk_size"}


def test_one_text_and_none_have_the_shapes_that_they_have_without(model, pool):
    assert model.encode("a b", pool=pool).shape == (4,)
    assert model.encode([], pool=pool).shape == (0, 4)
    assert model.encode("a b", pool=pool, output_value="token_embeddings").shape == (4, 4)
    np.testing.assert_allclose(model.encode_query(["b"], pool=pool), model.encode_query(["b"]), atol=1e-6)
    np.testing.assert_allclose(model.encode_document(["b"], pool=pool), model.encode_document(["b"]), atol=1e-6)


def test_a_list_of_devices_makes_a_pool_for_the_call(model):
    before = set(multiprocessing.active_children())
    np.testing.assert_allclose(model.encode(TEXTS, device=["cpu", "cpu"]), model.encode(TEXTS), atol=1e-6)
    assert set(multiprocessing.active_children()) == before


def test_a_reranker_has_pools_too(tmp_path):
    pairs = [("a", text) for text in TEXTS]
    model = CrossEncoder(reranker(tmp_path))
    np.testing.assert_allclose(model.predict(pairs, device=["cpu"], chunk_size=50), model.predict(pairs), atol=1e-6)


def test_a_sparse_model_has_pools_too_with_its_routes(tmp_path):
    model = SparseEncoder(inference_free(tmp_path))
    known = model.vocabulary  # kept by the model, and sent with it
    with model.start_multi_process_pool(["cpu"]) as pool:
        for encode in (model.encode_query, model.encode_document):
            found, expected = encode(TEXTS, pool=pool, max_active_dims=3), encode(TEXTS, max_active_dims=3)
            np.testing.assert_allclose(found.to_dense(), expected.to_dense(), atol=1e-6)
            assert encode("a b", pool=pool).to_tokens(known) == encode("a b").to_tokens(known)


def test_the_processes_share_the_models_threads(model, monkeypatch):
    started = []
    monkeypatch.setattr("airvec.processes.Pool", lambda openings, content: started.append(openings))
    for devices in (["cpu"] * 2, ["cpu"] * 3, ["cpu"] * 9, None):
        model.start_multi_process_pool(devices)
    counts = [[opening.args[1]["_options"].threads for opening in openings] for openings in started]
    assert counts == [[2, 2], [1] * 3, [1] * 9, [1] * 4]


def test_a_pool_of_another_model_or_of_the_model_as_it_was_is_refused(folder, model, pool, tmp_path):
    for name in (folder, f"{folder}/", f"{folder.parent}/./{folder.name}"):
        again = SentenceTransformer(name)
        np.testing.assert_array_equal(again.encode(TEXTS, pool=pool), model.encode(TEXTS, pool=pool))
    with pytest.raises(ArgumentError, match="pool: its processes hold SentenceTransformer words .*, this is .*others"):
        SentenceTransformer(word_model(tmp_path / "others")).encode(TEXTS, pool=pool)
    changed = SentenceTransformer(folder)
    changed.max_seq_length = 4
    with pytest.raises(ArgumentError, match="with max_seq_length 8, this is .* with max_seq_length 4"):
        changed.encode(TEXTS, pool=pool)


def test_a_pool_holds_a_changed_limit(folder):
    model = SentenceTransformer(folder)
    model.max_seq_length = 4
    with model.start_multi_process_pool(["cpu"]) as pool:
        np.testing.assert_allclose(model.encode(TEXTS, pool=pool), model.encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize("bad", [{"input": None, "processes": []}, 3, "cpu"])
def test_what_is_no_pool_is_refused(model, bad):
    with pytest.raises(ArgumentError, match="pool: .*, expected what start_multi_process_pool gave"):
        model.encode(TEXTS, pool=bad)


@pytest.mark.parametrize("bad", [None, {"input": None, "processes": []}, "cpu"])
def test_only_a_pool_can_be_stopped(model, bad):
    with pytest.raises(ArgumentError, match="pool: .*expected what start_multi_process_pool gave"):
        model.stop_multi_process_pool(bad)


def test_devices_that_are_none_are_refused(folder, model):
    for bad in ([], "cpu"):
        with pytest.raises(ArgumentError, match=r"target_devices: .*, expected a list such as"):
            model.start_multi_process_pool(bad)
    with pytest.raises(ArgumentError, match="device: 'mars', expected None, 'cpu'"):
        model.encode(TEXTS, device=["mars"])
    with pytest.raises(ArgumentError, match="chunk_size: 0, expected a whole number"):
        model.encode(TEXTS, device=["cpu"], chunk_size=0)
    odd = SentenceTransformer(folder, model_kwargs={"session_options": onnxruntime.SessionOptions()})
    with pytest.raises(ArgumentError, match="the model of this call cannot be sent .*session_options"):
        odd.start_multi_process_pool(["cpu"])


START = """
import sys
from airvec import SentenceTransformer
print("imported", flush=True)
model = SentenceTransformer()
"""
WITHOUT_GUARD = START + 'print(model.encode(["a", "b"] * 50, device=["cpu"] * 4).shape)\n'
GUARDED = START + 'if __name__ == "__main__":\n    print(model.encode(["a", "b"] * 50, device=["cpu"] * 2).shape)\n'
FAILS_AGAIN = START.replace("print", 'if __name__ != "__main__":\n    raise OSError("no second time")\nprint')
ENDLESS = (
    START
    + """
if __name__ == "__main__":
    pool = model.start_multi_process_pool(["cpu"] * 2)
    print(*[process.pid for process in pool["processes"]], flush=True)
    while True:
        model.encode(["a text"] * 1000, pool=pool, chunk_size=10)
"""
)


def program(tmp_path, source):
    (tmp_path / "program.py").write_text(source)
    return [sys.executable, str(tmp_path / "program.py")]


def run(command, given=None):
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=SECONDS)


def test_a_program_with_a_guard_works(tmp_path):
    done = run(program(tmp_path, GUARDED))
    assert (done.stdout.split("\n")[-2], done.stderr) == ("(100, 256)", "")


def test_the_first_program_of_the_page_works(tmp_path):
    source = PAGE.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    assert "__main__" in source
    done = run(program(tmp_path, source))
    assert (done.stdout, done.stderr) == ("(2000, 256)\n", "")


def test_a_program_without_a_guard_gets_one_clear_error(tmp_path):
    done = run(program(tmp_path, WITHOUT_GUARD))
    assert done.returncode == 1
    assert done.stdout == "imported\nimported\n"  # the program, and one process that imported it again
    assert done.stderr.count("Traceback") == 1
    assert "ArgumentError: program.py: starts processes while it is imported" in done.stderr
    assert 'under `if __name__ == "__main__":`' in done.stderr


def test_a_program_that_cannot_be_imported_again_says_so_once(tmp_path):
    done = run(program(tmp_path, FAILS_AGAIN + WITHOUT_GUARD.removeprefix(START)))
    assert done.returncode == 1
    assert done.stderr.count("OSError: no second time") == 1
    assert "ProcessError: pool: process 1 of 4" in done.stderr
    assert "ended with exit code 1" in done.stderr


@pytest.mark.parametrize("source", [GUARDED, WITHOUT_GUARD])
def test_a_program_that_is_no_file_works_or_says_why_not(source):
    done = run([sys.executable, "-c", source])  # as in an interactive session: there is nothing to import again
    assert (done.stdout, done.stderr) == ("imported\n(100, 256)\n", "")
    done = run([sys.executable, "-"], given=source)
    assert done.returncode == 0 or "pool: the program is '<stdin>', which new processes cannot import" in done.stderr
    assert done.stdout.startswith("imported\n")
    assert done.stdout.count("\n") < 3


def test_an_interactive_session_works():
    done = run([sys.executable, "-i", "-q"], given=WITHOUT_GUARD)
    assert done.stdout == "imported\n(100, 256)\n"


def test_a_daemon_process_may_start_none(tmp_path):
    source = (
        "import multiprocessing\ndef work():\n"
        + "\n".join("    " + line for line in WITHOUT_GUARD.splitlines())
        + '\nif __name__ == "__main__":\n'
        '    process = multiprocessing.get_context("spawn").Process(target=work, daemon=True)\n'
        "    process.start()\n    process.join()\n"
    )
    done = run(program(tmp_path, source))
    assert "ArgumentError: pool: 'SpawnProcess-1' is a daemon process, which may start no processes" in done.stderr


@pytest.fixture
def endless(tmp_path):
    """A program in a group of its own that encodes without end, and the pids of its pool."""
    running = subprocess.Popen(
        program(tmp_path, ENDLESS), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    lines = iter(running.stdout)
    pids = next(line for line in lines if not line.startswith("imported")).split()
    handles = [os.pidfd_open(int(pid)) for pid in pids]
    yield running, handles
    for handle in handles:
        os.close(handle)
    running.kill()
    running.communicate()


def test_ctrl_c_ends_the_program_and_its_processes_with_one_message(endless):
    running, handles = endless
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, errors = running.communicate(timeout=SECONDS)
    # The signal may come while Python handles an error of its own, as pathlib does: one message, two tracebacks.
    tracebacks = errors.count("Traceback") - errors.count("During handling of the above exception")
    assert tracebacks == errors.count("KeyboardInterrupt") == 1
    assert all(has_ended(handle) for handle in handles)


def test_a_program_that_is_killed_leaves_no_processes(endless):
    running, handles = endless
    running.kill()
    assert all(has_ended(handle) for handle in handles)


def has_ended(handle):
    return bool(select.select([handle], [], [], SECONDS)[0])
