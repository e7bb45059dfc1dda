"""Mirrors exporter/airvec_exporter/openvino.py."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import onnx
import openvino
import pytest

from airvec import SentenceTransformer
from airvec_exporter import openvino as written
from airvec_exporter.errors import ExportError
from airvec_exporter.graph import write_portable
from airvec_exporter.load import load
from airvec_exporter.openvino import write_int8_ir, write_ir
from tests import tiny
from tests.folders import lookup_graph
from tests.house.probe import probe

ARCHITECTURES = ("roberta", "modernbert", "t5", "qwen3")
INT8 = "openvino_model_qint8_quantized.xml"
BOUND = 1e-5


def digests(file: Path) -> list[str]:
    return [hashlib.sha256(part.read_bytes()).hexdigest() for part in (file, file.with_suffix(".bin"))]


def rows(model: SentenceTransformer, texts: list[str], **arguments) -> np.ndarray:
    """Embeddings of length 1."""
    return model.encode(texts, normalize_embeddings=True, **arguments)


@pytest.fixture
def lookup(tmp_path) -> Path:
    onnx.save(lookup_graph(), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def test_names_shapes_and_float32_are_kept(lookup, tmp_path):
    write_ir(lookup, tmp_path / "ir" / "openvino_model.xml")
    model = openvino.Core().read_model(tmp_path / "ir" / "openvino_model.xml")
    assert [(port.any_name, str(port.partial_shape)) for port in model.inputs] == [
        ("input_ids", "[?,?]"), ("attention_mask", "[?,?]")
    ]  # fmt: skip
    assert [(port.any_name, str(port.partial_shape)) for port in model.outputs] == [("last_hidden_state", "[?,?,4]")]
    assert {node.get_element_type().get_type_name() for node in model.get_ops()} == {"i64", "f32"}


@pytest.mark.slow
def test_two_conversions_in_one_process_give_the_same_bytes_without_a_path_of_this_machine(graph, tmp_path):
    """OpenVINO names operators by a counter of the process, so that plain conversions differ."""
    core = openvino.Core()
    for name in ("plain", "other"):
        openvino.save_model(core.read_model(graph.path), tmp_path / f"{name}.xml", compress_to_fp16=False)
        write_ir(graph.path, tmp_path / name / "openvino_model.xml")
    assert digests(tmp_path / "plain.xml") != digests(tmp_path / "other.xml")
    first, second = (tmp_path / name / "openvino_model.xml" for name in ("plain", "other"))
    assert digests(first) == digests(second)
    assert str(tmp_path) not in first.read_text()
    assert str(graph.path.parent) not in first.read_text()


def test_a_file_that_is_no_graph_is_an_error(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ExportError, match=r"model.onnx: OpenVINO .* cannot read it: .*Upgrade openvino"):
        write_ir(tmp_path / "model.onnx", tmp_path / "openvino_model.xml")
    assert not (tmp_path / "openvino_model.xml").exists()


def test_a_disk_that_takes_no_files_is_an_error_with_the_path(lookup, tmp_path):
    (tmp_path / "openvino_model.bin").mkdir()
    with pytest.raises(ExportError, match=r"openvino_model\.xml: OpenVINO cannot write it: .*disk is not full\."):
        write_ir(lookup, tmp_path / "openvino_model.xml")


@pytest.mark.parametrize("absent", ["openvino", "nncf"])
def test_without_its_packages_the_error_holds_the_pip_line(absent):
    code = """
