"""The pure functions of the default model's recipe, and what lies in the package against what the recipe says."""

import argparse
import doctest
import gzip
import json
import tomllib
from pathlib import Path

import counts
import distil
import numpy as np
import package
import pytest
import score
import teacher
import texts
import vectors
from tokenizers import Tokenizer

import airvec

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "models" / "static-en"
MODEL = ROOT / "runtime" / "airvec" / "default_model"
DESCRIPTIONS = """Package: one
Description-en: A tool
 It does
 this.
 .
 And that.

Package: two
Description-en: Another tool
 And that.
"""
TOKENIZER = {
    "truncation": {"max_length": 128},
    "padding": {"strategy": {"Fixed": 128}},
    "post_processor": {"type": "TemplateProcessing"},
    "added_tokens": [{"id": 3, "content": "[CLS]"}],
    "model": {"type": "WordPiece", "vocab": {"[PAD]": 0, "[unused0]": 1, "[UNK]": 2, "[CLS]": 3, "a": 5, "!": 4}},
}


@pytest.mark.parametrize("module", [vectors, score, texts], ids=lambda module: module.__name__)
def test_the_examples_in_docstrings_hold(module):
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


def test_a_paragraph_that_two_packages_share_is_counted_once():
    assert list(counts.paragraphs(DESCRIPTIONS)) == ["A tool", "It does this.", "And that.", "Another tool"]


def test_a_table_of_counts_is_read_as_it_was_written(tmp_path):
    counts.write_counts(counts.Counter({"b": 2, "##a": 2, "the": 9}), tmp_path / "table.txt")
    assert (tmp_path / "table.txt").read_text() == "the\t9\n##a\t2\nb\t2\n"
    assert counts.read_counts(tmp_path / "table.txt") == {"the": 9, "##a": 2, "b": 2}


def test_a_broken_line_of_the_table_is_named(tmp_path):
    (tmp_path / "table.txt").write_text("the\t9\nof nine\n")
    with pytest.raises(ValueError, match="line 2 is 'of nine'"):
        counts.read_counts(tmp_path / "table.txt")


def test_shares_mix_counts_and_rank():
    share = vectors.shares(np.array([3.0, 0.0, 1.0]), 0.5, 0)
    zipf = np.array([1, 1 / 2, 1 / 3]) / (11 / 6)
    np.testing.assert_allclose(share, 0.5 * np.array([0.75, 0, 0.25]) + 0.5 * zipf)
    assert share.sum() == pytest.approx(1)


def test_wrong_shares_and_empty_counts_are_refused():
    with pytest.raises(ValueError, match=r"rank_share: found 1\.5"):
        vectors.shares(np.ones(2), 1.5, 0)
    with pytest.raises(ValueError, match="3 tokens, all zero"):
        vectors.shares(np.zeros(3), 0.5, 0)


def test_kept_tokens_start_with_the_silent_ones_and_drop_what_no_text_reaches():
    assert package.kept_tokens(TOKENIZER, "!") == ["[PAD]", "[UNK]", "!", "a"]


def test_a_first_token_outside_the_vocabulary_is_named():
    with pytest.raises(ValueError, match="'§' is not in the vocabulary"):
        package.kept_tokens(TOKENIZER, "§")


def test_the_tokenizer_neither_cuts_nor_pads_nor_adds_tokens():
    made = package.static_tokenizer(TOKENIZER, ["[PAD]", "[UNK]", "!", "a"])
    assert made["truncation"] is made["padding"] is made["post_processor"] is None
    assert made["model"]["vocab"] == {"[PAD]": 0, "[UNK]": 1, "!": 2, "a": 3}
    assert [token["content"] for token in made["added_tokens"]] == ["[PAD]", "[UNK]"]


def test_a_difference_names_the_file_and_the_distance(tmp_path):
    for name, number in (("one", 1), ("two", 3)):
        (tmp_path / name).mkdir()
        rows = np.array([[0, number], [5, 5]], np.int8)
        package.write(tmp_path / name, rows, np.ones(2, np.float32), TOKENIZER, "card")
    assert package.differences(tmp_path / "one", tmp_path / "one") == []
    lines = package.differences(tmp_path / "one", tmp_path / "two")
    assert [line.partition(":")[0] for line in lines] == ["model.safetensors"] * 2
    assert "1 of 4 int8 numbers differ, by at most 2" in lines[1]


