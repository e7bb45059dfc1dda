"""README.md, whole: what a card says of a model before and after a training, and that the Hub's client reads it."""

import math
import re

import pytest
import torch
from datasets import Dataset
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results

from airvec.errors import AirvecWarning, ArgumentError
from airvec_trainer import CrossEncoder, SentenceTransformer, SparseEncoder
from airvec_trainer.card import SentenceTransformerModelCardData, generate_model_card, write_card
from tests.tiny.checkpoints import reranker_checkpoint, sparse_checkpoint
from tests.trainer.card.made import TEXTS, encoder, trained


def sections(text):
    return re.findall(r"^#{2,3} (.*)$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """The text of the card after a training."""
    folder = tmp_path_factory.mktemp("card")
    model = trained(folder, encoder(folder), hub_token="hf_very_secret", run_name="mine")
    model.save_pretrained(folder / "saved")
    return (folder / "saved" / "README.md").read_text(encoding="utf-8")


def test_a_model_that_was_not_trained_has_a_short_card(tmp_path):
    text = generate_model_card(encoder(tmp_path))
    assert sections(text) == [
        "Model Details", "Model Description", "Model Sources", "Full Model Architecture", "Usage",
        "Direct Usage (airvec)", "Direct Usage (Sentence Transformers)", "Training Details", "Framework Versions",
        "Additional Resources", "Citation", "BibTeX",
    ]  # fmt: skip
    assert "generated_from_trainer" not in text


def test_a_training_adds_its_sections(card):
    assert sections(card) == [
        "Model Details", "Model Description", "Model Sources", "Full Model Architecture", "Usage",
        "Direct Usage (airvec)", "Direct Usage (Sentence Transformers)", "Evaluation", "Metrics", "Training Details",
        "Training Dataset", "Evaluation Dataset", "Training Hyperparameters", "Training Logs", "Training Time",
        "Framework Versions", "Additional Resources", "Citation", "BibTeX",
    ]  # fmt: skip


def test_the_hubs_client_reads_the_front_matter(card):
    data = ModelCard(card).data.to_dict()
    assert data["library_name"] == "sentence-transformers"
    assert data["pipeline_tag"] == "sentence-similarity"
    assert {"generated_from_trainer", "dataset_size:6", "loss:MultipleNegativesRankingLoss"} <= set(data["tags"])
    assert data["metrics"] == ["pearson_cosine", "spearman_cosine"]
    assert all(set(entry) == {"source_sentence", "sentences"} for entry in data["widget"])


def test_what_was_measured_is_in_the_front_matter_and_in_a_table(card):
    results = ModelCard(card).data.eval_results
    found = {entry.metric_type: entry for entry in results}
    assert set(found) == {"pearson_cosine", "spearman_cosine"}
    assert found["spearman_cosine"].dataset_name == "dev"
    assert found["spearman_cosine"].task_type == "semantic-similarity"
    value = f"{round(found['spearman_cosine'].metric_value, 4)}"
    assert f"| **spearman_cosine** | **{value}** |" in card


def test_data_sets_are_described(card):
    assert "* Size: 6 training samples\n* Columns: <code>anchor</code> and <code>positive</code>" in card
    assert "* Size: 4 evaluation samples" in card
    assert "first 6 samples" in card
    assert re.search(r"\| details \| <ul><li>min: \d+ tokens</li><li>mean: [\d.]+ tokens</li>", card)
    assert "| <code>a cat sleeps</code> | <code>a cat sleeps, 0</code> |" in card
    assert '"scale": 10' in card
    assert '"similarity_fct": "cos_sim"' in card


def test_arguments_that_are_not_default_come_first_and_secrets_never(card):
    some = card[card.index("#### Non-Default") : card.index("#### All Hyper")]
    assert "- `per_device_train_batch_size`: 2\n" in some
    assert "learning_rate" not in some
    assert "- `learning_rate`: 5e-05\n" in card
    for word in ("hf_very_secret", "hub_token", "mine", "output_dir"):
        assert word not in card


def test_the_best_step_of_the_log_is_in_bold(card):
    assert "| Epoch | Step | Training Loss | Validation Loss | dev_spearman_cosine |" in card
    bold = re.findall(r"^\| \*\*[\d.]+\*\* \| \*\*(\d)\*\* \|", card, re.MULTILINE)
    assert len(bold) == 1
    assert "* The bold row denotes the saved checkpoint." in card


def test_the_example_shows_the_models_own_answer(card, tmp_path):
    code = re.search(r"```python\n(from airvec import.*?)```", card, re.DOTALL)[1]
    assert f"'{TEXTS[2]}'" in code
    assert re.search(r"^# \[\[1\. ", code, re.MULTILINE)
    other = re.search(r"```python\n(from sentence_transformers import.*?)```", card, re.DOTALL)[1]
    assert other == code.replace("from airvec", "from sentence_transformers")


def test_what_to_cite_is_there_once(card):
    assert card.count("@misc{oord2018representation,") == 1
    assert card.count("@inproceedings{reimers-2019-sentence-bert,") == 1


def test_nothing_tells_where_this_machine_keeps_its_files(card, tmp_path):
    assert str(tmp_path.parent.parent) not in card
    assert "`my-base`, a local folder" in card


def test_a_card_that_came_with_the_model_is_kept_until_it_is_trained(tmp_path):
    model = encoder(tmp_path)
    own = '---\nlicense: mit\n---\n# Mine\nmodel = SentenceTransformer("sentence_transformers_model_id")\n'
    (tmp_path / "my-base" / "README.md").write_text(own, encoding="utf-8")
    model = SentenceTransformer(tmp_path / "my-base", device="cpu")
    model.save_pretrained(tmp_path / "again")
    assert (tmp_path / "again" / "README.md").read_text(encoding="utf-8") == own
    model.model_card_data.set_model_id("me/mine")
    assert 'SentenceTransformer("me/mine")' in generate_model_card(model)
    trained(tmp_path, model)
    assert "# Mine" not in generate_model_card(model)
    model.save_pretrained(tmp_path / "trained")
    kept = SentenceTransformer(tmp_path / "trained", device="cpu")
    kept.save_pretrained(tmp_path / "kept")
    both = [(tmp_path / name / "README.md").read_text(encoding="utf-8") for name in ("trained", "kept")]
    assert both[0] == both[1]


def test_what_the_user_states_is_said(tmp_path):
    data = SentenceTransformerModelCardData(
        language="en", license="apache-2.0", model_name="My model", model_id="me/mine",
        train_datasets=[{"name": "Pairs", "id": "me/pairs"}], task_name="finding cats", tags=["cats"],
    )  # fmt: skip
    model = trained(tmp_path, encoder(tmp_path, model_card_data=data))
    text = generate_model_card(model)
    found = ModelCard(text).data.to_dict()
    assert found["language"] == ["en"]
    assert found["license"] == "apache-2.0"
    assert found["datasets"] == ["me/pairs"]
    assert found["tags"][0] == "cats"
    assert found["model-index"][0]["name"] == "My model"
    assert "\n# My model\n" in text
    assert "for finding cats." in text
    assert '= SentenceTransformer("me/mine")' in text
    assert "* Dataset: [Pairs](https://huggingface.co/datasets/me/pairs)" in text
    assert "- **License:** apache-2.0" in text


def test_a_model_id_without_an_owner_is_refused():
    with pytest.raises(ArgumentError, match="'mine'"):
        SentenceTransformerModelCardData(model_id="mine")


def test_the_base_model_of_the_hubs_cache_is_linked(tmp_path):
    folder = tmp_path / "models--org--base" / "snapshots" / ("0" * 39 + "a")
    folder.parent.mkdir(parents=True)
    encoder(tmp_path)
    (tmp_path / "my-base").rename(folder)
    text = generate_model_card(SentenceTransformer(folder, device="cpu"))
    assert ModelCard(text).data.base_model == "org/base"
    assert "# SentenceTransformer based on org/base" in text
    assert f"[org/base](https://huggingface.co/org/base) at revision {'0' * 39}a" in text


def test_sparse_models_and_rerankers_have_their_own_words(tmp_path):
    sparse = generate_model_card(SparseEncoder(sparse_checkpoint(tmp_path / "sparse"), device="cpu"))
    assert {"splade", "sparse-encoder"} <= set(ModelCard(sparse).data.tags)
    assert "- **Model Type:** SPLADE Sparse Encoder" in sparse
    assert 'SparseEncoder("sparse_encoder_model_id")' in sparse
    one = generate_model_card(CrossEncoder(reranker_checkpoint(tmp_path / "one"), device="cpu"))
    assert ModelCard(one).data.pipeline_tag == "text-ranking"
    assert "- **Number of Output Labels:** 1" in one
    assert "ranks = model.rank(" in one
    three = generate_model_card(CrossEncoder(reranker_checkpoint(tmp_path / "three", labels=3), device="cpu"))
    assert ModelCard(three).data.pipeline_tag == "text-classification"
    assert "model.rank(" not in three


def test_a_model_with_prompts_for_queries_is_used_as_such(tmp_path):
    model = encoder(tmp_path, prompts={"query": "find: "})
    assert "query_embeddings = model.encode_query(queries)" in generate_model_card(model)


def test_texts_of_any_kind_neither_break_the_table_nor_the_file(tmp_path):
    odd = [
        "a|b\nc",
        "<script>alert(1)</script>",
        "half \ud83d pair",
        "x" * 3000,
        "```\n# Title",
        "{{ 1/0 }} *b* [l](u)",
    ]
    texts = [text.encode("utf-8", "replace").decode() for text in odd]
    data = Dataset.from_dict({"anchor": texts, "positive": TEXTS})
    model = trained(tmp_path, encoder(tmp_path), data=data)
    model.model_card_data.model_name = odd[2] + "\n# second title"
    model.model_card_data.usage_examples = [*odd[:2], odd[5]]
    write_card(model, tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if "<code>a&#124;b<br>c</code>" in line]
    assert [line.count("|") for line in table] == [3]
    assert "<script>" not in text[text.index("## Training Details") :]
    assert "\n# second title" not in text
    assert ModelCard(text).data.pipeline_tag == "sentence-similarity"


def test_a_model_that_fails_on_the_examples_is_saved_all_the_same(tmp_path):
    model = encoder(tmp_path)
    model.encode = lambda texts: 1 / 0
    with pytest.warns(AirvecWarning, match="could not be run .division by zero"):
        text = generate_model_card(model)
    assert "print(similarities.shape)\n# (3, 3)" in text


def test_without_examples_the_model_is_not_asked(tmp_path):
    model = encoder(tmp_path)
    model.model_card_data.generate_widget_examples = False
    model.encode = lambda texts: pytest.fail("asked")
    assert "print(similarities.shape)" in generate_model_card(model)


def test_what_is_no_number_is_shown_and_left_out_of_the_front_matter(tmp_path):
    model = encoder(tmp_path)

    class Measure:
        name, primary_metric = "", "good"

    model.model_card_data.set_evaluation_metrics(Measure(), {"good": torch.tensor(0.5), "bad": math.nan})
    text = generate_model_card(model)
    assert "| **good** | **0.5** |\n| bad | nan |" in text
    index = ModelCard(text).data.to_dict()["model-index"]
    assert [entry.metric_type for entry in model_index_to_eval_results(index)[1]] == ["good"]


def test_energy_is_told_where_it_was_measured(tmp_path):
    model = encoder(tmp_path)
    model.model_card_data.emissions = {
        "emissions": 12.0, "energy_consumed": 0.034, "source": "codecarbon", "training_type": "fine-tuning",
        "on_cloud": False, "cpu_model": "A", "ram_total_size": 8.0,
    }  # fmt: skip
    text = generate_model_card(model)
    assert "### Environmental Impact" in text
    assert "- **Carbon Emitted**: 0.012 kg of CO2" in text
    assert "- **GPU Model**: No GPU used" in text
    assert ModelCard(text).data.to_dict()["co2_eq_emissions"]["energy_consumed"] == 0.034