from pathlib import Path
from airvec_exporter.openvino import write_int8_ir
write_int8_ir(Path("model.onnx"), Path("x.xml"), [])
"""
    seen = probe(code, absent=(absent,))
    assert seen.problem is not None
    assert seen.problem[0] == "MissingPackageError"
    assert seen.problem[2].endswith(
        f'package {absent}, which is not installed. Run: pip install "airvec[export-openvino]"'
    )


def test_padded_places_are_not_calibrated_on():
    ids = np.array([[2, 7, 3], [2, 3, 0], [0, 0, 0]])
    (first, second) = written._texts({"input_ids": ids, "attention_mask": (ids > 0).astype(np.int64)})
    np.testing.assert_array_equal(first["input_ids"], [[2, 7, 3]])
    np.testing.assert_array_equal(second["input_ids"], [[2, 3]])
    np.testing.assert_array_equal(second["attention_mask"], [[1, 1]])


def test_calibration_needs_texts(lookup, tmp_path):
    with pytest.raises(ExportError, match=r"x.xml: no texts to calibrate on"):
        write_int8_ir(lookup, tmp_path / "x.xml", [])


@pytest.fixture(scope="module")
def int8(loaded, graph, tiny_bert, tmp_path_factory):
    """The tiny BERT's folder with its graphs, OpenVINO's in float32 and in int8."""
    folder = tmp_path_factory.mktemp("openvino") / "tiny-bert"
    shutil.copytree(tiny_bert, folder)
    shutil.copytree(graph.path.parent, folder / "onnx")
    write_ir(graph.path, folder / "openvino" / "openvino_model.xml")
    write_int8_ir(graph.path, folder / "openvino" / INT8, calibration(loaded))
    return folder


def calibration(loaded):
    """One text of the corpus a batch, and one batch of two, of which one is padded."""
    texts = [[text] for text in tiny.texts(30) if text] + [["short", "a longer text than that"]]
    return [{name: tensor.numpy() for name, tensor in loaded.body.tokenize(one).items()} for one in texts]


@pytest.mark.slow
def test_int8_has_integers_and_stays_close(int8):
    words = (int8 / "openvino" / INT8).read_text()
    assert 'type="FakeQuantize"' in words
    assert 'element_type="i8"' in words
    texts = tiny.texts()
    exact = rows(SentenceTransformer(int8), texts)
    near = rows(SentenceTransformer(int8, variant="openvino-int8"), texts)
    cosines = (exact * near).sum(axis=1)
    assert cosines.mean() > 0.99
    assert np.abs(exact - near).max() > BOUND  # else nothing was quantised
    assert (exact @ exact.T).min() < 0.8


@pytest.mark.slow
def test_int8_does_not_depend_on_the_neighbours(int8):
    model, texts = SentenceTransformer(int8, variant="openvino-int8"), tiny.texts()
    alone = np.stack([model.encode(text) for text in texts])
    for size in (4, 40):
        np.testing.assert_allclose(model.encode(texts, batch_size=size), alone, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_int8_gives_the_same_bytes_again_and_says_nothing(int8, loaded, graph, tmp_path, capfd):
    write_int8_ir(graph.path, tmp_path / INT8, calibration(loaded))
    assert digests(tmp_path / INT8) == digests(int8 / "openvino" / INT8)
    assert capfd.readouterr() == ("", "")
    assert str(tmp_path) not in (tmp_path / INT8).read_text()


def check_numbers(folder: Path) -> None:
    """OpenVINO gives what ONNX Runtime gives, in batches of every size, and side by side."""
    texts = tiny.texts()
    expected = rows(SentenceTransformer(folder), texts)
    assert (expected @ expected.T).min() < 0.8
    model = SentenceTransformer(folder, backend="openvino", threads=2)
    for size in (1, 7, None):
        np.testing.assert_allclose(rows(model, texts, batch_size=size), expected, rtol=0, atol=BOUND)
    bulk = rows(model, texts * 20, batch_size=16)
    np.testing.assert_allclose(bulk[: len(texts)], expected, rtol=0, atol=BOUND)


@pytest.mark.slow
def test_bert_gives_the_numbers_of_onnx_runtime(int8):
    check_numbers(int8)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_other_architectures_give_the_numbers_of_onnx_runtime(architecture, tmp_path):
    folder = tiny.tiny_checkpoint(tmp_path / architecture, architecture)
    graph = write_portable(load(folder).body, folder / "onnx")
    write_ir(graph.path, folder / "openvino" / "openvino_model.xml")
    check_numbers(folder)
