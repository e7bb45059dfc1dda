"""Mirrors runtime/airvec/backends/openvino.py: what graphs give, and what is refused."""

import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import openvino
import pytest

from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
from airvec.backends.openvino import check_files
from airvec.errors import ArgumentError, ModelFolderError
from tests.folders import lookup_graph, pair_logits, reranker, rows_of, word_model
from tests.house.probe import HEAVY, probe
from tests.openvino_folders import as_openvino
from tests.sparse_folders import inference_free, splade_model, splade_of

MEAN_OF_A = rows_of("a").mean(axis=0)


def words(folder, **graph):
    """A model folder with an OpenVINO graph."""
    word_model(folder)
    onnx.save(lookup_graph(**graph), folder / "onnx" / "model.onnx")
    return as_openvino(folder)


def opened(folder, **arguments):
    return SentenceTransformer(folder, backend="openvino", **arguments)


@pytest.mark.parametrize("inputs", [["input_ids"], ["input_ids", "attention_mask", "token_type_ids"]])
def test_a_graph_gets_the_inputs_that_it_names(tmp_path, inputs):
    np.testing.assert_allclose(opened(words(tmp_path, inputs=inputs)).encode("a"), MEAN_OF_A, atol=1e-6)


def test_inputs_may_have_numbers_of_32_bits(tmp_path):
    change(words(tmp_path), 'element_type="i64"', 'element_type="i32"')
    model = opened(tmp_path)
    assert set(model._pipeline().backend.inputs.values()) == {np.int32}
    np.testing.assert_allclose(model.encode("a"), MEAN_OF_A, atol=1e-6)


def test_token_embeddings_may_have_either_name_and_a_graph_may_pool(tmp_path):
    model = opened(words(tmp_path / "tokens", output="token_embeddings"))
    np.testing.assert_allclose(model.encode("a"), MEAN_OF_A, atol=1e-6)
    model = opened(words(tmp_path / "pooled", output="sentence_embedding"))
    np.testing.assert_allclose(model.encode(["a b"])[0], rows_of("a", "b").max(axis=0), atol=1e-6)


def test_each_of_the_three_classes_and_a_router_gives_what_its_onnx_graph_gives(tmp_path):
    """Logits over the vocabulary, SPLADE pooling inside, and scores."""
    logits = SparseEncoder(as_openvino(splade_model(tmp_path / "logits")), backend="openvino")
    fused = as_openvino(splade_model(tmp_path / "fused", graphs=("model", "model_fused")))
    inside = SparseEncoder(fused, backend="openvino")
    routes = SparseEncoder(as_openvino(inference_free(tmp_path / "routes")), backend="openvino")
    for model in (logits, inside, routes):
        np.testing.assert_allclose(model.encode_document(["a b"]).to_dense()[0], splade_of("a b"), atol=1e-5)
    assert [model._pipeline("document").backend.pools for model in (logits, inside, routes)] == [False, True, False]
    scores = CrossEncoder(as_openvino(reranker(tmp_path / "pairs", labels=3)), backend="openvino")
    np.testing.assert_allclose(scores.predict([("a b", "c")])[0], pair_logits("a b", "c", 3), atol=1e-5)


def test_variants_are_files_with_names_of_the_reference_in_either_place(tmp_path):
    words(tmp_path)
    home = tmp_path / "openvino"
    for kind in ("xml", "bin"):
        shutil.copy(home / f"openvino_model.{kind}", home / f"openvino_model_qint8_quantized.{kind}")
        (home / f"openvino_model.{kind}").rename(tmp_path / f"openvino_model.{kind}")  # where optimum-intel writes it
    found = {
        "openvino": SentenceTransformer(tmp_path, variant="openvino"),
        "backend": opened(tmp_path),
        "int8": SentenceTransformer(tmp_path, variant="openvino-int8"),
        "file": opened(tmp_path, model_kwargs={"file_name": "openvino/openvino_model_qint8_quantized.xml"}),
    }
    places = {key: model._pipeline().backend.file.relative_to(tmp_path) for key, model in found.items()}
    assert {str(places[key]) for key in ("openvino", "backend")} == {"openvino_model.xml"}
    assert {str(places[key]) for key in ("int8", "file")} == {"openvino/openvino_model_qint8_quantized.xml"}
    for model in found.values():
        np.testing.assert_allclose(model.encode("a"), MEAN_OF_A, atol=1e-6)


def test_neither_torch_nor_onnxruntime_is_needed_and_no_use_is_reported(tmp_path):
    """`import openvino` alone sends an event and makes a folder in the home."""
    home = tmp_path / "home"
    home.mkdir()
    code = f"""
import os, sys
os.environ["HOME"] = {str(home)!r}
from airvec import SentenceTransformer
assert SentenceTransformer({str(words(tmp_path / "words"))!r}, backend="openvino").encode(["a", "b"]).shape == (2, 4)
"""
    seen = probe(code, absent=(*HEAVY, "onnxruntime"))
    assert seen.problem is None
    assert not {name for name in seen.modules if name.startswith(("torch", "onnxruntime", "openvino_telemetry"))}
    assert not list(home.iterdir())


