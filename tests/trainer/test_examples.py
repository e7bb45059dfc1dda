"""InputExample and the data sets of old training code."""

import random
from collections import Counter

import numpy as np
import pytest

from airvec.errors import ArgumentError
from airvec_trainer.datasets import (
    DenoisingAutoEncoderDataset,
    NoDuplicatesDataLoader,
    ParallelSentencesDataset,
    SentenceLabelDataset,
    SentencesDataset,
)
from airvec_trainer.examples import InputExample

SENTENCE = "The model's name, e.g. all-MiniLM, is (well-)known."


def test_an_example_is_made_as_before_and_shows_its_texts():
    example = InputExample("id", ["a", "b"], 0.5)
    assert (example.guid, example.texts, example.label) == ("id", ["a", "b"], 0.5)
    assert str(example) == "<InputExample> label: 0.5, texts: a; b"
    assert InputExample().label == 0


def test_a_list_of_examples_in_a_data_set_is_that_list():
    examples = [InputExample(texts=["a"]), InputExample(texts=["b"])]
    data = SentencesDataset(examples, model=None)
    assert len(data) == 2
    assert data[1] is examples[1]


def labelled(counts):
    return [InputExample(texts=[f"{label}{n}"], label=label) for label, count in counts.items() for n in range(count)]


def test_examples_of_a_label_follow_one_another_and_rare_labels_are_left_out():
    data = SentenceLabelDataset(labelled({"a": 6, "b": 4, "c": 1}), samples_per_label=2)
    assert len(data) == 10
    rows = list(data)
    labels = [row.label for row in rows]
    assert len(rows) == 10
    assert all(first == second for first, second in zip(labels[::2], labels[1::2], strict=True))
    assert Counter(labels) in ({"a": 6, "b": 4}, {"a": 4, "b": 6})
    assert all(first.texts != second.texts for first, second in zip(rows[::2], rows[1::2], strict=True))


def test_without_a_label_that_comes_often_enough_there_are_no_examples():
    assert list(SentenceLabelDataset(labelled({"a": 1, "b": 1}))) == []


def test_words_are_deleted_and_the_sentence_stays_beside():
    np.random.seed(0)  # noqa: NPY002  # as old scripts do
    data = DenoisingAutoEncoderDataset([SENTENCE, "", "word"])
    noisy, whole = data[0].texts
    assert whole == SENTENCE
    assert 0 < len(noisy) < len(SENTENCE)
    assert data[1].texts == ["", ""]
    assert data[2].texts == ["word", "word"]
    assert len(data) == 3


def test_what_stays_keeps_its_spaces():
    assert DenoisingAutoEncoderDataset.delete(SENTENCE, del_ratio=0.0) == SENTENCE
    np.random.seed(1)  # noqa: NPY002  # as old scripts do
    for _ in range(50):
        kept = DenoisingAutoEncoderDataset.delete("one, two; three")
        words = [word.strip(",;") for word in kept.split()]
        assert kept
        assert set(words) - {""} <= {"one", "two", "three"}


def test_six_words_of_ten_are_deleted():
    np.random.seed(2)  # noqa: NPY002  # as old scripts do
    text = " ".join(f"w{number}" for number in range(5000))
    assert len(DenoisingAutoEncoderDataset.delete(text).split()) / 5000 == pytest.approx(0.4, abs=0.03)


def test_another_noise_is_used():
    assert DenoisingAutoEncoderDataset(["a b"], noise_fn=str.upper)[0].texts == ["A B", "a b"]


def test_no_text_comes_twice_in_a_batch_whatever_its_case():
    random.seed(0)
    examples = [InputExample(texts=[text, f"answer {number}"]) for number, text in enumerate("aAbBcdef")]
    loader = NoDuplicatesDataLoader(examples, batch_size=4)
    assert len(loader) == 2
    for batch in loader:
        texts = [text.lower() for example in batch for text in example.texts]
        assert len(set(texts)) == len(texts) == 8


def test_a_batch_that_cannot_be_filled_is_an_error_and_no_endless_loop():
    loader = NoDuplicatesDataLoader([InputExample(texts=["a", str(number)]) for number in range(6)], batch_size=2)
    with pytest.raises(ArgumentError, match="a batch of 2 .* only 1 were found"):
        list(loader)


def test_a_collating_function_makes_the_batch():
    loader = NoDuplicatesDataLoader([InputExample(texts=["a"]), InputExample(texts=["b"])], 2)
    loader.collate_fn = len
    assert list(loader) == [2]


class Teacher:
    """Encodes a sentence as its length."""

    def __init__(self):
        self.asked = []

    def encode(self, sentences, **given):
        assert given == {"batch_size": 8, "show_progress_bar": False, "convert_to_numpy": True}
        self.asked += sentences
        return np.array([[len(sentence)] for sentence in sentences], dtype=np.float32)


@pytest.mark.parametrize("cached", [True, False])
def test_translations_get_the_teachers_vector_of_the_first_column(tmp_path, cached):
    (tmp_path / "pairs.tsv").write_text("hello\thallo\nworld!\twelt\n" + "x" * 200 + "\tlang\n", encoding="utf-8")
    teacher = Teacher()
    data = ParallelSentencesDataset(None, teacher, use_embedding_cache=cached)
    data.load_data(str(tmp_path / "pairs.tsv"), weight=4)
    assert len(data) == 4
    rows = [data[number] for number in range(8)]
    vectors = {row.texts[0]: row.label.tolist() for row in rows}
    assert vectors == {"hello": [5.0], "hallo": [5.0], "world!": [6.0], "welt": [6.0]}
    assert len(teacher.asked) == (2 if cached else 4)
