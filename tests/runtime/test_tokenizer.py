"""Mirrors runtime/airvec/tokenizer.py."""

import json
import tracemalloc

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from airvec.errors import ArgumentError, InputError, ModelFolderError, ModelNotFoundError
from airvec.folder import TokenizerSpec
from airvec.tokenizer import open_tokenizer, parts_of
from tests.folders import word_tokenizer
from tests.runtime.test_batching import texts_in

CLS, SEP, A, B, C = 2, 3, 4, 5, 6


def opened(folder, backend=None, add_special_tokens=True, **spec):
    """A tokenizer from a file with these settings."""
    file = folder / "tokenizer.json"
    (backend or word_tokenizer()).save(str(file))
    return open_tokenizer(TokenizerSpec(file, **spec), add_special_tokens)


def test_special_tokens_are_counted_and_the_prompt_stands_in_front(tmp_path):
    tokenizer = opened(tmp_path)
    assert (tokenizer.prefix, tokenizer.suffix) == (1, 1)
    assert texts_in(tokenizer.encode(["a b", ""], prompt="c ")) == [[CLS, C, A, B, SEP], [CLS, C, SEP]]


def test_truncation_and_padding_inside_tokenizer_json_are_off(tmp_path):
    backend = word_tokenizer()
    backend.enable_truncation(4)
    backend.enable_padding(length=6)
    tokenizer = opened(tmp_path, backend, max_length=5)
    tokens = tokenizer.encode(["a b c a b", "a"])
    assert texts_in(tokenizer.truncate(tokens)) == [[CLS, A, B, C, SEP], [CLS, A, SEP]]


def test_a_static_models_own_truncation_acts_as_in_the_reference(tmp_path):
    backend = word_tokenizer(special=False)
    backend.enable_truncation(2)
    tokenizer = opened(tmp_path, backend, add_special_tokens=False)
    assert texts_in(tokenizer.truncate(tokenizer.encode(["a b c"]))) == [[A, B]]


@pytest.mark.parametrize(("side", "kept"), [("right", [CLS, A, B, SEP]), ("left", [CLS, C, A, SEP])])
def test_cutting_keeps_the_special_tokens_and_the_side_that_was_asked_for(tmp_path, side, kept):
    tokenizer = opened(tmp_path, max_length=4, truncation_side=side)
    assert texts_in(tokenizer.truncate(tokenizer.encode(["a b c a"]))) == [kept]


@pytest.mark.parametrize("length", range(3, 12))
def test_cutting_equals_the_tokenizers_librarys_own(tmp_path, length):
    texts = [" ".join("abcdefghij"[:count]) for count in range(11)]
    tokenizer = opened(tmp_path, max_length=length)
    backend = word_tokenizer()
    backend.enable_truncation(length)
    assert texts_in(tokenizer.truncate(tokenizer.encode(texts))) == [backend.encode(text).ids for text in texts]


def test_windows_hold_every_token_once_and_repeat_the_prompt(tmp_path):
    tokenizer = opened(tmp_path, max_length=5)
    tokens = tokenizer.encode(["a b c a b", "a"], prompt="c ")
    windows, owners = tokenizer.windows(tokens, prompt_length=2)
    assert texts_in(windows) == [[CLS, C, A, B, SEP], [CLS, C, C, A, SEP], [CLS, C, B, SEP], [CLS, C, A, SEP]]
    assert owners.tolist() == [0, 0, 0, 1]


def test_windows_without_room_for_text_are_an_error(tmp_path):
    tokenizer = opened(tmp_path, max_length=4)
    with pytest.raises(ArgumentError, match="max_seq_length: 4, but 4 tokens are prompt"):
        tokenizer.windows(tokenizer.encode(["a"], "b c "), prompt_length=3)


def test_the_prompts_length_leaves_out_the_special_token_at_the_end(tmp_path):
    tokenizer = opened(tmp_path)
    assert [tokenizer.prompt_length(prompt) for prompt in ("", "a ", "a b ")] == [0, 2, 3]


