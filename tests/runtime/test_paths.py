"""Mirrors runtime/airvec/paths.py."""

from pathlib import Path

import pytest

from airvec.paths import join_inside, path_inside


@pytest.mark.parametrize("inside", ["", ".", "1_Pooling", "onnx/model.onnx", "./onnx//model.onnx", "onnx/"])
@pytest.mark.parametrize("folder", ["model", "/srv/models/model", "../model", "."])
def test_a_path_inside_a_folder_is_the_one_that_pathlib_makes(folder, inside):
    assert Path(join_inside(folder, inside)) == Path(folder, inside)
    assert not join_inside(Path(folder), inside).endswith("/")


@pytest.mark.parametrize("inside", ["model.onnx", "onnx/model.onnx", "1_A/2_B/config.json"])
@pytest.mark.parametrize("folder", ["model", "/srv/models/model", "../model", "model/"])
def test_the_path_inside_is_found_again_wherever_the_folder_lies(folder, inside):
    assert path_inside(folder, join_inside(folder, inside)) == inside
    assert path_inside(Path(folder), Path(folder, inside)) == inside
