"""Mirrors runtime/airvec/pairs.py; tests/parity/test_pairs.py compares with transformers' tokenizers."""

from itertools import product

import numpy as np
import pytest
from tokenizers import processors

from airvec import pairs as pairs_file
from airvec.errors import ArgumentError, InputError, ModelFolderError
from airvec.folder import TokenizerSpec
from airvec.pairs import check_pairs, encode_pairs, longest_first
from airvec.tokenizer import open_tokenizer
from tests.folders import word_tokenizer
from tests.runtime.test_batching import texts_in

CLS, SEP, A, B, C = 2, 3, 4, 5, 6
PAIRS = [("a b", "c"), ("a", "b c")]


def opened(folder, processor=None, **spec):
    """A tokenizer from a file with this template and these settings."""
    backend = word_tokenizer()
    if processor is not None:
        backend.post_processor = processor
    backend.save(str(folder / "tokenizer.json"))
    return open_tokenizer(TokenizerSpec(folder / "tokenizer.json", **spec))


def kinds_in(tokens):
    """The types of each text's tokens, as lists."""
    return [part.tolist() for part in np.split(tokens.type_ids, tokens.offsets[1:-1])]


def test_special_tokens_and_types_stand_around_both_texts(tmp_path):
    tokens = encode_pairs(opened(tmp_path), PAIRS)
    assert texts_in(tokens) == [[CLS, A, B, SEP, C, SEP], [CLS, A, SEP, B, C, SEP]]
    assert kinds_in(tokens) == [[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1]]


def test_roberta_has_two_separators_and_one_type(tmp_path):
    tokens = encode_pairs(opened(tmp_path, processors.RobertaProcessing(("[SEP]", SEP), ("[CLS]", CLS))), PAIRS)
    assert texts_in(tokens) == [[CLS, A, B, SEP, SEP, C, SEP], [CLS, A, SEP, SEP, B, C, SEP]]
    assert not tokens.type_ids.any()


def test_special_tokens_may_stand_only_at_the_end_or_nowhere(tmp_path):
    ids = [("[CLS]", CLS), ("[SEP]", SEP)]
    last = processors.TemplateProcessing("$A [CLS]", "$A [SEP] $B:1 [SEP]:1 [CLS]:2", special_tokens=ids)
    tokens = encode_pairs(opened(tmp_path, last), PAIRS[:1])
    assert (texts_in(tokens), kinds_in(tokens)) == ([[A, B, SEP, C, SEP, CLS]], [[0, 0, 0, 1, 1, 2]])
    plain = processors.TemplateProcessing("[CLS] $A", special_tokens=ids)
    assert texts_in(encode_pairs(opened(tmp_path, plain), PAIRS)) == [[A, B, C], [A, B, C]]


def test_the_prompt_stands_in_front_of_the_first_text_only(tmp_path):
    tokens = encode_pairs(opened(tmp_path), [("a", "b"), ("b", "a")], prompt="c ")
    assert texts_in(tokens) == [[CLS, C, A, SEP, B, SEP], [CLS, C, B, SEP, A, SEP]]


def test_empty_texts_and_no_pairs(tmp_path):
    tokenizer = opened(tmp_path)
    assert texts_in(encode_pairs(tokenizer, [("", ""), ("", "a")])) == [[CLS, SEP, SEP], [CLS, SEP, A, SEP]]
    assert len(encode_pairs(tokenizer, [])) == 0


@pytest.mark.parametrize(
    ("lengths", "room", "kept"),
    [
        ((3, 9), 12, (3, 9)),
        ((3, 9), 8, (3, 5)),
        ((9, 3), 8, (5, 3)),
        ((9, 7), 8, (4, 4)),
        ((9, 7), 9, (5, 4)),
        ((7, 9), 9, (4, 5)),
        ((9, 9), 9, (4, 5)),
        ((0, 9), 4, (0, 4)),
        ((9, 9), 0, (0, 0)),
    ],
)
def test_the_longer_text_is_cut_first(lengths, room, kept):
    assert longest_first(np.array([lengths]).T, room).ravel().tolist() == list(kept)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("limit", range(4, 16))
def test_cutting_equals_the_tokenizers_librarys_own(tmp_path, limit, side):
    texts = [" ".join("abcdefghij"[:count]) for count in range(11)]
    pairs = list(product(texts, texts))
    backend = word_tokenizer()
    backend.enable_truncation(limit, strategy="longest_first", direction=side)
    wanted = backend.encode_batch(pairs)
    tokens = encode_pairs(opened(tmp_path, max_length=limit, truncation_side=side), pairs)
    assert texts_in(tokens) == [one.ids for one in wanted]
    assert kinds_in(tokens) == [one.type_ids for one in wanted]


