"""Columns → queries, documents and positives."""

import pytest
from datasets import Dataset, DatasetDict

from airvec.errors import AirvecWarning, ArgumentError, InputError
from airvec_trainer.mining import MiningSettings
from airvec_trainer.mining.pairs import check_enough, read_pairs
from tests.trainer.mining.stand_in import pairs

ROWS = pairs(("q", "b"), ("r", "a"), ("q", "c"), ("q", "b"))


def test_a_query_stands_once_with_its_positives_in_order():
    found = read_pairs(ROWS, None, None, None)
    assert found.queries == ["q", "r"]
    assert found.documents == ["b", "a", "c"]
    assert found.owners.tolist() == [0, 0, 1]
    assert found.positives.tolist() == [0, 2, 1]
    assert (found.rows, found.most, found.names) == (4, 3, ("query", "answer"))
    assert found.counts.tolist() == [2, 1]
    assert found.starts.tolist() == [0, 2]


def test_positives_that_a_corpus_lacks_stand_behind_it():
    found = read_pairs(ROWS, None, None, ["x", "c", "x"])
    assert found.documents == ["x", "c", "b", "a"]
    assert found.positives.tolist() == [2, 1, 3]


def test_spellings_of_one_text_are_joined_if_wanted_and_positives_come_before_the_corpus():
    rows = pairs(("How much?", "Gold "), ("how  MUCH?", "silver"), ("who?", "gold"), ("How much?", "gold"))
    apart = read_pairs(rows, None, None, ["GOLD", "tin", "Tin"])
    assert (len(apart.queries), apart.documents) == (3, ["GOLD", "tin", "Tin", "Gold ", "silver", "gold"])
    found = read_pairs(rows, None, None, ["GOLD", "tin", "Tin"], join_same_texts=True)
    assert found.queries == ["How much?", "who?"]
    assert found.documents == ["Gold ", "tin", "silver"]
    assert (found.owners.tolist(), found.positives.tolist()) == ([0, 0, 1], [0, 2, 0])
    assert (found.rows, found.most) == (4, 3)


def test_columns_are_taken_by_name():
    found = read_pairs(ROWS, "answer", "query", None)
    assert found.queries == ["b", "a", "c"]
    assert found.names == ("answer", "query")


@pytest.mark.parametrize(
    ("data", "columns", "message"),
    [
        (ROWS, ("question", None), "anchor_column_name: 'question', expected one of 'query', 'answer'"),
        (ROWS, (None, "positive"), "positive_column_name: 'positive', expected one of"),
        (ROWS, ("answer", None), "positive_column_name: 'answer' holds the queries, too"),
        (Dataset.from_dict({"query": ["q"]}), (None, None), r"the columns \['query'\], expected two"),
        (pairs(), (None, None), "dataset: 0 rows, expected some"),
        (DatasetDict({"train": ROWS}), (None, None), "dataset: DatasetDict, expected a datasets.Dataset. Take one"),
        ({"query": ["q"], "answer": ["a"]}, (None, None), "dataset: dict, expected a datasets.Dataset"),
        (ROWS.to_iterable_dataset(), (None, None), "dataset: IterableDataset, expected a datasets.Dataset"),
    ],
)
def test_what_is_no_data_set_of_pairs_is_told(data, columns, message):
    with pytest.raises(ArgumentError, match=message):
        read_pairs(data, *columns, None)


@pytest.mark.parametrize(
    ("rows", "corpus", "message"),
    [
        ([("q", "a"), ("r", None)], None, "column 'answer', row 1: None, expected a text that is not empty"),
        ([(" \n", "a")], None, r"column 'query', row 0: ' \\n', expected a text"),
        ([("q", ["a", "b"])], None, r"column 'answer', row 0: \['a', 'b'\], expected a text"),
        ([("q", "a")], ["b", ""], "corpus, row 1: '', expected a text"),
        ([("q", "a")], [b"b"], "corpus, row 0: b'b', expected a text"),
    ],
)
def test_what_is_no_text_is_told(rows, corpus, message):
    with pytest.raises(InputError, match=message):
        read_pairs(pairs(*rows), None, None, corpus)


def test_one_text_is_no_corpus():
    with pytest.raises(ArgumentError, match="corpus: one text, 'abc', expected a list of texts"):
        read_pairs(ROWS, None, None, "abc")


def test_too_few_documents_are_told_and_none_is_an_error():
    found = read_pairs(ROWS, None, None, None)  # "r" has one positive of three documents
    check_enough(found, MiningSettings(num_negatives=2, output_format="n-tuple"))
    with pytest.warns(AirvecWarning, match="corpus: 3 different documents, which leave at most 2 negatives a query"):
        check_enough(found, MiningSettings())
    with pytest.raises(ArgumentError, match="expected num_negatives=3. Pass a larger corpus"):
        check_enough(found, MiningSettings(output_format="n-tuple"))
    with pytest.raises(ArgumentError, match="leave at most 0 negatives a query after its positives and range_min=2"):
        check_enough(found, MiningSettings(num_negatives=1, range_min=2))


def test_where_positives_are_ranked_too_they_count():
    settings = MiningSettings(include_positives=True, output_format="n-tuple")
    check_enough(read_pairs(ROWS, None, None, None), settings)
