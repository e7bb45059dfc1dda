"""Mirrors runtime/airvec/chunking.py."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

import airvec
from airvec.chunking import chunk
from airvec.errors import ArgumentError, InputError
from tests.folders import word_tokenizer

WORDS = word_tokenizer(special=False)
WORDS_AND_SPECIAL = word_tokenizer(special=True)
TEXTS = st.text(alphabet="ab é\n.ß世", max_size=60)


def pieces_tokenizer() -> Tokenizer:
    """Splits words into single letters: a word of n letters has n tokens."""
    letters = {letter: place for place, letter in enumerate("abcdefghij")}
    tokenizer = Tokenizer(models.BPE(letters, [], unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


LETTERS = pieces_tokenizer()


def cut(text: str, tokens: int, overlap: int = 0, tokenizer: Tokenizer = WORDS) -> list[str]:
    return [piece.text for piece in chunk(text, tokens, overlap, tokenizer=tokenizer)]


def test_chunks_by_hand():
    assert cut("a b c d e", 2) == ["a b", "c d", "e"]
    assert cut("a b c d e", 3, 1) == ["a b c", "c d e"]
    assert cut("a b c d e", 3, 2) == ["a b c", "b c d", "c d e"]
    assert cut("a b", 2) == ["a b"]


def test_a_chunk_says_where_it_lies_and_how_many_tokens_it_has():
    first, second = chunk("  a  b\nc ", 2, 0, tokenizer=WORDS)
    assert (first.text, first.start, first.end, first.tokens) == ("a  b", 2, 6, 2)
    assert (second.text, second.start, second.end, second.tokens) == ("c", 7, 8, 1)


def test_a_chunk_ends_at_the_end_of_a_word():
    assert cut("abc defg hi", 4, tokenizer=LETTERS) == ["abc", "defg", "hi"]
    assert cut("abc defg hi", 8, tokenizer=LETTERS) == ["abc defg", "hi"]


def test_an_overlap_starts_at_a_word():
    assert cut("ab cd ef gh", 4, 3, tokenizer=LETTERS) == ["ab cd", "cd ef", "ef gh"]
    assert cut("abcd efgh", 4, 3, tokenizer=LETTERS) == ["abcd", "efgh"]


def test_a_word_longer_than_a_chunk_is_cut_inside():
    assert cut("abcdefghij", 4, 0, LETTERS) == ["abcd", "efgh", "ij"]
    assert cut("ab abcdefghij ab", 4, 1, LETTERS) == ["ab", "abcd", "efgh", "ij ab"]


def test_a_long_word_behind_an_overlap_is_cut_rather_than_the_overlap_given_alone():
    assert cut("a b cdefghij", 3, 1, LETTERS) == ["a b", "b cd", "efg", "hij"]


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_a_blank_text_has_no_chunks(text):
    assert chunk(text) == []
    assert chunk(text, tokenizer=WORDS) == []


def test_special_tokens_are_not_counted():
    assert cut("a b c", 2, 0, WORDS_AND_SPECIAL) == ["a b", "c"]


@settings(max_examples=80, deadline=None)
@given(TEXTS, st.integers(1, 9), st.integers(0, 8))
def test_chunks_are_pieces_of_the_text_in_order_that_leave_only_white_space_out(text, tokens, overlap):
    if overlap >= tokens:
        overlap = tokens - 1
    chunks = chunk(text, tokens, overlap)
    assert all(piece.text == text[piece.start : piece.end] for piece in chunks)
    assert all(1 <= piece.tokens <= tokens for piece in chunks)
    places = [(piece.start, piece.end) for piece in chunks]
    assert places == sorted(set(places))
    assert all(one[1] < two[1] for one, two in pairwise(places))  # each brings something new
    covered = {place for start, end in places for place in range(start, end)}
    assert all(text[place].isspace() for place in set(range(len(text))) - covered)


def test_the_default_model_reads_the_chunks_and_the_package_exports_the_function():
    assert airvec.chunk is chunk
    text = "A long story. " * 200
    chunks = chunk(text)
    assert len(chunks) > 2
    assert max(piece.tokens for piece in chunks) <= 256
    assert all(one.start < two.start < one.end for one, two in pairwise(chunks))


def test_a_long_text_takes_no_more_than_a_moment():
    chunks = chunk("word " * 100_000, tokens=100, overlap=10)
    assert len(chunks) > 1000
    assert chunks[-1].text.endswith("word")


@pytest.mark.parametrize(
    ("tokens", "overlap", "message"),
    [
        (0, 0, "tokens: 0, expected a whole number of at least 1"),
        (2.5, 0, "tokens: 2.5, expected a whole number"),
        (4, -1, "overlap: -1, expected a whole number of at least 0"),
        (4, 4, "overlap: 4, expected a whole number below tokens=4"),
        (4, None, "overlap: None, expected a whole number"),
    ],
)
def test_sizes_that_cannot_be_are_refused(tokens, overlap, message):
    with pytest.raises(ArgumentError, match=message):
        chunk("a b", tokens, overlap)


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "None, expected a str"), (b"a", "Decode it first"), ("a \ud800", r"half of a surrogate pair \(U\+D800\)")],
)
def test_what_is_no_text_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        chunk(text)
