"""Mirrors runtime/airvec/backends/onnx.py."""

import threading
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from airvec import SentenceTransformer
from airvec.backends.onnx import _session_options
from airvec.errors import ArgumentError, ModelFolderError
from airvec.manifest import Manifest, write_manifest
from tests.folders import MEAN, lookup_graph, rows_of, table, word_model, write_json


def with_graph(folder, **graph):
    """A model folder with another graph."""
    word_model(folder)
    onnx.save(lookup_graph(**graph), folder / "onnx" / "model.onnx")
    return folder


@pytest.mark.parametrize("inputs", [["input_ids"], ["input_ids", "attention_mask", "token_type_ids"]])
def test_a_graph_gets_the_inputs_that_it_names(tmp_path, inputs):
    model = SentenceTransformer(with_graph(tmp_path, inputs=inputs))
    np.testing.assert_allclose(model.encode("a"), rows_of("a").mean(axis=0), atol=1e-6)


def test_token_embeddings_may_have_either_name(tmp_path):
    model = SentenceTransformer(with_graph(tmp_path, output="token_embeddings"))
    np.testing.assert_allclose(model.encode("a"), rows_of("a").mean(axis=0), atol=1e-6)


def test_a_graph_that_pools_is_taken_at_its_word(tmp_path):
    model = SentenceTransformer(with_graph(tmp_path, output="sentence_embedding"))
    np.testing.assert_allclose(model.encode(["a b"])[0], rows_of("a", "b").max(axis=0), atol=1e-6)


def test_behind_a_graph_that_pools_vectors_are_normalised_and_layers_refused(tmp_path):
    folder = word_model(tmp_path, normalize=True)
    onnx.save(lookup_graph(output="sentence_embedding"), folder / "onnx" / "model.onnx")
    assert np.linalg.norm(SentenceTransformer(folder).encode("a b")) == pytest.approx(1)
    write_json(folder / "1_Pooling" / "config.json", {**MEAN, "include_prompt": False})
    with pytest.raises(ModelFolderError, match="may or may not include module 'Pooling'"):
        SentenceTransformer(folder)


def test_a_folder_for_a_newer_onnxruntime_is_refused(tmp_path):
    write_manifest(word_model(tmp_path), Manifest(min_onnxruntime="99.1"))
    with pytest.raises(ModelFolderError, match="needs onnxruntime 99.1, found .*pip install --upgrade onnxruntime"):
        SentenceTransformer(tmp_path)


@pytest.mark.parametrize("argument", [{"variant": "int8"}, {"model_kwargs": {"file_name": "x.onnx"}}])
def test_a_static_model_refuses_what_is_for_graphs(argument):
    with pytest.raises(ArgumentError, match="is a static model and has no graph"):
        SentenceTransformer(**argument)


def test_session_options_of_another_kind_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match="session_options: 5, expected an onnxruntime.SessionOptions"):
        SentenceTransformer(word_model(tmp_path), model_kwargs={"session_options": 5})


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
        SentenceTransformer(with_graph(tmp_path, **graph))


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.95])
def test_a_graph_cut_short_is_an_error_at_opening(tmp_path, keep):
    graph = word_model(tmp_path) / "onnx" / "model.onnx"
    content = graph.read_bytes()
    graph.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    with pytest.raises(ModelFolderError, match="onnx/model.onnx: not a whole ONNX file"):
        SentenceTransformer(tmp_path)