def test_without_openvino_the_error_holds_the_pip_line(tmp_path):
    word_model(tmp_path)
    code = f"from airvec import SentenceTransformer\nSentenceTransformer({str(tmp_path)!r}, backend='openvino')"
    seen = probe(code, absent=("openvino",))
    assert seen.problem is not None
    assert seen.problem[0] == "MissingPackageError"
    assert seen.problem[2].endswith('Run: pip install "airvec[openvino]"')


def change(folder, old, new):
    """Replace text in the .xml of a folder."""
    file = folder / "openvino" / "openvino_model.xml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        ({"output": "logits"}, "outputs logits, expected one of last_hidden_state"),
        ({"inputs": ["input_ids", "pixel_values"]}, "inputs input_ids, pixel_values, expected input_ids"),
        ({"inputs": ["input_ids", "position_ids"]}, "expected input_ids and any of"),
        ({"dim": 5}, r"embedding dimension 4, but the graph's token embeddings have 5"),
    ],
)
def test_a_graph_of_another_kind_is_an_error_at_opening(tmp_path, graph, message):
    with pytest.raises(ModelFolderError, match=message):
        opened(words(tmp_path, **graph))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('shape="?,?"', 'shape="2,7"', r"takes i64 of shape \[2,7\], expected i64 or i32 of any number of texts"),
        ('element_type="i64"', 'element_type="u8"', r"takes u8 of shape \[\?,\?\], expected i64 or i32"),
        ('type="Gather"', 'type="NoSuch"', "cannot open it: .*NoSuch.* fetch or export it again"),
        ('offset="0"', 'offset="99999"', "cannot open it: .*Incorrect weights in bin file"),
        ('offset="0"', 'offset="18446744073709551000"', "cannot open it"),
        ('offset="0"', 'offset="-8"', "cannot open it"),
    ],
)
def test_a_graph_that_is_not_right_is_an_error_at_opening(tmp_path, old, new, message):
    change(words(tmp_path), old, new)
    with pytest.raises(ModelFolderError, match=rf"openvino/openvino_model.xml: .*{message}"):
        opened(tmp_path)


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.95])
@pytest.mark.parametrize("kind", ["xml", "bin"])
def test_a_file_cut_short_is_an_error_at_opening(tmp_path, keep, kind):
    file = words(tmp_path) / "openvino" / f"openvino_model.{kind}"
    content = file.read_bytes()
    file.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    with pytest.raises(ModelFolderError, match=r"openvino/openvino_model.xml: (begins with|OpenVINO .* cannot open)"):
        opened(tmp_path)


def test_missing_weights_and_a_missing_graph_are_errors_that_say_what_is_missing(tmp_path):
    (words(tmp_path) / "openvino" / "openvino_model.bin").unlink()
    with pytest.raises(ModelFolderError, match="no openvino_model.bin beside it"):
        opened(tmp_path)
    with pytest.raises(ModelFolderError, match=r"no graph 'openvino_model_int4.xml', expected one of openvino/open"):
        opened(tmp_path, variant="int4")
    with pytest.raises(ArgumentError, match=r"'../x.xml' leaves the model folder"):
        opened(tmp_path, model_kwargs={"file_name": "../x.xml"})


def test_an_onnx_file_is_not_opened_whatever_it_is_called(tmp_path):
    """OpenVINO goes by content, and would read the weights of an ONNX file from outside the folder."""
    graph = words(tmp_path / "model") / "openvino" / "openvino_model.xml"
    (tmp_path / "secret").write_bytes(np.ones(4 * 9, np.float32).tobytes())
    graph.write_bytes(lookup_graph(external="../../secret").SerializeToString())
    openvino.Core().read_model(lookup_graph().SerializeToString())  # it can
    with pytest.raises(ModelFolderError, match=r"openvino_model.xml: begins with b'.*, expected XML"):
        opened(tmp_path / "model")
    (tmp_path / "model" / "model.onnx").write_bytes(graph.read_bytes())
    with pytest.raises(ArgumentError, match="file_name: 'model.onnx', but backend is 'openvino', expected an .xml"):
        opened(tmp_path / "model", model_kwargs={"file_name": "model.onnx"})


def test_a_byte_order_mark_and_blanks_may_stand_before_the_xml(tmp_path):
    file = words(tmp_path) / "openvino" / "openvino_model.xml"
    file.write_bytes(b"\xef\xbb\xbf \n" + file.read_bytes())
    check_files(file)


def test_a_batch_that_openvino_cannot_run_is_an_error_with_its_shape(tmp_path):
    change(words(tmp_path), 'shape="?,?"', 'shape="?,1..4"')
    model = opened(tmp_path)
    np.testing.assert_allclose(model.encode("a"), MEAN_OF_A, atol=1e-6)
    with pytest.raises(ModelFolderError, match=r"openvino_model.xml: failed on a batch of shape \[1, 7\]"):
        model.encode("a b c d e")
    np.testing.assert_allclose(model.encode("a"), MEAN_OF_A, atol=1e-6)


