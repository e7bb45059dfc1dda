"""What airvec eval writes to: told before anything is measured, and no score is lost where writing fails later."""

import json

import pytest

from airvec.cli.main import main
from airvec.errors import ArgumentError
from airvec_trainer.eval_targets import check_targets
from airvec_trainer.evaluation.similarity import EmbeddingSimilarityEvaluator
from airvec_trainer.evaluation.tasks import pairs as pairs_task


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("sentence1\tsentence2\tlabel\na red car\ta car\t1\nthe ferry\twine\t0\n")
    return path


@pytest.fixture
def sts(tmp_path):
    path = tmp_path / "sts.tsv"
    path.write_text("sentence1\tsentence2\tscore\na red car\ta car\t1\nthe ferry\twine\t0\n")
    return path


@pytest.fixture
def unmeasured(monkeypatch):
    def measure(self, model):
        pytest.fail("measured before the mistake was told")

    monkeypatch.setattr(pairs_task.BinaryClassificationEvaluator, "measure", measure)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(("given", "message"), [
    (["--figure", "FOLDER/x.txt"], "--figure: 'FOLDER/x.txt' ends in '.txt', expected one of .png, .svg, .pdf"),
    (["--figure", "FOLDER/x"], "--figure: 'FOLDER/x' ends in '', expected one of"),
    (["--figure", "FOLDER/taken/x.png"], "FOLDER/taken/x.png: cannot be written (Not a directory), expected a path in"),
    (["--figure", "FOLDER/folder.png"], "--figure: 'FOLDER/folder.png' is a folder, expected the name of a file"),
    (["--out", "FOLDER/taken"], "FOLDER/taken/*.csv: cannot be written (Not a directory)"),
])  # fmt: skip
def test_what_cannot_be_written_is_one_line_before_anything_is_measured(pairs, given, message, tmp_path, capsys):
    (tmp_path / "taken").write_text("a file")
    (tmp_path / "folder.png").mkdir()
    words = [word.replace("FOLDER", str(tmp_path)) for word in given]
    assert main(["eval", "default", "-t", f"pairs:{pairs}", *words]) == 1
    told = capsys.readouterr().err
    assert told.startswith("airvec eval: " + message.replace("FOLDER", str(tmp_path)))
    assert told.count("\n") == 1


def test_what_can_be_written_leaves_nothing(tmp_path):
    check_targets(tmp_path / "new" / "er", tmp_path / "also" / "new.SVG")
    check_targets(tmp_path, None)
    check_targets(None, None)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ArgumentError, match="ends in '.tiff', expected one of .png"):
        check_targets(None, tmp_path / "a.tiff")


def test_scores_are_printed_where_the_csv_file_fails_at_last(pairs, tmp_path, capsys):
    out = tmp_path / "out"
    (out / "binary_classification_evaluation_pairs_results.csv").mkdir(parents=True)
    assert main(["eval", "default", "-t", f"pairs:{pairs}", "--json", "--out", str(out)]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["tasks"][0]["score"] > 0
    assert "Is a directory" in shown.err
    assert shown.err.count("\n") == 1


def test_scores_are_printed_where_the_picture_fails_at_last(pairs, tmp_path, monkeypatch, capsys):
    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("airvec_trainer.eval_figure.draw_pairs", full)
    assert main(["eval", "default", "-t", f"pairs:{pairs}", "--figure", str(tmp_path / "a.png")]) == 1
    shown = capsys.readouterr()
    assert "cosine_ap" in shown.out
    assert shown.err == "airvec eval: [Errno 28] No space left on device\n"


def test_a_correlation_that_is_none_is_null_in_json(sts, monkeypatch, capsys):
    found = {"pearson_cosine": float("nan"), "spearman_cosine": float("nan")}
    monkeypatch.setattr(EmbeddingSimilarityEvaluator, "measure", lambda self, model: found)
    assert main(["eval", "default", "-t", f"stsb:{sts}", "--json"]) == 0
    (task,) = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["tasks"]
    assert (task["score"], task["metrics"]["pearson_cosine"]) == (None, None)
    assert main(["eval", "default", "-t", f"stsb:{sts}"]) == 0
    assert " nan " in capsys.readouterr().out
