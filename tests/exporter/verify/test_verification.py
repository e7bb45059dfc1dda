"""Finding out that a graph is wrong, and in what."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnxruntime.quantization import QuantType, quantize_dynamic

from airvec.errors import ArgumentError
from airvec.folder import DENSE, variants
from airvec.sentence_transformer import SentenceTransformer
from airvec_exporter.errors import ExportError, VerificationError
from airvec_exporter.load import Checkpoint, load
from airvec_exporter.pipeline import ExportReport
from airvec_exporter.reference import reference
from airvec_exporter.verify import BOUNDS, Checks, Measured, unit, verify, worst
from tests import tiny
from tests.exporter.damage import damage, shuffle


def measure(loaded: Checkpoint, folder: Path, *given: Any, **options: Any) -> Measured:
    return worst(list(verify(loaded, folder, checks=Checks(*given, speed=False, **options)).values()))


@pytest.fixture
def folder(report: ExportReport, tmp_path: Path) -> Path:
    return shutil.copytree(report.path, tmp_path / "exported", ignore=shutil.ignore_patterns("airvec.json"))


def test_a_right_folder_is_within_the_bound(loaded: Checkpoint, report: ExportReport):
    measured = measure(loaded, report.path)
    assert measured.max_delta == report.max_delta <= BOUNDS[DENSE]
    assert measured.min_cosine > 1 - 1e-6
    assert measured.texts >= 200
    assert measured.tokens[0] == 1
    assert measured.tokens[1] >= 600


def test_the_reference_spreads_so_that_verification_can_fail(loaded: Checkpoint):
    vectors = unit(reference(loaded, tiny.texts()))
    assert vectors.std(axis=0).mean() > 0.01


@pytest.mark.parametrize("factor", [1.001, np.nan])
def test_one_wrong_row_of_the_table_is_found_and_the_worst_text_named(loaded: Checkpoint, folder: Path, factor: float):
    damage(folder / "onnx" / "model.onnx", factor)
    with pytest.raises(VerificationError, match=r"tiny-bert: text \d+ \('.+', \d+ tokens\) is .* from torch, expected"):
        verify(loaded, folder, checks=Checks(tiny.texts()))


def test_a_wider_bound_lets_it_through_and_says_what_it_is(loaded: Checkpoint, folder: Path):
    damage(folder / "onnx" / "model.onnx", 1.001)
    assert BOUNDS[DENSE] < measure(loaded, folder, tiny.texts(), max_delta=0.1).max_delta < 0.1


def test_the_model_s_prompt_is_in_front_and_left_out_of_pooling(loaded: Checkpoint):
    prompt, texts = loaded.folder.prompts["query"], tiny.texts(5)
    with_prompt, without = reference(loaded, texts, prompt), reference(loaded, texts)
    glued = reference(loaded, [prompt + text for text in texts])
    assert np.abs(with_prompt - without).max() > 0.01
    assert np.abs(with_prompt - glued).max() > 0.01


@pytest.mark.parametrize("wrong", ["", "search query: "])
def test_texts_with_and_without_the_prompt_are_both_measured(
    loaded: Checkpoint, report: ExportReport, monkeypatch: pytest.MonkeyPatch, wrong: str
):
    right = SentenceTransformer.encode

    def encode(self: SentenceTransformer, texts: list[str], *, prompt: str, task: None) -> np.ndarray:
        return right(self, texts, prompt=prompt, task=task) + (0.1 if prompt == wrong else 0)

    monkeypatch.setattr(SentenceTransformer, "encode", encode)
    with pytest.raises(VerificationError, match="tiny-bert: text "):
        verify(loaded, report.path, checks=Checks(tiny.texts(8)))


def test_batches_do_not_change_the_reference(loaded: Checkpoint):
    texts = tiny.texts(40)
    assert np.allclose(reference(loaded, texts), reference(loaded, texts[::-1])[::-1], atol=1e-6)


@pytest.mark.parametrize("texts", ["a single text", ["one"], []])
def test_fewer_than_two_texts_are_refused(texts: list[str]):
    with pytest.raises(ArgumentError, match="texts: .*expected a list of two texts or more"):
        Checks(texts)


def test_own_texts_are_counted(loaded: Checkpoint, report: ExportReport):
    measured = measure(loaded, report.path, ["one", "two words"])
    assert (measured.texts, measured.dimension) == (2, 24)


def test_a_limit_above_what_the_body_can_read_is_an_error_that_names_it(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "roberta", "roberta", max_seq_length=tiny.POSITIONS)
    with pytest.raises(ExportError, match=rf"roberta: .* limit of {tiny.POSITIONS} tokens. State a lower"):
        reference(load(folder), ["word " * 400, "word"])


@pytest.fixture(scope="module")
def coarse(report: ExportReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a graph whose activations share one scale a batch, as ONNX Runtime quantises by default."""
    folder = shutil.copytree(report.path, tmp_path_factory.mktemp("coarse") / "tiny-bert")
    graphs = folder / "onnx" / "model.onnx", folder / "onnx" / "model_int8.onnx"
    quantize_dynamic(*graphs, op_types_to_quantize=["MatMul"], weight_type=QuantType.QInt8)
    return folder