@pytest.mark.skipif(os.name == "nt", reason="makes symbolic links")
def test_files_may_be_links_as_in_the_hubs_cache(tmp_path):
    words(tmp_path / "model")
    home, blobs = tmp_path / "model" / "openvino", tmp_path / "blobs"
    blobs.mkdir()
    for number, file in enumerate(sorted(home.iterdir())):
        file.rename(blobs / str(number))
        file.symlink_to(blobs / str(number))
    np.testing.assert_allclose(opened(tmp_path / "model").encode("a"), MEAN_OF_A, atol=1e-6)


def mixed_texts(count=900):
    return [" ".join("abcdefg"[: number % 7]) for number in range(count)]


def test_eight_threads_get_the_bytes_of_one_and_no_more_requests_than_calls_were_running(tmp_path):
    model = opened(words(tmp_path), threads=2)
    texts = mixed_texts()
    calls = [texts, texts[:5], "a b", texts[::-1], "c", texts] * 4
    expected = [opened(tmp_path, threads=2).encode(call, batch_size=8) for call in calls]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda call: model.encode(call, batch_size=8), calls))
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
    backend = model._pipeline().backend
    assert set(backend._opened) == {False, True}  # all threads on one batch, and a batch on each thread
    assert 1 <= len(backend._opened[True]._idle) <= 16  # eight calls with two threads each
    assert 1 <= len(backend._opened[False]._idle) <= 8


def test_a_request_that_failed_is_not_used_again(tmp_path):
    change(words(tmp_path), 'shape="?,?"', 'shape="?,1..4"')
    model = opened(tmp_path, threads=1)
    before = model.encode(["a", "b"])
    (requests,) = model._pipeline().backend._opened.values()
    (idle,) = requests._idle
    with pytest.raises(ModelFolderError):
        model.encode("a b c d e")
    assert not requests._idle
    np.testing.assert_array_equal(model.encode(["a", "b"]), before)
    assert requests._idle[0] is not idle


def test_results_are_not_changed_by_later_calls(tmp_path):
    """What a request gives lies in its own memory, which the next call writes into."""
    backend = opened(words(tmp_path))._pipeline()
    tokens = [backend.tokens([text], "") for text in ("a b c", "d e f")]
    first = backend.backend.run(tokens[0], bulk=False)["token_embeddings"]
    kept = first.copy()
    backend.backend.run(tokens[1], bulk=False)
    np.testing.assert_array_equal(first, kept)


def test_a_pickled_model_is_the_model_as_it_was_set(tmp_path):
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    model = opened(words(tmp_path), threads=2, truncate_dim=3, model_kwargs={"ov_config": settings})
    copy = pickle.loads(pickle.dumps(model))
    assert copy._options == model._options
    np.testing.assert_array_equal(copy.encode(mixed_texts(50)), model.encode(mixed_texts(50)))


# A server that loads the model and then forks its workers. The signal ends a child that hangs.
FIRST_CALLS = """
import os, sys, threading
from airvec.backends.openvino import ov
sys.setswitchinterval(1e-6)
barrier = threading.Barrier(4)
def call():
    barrier.wait()
    ov.Type.i64.to_dtype()
threads = [threading.Thread(target=call, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(2)
os._exit(any(thread.is_alive() for thread in threads))
"""


def test_first_calls_of_several_threads_do_not_wait_for_each_other_for_ever():
    for _ in range(3):  # without the backend's own call, most of such processes hang
        subprocess.run([sys.executable, "-c", FIRST_CALLS], check=True, timeout=30)


FORKS = """
import os, signal, sys, threading
import numpy as np
from airvec import SentenceTransformer
model = SentenceTransformer(sys.argv[1], backend="openvino", threads=2)
texts = [" ".join("abcdefg"[: number % 8]) for number in range(2000)]
expected, single = model.encode(texts, batch_size=16), model.encode("a b c")
if sys.argv[2] == "locked":  # as if another thread were opening something
    model._pipeline().backend._lock.acquire()
children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        same = np.array_equal(model.encode(texts, batch_size=16), expected)
        same = same and np.array_equal(model.encode("a b c"), single)
        sys.exit(0 if same else 3)
    children.append(child)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize("how", ["idle", "locked"])
def test_a_forked_child_encodes_and_ends(tmp_path, how):
    command = [sys.executable, "-c", FORKS, str(words(tmp_path)), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert (done.stdout.strip(), done.stderr) == ("[0, 0]", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model_kwargs": {"session_options": 5}}, "session_options: 5, but backend is 'openvino'"),
        ({"model_kwargs": {"provider": "CPUExecutionProvider"}}, "provider or device: .* but backend is 'openvino'"),
    ],
)
def test_what_is_for_onnxruntime_is_refused(tmp_path, arguments, message):
    with pytest.raises(ArgumentError, match=message):
        opened(words(tmp_path), **arguments)
