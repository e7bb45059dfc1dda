"""airvec eval: what it prints and writes, and that it needs nothing but the runtime's dependencies."""

import json
from pathlib import Path

import pytest

from airvec.cli.main import main
from airvec_trainer.eval_cli import Measured, shown
from airvec_trainer.evaluation.tasks import Task, TaskSpec
from tests.folders import reranker
from tests.house.probe import HEAVY, probe
from tests.sparse_folders import splade_model

PAIRS = [("a red car", "a car"), ("pears", "apples and pears"), ("the ferry", "wine"), ("snow", "a hot day")]


@pytest.fixture
def sts(tmp_path):
    path = tmp_path / "sts" / "dev.tsv"
    path.parent.mkdir()
    lines = [f"{first}\t{second}\t{5 - row}" for row, (first, second) in enumerate(PAIRS)]
    path.write_text("\n".join(["sentence1\tsentence2\tscore", *lines]) + "\n")
    return path


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.tsv"
    lines = [f"{first}\t{second}\t{int(row < 2)}" for row, (first, second) in enumerate(PAIRS)]
    path.write_text("\n".join(["sentence1\tsentence2\tlabel", *lines]) + "\n")
    return path


def test_a_table_has_a_line_for_each_task(sts, pairs, capsys):
    assert main(["eval", "default", "--task", f"stsb:{sts}", "-t", f"pairs:{pairs}?name=mine"]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["task", "data", "rows", "metric", "score", "also", "seconds"]
    assert first.split()[:5] == ["stsb", "sts/dev", "4", "pairs", "spearman_cosine"]
    assert "pearson_cosine" in first
    assert second.split()[:5] == ["pairs", "mine", "4", "pairs", "cosine_ap"]
    assert "cosine_f1_threshold 0." in second


def test_json_has_every_metric_and_the_settings(sts, capsys):
    assert main(["eval", "default", "-t", f"stsb:{sts}", "--json", "--truncate-dim", "64"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["model"], found["kind"], found["truncate_dim"]) == ("default", "SentenceTransformer", 64)
    (task,) = found["tasks"]
    assert task["metrics"].keys() == {"pearson_cosine", "spearman_cosine"}
    assert task["score"] == task["metrics"][task["primary"]]
    assert (task["task"], task["pairs"]) == ("stsb", 4)


def test_the_evaluators_files_are_written(sts, tmp_path, capsys):
    assert main(["eval", "default", "-t", f"stsb:{sts}", "--out", str(tmp_path / "out")]) == 0
    (file,) = (tmp_path / "out").iterdir()
    assert file.name == "similarity_evaluation_dev_results.csv"
    assert file.read_text().startswith("epoch,steps,cosine_pearson,cosine_spearman")


def test_tasks_of_one_name_may_be_told_apart(sts, pairs, tmp_path, capsys):
    out = tmp_path / "out"
    asked = [f"stsb:{sts}", f"stsb:{sts}?name=again", f"pairs:{pairs}?name=dev"]
    assert main(["eval", "default", *(word for task in asked for word in ("-t", task)), "--out", str(out)]) == 0
    assert len({file.name for file in out.iterdir()}) == 3
    assert all(len(file.read_text().splitlines()) == 2 for file in out.iterdir())


@pytest.mark.parametrize("precision", ["int8", "binary"])
@pytest.mark.filterwarnings("ignore:precision:airvec.errors.AirvecWarning")
def test_settings_change_the_numbers(sts, precision, capsys):
    scores = []
    for given in ([], ["--precision", precision], ["--prompt", "a text about wine: "]):
        assert main(["eval", "default", "-t", f"stsb:{sts}", "--json", *given]) == 0
        scores.append(json.loads(capsys.readouterr().out)["tasks"][0]["metrics"]["pearson_cosine"])
    assert len(set(scores)) == 3


def test_bits_and_prompts_reach_the_other_tasks(pairs, capsys):
    found = []
    for given in ([], ["--precision", "binary"], ["--prompt", "a text about wine: "]):
        assert main(["eval", "default", "-t", f"pairs:{pairs}", "--json", *given]) == 0
        found.append(json.loads(capsys.readouterr().out)["tasks"][0]["metrics"]["cosine_f1_threshold"])
    assert len(set(found)) == 3


def test_rerankers_and_sparse_models_are_told_by_their_folder(sts, tmp_path, capsys):
    for folder, kind in ((reranker(tmp_path / "r"), "CrossEncoder"), (splade_model(tmp_path / "s"), "SparseEncoder")):
        assert main(["eval", str(folder), "-t", f"stsb:{sts}", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["kind"] == kind
        assert main(["eval", str(folder), "-t", f"stsb:{sts}", "--truncate-dim", "2"]) == 1
        assert "truncate_dim: 2, but" in capsys.readouterr().err


def test_a_figure_is_drawn(pairs, tmp_path, capsys):
    assert main(["eval", "default", "-t", f"pairs:{pairs}", "--figure", str(tmp_path / "new" / "curve.png")]) == 0
    assert (tmp_path / "new" / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["curve.png"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["-t", "stsb:none.tsv"], "airvec eval: none.tsv: no such file"),
        (["-t", "sts:none.tsv"], "expected KIND:FILE with a KIND of stsb"),
        (["-t", "bitext:a.tsv", "--precision", "int8"], "--precision int8: with --task bitext, expected stsb only"),
        (
            ["-t", "stsb:a/b.tsv", "-t", "stsb:a/b.tsv"],
            "the name 'a/b' is another stsb task's, too, and both",
        ),
        (
            ["-t", "stsb:a/b.tsv", "-t", "stsb:c/b.tsv", "--out", "x"],
            "the name 'b' is another stsb task's, too",
        ),
        (["-t", "stsb:a.tsv", "--figure", "a.png"], "--figure: 0 tasks of pairs, expected one"),
    ],
)
def test_a_mistake_is_one_line(given, message, capsys):
    assert main(["eval", "default", *given]) == 1
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_no_task_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["eval", "default"])
    assert ended.value.code == 2
    assert "--task" in capsys.readouterr().err


def test_it_runs_where_torch_and_the_like_are_absent(sts, pairs):
    words = ["eval", "default", "-t", f"stsb:{sts}", "-t", f"pairs:{pairs}"]
    absent = (*HEAVY, "datasets", "matplotlib")
    seen = probe(f"from airvec.cli.main import main; assert main({words!r}) == 0", absent=absent)
    assert seen.problem is None
    assert not seen.heavy()


def test_a_figure_without_matplotlib_gives_the_pip_line(pairs, tmp_path):
    words = ["eval", "default", "-t", f"pairs:{pairs}", "--figure", str(tmp_path / "a.png")]
    code = f"""
import contextlib, io
from airvec.cli.main import main
told = io.StringIO()
with contextlib.redirect_stderr(told):
    code = main({words!r})
raise RuntimeError(f"{{code}} {{told.getvalue()}}")
"""
    seen = probe(code, absent=("matplotlib",))
    assert seen.problem is not None
    assert seen.problem[2].startswith("1 airvec eval: airvec eval --figure: needs the package matplotlib")
    assert 'pip install "airvec[train]"' in seen.problem[2]


def test_metrics_of_a_measure_are_shown_by_their_endings():
    task = Task(evaluator=None, rows={"pairs": 1}, also=("f1", "map"))
    metrics = {"cosine_f1": 0.5, "max_f1": 0.9, "map": 0.25, "base_map": 0.1}
    measured = Measured(TaskSpec("pairs", Path("a.tsv")), task, metrics, "map", 1.0)
    assert measured.cells()[5] == "cosine_f1 50.00, map 25.00"
    assert shown("f1_threshold", 0.5) == "0.5000"
