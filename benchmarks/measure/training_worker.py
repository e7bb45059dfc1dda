"""One library in a process of its own that trains: asked for some steps at a time, it waits in between.

Started by path inside a library's environment; it needs the standard library and that library. Requests and answers are
JSON lines: {"do": "start", "library", "kind", "model", "data", "settings"}, then {"do": "steps", "count"} until no more
are wanted. An answer to the latter is the loss and the seconds of each step.
Knows nothing of the other library and of tables.
"""

import json
import os
import sys
import time
from importlib import import_module
from typing import Any, TextIO

CLASSES = {"dense": "SentenceTransformer", "sparse": "SparseEncoder", "rerank": "CrossEncoder"}
LOSSES = {
    "sentence_transformers": {
        "dense": "sentence_transformers.losses",
        "sparse": "sentence_transformers.sparse_encoder.losses",
        "rerank": "sentence_transformers.cross_encoder.losses",
    },
    "airvec_trainer": {
        "dense": "airvec_trainer.losses",
        "sparse": "airvec_trainer.losses",
        "rerank": "airvec_trainer.losses.rerank",
    },
}
# What both libraries are told beside the recipe: nothing is logged, saved or shown while steps are timed.
QUIET = {"logging_strategy": "no", "save_strategy": "no", "report_to": "none", "disable_tqdm": True}


def loss_of(library: str, kind: str, model: Any) -> Any:
    """The recipe's loss, made as sentence-transformers' code makes it; airvec_trainer takes the same calls."""
    losses = import_module(LOSSES[library][kind])
    if kind == "dense":
        return losses.MultipleNegativesRankingLoss(model)
    if kind == "rerank":
        return losses.BinaryCrossEntropyLoss(model)
    inner = losses.SparseMultipleNegativesRankingLoss(model)
    return losses.SpladeLoss(model, inner, document_regularizer_weight=3e-5, query_regularizer_weight=5e-5)


def make_trainer(library: str, kind: str, model: str, data: str, settings: dict[str, Any]) -> Any:
    """The trainer of a library, ready to train.

    Args:
        library: import name.
        kind: dense, sparse or rerank.
        model: folder of the checkpoint.
        data: .jsonl with a row a line.
        settings: training arguments.
    """
    from datasets import Dataset
    from transformers import set_seed

    found = import_module(library)
    set_seed(settings["seed"])
    opened = getattr(found, CLASSES[kind])(model, device=settings.pop("device"))
    with open(data, encoding="utf-8") as lines:  # noqa: PTH123 - like the other worker
        rows = Dataset.from_list([json.loads(line) for line in lines])
    arguments = getattr(found, f"{CLASSES[kind]}TrainingArguments")(**settings, **QUIET)
    trainer = getattr(found, f"{CLASSES[kind]}Trainer")(
        model=opened, args=arguments, train_dataset=rows, loss=loss_of(library, kind, opened)
    )
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    return trainer


def make_turns(requests: TextIO, answers: TextIO) -> Any:
    """A callback that trains as many steps as it is asked for, answers, and waits for the next request."""
    from transformers import TrainerCallback

    class Turns(TrainerCallback):
        """Losses and seconds of the steps of one turn; seconds count from one step's end to the next one's."""

        def __init__(self) -> None:
            self.losses: list[float] = []
            self.seconds: list[float] = []
            self.wanted = 0

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.listen(control)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.seconds.append(time.perf_counter() - self.clock)
            if len(self.seconds) == self.wanted:
                answer(answers, {"losses": self.losses, "seconds": self.seconds, **memory()})
                self.listen(control)
            self.clock = time.perf_counter()

        def listen(self, control: Any) -> None:
            """Wait for the next request; none, and training ends."""
            line = requests.readline()
            self.wanted = json.loads(line)["count"] if line else 0
            self.losses, self.seconds = [], []
            control.should_training_stop = not self.wanted
            self.clock = time.perf_counter()

    return Turns()


def keep_losses(trainer: Any, turns: Any) -> None:
    """Note the loss of every step as it is, since what transformers logs is rounded."""
    compute = trainer.compute_loss

    def compute_loss(*given: Any, **named: Any) -> Any:
        found = compute(*given, **named)
        turns.losses.append(float((found[0] if isinstance(found, tuple) else found).detach()))
        return found

    trainer.compute_loss = compute_loss


def memory() -> dict[str, float]:
    """The most memory that this process, and on a GPU its tensors, have held, in MB of 10^6 bytes."""
    import torch

    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - as above
        line = next(line for line in status if line.startswith("VmHWM:"))
    device = torch.cuda.max_memory_allocated() / 1e6 if torch.cuda.is_available() else 0.0
    return {"peak_mb": int(line.split()[1]) * 1024 / 1e6, "device_mb": device}


def answer(answers: TextIO, found: dict[str, Any]) -> None:
    """One line."""
    print(json.dumps(found), file=answers, flush=True)


def main() -> None:
    """Serve stdin and stdout; file descriptor 1 becomes stderr for everyone else."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        job = json.loads(sys.stdin.readline())
        job.pop("do")
        trainer = make_trainer(**job)
        turns = make_turns(sys.stdin, answers)
        trainer.add_callback(turns)
        keep_losses(trainer, turns)
        answer(answers, {"ready": True})
        trainer.train()
    except Exception as error:  # noqa: BLE001 - whatever a library raises is the answer
        answer(answers, {"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
