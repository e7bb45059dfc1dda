"""A training in a process of its own, which a test kills: `python resumed.py MODEL OUT PLAN STEPS`.

Prints "saved N" once checkpoint N is there, with PLAN "stall" also "writing N" in the middle of writing checkpoint 8,
where it then waits to be killed; and at the end what was logged, as JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback

from airvec_trainer import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from airvec_trainer.losses import MultipleNegativesRankingLoss, SoftmaxLoss

STALLED = 8


class Tell(TrainerCallback):
    """Says when a checkpoint is there."""

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        print(f"saved {state.global_step}", flush=True)


class StallingTrainer(SentenceTransformerTrainer):
    """Stops in the middle of a checkpoint."""

    def _save_rng_state(self, output_dir: str) -> None:
        if self.state.global_step == STALLED:
            print(f"writing {self.state.global_step}", flush=True)
            sys.stdin.read()
        super()._save_rng_state(output_dir)


def words(count: int, start: int) -> list[str]:
    """Texts of unlike length."""
    return [" ".join(f"word{(start + row * step) % 17}" for step in range(1, 3 + row % 5)) for row in range(count)]


def main(model_folder: str, out: str, plan: str, steps: int) -> None:
    """Train, or go on where an earlier run was killed."""
    model = SentenceTransformer(model_folder, device="cpu")
    torch.manual_seed(0 if plan != "resume" else 1)  # the first weights of SoftmaxLoss, which a resumed run replaces
    pairs = Dataset.from_dict({"anchor": words(24, 1), "positive": words(24, 5)})
    classes = Dataset.from_dict({"a": words(20, 2), "b": words(20, 9), "label": [row % 3 for row in range(20)]})
    args = SentenceTransformerTrainingArguments(
        output_dir=out, max_steps=steps, per_device_train_batch_size=4, gradient_accumulation_steps=2, save_steps=4,
        logging_steps=1, learning_rate=1e-3, report_to="none", disable_tqdm=True, use_cpu=True, seed=5,
        batch_sampler="no_duplicates", dataloader_pin_memory=False, weight_decay=0.01,
    )  # fmt: skip
    kind = StallingTrainer if plan == "stall" else SentenceTransformerTrainer
    trainer = kind(
        model=model,
        args=args,
        train_dataset={"pairs": pairs, "classes": classes},
        loss={
            "pairs": MultipleNegativesRankingLoss(),
            "classes": SoftmaxLoss(embedding_dimension=model.get_embedding_dimension(), num_labels=3),
        },
        callbacks=[Tell()],
    )
    trainer.train(resume_from_checkpoint=plan == "resume")
    weights = {name: weight.detach().double().sum().item() for name, weight in trainer.weights.named_parameters()}
    losses = {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
    (Path(out) / "result.json").write_text(json.dumps({"losses": losses, "weights": weights}))


if __name__ == "__main__":
    torch.use_deterministic_algorithms(True)
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