@pytest.mark.parametrize("limit", [0, 1, -3, 2.5, "8", True])
def test_a_limit_that_cannot_be_is_refused(tmp_path, limit):
    with pytest.raises(ArgumentError, match=f"max_seq_length: {limit!r}, expected a whole number of at least 2"):
        opened(tmp_path).with_max_length(limit)


def test_a_limit_can_be_changed_and_lifted(tmp_path):
    tokenizer = opened(tmp_path, max_length=4)
    assert tokenizer.with_max_length(np.int64(7)).max_length == 7
    assert tokenizer.with_max_length(None).max_length is None


def test_lower_casing_comes_from_the_folder(tmp_path):
    assert texts_in(opened(tmp_path).encode(["A"])) == [[CLS, 1, SEP]]
    assert texts_in(opened(tmp_path, lower_case=True).encode(["A"])) == [[CLS, A, SEP]]
    backend = word_tokenizer()
    backend.normalizer = normalizers.Sequence([normalizers.NFC()])
    assert texts_in(opened(tmp_path, backend, lower_case=True).encode(["A"])) == [[CLS, A, SEP]]


def test_lower_casing_is_not_added_twice(tmp_path):
    backend = word_tokenizer()
    backend.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer = opened(tmp_path, backend, lower_case=True)
    assert tokenizer.backend.normalizer.__getstate__().count(b"Lowercase") == 1


def test_a_bert_normaliser_is_rebuilt_from_the_folders_options(tmp_path):
    backend = word_tokenizer()
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    options = {"lowercase": False, "strip_accents": None, "handle_chinese_chars": True}
    assert texts_in(opened(tmp_path, backend).encode(["A"])) == [[CLS, A, SEP]]
    assert texts_in(opened(tmp_path, backend, bert_options=options).encode(["A"])) == [[CLS, 1, SEP]]


def test_the_padding_id_is_the_named_tokens_then_the_files_then_the_models(tmp_path):
    backend = word_tokenizer()
    assert opened(tmp_path, backend, pad_token="[SEP]", pad_id=7).pad_id == SEP
    assert opened(tmp_path, backend, pad_token="absent", pad_id=7).pad_id == 7
    assert opened(tmp_path, backend).pad_id == 0
    backend.enable_padding(pad_id=5)
    assert opened(tmp_path, backend, pad_id=7).pad_id == 5


@pytest.mark.parametrize("text", ["a\ud800", "\udfff", "a " * 50 + "\udc00b"])
def test_half_a_surrogate_pair_is_an_error_that_names_its_place(tmp_path, text):
    place = next(place for place, character in enumerate(text) if "\ud800" <= character <= "\udfff")
    with pytest.raises(InputError, match=f"character {place} is half of a surrogate pair"):
        opened(tmp_path).encode(["a", text])


def test_a_missing_and_a_damaged_tokenizer_are_errors(tmp_path):
    spec = TokenizerSpec(tmp_path / "tokenizer.json")
    with pytest.raises(ModelNotFoundError, match=r"tokenizer.json: no such file.*airvec export"):
        open_tokenizer(spec)
    for content in ("", "{", "{}", '{"model": 3}'):
        spec.file.write_text(content)
        with pytest.raises(ModelFolderError, match=r"tokenizer.json: not a tokenizer"):
            open_tokenizer(spec)


def test_a_file_on_which_the_rust_library_panics_is_an_error(tmp_path):
    values = json.loads(word_tokenizer().to_str())
    values["post_processor"]["special_tokens"] = {}
    (tmp_path / "tokenizer.json").write_text(json.dumps(values))
    with pytest.raises(ModelFolderError, match=r"tokenizer.json: not a tokenizer"):
        open_tokenizer(TokenizerSpec(tmp_path / "tokenizer.json"))