def test_every_number_of_a_right_graph_is_right(loaded: Checkpoint, report: ExportReport):
    (measured,) = verify(loaded, report.path, checks=Checks(tiny.texts(), speed=False)).values()
    found = measured.numbers()
    for name in ("mean_cosine", "min_cosine", "rank_correlation", "top10_overlap", "top10_equal"):
        assert found.pop(name) == pytest.approx(1, abs=1e-6)
    assert found.pop("batch_delta") <= 1e-6
    assert found.pop("megabytes") == (report.path / "onnx" / "model.onnx").stat().st_size / 1e6
    assert found == {"max_delta": measured.max_delta}


def test_a_shared_scale_of_activations_is_found_by_what_neighbours_move(loaded: Checkpoint, coarse: Path):
    checks = Checks(tiny.texts(), accept_worse=True, speed=False)
    found = verify(loaded, coarse, variants=("fp32", "int8"), checks=checks)
    exact, rounded = found.values()
    assert exact.batch_delta <= 1e-6
    assert rounded.batch_delta > 1e-3
    assert any("with its neighbours, expected at most 1e-06" in miss for miss in rounded.misses)
    assert exact.misses == ()
    with pytest.raises(VerificationError, match="tiny-bert: text .* in variant 'int8'. Nothing was written"):
        verify(loaded, coarse, variants=("int8",), checks=Checks(tiny.texts(), speed=False))


def test_shuffled_weights_lose_neighbours_order_and_cosine(loaded: Checkpoint, folder: Path):
    shuffle(folder / "onnx" / "model.onnx")
    checks = Checks(tiny.texts(), accept_worse=True, speed=False)
    (found,) = verify(loaded, folder, checks=checks).values()
    assert found.top10_overlap < 0.9
    assert found.top10_equal < 0.5
    assert found.rank_correlation < 0.95
    assert found.min_cosine < found.mean_cosine < 0.95


def test_speed_and_labels_are_measured_where_they_are_asked_for(
    loaded: Checkpoint, report: ExportReport, tmp_path: Path
):
    texts, labels = tiny.texts(8), tmp_path / "pairs.tsv"
    labels.write_text("".join(f"{one}\t{two}\t{place}\n" for place, (one, two) in enumerate(tiny.pairs(6))))
    (found,) = verify(loaded, report.path, checks=Checks(texts, labels=labels)).values()
    assert -100 <= found.sts <= 100
    assert found.load_ms > found.one_text_ms > 0
    assert found.texts_per_second > 0
    (without,) = verify(loaded, report.path, checks=Checks(texts, speed=False)).values()
    assert (without.sts, without.load_ms, without.one_text_ms, without.texts_per_second) == (None,) * 4


def test_wrong_labels_are_refused_when_the_checks_are_made(tmp_path: Path):
    with pytest.raises(ArgumentError, match="labels: '.*none.tsv', expected"):
        Checks(labels=tmp_path / "none.tsv")


def test_a_graph_for_other_cpus_is_written_unseen_only_where_that_is_accepted(
    loaded: Checkpoint, report: ExportReport, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(variants, "families", lambda: ("x86",))
    ways = ("fp32", "int8-vnni")
    with pytest.raises(VerificationError, match="tiny-bert: variant 'int8-vnni' is for CPUs with vnni, which this one"):
        verify(loaded, report.path, variants=ways, checks=Checks(tiny.texts(8), speed=False))
    found = verify(loaded, report.path, variants=ways, checks=Checks(tiny.texts(8), accept_worse=True, speed=False))
    assert [variant for _, variant in found] == ["fp32"]
