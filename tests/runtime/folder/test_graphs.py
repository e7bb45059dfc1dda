"""Mirrors runtime/airvec/folder/graphs.py: which graph is run."""

from pathlib import Path

import onnx
import pytest

from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder import find_graph, graph_files, read_folder
from airvec.manifest import GraphRecord, Manifest, write_manifest
from tests.folders import lookup_graph, word_model, write_json
from tests.sparse_folders import splade_model


def name_of(file: str) -> str:
    return Path(file).name


def test_graphs_are_found_in_onnx_then_in_the_root_and_by_variant_and_by_name(tmp_path):
    folder = read_folder(word_model(tmp_path))
    for name in ("model.onnx", "onnx/model_int8.onnx", "extra.onnx"):
        onnx.save(lookup_graph(), tmp_path / name)
    assert find_graph(folder) == find_graph(folder, "fp32") == str(tmp_path / "onnx/model.onnx")
    assert find_graph(folder, "int8") == str(tmp_path / "onnx/model_int8.onnx")
    assert find_graph(folder, file_name="model_int8.onnx") == str(tmp_path / "onnx/model_int8.onnx")
    assert find_graph(folder, file_name="onnx/model_int8.onnx") == str(tmp_path / "onnx/model_int8.onnx")
    assert find_graph(folder, file_name="model.onnx") == str(tmp_path / "model.onnx")
    (tmp_path / "onnx/model.onnx").unlink()
    assert find_graph(folder) == str(tmp_path / "model.onnx")
    assert graph_files(folder) == ("extra.onnx", "model.onnx", "onnx/model_int8.onnx")


def test_auto_is_what_a_packed_folder_says_only_where_there_is_no_fp32(tmp_path):
    word_model(tmp_path)
    onnx.save(lookup_graph(), tmp_path / "onnx/model_int8_x86.onnx")
    write_manifest(tmp_path, Manifest(variant="int8-x86", packed={"arch": "x86_64"}))
    folder = read_folder(tmp_path)
    assert find_graph(folder) == find_graph(folder, "fp32") == str(tmp_path / "onnx/model.onnx")
    (tmp_path / "onnx/model.onnx").unlink()
    assert find_graph(folder) == str(tmp_path / "onnx/model_int8_x86.onnx")
    for variant, backend in (("fp32", "onnx"), ("int4", "onnx"), ("auto", "openvino")):
        with pytest.raises(ModelFolderError, match="expected one of onnx/model_int8_x86.onnx"):
            find_graph(folder, variant, backend=backend)


def test_a_missing_graph_is_an_error_that_lists_the_others_or_tells_how_to_make_one(tmp_path):
    folder = read_folder(word_model(tmp_path / "mini"))
    with pytest.raises(ModelFolderError, match=r"no graph 'model_int8.onnx', expected one of onnx/model.onnx"):
        find_graph(folder, "int8")
    (tmp_path / "mini/onnx/model.onnx").unlink()
    with pytest.raises(ModelFolderError, match=r"airvec export .*mini mini-onnx"):
        find_graph(folder)


def test_a_graph_name_that_leaves_the_folder_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match=r"file_name: path '../x.onnx' leaves"):
        find_graph(read_folder(word_model(tmp_path)), file_name="../x.onnx")


def test_a_graph_of_another_size_than_the_manifest_says_is_an_error(tmp_path):
    word_model(tmp_path)
    write_manifest(tmp_path, Manifest(graphs={"onnx/model.onnx": GraphRecord(sha256="", size=5)}))
    with pytest.raises(ModelFolderError, match="airvec.json says 5"):
        find_graph(read_folder(tmp_path))


@pytest.mark.parametrize(("graph", "weights"), [
    ("onnx/model.onnx", "onnx/model.onnx_data"), ("openvino/openvino_model.xml", "openvino/openvino_model.bin"),
])  # fmt: skip
def test_weights_of_another_size_than_the_manifest_says_are_an_error_before_they_are_read(tmp_path, graph, weights):
    word_model(tmp_path)
    (tmp_path / "openvino").mkdir()
    (tmp_path / graph).write_bytes(b"graph")
    (tmp_path / weights).write_bytes(b"weig")
    records = {graph: GraphRecord(sha256="", size=5), weights: GraphRecord(sha256="", size=7)}
    write_manifest(tmp_path, Manifest(graphs=records))
    backend = graph.partition("/")[0]
    with pytest.raises(ModelFolderError, match=rf"{weights}: 4 bytes long, airvec.json says 7"):
        find_graph(read_folder(tmp_path), backend=backend)
    (tmp_path / weights).write_bytes(b"weights")
    assert find_graph(read_folder(tmp_path), backend=backend) == str(tmp_path / graph)


def test_auto_takes_the_graph_with_splade_pooling_inside_only_for_logits(tmp_path):
    sparse = read_folder(splade_model(tmp_path / "sparse", graphs=("model", "model_fused")))
    assert name_of(find_graph(sparse)) == "model_fused.onnx"
    assert name_of(find_graph(sparse, "fp32")) == name_of(find_graph(sparse, file_name="model.onnx")) == "model.onnx"
    dense = read_folder(word_model(tmp_path / "dense"))
    onnx.save(lookup_graph(), tmp_path / "dense" / "onnx" / "model_fused.onnx")
    assert name_of(find_graph(dense)) == "model.onnx"
    assert name_of(find_graph(dense, "fused")) == "model_fused.onnx"


@pytest.mark.parametrize(("kind", "told"), [("SparseEncoder", " --as sparse"), ("CrossEncoder", " --as rerank")])
def test_the_line_that_makes_a_graph_says_what_to_make(tmp_path, kind, told):
    architecture = {"SparseEncoder": "BertForMaskedLM", "CrossEncoder": "BertForSequenceClassification"}[kind]
    write_json(tmp_path / "mini" / "config.json", {"architectures": [architecture], "model_type": "bert"})
    with pytest.raises(ModelFolderError, match=f"airvec export .*mini mini-onnx{told}$"):
        find_graph(read_folder(tmp_path / "mini", kind))
