"""Mirrors trainer/airvec_trainer/distillation/__init__.py: names when first used, teachers without torch."""

import subprocess
import sys

import pytest

from airvec_trainer import distillation

WITHOUT_TORCH = """
import sys, airvec
from airvec_trainer.distillation import teacher_vectors
found = teacher_vectors(airvec.SentenceTransformer(), ["a text", "another"], cache_folder=sys.argv[1])
assert found.shape[0] == 2
print("torch" in sys.modules, "datasets" in sys.modules)
"""


def test_every_public_name_is_there():
    for name in distillation.__all__:
        assert callable(getattr(distillation, name))
        assert name in dir(distillation)


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="no attribute 'distill', expected one of"):
        _ = distillation.distill


def test_a_teacher_of_the_runtime_is_asked_without_torch(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["False", "False"], done.stderr
