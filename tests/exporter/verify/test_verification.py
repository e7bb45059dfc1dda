"""Finding out that a graph is wrong."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec.folder import DENSE
from airvec.sentence_transformer import SentenceTransformer
from airvec_exporter.errors import ExportError, VerificationError
from airvec_exporter.load import Checkpoint, load
from airvec_exporter.pipeline import ExportReport
from airvec_exporter.reference import reference
from airvec_exporter.verify import BOUNDS, Measured, unit, verify, worst
from tests import tiny
from tests.exporter.damage import damage


def measure(*given: Any, **options: Any) -> Measured:
    return worst(list(verify(*given, **options).values()))


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
        verify(loaded, folder, tiny.texts())


def test_a_wider_bound_lets_it_through_and_says_what_it_is(loaded: Checkpoint, folder: Path):
    damage(folder / "onnx" / "model.onnx", 1.001)
    assert BOUNDS[DENSE] < measure(loaded, folder, tiny.texts(), bound=0.1).max_delta < 0.1


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
        verify(loaded, report.path, tiny.texts(8))


def test_batches_do_not_change_the_reference(loaded: Checkpoint):
    texts = tiny.texts(40)
    assert np.allclose(reference(loaded, texts), reference(loaded, texts[::-1])[::-1], atol=1e-6)


@pytest.mark.parametrize("texts", ["a single text", ["one"], []])
def test_fewer_than_two_texts_are_refused(loaded: Checkpoint, report: ExportReport, texts: list[str]):
    with pytest.raises(ArgumentError, match="texts: .*expected a list of two texts or more"):
        verify(loaded, report.path, texts)


def test_own_texts_are_counted(loaded: Checkpoint, report: ExportReport):
    measured = measure(loaded, report.path, ["one", "two words"])
    assert (measured.texts, measured.dimension) == (2, 24)


def test_zero_vectors_stay_zero():
    assert np.array_equal(unit(np.zeros((1, 3), np.float32)), np.zeros((1, 3)))


def test_a_limit_above_what_the_body_can_read_is_an_error_that_names_it(tmp_path: Path):
    folder = tiny.tiny_checkpoint(tmp_path / "roberta", "roberta", max_seq_length=tiny.POSITIONS)
    with pytest.raises(ExportError, match=rf"roberta: .* limit of {tiny.POSITIONS} tokens. State a lower"):
        reference(load(folder), ["word " * 400, "word"])
