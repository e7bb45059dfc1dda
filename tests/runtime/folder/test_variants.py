"""Mirrors runtime/airvec/folder/variants.py."""

from pathlib import Path

import pytest

from airvec import cpu
from airvec.errors import AirvecWarning, ArgumentError, ModelFolderError
from airvec.folder import fastest, find_graph, graph_names, read_folder, variant_of, variants_of
from airvec.manifest import GraphRecord, Manifest, write_manifest
from tests.folders import word_model

FILES = ("onnx/model_int8_x86.onnx", "onnx/model_int8_vnni.onnx", "onnx/model_qint8_avx512.onnx")


def name_of(file: str) -> str:
    return Path(file).name


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
    assert name_of(find_graph(read_folder(folder), "int8")) == "model_int8_vnni.onnx"
    on_cpu("avx2")
    assert name_of(find_graph(read_folder(folder), "int8")) == "model_int8_x86.onnx"
    assert name_of(find_graph(read_folder(folder), "int8-x86")) == "model_int8_x86.onnx"
    (folder / "onnx/model_quint8_avx2.onnx").write_bytes(b"graph")
    assert name_of(find_graph(read_folder(folder), "int8-dynamic")) == "model_quint8_avx2.onnx"


def test_a_graph_with_8_bit_weights_is_refused_where_it_would_saturate(folder, on_cpu):
    on_cpu("avx2")
    with pytest.raises(ModelFolderError, match=r"made for CPUs with vnni.*--variants int8-x86"):
        find_graph(read_folder(folder), "int8-vnni")
    (folder / "onnx/mine.onnx").write_bytes(b"graph")
    write_manifest(folder, Manifest(graphs={"onnx/mine.onnx": GraphRecord("", 5, family="vnni")}))
    with pytest.raises(ModelFolderError, match="made for CPUs with vnni"):
        find_graph(read_folder(folder), file_name="mine.onnx")
    on_cpu("asimd", "aarch64")
    assert name_of(find_graph(read_folder(folder), "int8-vnni")) == "model_int8_vnni.onnx"


@pytest.mark.parametrize("name", ["qint8_avx512", "qint8_avx512_vnni", "qint8_arm64"])
def test_sentence_transformers_own_int8_is_opened_with_a_warning_where_it_saturates(folder, on_cpu, name):
    (folder / f"onnx/model_{name}.onnx").write_bytes(b"graph")
    write_manifest(folder, Manifest(graphs={f"onnx/model_{name}.onnx": GraphRecord("", 5)}))
    on_cpu("avx2")
    for choice in ({"variant": name}, {"file_name": f"model_{name}.onnx"}):
        with pytest.warns(AirvecWarning, match=rf"model_{name}.onnx: .*saturate.*int8-x86.*quint8_avx2"):
            assert name_of(find_graph(read_folder(folder), **choice)) == f"model_{name}.onnx"
    on_cpu("avx2 avx512_vnni")
    assert name_of(find_graph(read_folder(folder), name)) == f"model_{name}.onnx"


def test_openvino_graphs_are_variants_of_their_own(folder):
    opened = read_folder(folder)
    assert find_graph(opened, "openvino") == find_graph(opened, backend="openvino")
    assert name_of(find_graph(opened, "openvino")) == "openvino_model.xml"
    assert find_graph(opened, "openvino-int8") == find_graph(opened, "int8", backend="openvino")
    assert name_of(find_graph(opened, "openvino-int8")) == "openvino_model_qint8_quantized.xml"


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


def measured(folder, **speeds):
    """Write airvec.json with texts a second by variant, or with all that was measured."""
    files = {name.replace("-", "_"): Path(file) for name, file in variants_of(read_folder(folder)).items()}
    records = {
        files[name].relative_to(folder).as_posix(): GraphRecord(
            "", files[name].stat().st_size, measured=said if isinstance(said, dict) else {"texts_per_second": said},
            family="vnni" if name == "int8_vnni" else None,
        )
        for name, said in speeds.items()
    }  # fmt: skip
    write_manifest(folder, Manifest(graphs=records))
    return read_folder(folder)


def test_fastest_is_the_highest_measured_speed_among_graphs_of_the_backend_that_run_here(folder, on_cpu):
    on_cpu("avx2")
    opened = measured(folder, fp32=100, int8_x86=140, int8_vnni=190, qint8_avx512=180, openvino=300, openvino_int8=400)
    assert name_of(fastest(opened)) == "model_int8_x86.onnx"
    assert name_of(fastest(opened, backend="openvino")) == "openvino_model_qint8_quantized.xml"
    on_cpu("avx2 avx_vnni")
    assert name_of(fastest(opened)) == "model_int8_vnni.onnx"


@pytest.mark.parametrize("fault", [{"batch_delta": 2e-5}, {"misses": 1}])
def test_a_graph_whose_numbers_depend_on_the_batch_or_miss_their_bound_is_never_fastest(folder, on_cpu, fault):
    on_cpu("avx2 avx512_vnni")
    sound = {"texts_per_second": 140, "batch_delta": 9e-6}
    opened = measured(folder, fp32=100, int8_x86=sound, qint8_avx512={"texts_per_second": 300, **fault})
    assert name_of(fastest(opened)) == "model_int8_x86.onnx"


def test_without_a_measured_speed_nothing_is_fastest(folder):
    with pytest.raises(ModelFolderError, match="no graph of backend 'onnx' with a measured speed"):
        fastest(read_folder(folder))
    with pytest.raises(ModelFolderError, match="no graph of backend 'openvino' with a measured speed"):
        fastest(measured(folder, fp32=100), backend="openvino")


def test_an_openvino_file_by_name_needs_its_backend(folder):
    opened = read_folder(folder)
    with pytest.raises(ArgumentError, match=r'Pass backend="openvino" with it'):
        find_graph(opened, file_name="openvino/openvino_model.xml")
    assert Path(find_graph(opened, file_name="openvino/openvino_model.xml", backend="openvino")).is_file()
