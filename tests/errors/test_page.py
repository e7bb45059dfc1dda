"""Every error of docs/errors.md is provoked here and says what the page shows."""

from collections import Counter

import pytest

from airvec import errors
from airvec_exporter import errors as export_errors
from airvec_trainer import errors as train_errors
from tests.errors.cases import Case, Topic, shown
from tests.errors.page import PAGE, TOPICS, page, read

AGAIN = "docs/errors.md is out of date: run python -m tests.errors.page"
CASES = [
    pytest.param(case, id=f"{topic.title}: {case.title}", marks=[pytest.mark.slow] if topic.slow else [])
    for topic in TOPICS
    for case in topic.cases
]


@pytest.fixture(scope="module")
def on_the_page():
    return read()


@pytest.mark.parametrize("case", CASES)
def test_an_error_says_what_the_page_shows(case: Case, on_the_page, tmp_path):
    assert shown(case, tmp_path) == on_the_page.get(case.title), AGAIN


def test_the_page_has_every_case_and_nothing_else(on_the_page):
    assert PAGE.read_text(encoding="utf-8") == page(on_the_page), AGAIN
    assert all(on_the_page.values())


def test_no_two_cases_have_the_same_title():
    titles = Counter(case.title for topic in TOPICS for case in topic.cases)
    assert [title for title, count in titles.items() if count > 1] == []


def test_every_exception_that_is_meant_for_users_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    rooms = (errors, export_errors, train_errors)
    kinds = {name for room in rooms for name in vars(room) if name.endswith(("Error", "Warning"))}
    assert kinds - {"AirvecError"} <= set(text.replace("`", " ").replace(":", " ").split())
    assert all(f"\n{kind}: " in text for kind in kinds - {"AirvecError", "VerificationError"})


def test_a_case_that_provokes_nothing_would_be_caught(tmp_path):
    with pytest.raises(AssertionError, match="harmless: neither an error nor a warning"):
        shown(Case("harmless", "", lambda home: 5), tmp_path)


def test_a_message_that_names_this_machine_would_be_caught(on_the_page, tmp_path):
    def provoke(home):
        raise errors.ArgumentError(f"{home}/words: at 127.0.0.1:4711 by pid 12.")

    assert shown(Case("here", "", provoke), tmp_path) == "ArgumentError: …/words: at 127.0.0.1:PORT by pid PID."
    assert isinstance(TOPICS[0], Topic)
