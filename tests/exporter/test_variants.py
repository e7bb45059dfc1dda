"""Mirrors exporter/airvec_exporter/variants.py: every variant of one model, made, described, opened."""

import errno
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import airvec
from airvec.cpu import families
from airvec.errors import ArgumentError, MissingPackageError
from airvec.manifest import read_manifest, sha256_of
from airvec_exporter import pipeline, variants
from airvec_exporter.errors import ExportError
from airvec_exporter.pipeline import export
from airvec_exporter.report import ExportReport
from airvec_exporter.variants import FP32, check_variants
from tests import tiny
from tests.exporter.shapes import dense_routes, sparse_coder
from tests.folders import SPECIAL, WORDS, static_model

TEXTS = tiny.texts(16)
OWN = f"int8-{families()[0]}"
NAMES = ("fused", OWN, "openvino")
FILES = ("onnx/model.onnx", "onnx/model_fused.onnx", f"onnx/model_{OWN.replace('-', '_')}.onnx",
         "openvino/openvino_model.xml", "openvino/openvino_model.bin")  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ExportReport]:
    """Export one tiny BERT, mean pooling and normalisation behind it; each call into a folder of its own."""
    checkpoint = tiny.tiny_checkpoint(tmp_path_factory.mktemp("in") / "tiny", normalize=True)

    def run(*names: str, **options: object) -> ExportReport:
        out = tmp_path_factory.mktemp("out") / "tiny"
        return export(checkpoint, out, variants=names, texts=TEXTS, calibration=TEXTS, **({"speed": False} | options))

    return run


@pytest.fixture(scope="module")
def report(make: Callable[..., ExportReport]) -> ExportReport:
    return make("fused", "int8", "openvino", accept_worse=True)


def test_the_folder_holds_every_graph_and_the_manifest_says_what_each_is(report: ExportReport):
    records = read_manifest(report.path).graphs
    assert set(records) == set(FILES)
    assert all(records[name].sha256 == sha256_of(report.path / name) for name in FILES)
    assert records["onnx/model_fused.onnx"].modules == ("Pooling", "Normalize")
    assert records["onnx/model_fused.onnx"].outputs == ("sentence_embedding",)
    assert [records[name].optimized for name in FILES[:4]] == [False, True, True, False]
    int8 = records[FILES[2]]
    assert (int8.precision, int8.family) == ("int8", families()[0])
    assert int8.recipe["bits"] == (8 if families()[0] != "x86" else 7)
    assert int8.measured["batch_delta"] <= 1e-6


def test_every_variant_opens_and_gives_the_model_s_vectors(report: ExportReport):
    wanted = airvec.SentenceTransformer(report.path).encode(TEXTS)
    assert wanted.std(axis=0).mean() > 0.05  # texts have vectors of their own
    for name in ("fused", "openvino"):
        assert np.abs(airvec.SentenceTransformer(report.path, variant=name).encode(TEXTS) - wanted).max() <= 1e-5
    int8 = airvec.SentenceTransformer(report.path, variant="int8").encode(TEXTS)
    assert (int8 * wanted).sum(axis=1).min() >= 0.99
    assert int8.std(axis=0).mean() > 0.05


def test_every_other_variant_opens_too_and_the_fastest_is_one_of_them(make: Callable[..., ExportReport]):
    cosines = {"int8-dynamic": 0.9, "int4": 0.9, "openvino-int8": 0.9, "O2": 1 - 1e-5, "O4": 0.999}
    made = make(*cosines, accept_worse=True, speed=True)
    wanted = airvec.SentenceTransformer(made.path).encode(TEXTS)
    assert wanted.std(axis=0).mean() > 0.05
    found = {name: airvec.SentenceTransformer(made.path, variant=name).encode(TEXTS) for name in cosines}
    least = {name: float((one * wanted).sum(axis=1).min()) for name, one in found.items()}
    assert all(least[name] >= bound for name, bound in cosines.items()), least
    assert all(np.abs(found[name] - wanted).max() > 1e-4 for name in ("int8-dynamic", "int4", "openvino-int8", "O4"))
    fastest = airvec.SentenceTransformer(made.path, variant="fastest").encode(TEXTS)
    assert any(np.abs(fastest - one).max() <= 1e-6 for one in (wanted, *found.values()))


