"""Several threads on one model, children by fork and by spawn, and memory that stays flat over many calls."""

import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
from tests.folders import reranker, word_model
from tests.pool_target import encode_held, encode_into, hold
from tests.sparse_folders import inference_free, splade_model

WORDS = [
    "parcel",
    "river",
    "of",
    "the",
    "seventeen",
    "boat",
    "Zürich",
    "42",
    "!",
    "x",
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "g",
    "h",
]
SECONDS = 120
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and forks")


def texts_of(count, longest):
    rng = np.random.default_rng(3)
    return [" ".join(rng.choice(WORDS, rng.integers(0, longest + 1))) for _ in range(count)]


def check_threads(call, batches):
    """Eight threads, each with all batches in an order of its own, give the bytes that one thread gives."""
    expected = [call(batch) for batch in batches]

    def work(seed):
        order = np.random.default_rng(seed).permutation(len(batches))
        return [(place, call(batches[place])) for place in order]

    with ThreadPoolExecutor(8) as threads:
        for found in threads.map(work, range(8)):
            for place, result in found:
                np.testing.assert_array_equal(result, expected[place])


def mixed_batches(longest):
    """Single texts, some that make one batch, and some that make many and run side by side."""
    texts = texts_of(500, longest)
    return [*texts[:8], texts[8:12], texts[12:60], texts, texts[:300]]


def test_eight_threads_get_the_bytes_of_one(tmp_path):
    model = SentenceTransformer(word_model(tmp_path), threads=2)
    check_threads(model.encode, mixed_batches(7))
    check_threads(SentenceTransformer().encode, mixed_batches(300))  # static


def test_eight_threads_get_the_scores_of_one(tmp_path):
    model = CrossEncoder(reranker(tmp_path), threads=2)
    pairs = [(text, "a b") for text in texts_of(400, 5)]
    check_threads(model.predict, [*pairs[:8], pairs[8:20], pairs])


def test_eight_threads_get_the_sparse_vectors_of_one(tmp_path):
    model = SparseEncoder(splade_model(tmp_path / "splade"), threads=2)
    check_threads(lambda texts: model.encode(texts).to_dense(), mixed_batches(7))
    routes = SparseEncoder(inference_free(tmp_path / "routes"), threads=2)
    check_threads(lambda texts: routes.encode_query(texts).to_dense(), mixed_batches(7))
    check_threads(lambda texts: routes.encode_document(texts).to_dense(), mixed_batches(7))


@pytest.mark.slow
def test_eight_threads_get_the_bytes_of_one_from_a_real_model(minilm):
    check_threads(SentenceTransformer(minilm, threads=2).encode, mixed_batches(20))


def test_a_first_call_by_eight_threads_at_once(tmp_path):
    """The second session is opened by the first long call: here by eight at the same time."""
    folder, texts = word_model(tmp_path), texts_of(5000, 7)
    expected = SentenceTransformer(folder, threads=2).encode(texts)
    for _ in range(3):
        model = SentenceTransformer(folder, threads=2)
        with ThreadPoolExecutor(8) as threads:
            for found in threads.map(model.encode, [texts] * 8):
                np.testing.assert_array_equal(found, expected)


def test_a_pickled_model_is_the_model_as_it_was_set(tmp_path):
    model = SentenceTransformer(word_model(tmp_path), prompts={"query": "a "}, similarity_fn_name="dot", threads=2)
    model.max_seq_length, model.truncate_dim, model.prompts["more"] = 4, 3, "b "
    copy = pickle.loads(pickle.dumps(model))
    assert (copy.max_seq_length, copy.truncate_dim, copy.prompts) == (4, 3, model.prompts)
    assert (copy.similarity_fn_name, copy.device, repr(copy)) == ("dot", "cpu", repr(model))
    texts = texts_of(20, 7)
    np.testing.assert_array_equal(copy.encode(texts, "query"), model.encode(texts, "query"))


@pytest.fixture
def words(tmp_path):
    return SentenceTransformer(word_model(tmp_path), threads=2, truncate_dim=3)


def test_a_model_goes_to_a_spawned_process_as_an_argument(words):
    texts, spawn = texts_of(50, 7), get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=encode_into, args=(words, texts, theirs))
    process.start()
    theirs.close()
    assert ours.poll(SECONDS)
    np.testing.assert_array_equal(ours.recv(), words.encode(texts))
    process.join(SECONDS)
    assert process.exitcode == 0


