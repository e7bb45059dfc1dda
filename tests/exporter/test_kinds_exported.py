"""Sparse models, rerankers and models with routes, exported whole and run by airvec."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

import airvec
from airvec.errors import ArgumentError
from airvec.manifest import read_manifest, sha256_of
from airvec_exporter.errors import ExportError, VerificationError
from airvec_exporter.load import load
from airvec_exporter.pipeline import export
from airvec_exporter.reference import reference
from airvec_exporter.report import ExportReport
from airvec_exporter.verify import Checks, make_pairs, verify
from tests import tiny
from tests.exporter import shapes
from tests.exporter.damage import damage, shuffle

pytestmark = pytest.mark.slow

TEXTS = tiny.texts(24)


@pytest.fixture(scope="module")
def splade(tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    folder = shapes.inference_free(tmp_path_factory.mktemp("in") / "splade")
    return export(folder, tmp_path_factory.mktemp("out") / "splade", fused=True, texts=TEXTS)


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    folder = tiny.reranker_checkpoint(tmp_path_factory.mktemp("in") / "reranker", "albert", labels=3)
    return export(folder, tmp_path_factory.mktemp("out") / "reranker", texts=TEXTS)


def checkpoint_of(report: ExportReport) -> Path:
    """Where the fixtures above made it: beside `out0` lies `in0`."""
    return next(report.path.parents[1].glob(f"in*/{report.path.name}"))


def test_each_graph_of_a_route_lies_in_its_folder_and_has_its_own_measurement(splade: ExportReport):
    home = "document_0_MLMTransformer/onnx"
    assert splade.graphs == (f"{home}/model.onnx", f"{home}/model_fused.onnx")
    records = read_manifest(splade.path).graphs
    assert set(records) == set(splade.graphs)
    for name, outputs in zip(splade.graphs, (("logits",), ("sparse_embedding",)), strict=True):
        record = records[name]
        assert (record.outputs, record.quantity, record.texts) == (outputs, "sparse values", len(TEXTS))
        assert record.sha256 == sha256_of(splade.path / name)
        assert 0 < record.max_delta <= 1e-4 * record.scale
        assert record.scale > 1
        assert record.min_cosine > 1 - 1e-6
    assert splade.max_delta == records[splade.graphs[0]].max_delta


def test_the_report_says_what_opens_it_and_what_was_measured(splade: ExportReport, reranker: ExportReport):
    assert (splade.kind, splade.quantity, splade.dimension) == ("SparseEncoder", "sparse values", 380)
    assert (reranker.kind, reranker.quantity, reranker.dimension) == ("CrossEncoder", "logits", 3)
    lines = str(splade).splitlines()
    assert "airvec.SparseEncoder" in lines[1]
    assert f"on sparse values of 380 dimensions, the largest {splade.scale:.3g}" in str(splade)
    assert reranker.min_cosine is None
    assert "cosine" not in str(reranker)
    assert f"pairs       {len(TEXTS)}, of" in str(reranker)


@pytest.mark.parametrize("variant", ["fp32", "fused"])
@pytest.mark.parametrize("task", ["query", "document"])
def test_both_graphs_and_both_routes_give_torch_s_values(splade: ExportReport, variant: str, task: str):
    wanted = reference(load(checkpoint_of(splade)), TEXTS, task=task)
    model = airvec.SparseEncoder(str(splade.path), variant=variant if task == "document" else "auto")
    found = model.encode(TEXTS, task=task).to_dense()
    assert (wanted > 0).mean() > 0.01
    assert np.abs(found - wanted).max() <= 1e-4 * max(1, wanted.max())


@pytest.mark.parametrize("name", ["model.onnx", "model_fused.onnx"])
def test_a_wrong_graph_is_found_in_either_file(splade: ExportReport, tmp_path: Path, name: str):
    folder = shutil.copytree(splade.path, tmp_path / "copy", ignore=shutil.ignore_patterns("airvec.json"))
    damage(folder / "document_0_MLMTransformer" / "onnx" / name, 1.1)
    with pytest.raises(VerificationError, match=r"splade: text \d+ \('.+', \d+ tokens\) is .* on sparse values"):
        verify(load(checkpoint_of(splade)), folder, variants=("fp32", "fused"), checks=Checks(TEXTS))


def test_a_wrong_table_of_the_query_s_route_is_found(splade: ExportReport, tmp_path: Path):
    folder = shutil.copytree(splade.path, tmp_path / "copy")
    other = shapes.inference_free(tmp_path / "other", as_json=True)
    wrong = tmp_path / "wrong"
    shutil.copytree(checkpoint_of(splade), wrong)
    shutil.rmtree(wrong / "query_0_SparseStaticEmbedding")
    shutil.copytree(other / "query_0_SparseStaticEmbedding", wrong / "query_0_SparseStaticEmbedding")
    with pytest.raises(VerificationError, match="wrong: text .* on sparse values"):
        verify(load(wrong), folder, checks=Checks(TEXTS))


def test_a_reranker_gives_torch_s_logits_for_pairs_of_mixed_lengths(reranker: ExportReport):
    """ALBERT's tokenizer tells the texts of a pair apart for nobody, though its body could."""
    pairs = make_pairs(TEXTS)
    wanted = reference(load(checkpoint_of(reranker)), pairs)
    found = airvec.CrossEncoder(str(reranker.path)).predict(pairs, activation_fn="Identity")
    assert wanted.std(axis=0).min() > 0.01
    assert np.abs(found - wanted).max() <= 1e-4 * max(1, np.abs(wanted).max())
    assert read_manifest(reranker.path).graphs["onnx/model.onnx"].inputs == ("input_ids", "attention_mask")


