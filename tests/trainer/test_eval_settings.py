"""airvec eval: settings that a model cannot follow are refused, and queries that are left out are told."""

import json

import pytest

from airvec.cli.main import main
from tests.folders import reranker

LISTED = """{"query": "cars", "positive": "a red car", "negative": ["wine"]}
{"query": "wine", "positive": [], "negative": ["a red car"]}
"""


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "listed.jsonl"
    path.write_text(LISTED)
    return path


@pytest.mark.parametrize("option", ["query-prompt", "document-prompt"])
def test_prompts_of_one_side_are_refused_for_rerankers(listed, tmp_path, option, capsys):
    folder = reranker(tmp_path / "r")
    assert main(["eval", str(folder), "-t", f"rerank:{listed}", f"--{option}", "query: "]) == 1
    told = capsys.readouterr().err
    assert f"{option.replace('-', '_')}: 'query: ', but {folder} is a CrossEncoder" in told
    assert "Leave it out: it is for models that encode" in told


def test_more_dimensions_than_there_are_are_refused(listed, capsys):
    assert main(["eval", "default", "-t", f"rerank:{listed}", "--truncate-dim", "100000"]) == 1
    told = capsys.readouterr().err
    assert "truncate_dim: 100000, but default has " in told
    width = int(told.split("default has ")[1].split()[0])
    assert main(["eval", "default", "-t", f"rerank:{listed}", "--truncate-dim", str(width)]) == 0


def test_queries_that_are_left_out_are_told(listed, capsys):
    assert main(["eval", "default", "-t", f"rerank:{listed}"]) == 0
    shown = capsys.readouterr()
    assert shown.err == (
        f"airvec eval: rerank:{listed}: 1 of 2 queries left out, without a positive or without a negative document; "
        "the first is in line 2\n"
    )
    assert "1 query, 2 documents (1 left out)" in shown.out
    assert main(["eval", "default", "-t", f"rerank:{listed}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tasks"][0]["left_out"] == 1


def test_the_primary_metric_of_reranking_is_shown_once_and_map_beside_it(listed, capsys):
    assert main(["eval", "default", "-t", f"rerank:{listed}"]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert line.count("ndcg@10") == 1
    assert "map 100.00, mrr@10 100.00" in line


def test_a_split_that_was_not_asked_for_is_named(tmp_path, capsys):
    (tmp_path / "small" / "qrels").mkdir(parents=True)
    (tmp_path / "small" / "corpus.jsonl").write_text('{"_id": "d", "title": "", "text": "a red car"}\n')
    (tmp_path / "small" / "queries.jsonl").write_text('{"_id": "q", "text": "cars"}\n')
    (tmp_path / "small" / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    assert main(["eval", "default", "-t", f"beir:{tmp_path}/small"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("beir  small train  1 query, 1 document ")
    assert main(["eval", "default", "-t", f"beir:{tmp_path}/small", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tasks"][0]["split"] == "train"
