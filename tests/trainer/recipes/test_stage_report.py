"""Mirrors stage_report.py, stages_figure.py, staged_card.py and remembered.py of trainer/airvec_trainer/recipes."""

import numpy as np
import pytest

from airvec_trainer.recipes.remembered import Remembered
from airvec_trainer.recipes.stage_records import Measure, StageRecord, read_record, write_json
from airvec_trainer.recipes.stage_report import Repetition, gains_table
from airvec_trainer.recipes.stages_figure import draw_losses, draw_stages
from tests.trainer.static_models import static_model


def measure(value, other=2.0):
    return Measure({"a_ndcg@10": value, "a_other": other, "a_third": 1.0}, ["a_ndcg@10", "a_other"], 3.0)


def repetition(seed, *values, exported=None):
    records = [
        StageRecord(name, {"x": 2}, 4, 0.1, 1.0, 2.0, measure(value))
        for name, value in zip(("one", "two"), values[1:], strict=True)
    ]
    return Repetition(seed, measure(values[0]), records, exported)


def test_a_table_tells_the_gain_over_the_line_before_and_over_the_start():
    lines = gains_table([repetition(1, 0.25, 0.5, 0.375, exported=measure(0.375))]).splitlines()
    assert lines[0] == "| stage | a_ndcg@10 | gain over the line before | over the start | seconds |"
    assert lines[2:6] == [
        "| before the first stage | 0.2500 |  |  |  |",
        "| one | 0.5000 | +0.2500 | +0.2500 | 6 |",
        "| two | 0.3750 | -0.1250 | +0.1250 | 6 |",
        "| exported, scored by airvec | 0.3750 | +0.0000 | +0.1250 |  |",
    ]
    assert lines[7] == "| stage | a_ndcg@10 | a_other |"


def test_a_table_of_several_seeds_has_their_mean_and_deviation():
    found = gains_table([repetition(1, 0.2, 0.3, 0.5), repetition(2, 0.4, 0.7, 0.5)]).splitlines()
    # Gains are those of each seed: 0.1 and 0.3.
    assert found[3] == "| one | 0.5000 ± 0.2828 | +0.2000 ± 0.1414 | +0.2000 ± 0.1414 | 6 |"


def test_a_record_is_read_as_it_was_written(tmp_path):
    record = repetition(1, 0.1, 0.2, 0.3).records[1]
    assert read_record(tmp_path) is None
    write_json(tmp_path / "stage.json", record)
    assert read_record(tmp_path) == record


def test_a_figure_has_a_panel_for_shares_and_one_for_larger_numbers(tmp_path):
    lines = [("start", {"share": [0.1, 0.2], "words": [140.0, 130.0]}), ("one", {"share": [0.3, 0.2], "words": [9, 8]})]
    assert draw_stages(lines, {"BM25": 0.6}, tmp_path / "stages.png", "a title")
    assert (tmp_path / "stages.png").read_bytes().startswith(b"\x89PNG")
    assert not draw_stages([("start", {})], {}, tmp_path / "none.png", "a title")
    assert not (tmp_path / "none.png").exists()


def test_a_figure_has_the_losses_of_all_stages_one_after_the_other(tmp_path):
    stages, file = [("one", 3), ("two", 2)], tmp_path / "loss.png"
    assert draw_losses(
        stages, {"seed 1": [([1, 3], [2.0, 1.0]), ([2], [0.5])], "seed 2": [([], [])] * 2}, file, "a title"
    )
    assert file.read_bytes().startswith(b"\x89PNG")
    assert not draw_losses(stages, {"seed 1": [([], []), ([], [])]}, tmp_path / "none.png", "a title")
    assert not (tmp_path / "none.png").exists()


class Counting:
    """A model that counts the texts that it encodes."""

    def __init__(self):
        self.model, self.texts = static_model(), []

    def __getattr__(self, name):
        return getattr(self.model, name)

    def encode_document(self, texts, **given):
        self.texts += texts
        return self.model.encode_document(texts, **given)


@pytest.mark.parametrize("given", [{}, {"truncate_dim": 2}, {"normalize_embeddings": True}, {"batch_size": 1}])
def test_what_is_remembered_is_what_the_model_says(given):
    model = static_model()
    remembered = Remembered(model)
    texts = ["one two", "three", "one two", "two"]
    for _ in range(2):
        assert np.allclose(remembered.encode(texts, **given), model.encode(texts, **given), atol=1e-7)
    assert remembered.encode([], **given).shape == model.encode([], **given).shape


def test_no_text_is_encoded_twice_until_the_model_has_changed():
    counting = Counting()
    remembered = Remembered(counting)
    remembered.encode_document(["one", "two"])
    remembered.encode_document(["two", "three"], truncate_dim=2)
    assert counting.texts == ["one", "two", "three"]
    remembered.forget()
    remembered.encode_document(["one"])
    assert counting.texts[3:] == ["one"]


def test_another_prompt_is_another_question():
    remembered = Remembered(static_model(prompts={"query": "query: "}))
    plain, asked = remembered.encode(["one"]), remembered.encode(["one"], prompt_name="query")
    assert not np.allclose(plain, asked)
