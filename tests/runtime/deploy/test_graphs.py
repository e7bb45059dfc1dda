"""Mirrors runtime/airvec/deploy/graphs.py: damaged graphs are not packed, and what is wrong with a graph is told."""

import numpy as np
import onnx
import pytest

from airvec import SentenceTransformer
from airvec.deploy.model import pack_model
from airvec.errors import ModelFolderError
from airvec.manifest import FILE_NAME, GraphRecord, Manifest, sha256_of, write_manifest
from tests.folders import WORDS, lookup_graph, table, word_model

GRAPH, WEIGHTS = "onnx/model.onnx", "onnx/model.onnx_data"


@pytest.fixture(params=["inside", "beside"])
def recorded(request, tmp_path):
    """A model whose airvec.json states the SHA-256 of all its files, with its weights in the graph or beside it."""
    folder = word_model(tmp_path / "words")
    beside = request.param == "beside"
    onnx.save(
        lookup_graph(), folder / GRAPH, save_as_external_data=beside, location="model.onnx_data", size_threshold=0
    )
    return record(folder, GRAPH, *([WEIGHTS] if beside else []))


def record(folder, *names):
    sizes = {name: (folder / name).stat().st_size for name in names}
    write_manifest(
        folder, Manifest(graphs={name: GraphRecord(sha256_of(folder / name), sizes[name]) for name in names})
    )
    return folder


def flip(file, of):
    """Change one bit of a value; the file stays as long as it was."""
    whole = bytearray(file.read_bytes())
    place = bytes(whole).index(of)
    whole[place + 3] ^= 0x40
    file.write_bytes(whole)


def test_a_flipped_byte_is_found_where_airvec_json_states_the_checksum(recorded, tmp_path):
    file = recorded / (WEIGHTS if (recorded / WEIGHTS).is_file() else GRAPH)
    expected = SentenceTransformer(recorded).encode(list(WORDS))
    stated = sha256_of(file)
    flip(file, table()[5:].tobytes())
    damaged = sha256_of(file)
    assert not np.array_equal(SentenceTransformer(recorded).encode(list(WORDS)), expected), "it opens"
    with pytest.raises(ModelFolderError) as error:
        pack_model(recorded, tmp_path / "packed")
    assert str(error.value).startswith(f"onnx/{file.name}: its SHA-256 is {damaged}, {FILE_NAME} says {stated}. ")
    assert str(error.value).endswith("The file is damaged: fetch or export it again.")
    assert [path.name for path in tmp_path.iterdir()] == ["words"]


def test_whole_graphs_are_packed_whatever_became_of_the_others(recorded, tmp_path):
    other = recorded / "onnx" / "model_O3.onnx"
    onnx.save(lookup_graph(), other, save_as_external_data=True, location="model_O3.onnx_data", size_threshold=0)
    names = [file.relative_to(recorded).as_posix() for file in (recorded / "onnx").iterdir()]
    record(recorded, *names)
    for file in (other, other.with_name("model_O3.onnx_data")):
        file.write_bytes(b"\0" * file.stat().st_size)
    assert pack_model(recorded, tmp_path / "packed").max_delta == 0.0


def test_any_other_file_that_airvec_json_covers_is_compared_too(tmp_path):
    folder = record(word_model(tmp_path / "words"), GRAPH, "tokenizer.json")
    flip(folder / "tokenizer.json", b"WordLevel")
    with pytest.raises(ModelFolderError, match=r"tokenizer.json: its SHA-256 is"):
        pack_model(folder, tmp_path / "packed")


def test_without_a_stated_checksum_a_graph_is_packed(tmp_path):
    folder = word_model(tmp_path / "words")
    write_manifest(folder, Manifest(graphs={GRAPH: GraphRecord("", (folder / GRAPH).stat().st_size)}))
    assert pack_model(folder, tmp_path / "packed").variant == "fp32"


def test_an_int8_graph_that_is_cut_short_is_not_said_to_be_missing(tmp_path):
    folder = word_model(tmp_path / "words")
    int8 = folder / "onnx" / "model_int8_x86.onnx"
    onnx.save(lookup_graph(), int8)
    record(folder, "onnx/model_int8_x86.onnx")
    int8.write_bytes(int8.read_bytes()[:100])
    with pytest.raises(ModelFolderError, match=r"^onnx/model_int8_x86.onnx: 100 bytes long, airvec.json says \d+\. "):
        pack_model(folder, tmp_path / "packed", variant="int8")
    int8.unlink()
    with pytest.raises(ModelFolderError, match=r"^words: no model_int8_x86.onnx, .*airvec export --variants int8-x86"):
        pack_model(folder, tmp_path / "packed", variant="int8")
