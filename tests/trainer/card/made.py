"""Models with a card, and a small training that fills one in.

Knows nothing of what a card is to say.
"""

from datasets import Dataset

from airvec_trainer import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments, losses
from airvec_trainer.evaluation import EmbeddingSimilarityEvaluator
from tests.tiny.checkpoints import tiny_checkpoint

TEXTS = ["a cat sleeps", "the dog runs far", "birds fly", "fish swim in the sea", "a horse", "cows eat grass"]


def encoder(folder, **options):
    """A SentenceTransformer with random weights."""
    return SentenceTransformer(tiny_checkpoint(folder / "my-base"), device="cpu", **options)


def rows(count=6):
    """Pairs of texts."""
    return Dataset.from_dict(
        {
            "anchor": [TEXTS[number % 6] for number in range(count)],
            "positive": [f"{TEXTS[number % 6]}, {number}" for number in range(count)],
        }
    )


def trained(folder, model, *, data=None, loss=None, **more):
    """The model after six steps; its card knows of them."""
    arguments = {
        "output_dir": str(folder / "out"), "num_train_epochs": 2, "per_device_train_batch_size": 2,
        "eval_strategy": "steps", "eval_steps": 2, "logging_steps": 2, "save_steps": 2, "report_to": "none",
        "use_cpu": True, "disable_tqdm": True, "load_best_model_at_end": True,
        "metric_for_best_model": "eval_dev_spearman_cosine",
    }  # fmt: skip
    scores = [1.0, 0.2, 0.7, 0.1, 0.9, 0.4]
    trainer = SentenceTransformerTrainer(
        model,
        SentenceTransformerTrainingArguments(**(arguments | more)),
        train_dataset=data or rows(),
        eval_dataset=rows(4),
        loss=loss or losses.MultipleNegativesRankingLoss(model, scale=10),
        evaluator=EmbeddingSimilarityEvaluator(TEXTS, TEXTS[::-1], scores, name="dev"),
    )
    trainer.train()
    return model
