"""Mirrors runtime/airvec/cli/package.py."""

import shlex
from zipfile import is_zipfile

import pytest

from airvec.cli import package
from airvec.deploy.layer import Layer
from airvec.deploy.sizes import Part
from airvec.errors import AirvecWarning
from tests import fake_wheels


@pytest.fixture
def offline(tmp_path, monkeypatch):
    return fake_wheels.offline(tmp_path / "offline", monkeypatch)


def test_a_layer_is_written_and_its_sizes_and_commands_are_printed(run, words, tmp_path, offline, monkeypatch):
    # The stand-ins of the packages do not run; what a trial shows is tests/runtime/deploy/test_trial.py's.
    monkeypatch.setattr("airvec.deploy.layer.try_package", lambda *_: "it runs alone")
    monkeypatch.setattr("airvec.deploy.tree.find_interpreter", lambda *_: None)
    out = tmp_path / "layer.zip"
    with pytest.warns(AirvecWarning, match="no Python 3.14 was found"):
        ran = run("package", "lambda", words, out, "--python", "3.14", "--arch", "arm64", "--no-progress")
    assert ran.code == 0
    assert is_zipfile(out)
    lines = ran.out.splitlines()
    assert lines[0].split() == ["layer.zip,", "Python", "3.14", "on", "arm64", "unzipped", "zipped"]
    for name in ("numpy", "onnxruntime", "tokenizers", "airvec", "model", "total"):
        assert any(line.startswith(f"{name} ") for line in lines)
    assert any(line.split() == ["AWS's", "limit", "262.1", "MB", "52.4", "MB"] for line in lines)
    assert "self-check: it runs alone" in lines
    left_out = "left out, since airvec never loads them: numpy.random, numpy.fft (--whole-numpy keeps them)"
    assert f"note: {left_out}" in lines
    assert "note: no Python 3.14 was found here to compile with: the .py sources were kept" in lines
    assert shlex.split(lines[-1])[:3] == ["aws", "lambda", "create-function"]


def test_the_arguments_reach_the_layer(run, tmp_path, monkeypatch):
    seen = {}

    def write_layer(out, target, contents, **options):
        seen.update(out=out, target=target, contents=contents, **options)
        return Layer(out, out, (Part("numpy", 1, 1),), "", (), ())

    monkeypatch.setattr("airvec.deploy.layer.write_layer", write_layer)
    options = ["--variant", "int8", "--index", "i", "--reranker", "r", "--constraint", "c.txt", "--interpreter", "p"]
    options += ["--reranker-variant", "fused", "--name", "n"]
    assert run("package", "lambda", "org/model", tmp_path / "a.zip", *options).code == 0
    assert (seen["target"].python, seen["target"].platform) == ("3.13", "linux-x86_64")
    contents = seen["contents"]
    assert (contents.model, contents.variant, contents.reranker, str(contents.index)) == ("org/model", "int8", "r", "i")
    assert (contents.reranker_variant, contents.name) == ("fused", "n")
    assert (str(seen["constraint"]), str(seen["interpreter"])) == ("c.txt", "p")
    assert (seen["out"], seen["show_progress"], seen["whole_numpy"]) == (tmp_path / "a.zip", False, False)
    assert run("package", "lambda", "org/model", tmp_path / "a.zip", "--whole-numpy").code == 0
    assert seen["whole_numpy"] is True


def test_one_path_is_the_layer_and_the_model_is_airvecs_own(run, tmp_path, monkeypatch):
    seen = []

    def write_layer(out, target, contents, **_):
        seen.append((out.name, contents.model))
        return Layer(out, out, (), "", (), ())

    monkeypatch.setattr("airvec.deploy.layer.write_layer", write_layer)
    assert run("package", "lambda", tmp_path / "a.zip").code == 0
    assert seen == [("a.zip", None)]


@pytest.mark.parametrize("order", ["m a.zip --variant int8", "m --variant int8 a.zip", "--variant int8 m a.zip"])
def test_options_may_stand_anywhere(run, monkeypatch, order):
    seen = []

    def write_layer(out, target, contents, **_):
        seen.append((out.name, contents.model, contents.variant))
        return Layer(out, out, (), "", (), ())

    monkeypatch.setattr("airvec.deploy.layer.write_layer", write_layer)
    assert run("package", "lambda", *order.split()).code == 0
    assert seen == [("a.zip", "m", "int8")]


@pytest.mark.parametrize("kind", ["folder", "dockerfile"])
def test_folders_and_images_keep_all_of_numpy_and_have_no_flag_for_it(run, tmp_path, kind):
    ran = run("package", kind, tmp_path / "out", "--whole-numpy")
    assert (ran.code, "unrecognized arguments: --whole-numpy" in ran.err) == (2, True)


@pytest.mark.parametrize("wrong", ["", "m a.zip more", "m a.zip --fast"])
def test_wrong_usage_is_exit_code_2(run, wrong):
    assert run("package", "lambda", *wrong.split()).code == 2


def test_a_python_that_lambda_has_not_is_an_error_before_anything_is_fetched(run, tmp_path):
    ran = run("package", "lambda", tmp_path / "layer.zip", "--python", "3.11")
    assert (ran.code, "3.12, 3.13, 3.14" in ran.err) == (1, True)
    assert not list(tmp_path.iterdir())


def test_a_model_without_a_zip_is_an_error_that_says_so(run, words):
    ran = run("package", "lambda", words)
    assert (ran.code, "expected a file name that ends in .zip" in ran.err) == (1, True)


def test_an_airvec_that_was_itself_packed_says_that_it_cannot(run, tmp_path, monkeypatch):
    monkeypatch.setattr(package, "find_spec", lambda _: None)
    ran = run("package", "lambda", tmp_path / "layer.zip")
    assert (ran.code, "was itself packed, without airvec.deploy" in ran.err) == (1, True)


@pytest.mark.parametrize("kind", ["lambda", "folder", "dockerfile"])
def test_a_place_that_takes_no_files_is_told_before_anything_is_packed(run, words, tmp_path, monkeypatch, kind):
    monkeypatch.setattr("airvec.deploy.contents.pack_model", None)
    (tmp_path / "file").write_text("")
    ran = run("package", kind, words, tmp_path / "file" / "a.zip")
    assert (ran.code, f"{tmp_path / 'file' / 'a.zip'}: cannot be written (" in ran.err) == (1, True)


@pytest.mark.parametrize("command", [("package", "--help"), ("package", "lambda", "--help")])
def test_help_has_examples(run, command):
    ran = run(*command)
    assert (ran.code, "examples:\n  airvec package lambda" in ran.out) == (0, True)
