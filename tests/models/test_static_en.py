"""The pure functions of the default model's recipe, and what lies in the package against what the recipe says."""

import doctest
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import bags
import counts
import numpy as np
import package
import pytest
import score
import teacher
import torch
import vectors
from safetensors.numpy import load_file

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


@pytest.mark.parametrize("module", [vectors, score], ids=lambda module: module.__name__)
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


def test_projection_finds_the_axes_in_falling_order_of_variance_and_keeps_distances():
    states = np.random.default_rng(0).normal(size=(500, 3)) * [1.0, 5.0, 2.0] + 7
    axes = vectors.project(states, 3, 0.0)
    assert np.all(np.diff(axes.var(axis=0)) < 0)
    np.testing.assert_allclose(np.linalg.norm(axes[0] - axes[1]), np.linalg.norm(states[0] - states[1]))


def test_variance_power_of_minus_one_whitens():
    states = np.random.default_rng(0).normal(size=(500, 3)) * [1.0, 5.0, 2.0]
    variances = vectors.project(states, 3, -1.0).var(axis=0)
    np.testing.assert_allclose(variances, variances[0])


def test_projection_does_not_depend_on_the_sign_that_the_solver_gives_an_axis():
    axes = torch.tensor([[0.6, -0.1], [-0.8, 0.9]], dtype=torch.float64)
    expected = torch.tensor([[-0.6, -0.1], [0.8, 0.9]], dtype=torch.float64)
    torch.testing.assert_close(vectors.one_sign(axes), expected)
    torch.testing.assert_close(vectors.one_sign(-axes), expected)


def test_more_axes_than_there_are_is_refused():
    with pytest.raises(ValueError, match="dimensions: found 4, expected at most 3"):
        vectors.project(np.ones((5, 3)), 4, 0.0)


def test_int8_rows_are_half_a_step_from_the_truth_at_most():
    rows = np.random.default_rng(0).normal(size=(50, 16)) * np.logspace(-3, 3, 50)[:, None]
    numbers, scales = vectors.quantize(rows)
    assert numbers.dtype == np.int8
    assert scales.dtype == np.float32
    assert np.all(np.abs(numbers * scales[:, None].astype(float) - rows) <= 0.5001 * scales[:, None])


def test_spreading_over_tokens_is_the_transpose_of_taking_means():
    generator = torch.Generator().manual_seed(0)
    some = [torch.randint(9, (4, length), generator=generator) for length in (2, 3)]
    rows, values = torch.randn(9, 5, generator=generator), torch.randn(8, 5, generator=generator)
    left, right = (bags.means(rows, some) * values).sum(), (rows * bags.spread(values, some, 9)).sum()
    torch.testing.assert_close(left, right)


def test_refined_rows_solve_the_least_squares_that_the_docstring_states():
    generator = np.random.default_rng(0)
    states, targets = generator.normal(size=(6, 2)), generator.normal(size=(8, 2))
    some = [torch.from_numpy(generator.integers(6, size=(4, length))) for length in (2, 3)]
    found = bags.refine(states, some, targets, 0.3, 20)
    matrix = bags.means(torch.eye(6, dtype=torch.float64), some).numpy()  # (bags, tokens)
    start, goal = states - states.mean(axis=0), targets - targets.mean(axis=0)
    start *= (matrix @ start * goal).sum() / np.square(matrix @ start).sum()
    expected = np.linalg.solve(matrix.T @ matrix + 0.3 * np.eye(6), matrix.T @ goal + 0.3 * start)
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_a_constant_hidden_dimension_stays_finite():
    states, targets = np.ones((4, 2), np.float32), np.ones((3, 2), np.float32)
    states[0, 0] = targets[0, 0] = 2
    found = bags.refine(states, [torch.tensor([[0, 1], [1, 2], [2, 3]])], targets, 0.5, 5)
    assert np.isfinite(found).all()
    assert not found[:, 1].any()


def test_targets_that_do_not_match_the_bags_are_refused():
    with pytest.raises(ValueError, match="targets: found 2, expected 1"):
        bags.refine(np.ones((3, 2)), [torch.tensor([[0, 1]])], np.ones((2, 2)), 0.5, 1)


def test_bags_come_out_the_same_for_the_same_seed_and_favour_telling_tokens():
    settings = {"per_length": 4000, "seed": 3, "even_share": 0.2}
    share, weight = np.array([0.7, 0.2, 0.1, 0.0]), np.array([0.0, 1.0, 1.0, 1.0])
    first, second = (bags.draw(share, weight, settings, range(2, 4)) for _ in range(2))
    assert [tuple(bag.shape) for bag in first] == [(4000, 2), (4000, 3)]
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    drawn = np.bincount(first[1].flatten(), minlength=4) / first[1].numel()
    np.testing.assert_allclose(drawn, 0.8 * np.array([0, 2 / 3, 1 / 3, 0]) + 0.05, atol=0.02)


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
    recipe = tomllib.loads((RECIPE / "recipe.toml").read_text(encoding="utf-8"))
    assert report["sha256"] == package.digests(MODEL)
    assert report["bytes"]["total"] == sum(file.stat().st_size for file in MODEL.iterdir())
    assert report["bytes"]["total"] <= recipe["output"]["largest_bytes"] <= 8_500_000


def test_the_committed_counts_are_the_ones_that_the_recipe_names():
    recipe = tomllib.loads((RECIPE / "recipe.toml").read_text(encoding="utf-8"))
    teacher.check_sha256(RECIPE / recipe["counts"]["file"], recipe["counts"]["sha256"])


def test_the_score_on_dev_is_the_reported_one(shared):
    reported = json.loads((RECIPE / "report.json").read_text())["quality"]["stsb_dev_spearman"]
    found = score.score_stsb(score.StaticModel(MODEL), shared / "data" / "stsb" / "dev.tsv")
    assert found == pytest.approx(reported, abs=0.006)


@pytest.mark.slow
def test_the_recipe_makes_the_model_that_lies_in_the_package(checkpoint, tmp_path):
    command = [sys.executable, str(RECIPE / "distil.py"), "--checkpoint", str(checkpoint), "--quiet"]
    done = subprocess.run([*command, "--out", str(tmp_path / "made")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for file in MODEL.iterdir():
        assert file.name == "model.safetensors" or file.read_bytes() == (tmp_path / "made" / file.name).read_bytes()
    made, lies = (load_file(folder / "model.safetensors") for folder in (tmp_path / "made", MODEL))
    # The same kind of CPU makes the same bytes; another may round a last bit differently, and so move a few by 1.
    steps = np.abs(made["embeddings"].astype(np.int16) - lies["embeddings"])
    assert steps.max() <= 1
    assert np.count_nonzero(steps) <= steps.size // 1000
    np.testing.assert_allclose(made["weights"], lies["weights"], rtol=1e-5)
