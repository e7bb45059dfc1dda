"""mine_hard_negatives: the reference's arguments, old spellings and printing."""

import subprocess
import sys

import pytest

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer.mining import MiningSettings, mine, mine_hard_negatives
from tests.trainer.mining.stand_in import NoiseModel, generated

QUIET = {"verbose": False, "show_progress_bar": False}


def mined(**given):
    return mine_hard_negatives(generated(), NoiseModel(), **QUIET | given).to_dict()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ({"as_triplets": True}, {"output_format": "triplet"}, "as_triplets: True is an old spelling"),
        ({"as_triplets": False}, {"output_format": "n-tuple"}, "Say output_format='n-tuple'"),
        ({"margin": 0.1}, {"absolute_margin": 0.1}, "margin: 0.1 is an old spelling. Say absolute_margin=0.1"),
        (
            {"output_format": "n-tuple-scores"},
            {"output_format": "n-tuple", "output_scores": True},
            "Say 'n-tuple' with output_scores=True",
        ),
    ],
)
def test_old_spellings_are_understood_and_told(old, new, message):
    with pytest.warns(AirvecWarning, match=message):
        found = mined(**old)
    assert found == mined(**new)


def test_a_warning_points_at_the_caller():
    with pytest.warns(AirvecWarning) as caught:
        mined(margin=0.1)
    assert caught[0].filename == __file__


def test_the_statistics_are_printed_if_wanted(capsys):
    found = mine_hard_negatives(generated(), NoiseModel(), absolute_margin=0.1, show_progress_bar=False)
    _, report = mine(generated(), NoiseModel(), MiningSettings(absolute_margin=0.1, show_progress_bar=False))
    assert capsys.readouterr().out == f"{report.text()}\n"
    assert report.rows == len(found)
    mined()
    assert capsys.readouterr().out == ""


def test_progress_is_shown_if_wanted(capfd):
    mined(show_progress_bar=True)
    assert "Searching" in capfd.readouterr().err
    mined()
    assert capfd.readouterr().err == ""


def test_without_statistics_there_is_no_progress_unless_it_is_asked_for(capfd):
    mine_hard_negatives(generated(), NoiseModel(), verbose=False)
    assert capfd.readouterr() == ("", "")
    mine_hard_negatives(generated(), NoiseModel(), verbose=False, show_progress_bar=True)
    assert "Searching" in capfd.readouterr().err
    mine_hard_negatives(generated(), NoiseModel())
    assert "Searching" in capfd.readouterr().err


def test_two_indexes_are_told():
    with pytest.raises(ArgumentError, match="use_faiss: True, together with index='numpy'"):
        mined(use_faiss=True, index="numpy")


def test_mining_imports_no_torch_and_no_datasets():
    code = "import sys, airvec_trainer.mining; print({'torch', 'datasets', 'scipy', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