def test_the_report_shows_a_row_a_variant(report: ExportReport):
    assert tuple(report.measured) == (FP32, *NAMES)
    lines = str(report).splitlines()
    assert [next(line for line in lines if line.startswith(name)) for name in (FP32, *NAMES)]


def test_two_exports_give_the_same_graphs(make: Callable[..., ExportReport], report: ExportReport):
    again = make("fused", "int8", "openvino", accept_worse=True)
    for name in FILES:
        assert sha256_of(again.path / name) == sha256_of(report.path / name), name


def test_fused_graphs_leave_the_modules_behind_those_inside_to_numpy(report: ExportReport):
    fused = airvec.SentenceTransformer(report.path, variant="fused")
    assert np.array_equal(fused.encode(TEXTS)[:, :8], fused.encode(TEXTS, truncate_dim=8))
    with pytest.raises(ArgumentError, match="token_embeddings"):
        fused.encode(TEXTS, output_value="token_embeddings")


def test_a_full_disk_leaves_nothing_and_says_so(
    make: Callable[..., ExportReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "model_fused.onnx")

    monkeypatch.setattr(variants, "write", full)
    checkpoint = tiny.tiny_checkpoint(tmp_path / "in" / "tiny")
    with pytest.raises(OSError, match="No space left"):
        export(checkpoint, tmp_path / "out", variants=["fused"], texts=TEXTS, speed=False)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def static(folder: Path) -> Path:
    return static_model(folder, {"embedding.weight": np.ones((len(SPECIAL + WORDS), 4), np.float32)})


@pytest.mark.parametrize(("made", "names", "message"), [
    (partial(tiny.tiny_checkpoint, include_prompt=False), ["fused"], "include_prompt False.* Leave fused out of"),
    (dense_routes, ["int8", "fused"], "texts of in take several ways behind one body, expected one"),
    (sparse_coder, ["fused"], "head: SparseAutoEncoder behind the body, expected one of Pooling"),
    (static, ["O2"], "variants: 'O2', but in has no Transformer to make a graph of, only StaticEmbedding. Leave it"),
])  # fmt: skip
def test_what_a_model_cannot_have_is_refused_before_anything_is_traced(
    made: Callable[[Path], Path], names: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pipeline, "write_portable", lambda *_: pytest.fail("traced"))
    with pytest.raises((ArgumentError, ExportError), match=message):
        export(made(tmp_path / "in"), tmp_path / "out", variants=names, texts=TEXTS, speed=False)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("absent", ["openvino", "nncf"])
def test_missing_packages_are_named_before_any_work(absent: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == absent else name)
    with pytest.raises(MissingPackageError, match=rf"needs the package {absent}.*airvec\[export-openvino\]"):
        check_variants(["openvino-int8"])
    assert check_variants(["int8-x86"]) == (FP32, "int8-x86")


def test_a_graph_for_another_cpu_is_made_only_where_it_need_not_be_verified(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(variants, "runs_here", lambda family: family != "vnni")
    with pytest.raises(ArgumentError, match="variants: 'int8-vnni', but this CPU has no vnni.*--accept-worse"):
        check_variants(["int8-vnni"])
    assert check_variants(["int8-vnni"], accept_worse=True) == (FP32, "int8-vnni")


def test_fp32_comes_first_and_int8_is_named_by_its_family():
    assert check_variants(["int8", "fused", "fused"]) == (FP32, OWN, "fused")
    assert check_variants(["fp32", "int8-arm64"]) == (FP32, "int8-arm64")


@pytest.mark.parametrize("names", ["fp32", 5, ["int9"], ["fp32", "model_O3"]])
def test_an_unknown_variant_is_named_with_those_there_are(names: object):
    with pytest.raises(ArgumentError, match=r"variants: .*expected"):
        check_variants(names)


def test_a_cpu_without_int8_kernels_is_told_to_name_a_family(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(variants, "families", tuple)
    with pytest.raises(ArgumentError, match="int8-vnni, int8-x86, int8-arm64"):
        check_variants(["int8"])
