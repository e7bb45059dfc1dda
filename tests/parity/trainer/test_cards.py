"""Model cards against sentence-transformers': front matter and sections after the same small training."""

import inspect
import re

import pytest
import yaml
from datasets import Dataset

from airvec_trainer import losses as our_losses
from airvec_trainer.card import citations
from airvec_trainer.losses import rerank as our_rerank
from tests.tiny.checkpoints import tiny_checkpoint

pytestmark = pytest.mark.parity
TEXTS = ["a cat sleeps", "the dog runs far", "birds fly", "fish swim in the sea", "a horse", "cows eat grass"]
SCORES = [1.0, 0.2, 0.7, 0.1, 0.9, 0.4]


def parts(card):
    """Front matter, headings and the rest, without comments and code."""
    _, front, body = card.split("---\n", 2)
    body = re.sub(r"<!--.*?-->|```.*?```", "", body, flags=re.DOTALL)
    return yaml.safe_load(front), re.findall(r"^(#+ .*?)\s*$", body, re.MULTILINE), body


def card_of(library, losses, evaluation, folder):
    """README.md after six steps of a library."""
    model = library.SentenceTransformer(str(tiny_checkpoint(folder / "base")), device="cpu")
    model.model_card_data.local_files_only = True
    pairs = Dataset.from_dict({"anchor": TEXTS, "positive": [f"{text}, too" for text in TEXTS]})
    arguments = library.SentenceTransformerTrainingArguments(
        output_dir=str(folder / "out"), num_train_epochs=2, per_device_train_batch_size=2, eval_strategy="steps",
        eval_steps=2, save_steps=2, logging_steps=2, load_best_model_at_end=True, report_to="none", use_cpu=True,
        metric_for_best_model="eval_dev_spearman_cosine", disable_tqdm=True, learning_rate=1e-3,
    )  # fmt: skip
    inner = losses.MultipleNegativesRankingLoss(model, scale=10.0)
    trainer = library.SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=pairs,
        eval_dataset=Dataset.from_dict({name: pairs[name][:6] * 2 for name in pairs.column_names}),
        loss=losses.MatryoshkaLoss(model, inner, matryoshka_dims=[32, 16]),
        evaluator=evaluation.EmbeddingSimilarityEvaluator(
            TEXTS, TEXTS[::-1], SCORES, name="dev", similarity_fn_names=["cosine", "dot"], main_similarity="cosine"
        ),
    )
    trainer.train()
    model.save_pretrained(str(folder / "saved"))
    return (folder / "saved" / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cards(tmp_path_factory):
    """Ours and theirs, in parts."""
    import sentence_transformers
    from sentence_transformers.sentence_transformer import evaluation as their_evaluation
    from sentence_transformers.sentence_transformer import losses as their_losses

    import airvec_trainer
    from airvec_trainer import evaluation

    theirs = card_of(sentence_transformers, their_losses, their_evaluation, tmp_path_factory.mktemp("theirs"))
    ours = card_of(airvec_trainer, our_losses, evaluation, tmp_path_factory.mktemp("ours"))
    return parts(ours), parts(theirs)


def test_the_headings_are_theirs_and_one_more(cards):
    (_, ours, _), (_, theirs, _) = cards
    assert [heading for heading in ours if heading != "### Direct Usage (airvec)"] == theirs


def test_the_front_matter_has_their_keys_and_values(cards):
    (ours, _, _), (theirs, _, _) = cards
    assert set(ours) == set(theirs)
    for key in ("tags", "pipeline_tag", "library_name", "metrics"):
        assert ours[key] == theirs[key], key
    assert [set(entry) for entry in ours["widget"]][:1] == [set(entry) for entry in theirs["widget"]][:1]


def test_the_metrics_of_the_front_matter_are_theirs(cards):
    (ours, _, _), (theirs, _, _) = cards
    (mine,), (other,) = ours["model-index"], theirs["model-index"]
    assert mine["name"] == other["name"]
    (mine,), (other,) = mine["results"], other["results"]
    assert (mine["task"], mine["dataset"]) == (other["task"], other["dataset"])
    for one, two in zip(mine["metrics"], other["metrics"], strict=True):
        assert (one["type"], one["name"]) == (two["type"], two["name"])
        assert one["value"] == pytest.approx(two["value"], abs=1e-4)


@pytest.mark.parametrize(
    "wanted",
    [
        r"^\* Size: 6 training samples$",
        r"^\* Size: 12 evaluation samples$",
        r"^\* Columns: <code>anchor</code> and <code>positive</code>$",
        r"min: (\d+) tokens</li><li>mean: ([\d.]+) tokens</li><li>max: (\d+) tokens",
        r"^- `(?:learning_rate|per_device_train_batch_size|num_train_epochs|load_best_model_at_end)`: .*$",
        r"^\| +\*{0,2}(?:pearson|spearman)_\w+\*{0,2} +\| +\*{0,2}[-\d.]+",
        r"^- \*\*(?:Model Type|Maximum Sequence Length|Output Dimensionality|Similarity Function):\*\* .*$",
        r"The bold row denotes the saved checkpoint\.",
    ],
)
def test_what_the_body_says_is_what_theirs_says(cards, wanted):
    (_, _, ours), (_, _, theirs) = cards

    def found(body):
        lines = [str(match) for match in re.findall(wanted, body, re.MULTILINE)]
        return [re.sub(r"\s+", " ", line) for line in lines]

    assert found(theirs)
    assert found(ours) == found(theirs)


def test_the_log_has_their_columns_and_steps(cards):
    def log(body):
        lines = body[body.index("### Training Logs") :].splitlines()
        rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
        return [rows[0], *([row[0], row[1]] for row in rows[2:])]

    (_, _, ours), (_, _, theirs) = cards
    assert log(ours) == log(theirs)


def test_losses_that_they_cite_are_cited():
    """By the same paper: its title is in both."""
    from sentence_transformers.cross_encoder import losses as rerank
    from sentence_transformers.sentence_transformer import losses as dense
    from sentence_transformers.sparse_encoder import losses as sparse

    missing = []
    for room, own in ((dense, our_losses), (sparse, our_losses), (rerank, our_rerank)):
        for name in room.__all__:
            kind = getattr(room, name)
            if not inspect.isclass(kind) or not hasattr(kind, "citation") or "." in name:
                continue
            source = inspect.getsource(kind.citation.fget)
            mine = citations.citation_of(getattr(own, name)) if inspect.isclass(getattr(own, name, None)) else None
            mine = mine or citations.EMBEDDING_LOSSES.get(name) or citations.RERANK_LOSSES.get(name) or ""
            numbers = re.findall(r"eprint\s*=\s*\{([\d.]+)\}", source)
            if numbers and not any(number in mine for number in numbers):
                missing.append(name)
            if not mine:
                missing.append(name)
    assert missing == []
