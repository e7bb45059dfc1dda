"""Mirrors runtime/airvec/manifest.py."""

import json

import pytest

from airvec.errors import ModelFolderError
from airvec.manifest import FILE_NAME, GraphRecord, Manifest, check_size, read_manifest, sha256_of, write_manifest

RECORD = GraphRecord(
    sha256="ab" * 32, size=12, inputs=("input_ids",), outputs=("last_hidden_state",), opset=23, max_delta=3e-7,
    min_cosine=0.999999, texts=256,
)  # fmt: skip
MANIFEST = Manifest(
    source="all-mini", revision="abc", versions={"torch": "2"}, graphs={"onnx/model.onnx": RECORD}, variant="int8-x86",
    packed={"arch": "x86_64"},
)  # fmt: skip


def test_what_is_written_reads_back_equal_and_equal_manifests_are_equal_bytes(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    assert read_manifest(tmp_path) == MANIFEST
    first = (tmp_path / FILE_NAME).read_bytes()
    write_manifest(tmp_path, MANIFEST)
    assert (tmp_path / FILE_NAME).read_bytes() == first


def test_a_folder_without_a_manifest_has_none(tmp_path):
    assert read_manifest(tmp_path) is None


def test_unknown_keys_are_ignored_and_a_newer_minor_version_is_read(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    values = json.loads((tmp_path / FILE_NAME).read_text())
    values.update(format_version="1.7", colour="blue")
    values["graphs"]["onnx/model.onnx"]["taste"] = 3
    (tmp_path / FILE_NAME).write_text(json.dumps(values))
    assert read_manifest(tmp_path) == MANIFEST._replace(format_version="1.7")


def test_a_newer_major_version_is_refused(tmp_path):
    write_manifest(tmp_path, MANIFEST._replace(format_version="2.0"))
    with pytest.raises(ModelFolderError, match=r"format version '2.0', expected '1.0'.*pip install --upgrade"):
        read_manifest(tmp_path)


def test_a_graph_shorter_than_the_manifest_says_is_an_error(tmp_path):
    graph = tmp_path / "model.onnx"
    graph.write_bytes(b"x" * 12)
    assert check_size(graph, RECORD) is None
    graph.write_bytes(b"x" * 11)
    with pytest.raises(ModelFolderError, match="11 bytes long, airvec.json says 12"):
        check_size(graph, RECORD)


def test_the_checksum_is_sha256(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256_of(tmp_path / "f") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
