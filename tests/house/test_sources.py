"""Every house rule holds in our sources, and every rule catches an example that breaks it."""

import pytest

from tests.house import rules
from tests.house.sources import PACKAGES, SCRIPTS, Source, sources

OURS = (*PACKAGES, *SCRIPTS)
LONG_BODY = "    x = 1\n" * 51

# rule, folders it holds in, a path and a text that break it
RULES = [
    (rules.function_is_short, OURS, "runtime/airvec/a.py", f"def long():\n{LONG_BODY}"),
    (rules.file_is_short, (*OURS, "tests"), "runtime/airvec/a.py", "x = 1\n" * 401),
    (rules.no_kwargs_in_public_functions, PACKAGES, "runtime/airvec/a.py", "def f(x, **options): ...\n"),
    (rules.few_arguments, OURS, "runtime/airvec/a.py", "def f(a, b, c, d, *, e, f, g, h): ...\n"),
    (rules.module_says_what_it_does_not_know, PACKAGES, "runtime/airvec/a.py", '"""Reads files."""\n'),
    (rules.public_things_have_docstrings, PACKAGES, "runtime/airvec/a.py", '"""Reads."""\ndef read(): ...\n'),
    (rules.errors_name_a_value, OURS, "runtime/airvec/a.py", 'def f():\n    raise ValueError("wrong value")\n'),
    (rules.file_has_a_plain_name, (*OURS, "tests"), "exporter/airvec_exporter/helpers.py", "x = 1\n"),
    (rules.only_programs_print, PACKAGES, "runtime/airvec/a.py", 'print("hello")\n'),
    (rules.nothing_is_left_for_later, (*OURS, "tests"), "runtime/airvec/a.py", "x = 1  # TO" + "DO: two\n"),
]


@pytest.mark.parametrize(
    ("rule", "folders"), [row[:2] for row in RULES], ids=lambda value: getattr(value, "__name__", "")
)
def test_our_sources_keep_the_rule(rule, folders):
    found = [place for source in sources(*folders) for place in rule(source)]
    assert not found, f"{rule.__doc__}\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("rule", "path", "text"), [(row[0], *row[2:]) for row in RULES], ids=lambda value: getattr(value, "__name__", "")
)
def test_a_bad_example_breaks_the_rule(rule, path, text):
    assert list(rule(Source.of(path, text))), f"{rule.__name__} did not catch {text[:80]!r}"


def test_there_are_sources_to_look_at():
    assert len(sources("runtime/airvec")) > 10
    assert len(sources("exporter/airvec_exporter")) > 5
    assert sources("trainer/airvec_trainer")


@pytest.mark.parametrize(
    "text",
    [
        "raise ValueError\n",
        "raise ValueError()\n",
        'raise errors.ModelFolderError(f"no " "value")\n',
        'raise ModelFolderError("no " + "value") from error\n',
        'error = ArgumentError("no value")\n',
    ],
)
def test_a_message_without_a_value_is_found_in_every_form(text):
    assert list(rules.errors_name_a_value(Source.of("runtime/airvec/a.py", text)))


@pytest.mark.parametrize(
    "text",
    [
        'raise ValueError(f"{name}: not a number")\n',
        "raise problem\n",
        "raise ValueError(message)\n",
        "raise SystemExit(2)\n",
    ],
)
def test_a_message_with_a_value_is_not_reported(text):
    assert not list(rules.errors_name_a_value(Source.of("runtime/airvec/a.py", text)))


def test_a_docstring_does_not_count_towards_a_function_and_a_program_may_print():
    documented = 'def f():\n    """' + "words\n" * 60 + '"""\n' + "    x = 1\n" * 50
    assert not list(rules.function_is_short(Source.of("runtime/airvec/a.py", documented)))
    assert not list(rules.only_programs_print(Source.of("runtime/airvec/cli/main.py", "print(1)\n")))
    assert not list(rules.only_programs_print(Source.of("benchmarks/speed.py", "print(1)\n")))


def test_every_exemption_is_still_needed():
    """An exemption for a function that is gone, or no longer breaks the rule, would hide the next one of its name."""
    everything = sources(*PACKAGES)
    long_signatures = {
        name
        for source in everything
        for name, node in source.functions()
        if len(rules._arguments(node, name)) > rules.MAX_ARGUMENTS
    }
    assert set(rules.DROP_IN_SIGNATURES) <= long_signatures
    owners = {f"{source.path}:{name.rpartition('.')[2]}" for source in everything for name, _ in source.functions()}
    assert set(rules.ERRORS_WITHOUT_A_VALUE) <= owners
