"""The same model, data, seed and arguments in both libraries: every logged loss is the same, dropout on."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset

from tests.tiny.checkpoints import reranker_checkpoint, sparse_checkpoint, tiny_checkpoint
from tests.tiny.corpus import lines

pytestmark = [pytest.mark.parity, pytest.mark.slow]

STEPS = 30
SEED = 3


@dataclass(frozen=True)
class Case:
    """A training: what differs from the plain one."""

    rows: Callable[[], Any]
    loss: Callable[[Any, Any], Any]  # (losses of a library, model)
    kind: str = "SentenceTransformer"
    arguments: dict[str, Any] = field(default_factory=dict)


def texts(count: int, start: int) -> list[str]:
    """Lines of the corpus, each cut somewhere else, so that lengths differ."""
    found = lines()
    return [found[(start + 7 * row) % len(found)][: 12 + (start + 5 * row) % 60] or "a" for row in range(count)]


def rows(count: int = 70, columns: int = 2, **more: list[Any]) -> Dataset:
    names = ("anchor", "positive", "negative", "another")[:columns]
    return Dataset.from_dict({name: texts(count, 11 * number) for number, name in enumerate(names)} | more)


def scored(count: int = 70) -> Dataset:
    return rows(count, score=[(7 * row % 11) / 10 for row in range(count)])


def classes(count: int = 90) -> Dataset:
    return rows(count, 1, label=[row * 5 % 7 for row in range(count)])


def repeated() -> Dataset:
    anchors = texts(80, 3)
    return Dataset.from_dict({"anchor": [anchors[row // 4] for row in range(80)], "positive": texts(80, 9)})


def lists() -> Dataset:
    count = 40
    return Dataset.from_dict(
        {
            "query": texts(count, 5),
            "documents": [texts(2 + row % 3, row) for row in range(count)],
            "labels": [[(place * 2 + row) % 3 for place in range(2 + row % 3)] for row in range(count)],
        }
    )


def mnrl(losses: Any, model: Any) -> Any:
    return losses.MultipleNegativesRankingLoss(model)


def two(losses: Any, model: Any) -> Any:
    return {"pairs": mnrl(losses, model), "scores": losses.CoSENTLoss(model)}


def softmax(losses: Any, model: Any) -> Any:
    width = model.get_embedding_dimension()
    return losses.SoftmaxLoss(model, embedding_dimension=width, num_labels=3)


def splade(losses: Any, model: Any) -> Any:
    return losses.SpladeLoss(
        model,
        loss=losses.SparseMultipleNegativesRankingLoss(model),
        document_regularizer_weight=0.03,
        query_regularizer_weight=0.05,
    )


CASES = {
    "pairs": Case(rows, mnrl),
    "negatives": Case(lambda: rows(columns=4), mnrl),
    "scores": Case(scored, lambda losses, model: losses.CoSENTLoss(model)),
    "proportional": Case(lambda: {"pairs": rows(50), "scores": scored(30)}, two),
    "round_robin": Case(
        lambda: {"pairs": rows(50), "scores": scored(30)}, two, arguments={"multi_dataset_batch_sampler": "round_robin"}
    ),
    "no_duplicates": Case(repeated, mnrl, arguments={"batch_sampler": "no_duplicates"}),
    "no_duplicates_hashed": Case(repeated, mnrl, arguments={"batch_sampler": "no_duplicates_hashed"}),
    "group_by_label": Case(
        classes, lambda losses, model: losses.BatchHardTripletLoss(model), arguments={"batch_sampler": "group_by_label"}
    ),
    "prompts": Case(rows, mnrl, arguments={"prompts": {"anchor": "query: ", "positive": "passage: "}}),
    "accumulation": Case(rows, mnrl, arguments={"gradient_accumulation_steps": 3, "max_steps": 12}),
    "rates": Case(rows, mnrl, arguments={"learning_rate_mapping": {r"layer\.0\.": 1e-2}, "weight_decay": 0.1}),
    "cached": Case(rows, lambda losses, model: losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=3)),
    "splade": Case(rows, splade, kind="SparseEncoder"),
    "rerank_bce": Case(scored, lambda losses, model: losses.BinaryCrossEntropyLoss(model), kind="CrossEncoder"),
    # At 2e-3 its gradients (norm 39) grow the last bits of a sum to 1.3e-5 within 20 steps.
    "rerank_lists": Case(
        lists, lambda losses, model: losses.LambdaLoss(model), kind="CrossEncoder", arguments={"learning_rate": 2e-4}
    ),
    "softmax": Case(lambda: rows(70, label=[row * 5 % 3 for row in range(70)]), softmax),
}
FOLDERS = {
    "SentenceTransformer": tiny_checkpoint,
    "SparseEncoder": sparse_checkpoint,
    "CrossEncoder": reranker_checkpoint,
}
LOGGED = ("loss", "grad_norm", "learning_rate", "eval_loss", "base_loss", "document_regularizer_loss")


def history(library: str, case: Case, folder: Path, out: Path) -> list[dict[str, float]]:
    """What a library logs while it trains."""
    module, losses = _library(library, case.kind)
    model = getattr(module, case.kind)(str(folder), device="cpu")
    options = {
        "max_steps": STEPS, "per_device_train_batch_size": 8, "learning_rate": 2e-3, "logging_steps": 1, "seed": SEED,
        "report_to": "none", "save_strategy": "no", "disable_tqdm": True, "use_cpu": True, "warmup_steps": 5,
        "dataloader_pin_memory": False,
    }  # fmt: skip
    args = getattr(module, f"{case.kind}TrainingArguments")(output_dir=str(out), **(options | case.arguments))
    data = case.rows()
    torch.manual_seed(SEED)  # weights of a loss: airvec draws them from the arguments' seed
    trainer = getattr(module, f"{case.kind}Trainer")(
        model=model, args=args, train_dataset=data, eval_dataset=data, loss=case.loss(losses, model)
    )
    trainer.train()
    trainer.evaluate()
    return trainer.state.log_history


def _library(name: str, kind: str) -> tuple[Any, Any]:
    """Its module with the classes, and its losses for a kind of model."""
    if name == "ours":
        import airvec_trainer
        from airvec_trainer import losses
        from airvec_trainer.losses import rerank

        return airvec_trainer, rerank if kind == "CrossEncoder" else losses
    import sentence_transformers

    room = {"CrossEncoder": "cross_encoder", "SparseEncoder": "sparse_encoder"}.get(kind, "sentence_transformer")
    return sentence_transformers, import_module(f"sentence_transformers.{room}.losses")


@pytest.mark.parametrize("name", CASES)
def test_every_logged_loss_is_the_reference_s(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    folder = FOLDERS[case.kind](tmp_path / "model")
    ours = history("ours", case, folder, tmp_path / "ours")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = history("theirs", case, folder, tmp_path / "theirs")
    assert len(ours) == len(theirs)
    losses = [entry["loss"] for entry in theirs if "loss" in entry]
    assert len(losses) >= 10
    assert max(losses) - min(losses) > 0.01, "the model learns nothing, so that any data order would do"
    for mine, reference in zip(ours, theirs, strict=True):
        for key in LOGGED:
            assert (key in mine) == (key in reference)
            if key in mine:
                assert mine[key] == pytest.approx(reference[key], rel=1e-4 if key == "grad_norm" else 0, abs=1e-5), (
                    key,
                    mine,
                )