def test_a_whole_file_that_is_no_valid_graph_is_an_error_with_onnxruntimes_reason(tmp_path):
    graph = lookup_graph()
    graph.graph.node[0].op_type = "NoSuchOperator"
    (word_model(tmp_path) / "onnx" / "model.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(ModelFolderError, match="NoSuchOperator"):
        SentenceTransformer(tmp_path)


def test_a_graph_that_fails_while_running_is_an_error_with_the_batchs_shape(tmp_path):
    model = SentenceTransformer(word_model(tmp_path))
    with pytest.raises(ModelFolderError, match=r"failed on a batch of shape \[1, 3\]"):
        model._pipeline().backend.run(_bad_tokens(), bulk=False)


def _bad_tokens():
    from airvec.batching import Tokens

    ids = np.array([1, 2, 999], np.int32)
    return Tokens(ids, np.zeros(3, np.int32), np.array([0, 3]))


def test_weights_in_a_file_beside_the_graph_are_used(tmp_path):
    folder = word_model(tmp_path)
    (folder / "onnx" / "model.onnx").write_bytes(lookup_graph(external="model.onnx_data").SerializeToString())
    (folder / "onnx" / "model.onnx_data").write_bytes(table().tobytes())
    np.testing.assert_allclose(SentenceTransformer(folder).encode("a"), rows_of("a").mean(axis=0), atol=1e-6)


def test_weights_beside_the_graph_are_found_through_links_as_in_the_hubs_cache(tmp_path):
    folder = word_model(tmp_path / "snapshot")
    (tmp_path / "blobs").mkdir()
    graph = lookup_graph(external="model.onnx_data").SerializeToString()
    (folder / "onnx" / "model.onnx").unlink()
    for name, content in (("model.onnx", graph), ("model.onnx_data", table().tobytes())):
        blob = tmp_path / "blobs" / str(len(content))
        blob.write_bytes(content)
        (folder / "onnx" / name).symlink_to(Path("../../blobs") / blob.name)
    np.testing.assert_allclose(SentenceTransformer(folder).encode("a"), rows_of("a").mean(axis=0), atol=1e-6)


def test_weights_beside_the_graph_that_are_cut_short_are_an_error(tmp_path):
    folder = word_model(tmp_path)
    (folder / "onnx" / "model.onnx").write_bytes(lookup_graph(external="model.onnx_data").SerializeToString())
    (folder / "onnx" / "model.onnx_data").write_bytes(table().tobytes()[:-4])
    with pytest.raises(ModelFolderError, match=r"onnx/model.onnx: ONNX Runtime .* cannot open it: .*damaged"):
        SentenceTransformer(folder)


def test_weights_outside_the_folder_are_refused_before_anything_is_opened(tmp_path):
    folder = word_model(tmp_path / "model")
    (folder / "onnx" / "model.onnx").write_bytes(lookup_graph(external="../../secret").SerializeToString())
    (tmp_path / "secret").write_bytes(table().tobytes())
    with pytest.raises(ModelFolderError, match="'../../secret' leaves the model folder"):
        SentenceTransformer(folder)


def test_the_callers_session_options_are_used_for_everything(tmp_path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = SentenceTransformer(word_model(tmp_path), threads=2, model_kwargs={"session_options": options})
    model.encode(["a"] * 3000, batch_size=1)
    assert model._pipeline().backend._beside is None


def test_an_unknown_provider_and_an_unknown_backend_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match="provider: 'NoExecutionProvider', but this onnxruntime has"):
        SentenceTransformer(word_model(tmp_path), model_kwargs={"provider": "NoExecutionProvider"})
    for name in ("torch", "tensorrt"):
        with pytest.raises(ArgumentError, match=f"backend: '{name}', expected 'onnx' or 'openvino'"):
            SentenceTransformer(tmp_path, backend=name)


def test_bulk_calls_from_several_threads_share_sessions_and_agree(tmp_path):
    model = SentenceTransformer(word_model(tmp_path), threads=2)
    texts = [" ".join("abcdefg"[: 1 + place % 6]) for place in range(2000)]
    expected = model.encode(texts)
    found = [None] * 4

    def run(place):
        found[place] = model.encode(texts)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one.tobytes() == expected.tobytes() for one in found)


def test_threads_that_wait_awake_do_so_for_a_moment_only():
    waiting = _session_options(None, 2, spin=True)
    assert waiting.get_session_config_entry("session.intra_op.spin_duration_us") == "1000"
    asleep = _session_options(None, 2, spin=False)
    assert asleep.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert waiting.get_session_config_entry("session.prepack.enable_parallel") == "1"


def without_cuda(monkeypatch, problem=None):
    """onnxruntime's package for GPUs on a machine without CUDA: it opens sessions on the CPU, or fails."""
    real = onnxruntime.InferenceSession

    def opened(file, settings, providers, **options):
        if problem is not None:
            raise RuntimeError(problem)
        return real(file, settings, ["CPUExecutionProvider"], **options)

    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr("onnxruntime.InferenceSession", opened)


@pytest.mark.parametrize(
    "options", [{"device": "cuda"}, {"model_kwargs": {"provider": "CUDAExecutionProvider"}}], ids=str
)
def test_a_provider_that_cannot_start_is_refused_and_not_replaced_by_the_cpu(tmp_path, monkeypatch, options):
    word_model(tmp_path)
    without_cuda(monkeypatch)
    with pytest.raises(ArgumentError, match="'CUDAExecutionProvider' could not start here.*device='cpu'"):
        SentenceTransformer(tmp_path, **options)


def test_a_provider_that_fails_says_why(tmp_path, monkeypatch):
    word_model(tmp_path)
    without_cuda(monkeypatch, "no device 7")
    with pytest.raises(ModelFolderError, match="no device 7 Where it works with device='cpu', correct the provider"):
        SentenceTransformer(tmp_path, device="cuda:7")


@pytest.mark.skipif(
    "AzureExecutionProvider" not in onnxruntime.get_available_providers(),
    reason="this onnxruntime has no second provider that starts everywhere",
)
def test_providers_of_the_caller_s_session_options_are_kept(tmp_path):
    settings = onnxruntime.SessionOptions()
    settings.add_provider("AzureExecutionProvider", {})
    model = SentenceTransformer(word_model(tmp_path), model_kwargs={"session_options": settings})
    np.testing.assert_allclose(model.encode("a"), rows_of("a").mean(axis=0), atol=1e-6)
    assert "AzureExecutionProvider" in model._pipeline().backend._alone.get_providers()
