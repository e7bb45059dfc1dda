"""Cards that cannot be made: a training goes on, and a user who saves a model is told."""

import pytest
from datasets import Dataset

from airvec.errors import AirvecWarning
from airvec_trainer import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments, losses
from airvec_trainer.card.guarding import only_warned, try_card
from airvec_trainer.modules import Router
from tests.trainer.card.made import encoder, rows
from tests.trainer.static_models import table


def fit(model, folder, data, **more):
    given = {
        "output_dir": str(folder / "out"), "max_steps": 2, "save_steps": 1, "report_to": "none", "use_cpu": True,
        "disable_tqdm": True, "per_device_train_batch_size": 2, **more,
    }  # fmt: skip
    args = SentenceTransformerTrainingArguments(**given)
    loss = losses.MultipleNegativesRankingLoss()
    SentenceTransformerTrainer(model, args, train_dataset=data, loss=loss).train()


def test_an_error_in_a_card_is_a_warning_with_its_reason():
    told = pytest.warns(AirvecWarning, match=r"model card: x is missing \(ValueError: odd\). The training goes on")
    with told, only_warned("x is missing"):
        raise ValueError("odd")
    with pytest.raises(KeyboardInterrupt), only_warned("nothing"):
        raise KeyboardInterrupt


def test_a_disk_that_refuses_the_card_is_still_an_error(tmp_path):
    model = encoder(tmp_path)
    with pytest.raises(FileNotFoundError):
        try_card(model, tmp_path / "gone")


@pytest.mark.parametrize("routes", [("query", "passage"), ("query", "document")])
def test_routes_of_any_name_train_and_are_described(tmp_path, routes):
    bodies = {name: [table()] for name in routes}
    model = SentenceTransformer(modules=[Router(bodies, allow_empty_key=False)], device="cpu")
    data = Dataset.from_dict({"anchor": ["one two", "two"], "positive": ["three one", "three"]})
    fit(model, tmp_path, data, router_mapping=dict(zip(("anchor", "positive"), routes, strict=True)))
    assert "anchor" in model.model_card_data.train_datasets[0]["statistics"]
    card = (tmp_path / "out" / "checkpoint-2" / "README.md").read_text(encoding="utf-8")
    named = {"passage": "encode(documents, task='passage')", "document": "encode_document(documents)"}
    assert named[routes[1]] in card
    assert "model.encode_query(queries)" in card


def test_a_card_that_fails_stops_no_training_but_tells_who_saves(tmp_path, monkeypatch):
    from airvec_trainer.card import callback, guarding, rendering

    def broken(*_, **__):
        raise ValueError("a broken card")

    model = encoder(tmp_path)
    monkeypatch.setattr(callback, "described", broken)
    monkeypatch.setattr(guarding, "generate_model_card", broken)
    monkeypatch.setattr(rendering, "architecture", broken)
    with pytest.warns(AirvecWarning) as found:
        fit(model, tmp_path, rows())
    told = [str(warning.message) for warning in found]
    assert any("the data sets are not described in it (ValueError: a broken card)" in text for text in told)
    assert any("no README.md in .checkpoint-1.writing (ValueError: a broken card)" in text for text in told)
    assert (tmp_path / "out" / "checkpoint-2" / "model.safetensors").is_file()
    assert not (tmp_path / "out" / "checkpoint-2" / "README.md").exists()
    with pytest.raises(ValueError, match="a broken card"):
        model.save_pretrained(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_a_checkpoint_has_its_card(tmp_path):
    fit(encoder(tmp_path), tmp_path, rows())
    assert "loss:MultipleNegativesRankingLoss" in (tmp_path / "out" / "checkpoint-2" / "README.md").read_text()
