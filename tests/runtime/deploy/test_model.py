"""Mirrors runtime/airvec/deploy/model.py: which files are packed, and that it is done whole or not at all."""

import errno
import json
import shutil
import subprocess

import numpy as np
import onnx
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from airvec import SentenceTransformer
from airvec.compact_tokenizer import read_compact
from airvec.deploy import comparing
from airvec.deploy import model as packing
from airvec.deploy.model import pack_model
from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.folder import graph_files
from airvec.folder.settings import read_folder
from airvec.manifest import GraphRecord, Manifest, read_manifest, sha256_of, write_manifest
from tests.folders import SPECIAL, WORDS, lookup_graph, static_model, table, word_model, write_json

TEXTS = ["a b c", "j", "e d c b a", "h i"]


@pytest.fixture
def model(tmp_path):
    """A model with all that lies in folders and is not run: torch's weights, other graphs, code, lists of words."""
    folder = word_model(tmp_path / "words", normalize=True)
    for name in ("model.safetensors", "pytorch_model.bin", "vocab.txt", "vocab.json", "code.py", "onnx/model_O3.onnx",
                 "openvino/openvino_model.xml", "openvino/openvino_model.bin", "onnx/model_O3.onnx_data"):  # fmt: skip
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"not run")
    (folder / "README.md").write_text("# A card")
    return write_graph(folder, "model.onnx", 3)


def write_graph(folder, name, times=2):
    """A graph that gives `times` the embeddings of the usual one, plus 1; of 80 kB, since small weights stay inside."""
    graph = lookup_graph()
    tensor = next(tensor for tensor in graph.graph.initializer if tensor.name == "table")
    rows = np.concatenate([table() * np.float32(times) + np.float32(1), np.zeros((5000, 4), np.float32)])
    tensor.CopyFrom(onnx.numpy_helper.from_array(rows, "table"))
    onnx.save(graph, folder / "onnx" / name)
    return folder


def test_a_packed_folder_holds_what_runs_and_gives_the_same_vectors(model, tmp_path):
    packed = pack_model(model, tmp_path / "out" / "packed")
    assert list(packed.files) == [
        "1_Pooling/config.json", "README.md", "airvec.json", "config.json", "config_sentence_transformers.json",
        "modules.json", "onnx/model.onnx", "onnx/model.onnx_data", "sentence_bert_config.json", "tokenizer.json",
        "tokenizer_config.json",
    ]  # fmt: skip
    assert (packed.kind, packed.variant, packed.max_delta) == ("SentenceTransformer", "fp32", 0.0)
    assert packed.needs_onnxruntime
    assert packed.bytes == sum(file.stat().st_size for file in packed.path.rglob("*") if file.is_file())
    assert np.array_equal(SentenceTransformer(packed.path).encode(TEXTS), SentenceTransformer(model).encode(TEXTS))


def test_airvec_json_of_a_packed_folder_describes_its_one_graph(model, tmp_path):
    name = "onnx/model.onnx"
    record = GraphRecord(sha256_of(model / name), (model / name).stat().st_size, max_delta=3e-7, texts=240)
    other = GraphRecord("ab", 7)
    write_manifest(model, Manifest("org/words", "abc", {"torch": "2"}, graphs={name: record, "onnx/m.onnx": other}))
    pack_model(model, tmp_path / "packed", arch="arm64")
    said = read_manifest(tmp_path / "packed")
    assert (said.source, said.revision, said.variant) == ("org/words", "abc", None)
    assert said.packed["arch"] == "arm64"
    assert set(said.graphs) == {name, "onnx/model.onnx_data"}
    for file, graph in said.graphs.items():
        assert (graph.sha256, graph.size) == (
            sha256_of(tmp_path / "packed" / file),
            (tmp_path / "packed" / file).stat().st_size,
        )
    assert (said.graphs[name].max_delta, said.graphs[name].texts, said.graphs[name].optimized) == (3e-7, 240, True)
    assert said.graphs[name].outputs == ("last_hidden_state",)


def test_a_packed_folder_keeps_the_name_that_it_was_given_or_had(model, tmp_path):
    packed = pack_model(model, tmp_path / "first" / "model")
    assert (packed.source, read_manifest(packed.path).packed["name"]) == (model.name, model.name)
    assert pack_model(packed.path, tmp_path / "second").source == model.name
    assert pack_model(packed.path, tmp_path / "third", name="mine").source == "mine"