def test_a_wrong_reranker_is_found_and_the_pair_named(reranker: ExportReport, tmp_path: Path):
    folder = shutil.copytree(reranker.path, tmp_path / "copy", ignore=shutil.ignore_patterns("airvec.json"))
    damage(folder / "onnx" / "model.onnx", 1.1)
    with pytest.raises(VerificationError, match=r"reranker: pair \d+ \(\('.* on logits"):
        verify(load(checkpoint_of(reranker)), folder, checks=Checks(TEXTS))


def test_heads_in_modules_and_routes_of_dense_models_are_exported_too(tmp_path: Path):
    for make, kind in (
        (shapes.modular_reranker, "CrossEncoder"),
        (shapes.dense_routes, "SentenceTransformer"),
        (shapes.sparse_coder, "SparseEncoder"),
    ):
        report = export(make(tmp_path / make.__name__), tmp_path / f"{make.__name__}-out", texts=TEXTS, weights=False)
        assert (report.kind, report.graphs) == (kind, ("onnx/model.onnx",))
        assert 0 < report.max_delta <= (1e-5 if kind == "SentenceTransformer" else 1e-4 * report.scale)


def test_a_plain_model_for_masked_words_is_a_splade_model_where_the_caller_says_so(tmp_path: Path):
    folder = tiny.sparse_checkpoint(tmp_path / "plain", "distilbert")
    shutil.rmtree(folder / "1_SpladePooling")
    for name in ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"):
        (folder / name).unlink()
    tiny.change(folder / "tokenizer_config.json", {"model_max_length": 64})
    report = export(folder, tmp_path / "out", kind="sparse", texts=TEXTS, weights=False)
    assert report.kind == "SparseEncoder"
    wanted = reference(load(folder, "sparse"), TEXTS)
    assert np.abs(airvec.SparseEncoder(str(report.path)).encode(TEXTS).to_dense() - wanted).max() <= 1e-4 * wanted.max()


def test_a_head_that_cannot_be_inside_leaves_nothing(tmp_path: Path):
    folder = shapes.sparse_coder(tmp_path / "in")
    with pytest.raises(ExportError, match="head: SparseAutoEncoder behind the body, expected one of Pooling"):
        export(folder, tmp_path / "out", fused=True)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_reranker_s_portable_graph_has_all_that_its_fused_one_has(tmp_path: Path):
    """Its head is transformers' own, inside from the start; the fused one is said to need no optimiser."""
    folder = tiny.reranker_checkpoint(tmp_path / "in")
    out = export(folder, tmp_path / "out", fused=True, texts=TEXTS, speed=False).path
    pairs = tiny.pairs(8)
    found, wanted = (airvec.CrossEncoder(out, variant=name).predict(pairs) for name in ("fused", "fp32"))
    assert wanted.std() > 0.01
    assert np.abs(found - wanted).max() <= 1e-4 * max(1, np.abs(wanted).max())
    graphs = [onnx.load(out / "onnx" / name).graph for name in ("model_fused.onnx", "model.onnx")]
    kinds = [sorted(node.op_type for node in graph.node) for graph in graphs]
    assert kinds[0] == kinds[1]
    assert "Transpose" not in kinds[1]
    records = read_manifest(out).graphs
    assert [records[f"onnx/{name}"].optimized for name in ("model_fused.onnx", "model.onnx")] == [True, False]


def test_a_kind_that_is_none_is_named(tmp_path: Path):
    with pytest.raises(ArgumentError, match="kind: 'colbert', expected one of dense, sparse, rerank"):
        export(tmp_path / "in", tmp_path / "out", kind="colbert")


def test_each_kind_is_measured_in_its_own_terms(splade: ExportReport, reranker: ExportReport):
    for name in splade.graphs:
        words = read_manifest(splade.path).graphs[name].measured
        assert words["top_words"] > 0.99
        assert words["rank_correlation"] == pytest.approx(1, abs=1e-4)
        assert words["batch_delta"] <= 1e-4 * splade.scale
    scores = read_manifest(reranker.path).graphs["onnx/model.onnx"].measured
    assert scores["rank_correlation"] > 0.999
    assert scores["batch_delta"] <= 1e-4 * reranker.scale
    assert not {"min_cosine", "top10_overlap", "top_words"} & set(scores)


def test_each_kind_s_wrong_graph_shows_in_its_own_terms(splade: ExportReport, reranker: ExportReport, tmp_path: Path):
    checks = Checks(TEXTS, accept_worse=True, speed=False)
    found = {}
    for report, graph in ((splade, splade.graphs[0]), (reranker, "onnx/model.onnx")):
        folder = shutil.copytree(report.path, tmp_path / report.path.name, ignore=shutil.ignore_patterns("airvec.json"))
        shuffle(folder / graph)
        measured = verify(load(checkpoint_of(report)), folder, checks=checks)
        found[report.kind] = next(one for one in measured.values() if one.misses)
    assert found["SparseEncoder"].top_words < 0.9
    assert found["CrossEncoder"].rank_correlation < 0.9
