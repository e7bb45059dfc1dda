"""Data sets of all kinds as a card describes them, and examples from them."""

from random import Random
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset, DatasetDict

from airvec_trainer import losses
from airvec_trainer.card.callback import _arguments, _emissions, _harmless
from airvec_trainer.card.describing import described, origin
from airvec_trainer.card.examples import usage_examples, widget


class Letters:
    """A model whose tokens are letters."""

    def preprocess(self, texts, task=None):
        self.task = task
        width = max(map(len, texts))
        return {"attention_mask": torch.tensor([[1] * len(text) + [0] * (width - len(text)) for text in texts])}


def one(columns, **given):
    (found,) = described(Dataset.from_dict(columns), [], losses.CoSENTLoss(), given.pop("model", Letters()), given)
    return found


def test_numbers_about_each_kind_of_column():
    found = one(
        {"text": ["a", "bbb"], "label": [0, 1], "score": [0.5, 1.0], "list": [["a"], ["b", "c"]], "none": [None] * 2}
    )
    assert found["columns"] == ["text", "label", "score", "list", "none"]
    kinds, details = (line.split(" | ") for line in found["statistics"].splitlines()[2::2])
    assert kinds[1:] == ["string", "int", "float", "list", "builtins.NoneType |"]
    assert details[1] == "<ul><li>min: 1 tokens</li><li>mean: 2.0 tokens</li><li>max: 3 tokens</li></ul>"
    assert details[2] == "<ul><li>0: &#126;50.00%</li><li>1: &#126;50.00%</li></ul>"
    assert details[3] == "<ul><li>min: 0.5</li><li>mean: 0.75</li><li>max: 1.0</li></ul>"
    assert "mean: 1.50 elements" in details[4]


def test_a_model_without_tokens_counts_characters():
    assert "min: 1 characters" in one({"text": ["a", "bbb"]}, model=object())["statistics"]


def test_three_samples_and_the_first_hundred_rows():
    found = one({"text": ["a"] * 100 + ["b" * 50] * 50})
    assert found["size"] == 150
    assert "max: 1 tokens" in found["statistics"]
    assert found["samples"].count("<code>a</code>") == 3


def test_a_column_is_read_as_its_route_says():
    model = Letters()
    described(Dataset.from_dict({"q": ["a"]}), [], losses.CoSENTLoss(), model, {"q": "query"})
    assert model.task == "query"
    rows = DatasetDict(first=Dataset.from_dict({"q": ["a"]}))
    described(rows, [], losses.CoSENTLoss(), model, {"first": {"q": "other"}})
    assert model.task == "other"


def test_several_data_sets_have_a_name_and_a_loss_each():
    rows = DatasetDict(nli=Dataset.from_dict({"a": ["x"]}), _dataset_2=Dataset.from_dict({"a": ["x"]}))
    chosen = {"nli": losses.CoSENTLoss(), "_dataset_2": losses.AnglELoss()}
    first, second = described(rows, [], chosen, Letters(), {})
    assert first["name"] == "nli"
    assert "name" not in second or second["name"] is None
    assert [entry["loss"]["class_name"].rpartition(".")[2] for entry in (first, second)] == ["CoSENTLoss", "AnglELoss"]


def test_a_second_training_describes_its_own_data_and_keeps_what_the_user_said():
    rows = [DatasetDict({name: Dataset.from_dict({"a": ["x"]})}) for name in ("first", "second")]
    found = described(rows[0], [], losses.CoSENTLoss(), Letters(), {})
    assert described(rows[1], found, losses.CoSENTLoss(), Letters(), {})[0]["name"] == "second"
    found = described(rows[0], [{"name": "mine"}], losses.CoSENTLoss(), Letters(), {})
    assert described(rows[1], found, losses.CoSENTLoss(), Letters(), {})[0]["name"] == "mine"


def test_a_stream_is_not_looked_into():
    rows = Dataset.from_dict({"a": ["x"], "dataset_name": ["y"]}).to_iterable_dataset()
    (found,) = described(rows, [], losses.CoSENTLoss(), Letters(), {})
    assert found["columns"] == ["a"]
    assert found["size"] is None
    assert "samples" not in found


def test_an_empty_data_set_is_described():
    found = one({"a": []})
    assert (found["size"], found["columns"], found["samples"]) == (0, [], "")


