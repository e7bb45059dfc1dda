"""Mirrors runtime/airvec/forks.py where tests/runtime/test_concurrency.py, which forks, does not."""

import gc
import subprocess
import sys
import weakref

import pytest

from airvec import SentenceTransformer
from airvec.forks import leave_at_exit
from tests.folders import word_model

ENDING = """
import sys
from airvec.forks import leave_at_exit
class Held:
    def __del__(self):
        print("destroyed")
class Owner:
    held = Held()
owner = Owner()
if sys.argv[1] == "left":
    leave_at_exit(owner, lambda owner: owner.held)
"""
KEPT = """
import sys
from airvec import SentenceTransformer, forks
kept = []
forks.never_destroy = kept.append
model = SentenceTransformer(sys.argv[1])
forks._leave_all()
print(model._pipeline().tokenizer.backend in kept[0])
"""


@pytest.mark.parametrize(("how", "printed"), [("left", ""), ("not left", "destroyed\n")])
def test_what_an_owner_holds_is_not_destroyed_when_the_interpreter_ends(how, printed):
    done = subprocess.run([sys.executable, "-c", ENDING, how], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (printed, "")


def test_an_owner_is_destroyed_as_ever_before_that():
    owner = SentenceTransformer()
    leave_at_exit(owner, lambda owner: owner)
    alive = weakref.ref(owner)
    del owner
    gc.collect()
    assert alive() is None


def test_a_model_leaves_its_tokenizer(tmp_path):
    command = [sys.executable, "-c", KEPT, str(word_model(tmp_path / "words"))]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "True\n"