def test_putting_in_place_leaves_nothing_of_the_old_folder(tmp_path):
    for name in ("new", "place"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text("x")
    package.put_in_place(tmp_path / "new", tmp_path / "place")
    assert [file.name for file in tmp_path.rglob("*")] == ["place", "new"]


def test_an_input_of_another_sha256_is_refused(tmp_path):
    (tmp_path / "weights").write_bytes(b"other")
    with pytest.raises(ValueError, match=r"weights: sha256 is d9298a10.* expects 00"):
        teacher.check_sha256(tmp_path / "weights", "00")


def test_spearman_with_ties_is_what_a_hand_gets():
    assert score.spearman(np.array([1, 2, 2, 3]), np.array([1, 2, 3, 4])) == pytest.approx(0.9486833)


def test_the_report_describes_the_model_that_lies_in_the_package():
    report = json.loads((RECIPE / "report.json").read_text())
    recipe = tomllib.loads((RECIPE / "static.toml").read_text(encoding="utf-8"))
    assert report["sha256"] == package.digests(MODEL)
    assert report["bytes"]["total"] == sum(file.stat().st_size for file in MODEL.iterdir())
    assert report["bytes"]["total"] <= recipe["output"]["largest_bytes"] <= 8_500_000


def test_the_committed_counts_are_the_ones_that_the_recipe_names():
    recipe = tomllib.loads((RECIPE / "static.toml").read_text(encoding="utf-8"))
    teacher.check_sha256(RECIPE / recipe["counts"]["file"], recipe["counts"]["sha256"])


def test_the_score_on_dev_is_the_reported_one(shared):
    reported = json.loads((RECIPE / "report.json").read_text())["quality"]["stsb_dev_spearman"]
    found = score.score_stsb(score.StaticModel(MODEL), shared / "data" / "stsb" / "dev.tsv")
    assert found == pytest.approx(reported, abs=0.006)


def test_random_bags_come_out_the_same_for_the_same_seed_and_pieces_are_joined():
    words, chances = ["a", "##b", "c"], [0.2, 0.6, 1.0]
    first, again = ([*texts.bags(words, chances, 50, 3)] for _ in range(2))
    assert first == again
    assert first != [*texts.bags(words, chances, 50, 4)]
    assert any("ab" in text for group in first for text in group)
    assert not any(" ##" in text for group in first for text in group)


def test_a_changed_sentence_differs_by_a_word_put_in_and_by_one_left_out():
    ((text, other, shorter),) = texts.changed([["one two three four"], ["too short"]], ["new"], [1.0], 0)
    assert text == "one two three four"
    assert sorted(other.split()) == sorted([*(set(text.split()) & set(other.split())), "new"])
    assert len(shorter.split()) == 3


def test_a_tenth_of_medquads_subjects_is_never_learnt_from(tmp_path):
    file = tmp_path / "pairs.jsonl.gz"
    rows = [
        {"id": str(i), "focus": f"subject {i}", "question": f"what is {i}?", "answer": f"It is one of {i} things. " * 9}
        for i in range(200)
    ]
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        lines.write("\n".join(json.dumps(row) for row in rows))
    learnt = {group[0] for group in texts.medquad(file, 2)}
    held_out = {group[0] for group in texts.medquad(file, 2, held_out=True)}
    assert not learnt & held_out
    assert len(learnt | held_out) == 200
    assert 5 < len(held_out) < 40
    assert all(len(group) <= 4 for group in texts.medquad(file, 2))


def test_batches_hold_every_text_once_and_few_tokens(checkpoint):
    reader = teacher.Teacher(checkpoint, 8, 20)
    lengths = [9, 3, 5, 30, 4]
    batches = list(reader.batches(lengths))
    assert sorted(place for batch in batches for place in batch) == [0, 1, 2, 3, 4]
    assert all(len(batch) == 1 or len(batch) * max(lengths[place] for place in batch) <= 20 for batch in batches)


def test_the_teacher_in_bfloat16_says_what_the_runtime_says(checkpoint, minilm):
    asked = ["A man plays a guitar.", "Somebody makes music.", "def main(): pass"]
    found = teacher.Teacher(checkpoint, 64, 2000).encode(asked)
    assert ((found * airvec.SentenceTransformer(str(minilm)).encode(asked)).sum(axis=1) > 0.9995).all()


@pytest.mark.slow
def test_a_small_run_of_the_recipe_learns_and_comes_out_the_same(checkpoint, shared, tmp_path):
    recipe = distil.read_recipe()
    recipe["texts"] |= {"bags": 300, "largest": 1500}
    recipe["training"] |= {"batch_size": 64, "epochs": 2}
    (tmp_path / "descriptions.txt").write_text(DESCRIPTIONS)
    tokenizer = json.loads((checkpoint / "tokenizer.json").read_text(encoding="utf-8"))
    tokens = package.kept_tokens(tokenizer, "!")[:3000]
    student = Tokenizer.from_str(json.dumps(package.static_tokenizer(tokenizer, tokens)))
    words = tokens[2:], distil.telling_words(tokens[2:], recipe)
    gathered = texts.gather(shared / "data", tmp_path / "descriptions.txt", words, recipe["texts"])
    assert len(set(gathered)) == 1500
    options = argparse.Namespace(checkpoint=checkpoint, cache=None, quiet=True)
    first, again = (distil.learn(recipe, options, gathered, student) for _ in range(2))
    assert first.losses[-1]["cosine_distance"] < first.losses[0]["cosine_distance"]
    np.testing.assert_array_equal(first.vectors, again.vectors)
