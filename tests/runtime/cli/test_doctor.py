"""Mirrors runtime/airvec/cli/doctor.py."""

import json

from tests.folders import word_model


def test_ten_findings_are_printed_and_nothing_to_fix_is_exit_code_0(run, words):
    ran = run("doctor", words)
    assert ran.code == 0
    assert sum(line.startswith(("ok  ", "warn", "fix ")) for line in ran.out.splitlines()) == 10


def test_something_to_fix_is_exit_code_1(run, tmp_path):
    assert run("doctor", word_model(tmp_path / "e5-small")).code == 1


def test_a_users_texts_are_looked_at(run, words, tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("a b c d e f g h i j\nb\n")
    ran = run("doctor", words, file, "--format", "jsonl")
    findings = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 1
    assert findings[2]["found"] == "1 of 2 texts have more than 8 tokens, up to 12"


def test_a_folder_that_is_not_there_is_an_error(run, tmp_path):
    ran = run("doctor", tmp_path / "gone")
    assert (ran.code, "no such folder" in ran.err) == (1, True)