def test_a_folder_that_is_just_called_model_is_known_by_what_it_was_made_of(model, tmp_path):
    write_manifest(model, Manifest("org/words"))
    packed = pack_model(model.rename(tmp_path / "model"), tmp_path / "packed")
    assert packed.source == "org/words"


def test_a_packed_folder_without_fp32_opens_the_graph_it_has_without_being_told(model, tmp_path):
    write_graph(model, "model_int8_x86.onnx")
    (model / "onnx" / "model.onnx_data").write_bytes(b"of the other graph")
    packed = pack_model(model, tmp_path / "packed", variant="int8")
    assert "onnx/model.onnx_data" not in packed.files
    assert (packed.variant, graph_files(read_folder(packed.path))) == ("int8-x86", ("onnx/model_int8_x86.onnx",))
    expected = SentenceTransformer(model, variant="int8-x86").encode(TEXTS)
    assert np.abs(expected - SentenceTransformer(model).encode(TEXTS)).max() > 0.01
    for variant in ("auto", "int8", "int8-x86"):
        assert np.array_equal(SentenceTransformer(packed.path, variant=variant).encode(TEXTS), expected)
    with pytest.raises(ModelFolderError, match=r"no graph 'model.onnx', expected one of onnx/model_int8_x86.onnx"):
        SentenceTransformer(packed.path, variant="fp32")


def test_a_tokenizer_that_opens_faster_from_compact_files_gets_its_own(model, tmp_path):
    words = Tokenizer(models.WordPiece({name: place for place, name in enumerate((*SPECIAL, *WORDS))}))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.save(str(model / "tokenizer.json"))
    (model / "tokenizer_compact.json").write_text("of another tokenizer")
    packed = pack_model(model, tmp_path / "packed")
    assert read_compact(packed.path / "tokenizer.json").to_str() == words.to_str()
    assert np.array_equal(SentenceTransformer(packed.path).encode(TEXTS), SentenceTransformer(model).encode(TEXTS))


def test_a_folder_that_was_not_packed_never_opens_int8_without_being_told(model):
    write_graph(model, "model_int8_x86.onnx")
    write_manifest(model, Manifest(variant="int8-x86"))
    expected = SentenceTransformer(model, variant="fp32").encode(TEXTS)
    assert np.array_equal(SentenceTransformer(model).encode(TEXTS), expected), "fp32 comes first where it is there"
    (model / "onnx" / "model.onnx").unlink()
    write_manifest(model, Manifest())
    with pytest.raises(ModelFolderError, match="no graph 'model.onnx'"):
        SentenceTransformer(model)


def test_a_packed_folder_is_packed_again_and_replaced_by_the_next(model, tmp_path):
    write_graph(model, "model_int8_x86.onnx")
    first = pack_model(model, tmp_path / "first", variant="int8")
    again = pack_model(first.path, tmp_path / "again")
    assert (again.variant, again.files["onnx/model_int8_x86.onnx_data"]) == (
        "int8-x86", first.files["onnx/model_int8_x86.onnx_data"])  # fmt: skip
    with pytest.raises(ArgumentError, match="made for x86_64 CPUs, but arch is 'arm64'"):
        pack_model(first.path, tmp_path / "arm", arch="arm64")
    assert pack_model(model, first.path).variant == "fp32"
    assert "onnx/model_int8_x86.onnx" not in pack_model(model, first.path).files


def test_an_int8_graph_that_some_cpus_refuse_is_packed_by_its_name_only(model, tmp_path):
    write_graph(model, "model_int8_vnni.onnx")
    with pytest.raises(ModelFolderError, match=r"CPUs without VNNI refuse .*airvec export --variants int8-x86"):
        pack_model(model, tmp_path / "packed", variant="int8")
    assert pack_model(model, tmp_path / "packed", variant="int8-vnni").variant == "int8-vnni"
    with pytest.raises(ModelFolderError, match=r"no model_int8_arm64.onnx, .*airvec export --variants int8-arm64"):
        pack_model(model, tmp_path / "arm", variant="int8", arch="arm64")


