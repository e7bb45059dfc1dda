"""Mirrors runtime/airvec/progress.py."""

import pytest

from airvec.errors import MissingPackageError
from airvec.progress import progress_bar
from tests.house.probe import probe


def test_nothing_is_drawn_unless_asked_for(capsys):
    with progress_bar(False, 3, "Encoding") as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("total", "shown"), [(4, "4.00/4.00"), (None, "4.00text")])
def test_the_bar_counts_on_standard_error(capsys, total, shown):
    with progress_bar(True, total, "Encoding") as advance:
        advance(1)
        advance(3)
    seen = capsys.readouterr()
    assert seen.out == ""
    assert "Encoding" in seen.err
    assert shown in seen.err


def test_the_bar_is_closed_when_the_work_fails(capsys):
    with pytest.raises(ZeroDivisionError), progress_bar(True, 2, "Encoding") as advance:
        advance(1 // 0)
    assert capsys.readouterr().err.endswith("\n")


def test_without_tqdm_a_bar_is_refused_with_the_pip_line_and_no_bar_is_needed():
    work = "with progress_bar({}, 1, 'x') as advance: advance(1)"
    seen = probe(f"from airvec.progress import progress_bar\n{work.format(True)}", absent=("tqdm",))
    assert seen.problem is not None
    assert seen.problem[0] == MissingPackageError.__name__
    assert 'pip install "airvec[progress]"' in seen.problem[2]
    assert probe(f"from airvec.progress import progress_bar\n{work.format(False)}", absent=("tqdm",)).asked == ()