def test_a_padding_token_that_is_no_text_is_an_error(tmp_path):
    with pytest.raises(ModelFolderError, match=r"tokenizer.json: not a tokenizer"):
        opened(tmp_path, pad_token="\ud800")


def test_a_static_models_own_truncation_keeps_its_side(tmp_path):
    backend = word_tokenizer(special=False)
    backend.enable_truncation(2, direction="left")
    tokenizer = opened(tmp_path, backend, add_special_tokens=False)
    assert texts_in(tokenizer.truncate(tokenizer.encode(["a b c"]))) == [[B, C]]


def test_a_prompt_over_the_limit_counts_as_far_as_it_is_read(tmp_path):
    assert opened(tmp_path, max_length=4).prompt_length("a b c a b ") == 3


def test_a_space_in_front_of_byte_level_tokens_comes_from_the_folder(tmp_path):
    backend = Tokenizer(models.BPE({"a": 0, "Ġ": 1, "Ġa": 2}, [("Ġ", "a")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    assert texts_in(opened(tmp_path, backend).encode(["a"])) == [[0]]
    assert texts_in(opened(tmp_path, backend, add_prefix_space=True).encode(["a"])) == [[2]]


def test_types_that_a_tokenizer_gives_travel_with_the_ids(tmp_path):
    backend = word_tokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:1 [SEP]:2", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    assert opened(tmp_path, backend).encode(["a b"]).type_ids.tolist() == [0, 1, 1, 2]


def test_a_tokenizer_with_only_a_suffix_and_one_with_nothing_cut_right(tmp_path):
    backend = word_tokenizer()
    backend.post_processor = processors.TemplateProcessing(single="$A [SEP]", special_tokens=[("[SEP]", SEP)])
    tokenizer = opened(tmp_path, backend, max_length=3)
    assert (tokenizer.prefix, tokenizer.suffix, tokenizer.prompt_length("a ")) == (0, 1, 1)
    assert texts_in(tokenizer.truncate(tokenizer.encode(["a b c"]))) == [[A, B, SEP]]
    plain = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = opened(tmp_path, plain)._replace(max_length=2)
    assert (tokenizer.prefix, tokenizer.suffix) == (0, 0)
    assert texts_in(tokenizer.truncate(tokenizer.encode(["a a a"]))) == [[0, 0]]


def test_many_texts_keep_their_order(tmp_path):
    texts = ["a" if place % 3 else "b c" for place in range(1000)]
    expected = [[CLS, A, SEP] if place % 3 else [CLS, B, C, SEP] for place in range(1000)]
    assert texts_in(opened(tmp_path).encode(texts)) == expected


def test_cutting_as_it_goes_gives_the_same_and_holds_few_uncut_tokens(tmp_path):
    tokenizer = opened(tmp_path, max_length=4)
    texts = ["a " * (number % 9) for number in range(600)]
    uncut = tokenizer.encode(texts)
    assert texts_in(tokenizer.encode_cut(texts, "")) == texts_in(tokenizer.truncate(uncut))
    np.testing.assert_array_equal(tokenizer.lengths(texts), uncut.lengths)
    assert tokenizer.lengths([]).tolist() == []
    long = ["a " * 20_000] * 40
    tracemalloc.start()
    assert len(tokenizer.encode_cut(long)) == 40
    assert tokenizer.lengths(long).tolist() == [20_002] * 40
    assert tracemalloc.get_traced_memory()[1] < 20_000 * 8 * 40  # the ids of all, without types
    tracemalloc.stop()


def test_the_rust_library_gets_few_texts_at_once_and_fewer_long_ones():
    assert list(parts_of([])) == []
    assert [len(part) for part in parts_of(["a"] * 600)] == [256, 256, 88]
    long = "a" * 35_000
    assert [len(part) for part in parts_of(["a", long, long, "b", "c"])] == [2, 3]
    assert [len(part) for part in parts_of([long * 2, "a", long * 2])] == [1, 1, 1]
