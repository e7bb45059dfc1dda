"""Mirrors runtime/airvec/folder/variants.py."""

import pytest

from airvec import cpu
from airvec.errors import ModelFolderError
from airvec.folder import fastest, find_graph, graph_names, read_folder, variant_of, variants_of
from airvec.manifest import GraphRecord, Manifest, write_manifest
from tests.folders import word_model

FILES = ("onnx/model_int8_x86.onnx", "onnx/model_int8_vnni.onnx", "onnx/model_qint8_avx512.onnx")


@pytest.fixture
def on_cpu(monkeypatch, tmp_path_factory):
    """Make this machine one with the given instruction sets."""

    def become(flags: str, machine: str = "x86_64") -> None:
        file = tmp_path_factory.mktemp("cpu") / "cpuinfo"
        file.write_text(f"flags : {flags}\n")
        monkeypatch.setattr(cpu, "CPUINFO", file)
        monkeypatch.setattr(cpu.platform, "machine", lambda: machine)

    return become


@pytest.fixture
def folder(tmp_path):
    word_model(tmp_path / "mini")
    (tmp_path / "mini/openvino").mkdir()
    for name in (*FILES, "openvino/openvino_model.xml", "openvino/openvino_model_qint8_quantized.xml", "other.onnx"):
        (tmp_path / "mini" / name).write_bytes(b"graph")
    return tmp_path / "mini"


def test_int8_is_the_best_file_that_this_cpu_can_run(folder, on_cpu):
    on_cpu("avx2 avx512_vnni")
    assert find_graph(read_folder(folder), "int8").name == "model_int8_vnni.onnx"
    on_cpu("avx2")
    assert find_graph(read_folder(folder), "int8").name == "model_int8_x86.onnx"
    assert find_graph(read_folder(folder), "int8-x86").name == "model_int8_x86.onnx"
    assert find_graph(read_folder(folder), "int8-dynamic").name == "model_qint8_avx512.onnx"


def test_a_graph_with_8_bit_weights_is_refused_where_it_would_saturate(folder, on_cpu):
    on_cpu("avx2")
    with pytest.raises(ModelFolderError, match=r"made for CPUs with vnni.*--variants int8-x86"):
        find_graph(read_folder(folder), "int8-vnni")
    (folder / "onnx/mine.onnx").write_bytes(b"graph")
    write_manifest(folder, Manifest(graphs={"onnx/mine.onnx": GraphRecord("", 5, family="vnni")}))
    with pytest.raises(ModelFolderError, match="made for CPUs with vnni"):
        find_graph(read_folder(folder), file_name="mine.onnx")
    on_cpu("asimd", "aarch64")
    assert find_graph(read_folder(folder), "int8-vnni").name == "model_int8_vnni.onnx"


def test_openvino_graphs_are_variants_of_their_own(folder):
    opened = read_folder(folder)
    assert find_graph(opened, "openvino") == find_graph(opened, backend="openvino")
    assert find_graph(opened, "openvino").name == "openvino_model.xml"
    assert find_graph(opened, "openvino-int8") == find_graph(opened, "int8", backend="openvino")
    assert find_graph(opened, "openvino-int8").name == "openvino_model_qint8_quantized.xml"


def test_every_graph_is_listed_under_the_word_that_chooses_it_and_fp32_first(folder):
    opened = read_folder(folder)
    found = variants_of(opened)
    assert list(found) == [
        "fp32", "int8-vnni", "int8-x86", "openvino", "openvino-int8", "other.onnx", "qint8_avx512"
    ]  # fmt: skip
    for variant in found:
        if variant not in ("other.onnx", "int8-vnni"):
            assert find_graph(opened, variant) == found[variant]


@pytest.mark.parametrize(
    "name", ["fp32", "O3", "int8-arm64", "quantized", "openvino", "openvino-int8", "openvino-fp16"]
)
def test_a_variant_s_first_file_name_stands_for_that_variant(name):
    assert variant_of(graph_names(name)[0]) == name


def test_fastest_is_the_highest_measured_speed_among_graphs_that_run_here(folder, on_cpu):
    on_cpu("avx2")
    speeds = {"onnx/model.onnx": 100, FILES[0]: 140, FILES[1]: 190, "openvino/openvino_model.xml": 300}
    size = (folder / "onnx/model.onnx").stat().st_size
    records = {
        name: GraphRecord("", size if name == "onnx/model.onnx" else 5, measured={"texts_per_second": speed},
                          family="vnni" if "vnni" in name else None)
        for name, speed in speeds.items()
    }  # fmt: skip
    write_manifest(folder, Manifest(graphs=records))
    opened = read_folder(folder)
    assert fastest(opened) == "int8-x86"
    assert fastest(opened, backends=("onnx", "openvino")) == "openvino"
    on_cpu("avx2 avx_vnni")
    assert fastest(opened) == "int8-vnni"


def test_without_a_measured_speed_nothing_is_fastest(folder):
    with pytest.raises(ModelFolderError, match="no graph with a measured speed"):
        fastest(read_folder(folder))
