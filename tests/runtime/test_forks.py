"""Mirrors runtime/airvec/forks.py where tests/runtime/test_concurrency.py, which forks, does not."""

import gc
import subprocess
import sys
import weakref

import pytest
from tokenizers import Tokenizer, models

from airvec.folder.settings import read_folder
from airvec.forks import leave_at_exit
from airvec.tokenizer import open_tokenizer
from tests.folders import word_model

ENDING = """
import sys
from airvec.forks import leave_at_exit
class Thing:
    def __del__(self):
        print("destroyed")
thing = Thing()
if sys.argv[1] == "left":
    leave_at_exit(thing)
"""


@pytest.mark.parametrize(("how", "printed"), [("left", ""), ("not left", "destroyed\n")])
def test_what_is_left_at_exit_is_not_destroyed_there(how, printed):
    done = subprocess.run([sys.executable, "-c", ENDING, how], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (printed, "")


def test_what_is_left_at_exit_is_destroyed_as_ever_before():
    tokenizer = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    leave_at_exit(tokenizer)
    alive = weakref.ref(tokenizer)
    del tokenizer
    gc.collect()
    assert alive() is None


def test_a_models_tokenizer_does_not_outlive_it(tmp_path):
    backend = open_tokenizer(read_folder(word_model(tmp_path / "words")).tokenizer).backend
    alive = weakref.ref(backend)
    del backend
    gc.collect()
    assert alive() is None
