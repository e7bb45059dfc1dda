"""The texts that an export is verified on."""

import re

from airvec_exporter.texts import COUNT, LONGEST, real_texts


def words(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\S+", text)]


def test_there_are_over_200_texts_of_1_to_600_tokens():
    counts = [len(words(text)) for text in real_texts(words)]
    assert len(counts) == COUNT >= 200
    assert (min(counts), max(counts)) == (1, LONGEST)
    assert sum(count > 256 for count in counts) >= 20
    assert sum(count <= 16 for count in counts) >= 50


def test_texts_are_the_same_on_every_call_and_differ_from_each_other():
    first = real_texts(words)
    assert first == real_texts(words)
    assert len(set(first)) > 0.9 * len(first)


def test_lengths_are_mixed_within_any_batch_of_seven():
    counts = [len(words(text)) for text in real_texts(words)]
    assert all(len(set(counts[start : start + 7])) > 1 for start in range(0, len(counts) - 7, 7))


def test_a_vocabulary_that_knows_nothing_still_gives_texts():
    assert all(real_texts(lambda _: [], count=20))