def test_a_limit_below_the_special_tokens_is_an_error(tmp_path):
    with pytest.raises(ArgumentError, match="max_length: 2, but a pair has 3 special tokens"):
        encode_pairs(opened(tmp_path, max_length=2), PAIRS)


def test_many_pairs_over_a_few_long_texts_keep_their_order(tmp_path):
    long = "a " * 600_000
    tokenizer = opened(tmp_path, max_length=9)
    texts = texts_in(encode_pairs(tokenizer, [("b", long), (long, "c"), (long, long)] * 100))
    kept = [[CLS, B, SEP, *[A] * 5, SEP], [CLS, *[A] * 5, SEP, C, SEP], [CLS, A, A, A, SEP, A, A, A, SEP]]
    assert texts == kept * 100


def test_each_text_is_tokenised_once_and_only_what_a_pair_can_use_is_kept(tmp_path, monkeypatch):
    seen = []

    def watched(tokenizer, texts, room):
        tokens, lengths = encode(tokenizer, texts, room)
        seen.append((list(texts), tokens.lengths.tolist(), lengths.tolist()))
        return tokens, lengths

    encode = pairs_file._encode
    monkeypatch.setattr(pairs_file, "_encode", watched)
    encode_pairs(opened(tmp_path, max_length=5), [("a", "b c d"), ("a", "c"), ("c", "a")])
    assert seen == [(["a", "c", "b c d"], [1, 1, 2], [1, 1, 3])]


def test_a_tokenizer_that_makes_no_pairs_is_an_error(tmp_path):
    swapped = processors.TemplateProcessing("[CLS] $A", "$B $A", special_tokens=[("[CLS]", CLS)])
    with pytest.raises(ModelFolderError, match=r"tokenizer.json: tokens of a pair belong to texts \[1, 0\]"):
        encode_pairs(opened(tmp_path, swapped), PAIRS)


def test_half_a_surrogate_pair_is_an_error(tmp_path):
    with pytest.raises(InputError, match="character 1 is half of a surrogate pair"):
        encode_pairs(opened(tmp_path), [("a", "b\ud800")])


@pytest.mark.parametrize("given", [("a", "b"), ["a", "b"], np.array(["a", "b"]), np.array(["a", "b"], object)])
def test_two_texts_are_one_pair(given):
    assert check_pairs(given) == ([("a", "b")], True)


@pytest.mark.parametrize(
    "given",
    [
        [("a", "b"), ("c", "d")],
        (["a", "b"], ["c", "d"]),
        np.array([["a", "b"], ["c", "d"]]),
        [np.array(["a", "b"]), ("c", "d")],
        {"one": ("a", "b"), "two": ["c", "d"]}.values(),
    ],
)
def test_any_sized_sequence_of_pairs_is_many(given):
    assert check_pairs(given) == ([("a", "b"), ("c", "d")], False)


@pytest.mark.parametrize("given", [[], (), np.array([]), np.zeros((0, 2), str)])
def test_nothing_is_no_pairs(given):
    assert check_pairs(given) == ([], False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a", "pairs: str 'a', expected two texts, or a list of pairs"),
        (b"a", "pairs: bytes b'a', expected two texts"),
        (None, "pairs: None, expected two texts"),
        (7, "pairs: int 7, expected two texts"),
        ({"a": "b"}, "pairs: dict {'a': 'b'}, expected two texts"),
        ({"a", "b"}, "pairs: set"),
        (zip("a", "b", strict=True), "which has no length"),
        (["a"], r"pair: 1 texts, list \['a'\], expected two"),
        (("a", "b", "c"), "pair: 3 texts, list"),
        (["a", None], "pair, text 1: None, expected a str"),
        ([None, None], "pair, text 0: None"),
        ([("a", "b"), "c"], "pair 1: str 'c', expected two texts"),
        ([("a", "b"), ("a",)], "pair 1: 1 texts, tuple"),
        ([("a", "b"), ("a", "b", "c")], "pair 1: 3 texts"),
        ([("a", "b"), ("a", 2)], "pair 1, text 1: int 2, expected a str"),
        ([("a", "b"), None], "pair 1: None, expected two texts"),
        ([("a", ("b", "c"))], "pair 0, text 1: tuple"),
        (np.array([1, 2]), "pair, text 0: int64|pair, text 0: "),
        (np.array([["a", "b", "c"]]), "pair 0: 3 texts"),
    ],
)
def test_what_is_no_pair_is_named_with_its_place(given, message):
    with pytest.raises(InputError, match=message):
        check_pairs(given)


def test_a_tokenizer_without_token_types_gives_none(tmp_path):
    tokens = encode_pairs(opened(tmp_path, token_types=False), PAIRS)
    assert not tokens.type_ids.any()
    assert texts_in(tokens) == texts_in(encode_pairs(opened(tmp_path), PAIRS))