def test_a_model_goes_to_the_processes_of_an_executor(words):
    texts = texts_of(50, 7)
    with ProcessPoolExecutor(2, get_context("spawn"), initializer=hold, initargs=(words,)) as executor:
        for found in executor.map(encode_held, [texts, texts[:3]], timeout=SECONDS):
            np.testing.assert_array_equal(found, words.encode(texts)[: len(found)])


# A server that loads the model and then forks its workers (gunicorn --preload). The signal ends a child that hangs.
FORKS = """
import os, signal, sys, threading
import numpy as np
from airvec import SentenceTransformer
folder, how, seconds = sys.argv[1:]
kwargs = {}
if how == "sleeping":  # its threads sleep between runs: destroyed in a child, such a session waits for them for ever
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # airvec is not the first to import it here
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 2, 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    kwargs = {"model_kwargs": {"session_options": options}}
model = SentenceTransformer(None if folder == "static" else folder, threads=2, **kwargs)
texts = [" ".join("abcdefg"[: number % 8]) for number in range(2000)]
expected = model.encode(texts)
single = model.encode("a b c")
threads = [threading.Thread(target=model.encode, args=(texts,)) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads if how != "busy" else []:
    thread.join()
if how == "locked":  # as if another thread were opening something
    model._opening.acquire()
    model._pipeline().backend._lock.acquire()
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        signal.alarm(int(seconds))
        same = np.array_equal(model.encode(texts), expected) and np.array_equal(model.encode("a b c"), single)
        model.max_seq_length = model.max_seq_length
        sys.exit(0 if same else 3)
    children.append(child)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


def forked(folder, how):
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKS, str(folder), how, str(SECONDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=4 * SECONDS)
    return done.stdout.strip(), done.stderr


@linux
@pytest.mark.parametrize("how", ["idle", "sleeping", "busy", "locked"])
def test_a_forked_child_encodes_and_ends(tmp_path, how):
    assert forked(word_model(tmp_path), how) == ("[0, 0, 0]", "")


@linux
def test_a_forked_child_encodes_with_a_static_model():
    assert forked("static", "busy") == ("[0, 0, 0]", "")


@linux
@pytest.mark.slow
def test_a_forked_child_encodes_with_a_real_model(minilm):
    assert forked(minilm, "idle") == ("[0, 0, 0]", "")


@linux
def test_opening_a_model_starts_no_thread_and_so_none_that_reports_to_anyone(tmp_path):
    code = (
        "import os, sys; from airvec import SentenceTransformer; SentenceTransformer(sys.argv[1], threads=1); "
        "print(len(os.listdir('/proc/self/task')))"
    )
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    alone.pop("ORT_DISABLE_TELEMETRY", None)
    command = [sys.executable, "-c", code, str(word_model(tmp_path))]
    assert subprocess.run(command, env=alone, capture_output=True, text=True, check=True).stdout == "1\n"


# Memory, in bytes, that calls after the first thousand have added to each.
GROWTH = """
import json, os, random, sys
from pathlib import Path
from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
folder, kind, calls, leak = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
rng, kept = random.Random(5), []
texts = [" ".join(rng.choices("abcdefgh", k=rng.randint(1, 30))) for _ in range(100)]
if kind == "CrossEncoder":
    model = CrossEncoder(folder, threads=1)
    call = lambda text: model.predict([(text, "a b")])
else:
    model = {"SentenceTransformer": SentenceTransformer, "SparseEncoder": SparseEncoder}[kind](folder, threads=1)
    call = model.encode
page = os.sysconf("SC_PAGE_SIZE")
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * page
for number in range(calls + 1000):
    if number == 1000:
        before = resident()
    call(texts[number % 100])
    kept.append(os.urandom(leak))
print(json.dumps((resident() - before) / calls))
"""


def growth(folder, kind, calls, leak=0):
    command = [sys.executable, "-c", GROWTH, str(folder), kind, str(calls), str(leak)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@linux
@pytest.mark.parametrize(
    ("kind", "make"),
    [("SentenceTransformer", word_model), ("CrossEncoder", reranker), ("SparseEncoder", splade_model)],
)
def test_thousands_of_calls_leave_memory_flat(tmp_path, kind, make):
    assert growth(make(tmp_path), kind, 3000) < 300


@linux
def test_a_leak_would_be_seen(tmp_path):
    assert growth(word_model(tmp_path), "SentenceTransformer", 2000, leak=1000) > 900


@linux
@pytest.mark.slow
def test_calls_of_a_real_model_leave_memory_flat(minilm):
    assert growth(minilm, "SentenceTransformer", 1500) < 500
