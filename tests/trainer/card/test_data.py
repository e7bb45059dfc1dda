"""What a card's data keep, and how."""

from types import SimpleNamespace

import pytest

from airvec_trainer import losses
from airvec_trainer.card import CrossEncoderModelCardData, SentenceTransformerModelCardData, SparseEncoderModelCardData
from airvec_trainer.card.citations import EMBEDDING_LOSSES, RERANK_LOSSES, citation_of
from airvec_trainer.card.losses import all_losses, loss_fields
from airvec_trainer.card.markdown import cell, plain, shown, table
from airvec_trainer.card.results import evaluations, log_table
from airvec_trainer.losses import rerank


@pytest.mark.parametrize(
    "kind", [SentenceTransformerModelCardData, SparseEncoderModelCardData, CrossEncoderModelCardData]
)
def test_the_fields_are_those_of_the_reference_in_its_order(kind):
    made = kind("en", "mit", "My model", "me/mine", [{"name": "a"}], [{"id": "b/c"}], "a task", ["tag"], True, False)
    assert (made.language, made.license, made.model_name, made.model_id) == (["en"], "mit", "My model", "me/mine")
    assert (made.train_datasets, made.eval_datasets, made.task_name) == ([{"name": "a"}], [{"id": "b/c"}], "a task")
    assert (made.tags, made.local_files_only, made.generate_widget_examples) == (["tag"], True, False)


def test_two_cards_share_nothing():
    first, second = SentenceTransformerModelCardData(), SentenceTransformerModelCardData()
    first.add_tags("new")
    first.add_log(1, 1, {"Training Loss": 1.0})
    assert "new" not in second.tags
    assert second.training_logs == []


def test_a_step_has_one_row_in_the_log_and_the_best_is_bold():
    data = SentenceTransformerModelCardData()
    data.add_log(0.5, 5, {"b_metric": 0.25})
    data.add_log(0.5, 5, {"Validation Loss": 1.23456})
    data.add_log(1.0, 10, {"Training Loss": 0.5})
    data.set_best_model_step(5)
    assert log_table(data).splitlines() == [
        "| Epoch | Step | Training Loss | Validation Loss | b_metric |",
        "|:--|:--|:--|:--|:--|",
        "| **0.5** | **5** | **-** | **1.2346** | **0.25** |",
        "| 1.0 | 10 | 0.5 | - | - |",
    ]


def measure(name, primary="score", **more):
    return SimpleNamespace(name=name, primary_metric=f"{name}_{primary}", description="A task", **more)


def test_evaluators_of_one_kind_share_a_table_and_the_newest_result_counts():
    data = SentenceTransformerModelCardData()
    first, second = measure("one"), measure("two")
    data.set_evaluation_metrics(first, {"one_score": 0.1, "one_more": 1})
    data.set_evaluation_metrics(second, {"two_score": 0.3, "two_more": 2})
    data.set_evaluation_metrics(first, {"one_score": 0.2, "one_more": 1}, epoch=1, step=7)
    (found,) = evaluations(data)
    assert found["names"] == ["one", "two"]
    assert found["table"].splitlines() == [
        "| Metric | one | two |",
        "|:--|:--|:--|",
        "| **score** | **0.2** | **0.3** |",
        "| more | 1 | 2 |",
    ]
    assert data.training_logs[-1] == {"Epoch": 1, "Step": 7, "one_score": 0.2}


def test_evaluators_with_other_settings_have_their_own_table():
    data = SentenceTransformerModelCardData()
    data.set_evaluation_metrics(measure("one", get_config_dict=lambda: {"truncate_dim": 8}), {"one_score": 0.1})
    data.set_evaluation_metrics(measure("two"), {"two_score": 0.3})
    assert [entry["config"] for entry in evaluations(data)] == ['{\n    "truncate_dim": 8\n}', ""]


def test_losses_inside_losses_are_found_and_named():
    loss = losses.MatryoshkaLoss(loss=losses.CoSENTLoss(scale=5), matryoshka_dims=[8, 4])
    assert [type(one).__name__ for one in all_losses({"a": loss, "b": losses.CoSENTLoss()})] == [
        "MatryoshkaLoss",
        "CoSENTLoss",
    ]
    fields = loss_fields(loss)
    assert fields["loss"].startswith("CoSENTLoss(scale=5")
    assert fields["matryoshka_dims"] == [8, 4]


def test_a_loss_adds_a_tag_and_what_to_cite():
    data = SentenceTransformerModelCardData()
    data.set_losses([losses.CoSENTLoss(), losses.CosineSimilarityLoss()])
    assert data.tags[-2:] == ["loss:CoSENTLoss", "loss:CosineSimilarityLoss"]
    assert list(data.citations) == ["CoSENTLoss"]


def test_every_citation_is_of_a_loss_that_there_is():
    assert {name for name in EMBEDDING_LOSSES if not hasattr(losses, name)} == set()
    assert {name for name in RERANK_LOSSES if not hasattr(rerank, name)} == set()


def test_rerankers_losses_are_cited_by_their_own_list():
    assert "lambdaloss" in citation_of(rerank.LambdaLoss)
    assert citation_of(rerank.MSELoss) is None
    assert "2004.09813" in citation_of(losses.MSELoss)


def test_cells_hold_anything():
    assert cell("a|b\n<i>") == "a&#124;b<br>&lt;i&gt;"
    assert cell("y" * 2000) == "y" * 1000 + "..."
    assert cell("\ud83d") == "?"
    assert plain("spearman_cosine _x_ [l](u)") == "spearman_cosine &#95;x&#95; &#91;l&#93;(u)"
    assert [shown(value) for value in (None, 0.123456, 3, "text")] == ["-", "0.1235", "3", "text"]
    assert table([]) == ""
