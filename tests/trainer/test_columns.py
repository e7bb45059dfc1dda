"""What columns must hold, told with the data set, the column and the row."""

import pytest
from datasets import Dataset, Features, List, Value

from airvec.errors import AirvecWarning
from airvec_trainer.columns import check_columns
from airvec_trainer.errors import TrainingError
from airvec_trainer.label_columns import label_column


def test_the_label_is_the_first_valid_name() -> None:
    assert label_column(["a", "score", "label"]) == "label"
    assert label_column(["a"]) is None


def test_a_gap_outside_the_rows_that_were_chosen_does_not_count() -> None:
    data = Dataset.from_dict({"a": ["x", None, "z"]})
    check_columns(data.select([0, 2]), "here")
    with pytest.raises(TrainingError, match="here, column 'a': None in row 1"):
        check_columns(data, "here")


def test_a_gap_in_a_list_counts() -> None:
    data = Dataset.from_dict({"q": ["x", "y"], "docs": [["a", "b"], ["c", None]]})
    with pytest.raises(TrainingError, match="column 'docs': None in row 1"):
        check_columns(data, "here", lists=True)


def test_lists_of_texts_are_for_rerankers() -> None:
    data = Dataset.from_dict({"q": ["x"], "docs": [["a", "b"]]})
    check_columns(data, "here", lists=True)
    with pytest.raises(TrainingError, match=r"\['a', 'b'\] is list, expected a text\."):
        check_columns(data, "here")


def test_a_stream_is_judged_by_its_first_row() -> None:
    stream = Dataset.from_dict({"a": ["x"], "b": [3]}).to_iterable_dataset()
    with pytest.raises(TrainingError, match="column 'b': 3 is int"):
        check_columns(stream, "here")


@pytest.mark.parametrize("names", [("positive", "anchor"), ("answer", "question"), ("extra", "anchor", "positive")])
def test_an_unusual_order_of_known_names_is_told(names: tuple[str, ...]) -> None:
    data = Dataset.from_dict({name: ["x"] for name in names})
    with pytest.warns(AirvecWarning, match="Losses go by their order"):
        check_columns(data, "here")


def test_identifiers_are_told() -> None:
    with pytest.warns(AirvecWarning, match="'doc_id' looks like identifiers"):
        check_columns(Dataset.from_dict({"query": ["x"], "doc_id": ["d1"]}), "here")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_label_that_is_no_finite_number_is_told_with_its_row(value: float) -> None:
    data = Dataset.from_dict({"a": ["x", "y", "z"], "score": [0.5, value, 1.0]})
    check_columns(data.select([0, 2]), "here")
    with pytest.raises(TrainingError, match=rf"here, column 'score': {value} in row 1, expected a value in every row"):
        check_columns(data, "here")
    lists = Dataset.from_dict({"a": ["x", "y"], "label": [[0.5, 1.0], [0.5, value]]})
    with pytest.raises(TrainingError, match=f"column 'label': {value} in row 1"):
        check_columns(lists, "here")
    vectors = Dataset.from_dict({"a": ["x"], "label": [[[0.5, 1.0], [0.5, value]]]}).with_format("numpy")
    with pytest.raises(TrainingError, match=f"column 'label': {value} in row 0"):
        check_columns(vectors, "here")


def test_a_gap_in_a_fixed_number_of_labels_counts() -> None:
    features = Features({"a": Value("string"), "label": List(Value("float32"), length=2)})
    data = Dataset.from_dict({"a": ["x", "y"], "label": [[0.5, 1.0], [0.5, float("nan")]]}, features=features)
    check_columns(data.select([0]), "here")
    with pytest.raises(TrainingError, match="column 'label': nan in row 1"):
        check_columns(data, "here")
