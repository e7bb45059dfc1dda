"""Small trainings for tests: a tiny model, a few rows, and arguments that leave nothing to chance."""

from pathlib import Path
from typing import Any

from datasets import Dataset

from airvec_trainer import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments


def words(count: int, start: int = 0) -> list[str]:
    """Texts of one to five words."""
    return [" ".join(f"word{(start + row * step) % 17}" for step in range(1, 2 + row % 5)) for row in range(count)]


def pairs(count: int = 12) -> Dataset:
    """Anchors and positives."""
    return Dataset.from_dict({"anchor": words(count, 1), "positive": words(count, 6)})


def scored(count: int = 12, **columns: list[Any]) -> Dataset:
    """Pairs with a score; columns may be replaced or added."""
    found = {"first": words(count, 2), "second": words(count, 7), "score": [row % 4 / 3 for row in range(count)]}
    return Dataset.from_dict(found | columns)


def arguments(out: Path, **more: Any) -> dict[str, Any]:
    """Four steps on the CPU, nothing saved, nothing reported."""
    return {
        "output_dir": str(out), "max_steps": 4, "per_device_train_batch_size": 4, "logging_steps": 1,
        "report_to": "none", "save_strategy": "no", "disable_tqdm": True, "use_cpu": True, "seed": 3,
        "dataloader_pin_memory": False, "learning_rate": 1e-3,
    } | more  # fmt: skip


def trainer(folder: Path, out: Path, *, data: Any, loss: Any = None, options: Any = None, **more: Any) -> Any:
    """A trainer of a tiny dense model; `options` are training arguments, the others the trainer's."""
    return SentenceTransformerTrainer(
        model=more.pop("model", None) or SentenceTransformer(str(folder), device="cpu"),
        args=SentenceTransformerTrainingArguments(**arguments(out, **(options or {}))),
        train_dataset=data,
        loss=loss,
        **more,
    )


def losses_of(found: Any) -> list[float]:
    """What a trainer has logged as its loss."""
    return [entry["loss"] for entry in found.state.log_history if "loss" in entry]
