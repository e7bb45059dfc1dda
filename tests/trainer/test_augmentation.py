"""Mirrors trainer/airvec_trainer/augmentation.py."""

import pytest
from datasets import Dataset

from airvec.errors import ArgumentError, InputError
from airvec_trainer import augmentation
from airvec_trainer.augmentation import Cropping, Deletion, Replacement, augmented, nearest_words

TEXT = " ".join(f"w{number}" for number in range(1000))
SYNONYMS = {"cat": ["kitten", "tomcat"], "small": ["little"]}
ALL = [Deletion(share=0.3), Cropping(), Replacement(synonyms={"a": ["b", "c", "d"]}, share=0.5)]


@pytest.mark.parametrize("made", ALL, ids=lambda made: type(made).__name__)
def test_a_seed_gives_the_same_texts_and_another_seed_others(made):
    texts = ["a " * 40, "a a " * 30 + TEXT]
    assert made(texts, seed=1) == made(texts, seed=1)
    assert made(texts, seed=1) != made(texts, seed=2)


@pytest.mark.parametrize("made", ALL, ids=lambda made: type(made).__name__)
def test_what_becomes_of_a_text_does_not_depend_on_the_others(made):
    assert made([TEXT, "a b"], seed=1)[0] == made([TEXT], seed=1)[0]


@pytest.mark.parametrize("made", ALL, ids=lambda made: type(made).__name__)
@pytest.mark.parametrize("text", ["", " ", "word"])
def test_a_text_with_nothing_to_change_stays(made, text):
    assert made([text]) == [text]


@pytest.mark.parametrize("made", ALL, ids=lambda made: type(made).__name__)
def test_what_is_no_text_is_named(made):
    with pytest.raises(InputError, match="item 1 is None"):
        made(["a", None])


def test_deletion_leaves_out_the_share_of_words_and_keeps_the_order():
    (found,) = Deletion(share=0.6)([TEXT], seed=3)
    words = found.split()
    assert 330 < len(words) < 470
    assert words == sorted(words, key=lambda word: int(word[1:]))


def test_deletion_of_everything_keeps_one_word():
    assert Deletion(share=1)(["one two three"])[0] in {"one", "two", "three"}


def test_a_crop_is_a_run_of_neighbours_of_the_wanted_length():
    (found,) = Cropping(shortest=0.25, longest=0.5)([TEXT], seed=5)
    assert found in TEXT
    assert 250 <= len(found.split()) <= 500


def test_crops_begin_anywhere():
    begins = {found.split()[0] for found in Cropping(shortest=0.5, longest=0.5)(["a b c d"] * 60)}
    assert begins == {"a", "b", "c"}


def test_replacement_takes_only_words_of_the_table_and_keeps_punctuation_and_capitals():
    (found,) = Replacement(synonyms=SYNONYMS, share=1)(["Small cat, (CATS) caterpillar - small!"])
    assert found in {f"Little {word}, (CATS) caterpillar - little!" for word in SYNONYMS["cat"]}


def test_replacement_replaces_its_share():
    (found,) = Replacement(synonyms={"a": ["b"]}, share=0.3)(["a " * 1000])
    assert 240 < found.count("b") < 360


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Deletion(share=1.5), "Deletion.share: 1.5, expected a number from 0 to 1"),
        (lambda: Deletion(share=True), "Deletion.share: True"),
        (lambda: Cropping(shortest=0.9, longest=0.5), "shortest 0.9 and longest 0.5"),
        (lambda: Cropping(shortest=0), "shortest 0 and"),
        (lambda: Replacement(synonyms={"a": []}), r"\[\] for 'a'"),
        (lambda: Replacement(synonyms={"a": "bc"}), "'bc' for 'a', expected a list"),
        (lambda: augmentation.map(len, batch_size=0), "batch_size: 0"),
        (lambda: nearest_words(["a"], count=0), "count 0"),
    ],
)
def test_a_wrong_setting_is_named(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_a_function_of_the_users_is_called_in_batches():
    sizes = []

    def shout(texts):
        sizes.append(len(texts))
        return [text.upper() for text in texts]

    assert augmentation.map(shout, batch_size=2)(["a", "b", "c"], seed=9) == ["A", "B", "C"]
    assert sizes == [2, 1]


@pytest.mark.parametrize("wrong", [lambda texts: texts[:1], lambda texts: "ab", lambda texts: [1, 2]])
def test_a_function_that_gives_something_else_is_named(wrong):
    with pytest.raises(ArgumentError, match="<lambda> gave .* for 2 texts"):
        augmentation.map(wrong)(["a", "b"])


def test_nearest_words_are_near_by_the_embedded_static_model():
    found = nearest_words(["car", "automobile", "vehicle", "banana", "Car", "zebra"], least=0.4, count=2)
    assert set(found["car"]) <= {"automobile", "vehicle"}
    assert "automobile" in found["car"]
    assert "banana" not in found


def test_nearest_words_makes_a_table_that_replacement_takes():
    table = nearest_words(["car", "automobile"], least=0.0)
    assert Replacement(synonyms=table, share=1)(["The car"]) == ["The automobile"]


@pytest.fixture
def rows():
    return Dataset.from_dict({"text": ["a cat", "small"], "label": [1, 0]})


def test_a_column_is_augmented_in_place(rows):
    found = augmented(rows, "text", Replacement(synonyms={"cat": ["dog"]}, share=1))
    assert found.to_dict() == {"text": ["a dog", "small"], "label": [1, 0]}


def test_an_augmented_column_can_stand_beside_the_old_one(rows):
    found = augmented(rows, "text", Replacement(synonyms={"cat": ["dog"]}, share=1), into="noisy")
    assert found.column_names == ["text", "label", "noisy"]
    assert found["text"][:] == ["a cat", "small"]
    assert found["noisy"][:] == ["a dog", "small"]


@pytest.mark.parametrize(
    ("column", "into", "message"), [("texts", None, "no column 'texts'"), ("text", "label", "is there already")]
)
def test_a_column_that_cannot_be_is_named(rows, column, into, message):
    with pytest.raises(ArgumentError, match=message):
        augmented(rows, column, Deletion(), into=into)