def test_a_data_set_of_the_hub_tells_its_commit():
    rows = Dataset.from_dict({"a": ["x"]})
    rows.info.download_checksums = {f"hf://datasets/org/data@{'a' * 40}/x.parquet": {}}
    assert origin(rows, None) == {"id": "org/data", "revision": "a" * 40}


def test_examples_are_short_and_the_same_every_time():
    rows = Dataset.from_dict(
        {"a": [f"{'long ' * (9 - n)}{n}" for n in range(9)], "b": [f"other {n}" for n in range(9)]}
    )
    first = usage_examples([rows], "SentenceTransformer", Random(0))
    assert first == usage_examples([rows], "SentenceTransformer", Random(0))
    assert len(set(first)) == 4
    assert first[:2] == ["long 8", "other 8"]
    assert len(widget([rows], "SentenceTransformer", Random(0))) >= 2
    assert set(widget([rows], "SparseEncoder", Random(0))[0]) == {"text"}
    assert widget([rows], "CrossEncoder", Random(0)) == []


def test_rerankers_show_pairs_also_of_lists():
    rows = Dataset.from_dict({"q": ["a", "b"], "d": ["c", "d"], "label": [0, 1]})
    assert usage_examples([rows], "CrossEncoder", Random(0)) == [["a", "c"], ["b", "d"]]
    rows = Dataset.from_dict({"q": ["a"], "d": [["c", "d"]], "label": [[0, 1]]})
    assert usage_examples([rows], "CrossEncoder", Random(0)) == [["a", "c"], ["a", "d"]]
    assert usage_examples([Dataset.from_dict({"q": ["a"]})], "CrossEncoder", Random(0)) == []


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("hub_model_token", "hf_x", "<hidden>"),
        ("api_key", "x", "<hidden>"),
        ("average_tokens_across_devices", True, True),
        ("deepspeed", "/opt/someone/ds.json", "ds.json"),
        ("resume_from_checkpoint", "~/runs/checkpoint-5", "checkpoint-5"),
        ("accelerator_config", {"token": "x", "path": "/opt/a"}, {"token": "<hidden>", "path": "a"}),
        ("learning_rate", 1e-5, 1e-5),
    ],
)
def test_secrets_and_places_are_not_shown(name, value, shown):
    assert _harmless(name, value) == shown


def test_arguments_are_compared_with_plain_ones():
    class Arguments:
        def to_dict(self):
            return {"learning_rate": 1.0, "seed": 42, "hub_token": "x", "output_dir": "y"}

    found, changed = _arguments(Arguments(), {"learning_rate": 2.0, "seed": 42})
    assert found == {"learning_rate": 1.0, "seed": 42}
    assert changed == {"learning_rate": 1.0}


def test_energy_comes_from_codecarbons_callback():
    class CodeCarbonCallback:
        tracker = SimpleNamespace(
            final_emissions_data=SimpleNamespace(
                emissions=0.5, energy_consumed=2.0, on_cloud="N", cpu_model="A", ram_total_size=8.0, gpu_model="B"
            )
        )

    trainer = SimpleNamespace(callback_handler=SimpleNamespace(callbacks=[object(), CodeCarbonCallback()]))
    found = _emissions(trainer)
    assert (found["emissions"], found["energy_consumed"], found["on_cloud"]) == (500.0, 2.0, False)
    assert found["hardware_used"] == "B"
    CodeCarbonCallback.tracker = None
    assert _emissions(trainer) == {}
    assert _emissions(SimpleNamespace(callback_handler=SimpleNamespace(callbacks=[]))) == {}


def test_several_data_sets_and_a_stream_fill_a_card(tmp_path):
    from airvec_trainer import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from tests.trainer.card.made import encoder, rows

    model = encoder(tmp_path)
    arguments = {"report_to": "none", "use_cpu": True, "disable_tqdm": True, "max_steps": 2, "save_strategy": "no"}
    for number, data in enumerate((DatasetDict(one=rows(), two=rows(4)), rows().to_iterable_dataset())):
        args = SentenceTransformerTrainingArguments(output_dir=str(tmp_path / "out"), **arguments)
        chosen = losses.MultipleNegativesRankingLoss()
        SentenceTransformerTrainer(model, args, train_dataset=data, loss=chosen).train()
        sizes = [entry.get("size") for entry in model.model_card_data.train_datasets]
        assert sizes == ([6, 4], [None])[number]
        model.save_pretrained(tmp_path / "saved")
    assert "#### Unnamed Dataset" in (tmp_path / "saved" / "README.md").read_text(encoding="utf-8")