def test_a_graph_that_this_cpu_cannot_run_is_packed_without_being_run(model, tmp_path, monkeypatch):
    write_graph(model, "model_int8_vnni.onnx")
    monkeypatch.setattr("airvec.folder.variants.families", lambda: ("x86",))
    assert pack_model(model, tmp_path / "packed", variant="int8-vnni").max_delta is None


def test_a_static_model_is_its_table_and_needs_no_onnxruntime(tmp_path):
    folder = static_model(tmp_path / "static", {"embedding.weight": table()})
    packed = pack_model(folder, tmp_path / "packed")
    assert list(packed.files) == ["airvec.json", "model.safetensors", "modules.json", "tokenizer.json"]
    assert (packed.variant, packed.needs_onnxruntime, packed.max_delta) == ("", False, 0.0)
    with pytest.raises(ArgumentError, match="static has no graph"):
        pack_model(folder, tmp_path / "int8", variant="int8")


@pytest.mark.parametrize("damage", [b"", b"not a graph"])
def test_a_damaged_graph_is_an_error_and_leaves_nothing(model, tmp_path, damage):
    (model / "onnx" / "model.onnx").write_bytes(damage)
    with pytest.raises(ModelFolderError, match="onnx/model.onnx"):
        pack_model(model, tmp_path / "packed")
    assert [path.name for path in tmp_path.iterdir()] == ["words"]


def test_a_missing_or_cut_graph_is_an_error_that_names_those_there_are(model, tmp_path):
    with pytest.raises(ModelFolderError, match=r"'int4', but words has no model_int4.onnx, expected one of fp32"):
        pack_model(model, tmp_path / "packed", variant="int4")
    write_manifest(model, Manifest(graphs={"onnx/model.onnx": GraphRecord("ab", 5)}))
    with pytest.raises(ModelFolderError, match="bytes long, airvec.json says 5"):
        pack_model(model, tmp_path / "packed")
    with pytest.raises(ModelNotFoundError, match="no such folder"):
        pack_model(tmp_path / "nowhere", tmp_path / "packed")
    assert [path.name for path in tmp_path.iterdir()] == ["words"]


def test_a_graph_that_gives_other_numbers_once_packed_is_not_packed(model, tmp_path, monkeypatch):
    answers = comparing._answers
    monkeypatch.setattr(comparing, "_answers", lambda folder, variant: answers(folder, variant) + (variant == "fp32"))
    with pytest.raises(ModelFolderError, match=r"words: packed, it gives numbers that differ by 1.0e\+00"):
        pack_model(model, tmp_path / "packed", variant="fp32")
    assert [path.name for path in tmp_path.iterdir()] == ["words"]


def test_a_failure_leaves_the_package_that_was_there(model, tmp_path, monkeypatch):
    pack_model(model, tmp_path / "packed")
    before = {file: file.read_bytes() for file in (tmp_path / "packed").rglob("*") if file.is_file()}

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "tokenizer.json")

    monkeypatch.setattr(packing.shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        pack_model(model, tmp_path / "packed")
    assert {file: file.read_bytes() for file in (tmp_path / "packed").rglob("*") if file.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["packed", "words"]


def test_a_full_disk_leaves_nothing(model, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    onnx.save(lookup_graph(dim=4096), model / "onnx" / "model.onnx")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"this user may not mount a small disk: {mounted.stderr.decode().strip()}")
    try:
        with pytest.raises(OSError, match="No space left|make room on the disk"):
            pack_model(model, disk / "packed")
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_nothing_but_a_package_is_overwritten(model, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(model, mine)
    write_manifest(mine, Manifest("org/mine"))
    with pytest.raises(ArgumentError, match="exists and is no packed model"):
        pack_model(model, mine)
    for place in (model, model / "inside", tmp_path):
        with pytest.raises(ArgumentError, match="lie in one another"):
            pack_model(model, place)
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="exists and is no packed model"):
        pack_model(model, tmp_path / "file")


def test_a_model_of_another_class_or_of_none_is_refused(model, tmp_path):
    with pytest.raises(ArgumentError, match="kind: 'dense', expected one of SentenceTransformer"):
        pack_model(model, tmp_path / "packed", kind="dense")
    settings = json.loads((model / "config_sentence_transformers.json").read_text())
    write_json(model / "config_sentence_transformers.json", {**settings, "model_type": "ColBERT"})
    with pytest.raises(ModelFolderError, match="model_type is 'ColBERT'"):
        pack_model(model, tmp_path / "packed")
