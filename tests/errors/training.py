"""Trainings that cannot be right: models, data, losses, arguments, evaluators and recipes. Torch is imported late."""

import contextlib
import io
import json
import shlex
from pathlib import Path
from typing import Any

from airvec.cli.main import main
from tests.errors.cases import Case, Topic

TEXTS = ["one two", "two three", "three one", "two one"]
SCORES = [0.0, 0.25, 0.75, 1.0]
RECIPE = """
[model]
kind = "dense"
name = "./model"

[[data]]
file = "pairs.jsonl"

[arguments]
output_dir = "out"

"""


def rows(**columns: Any) -> Any:
    """A data set of pairs, columns replaced or added; None leaves a column out."""
    from datasets import Dataset

    found = {"first": TEXTS, "second": TEXTS[::-1], "score": SCORES} | columns
    return Dataset.from_dict({name: values for name, values in found.items() if values is not None})


def train(home: Path, data: Any = None, loss: Any = None, more: Any = None, **settings: Any) -> None:
    """Train a table of six words for a step."""
    from airvec_trainer import SentenceTransformerTrainer, SentenceTransformerTrainingArguments, losses
    from tests.trainer.static_models import static_model

    made = {
        "output_dir": str(home / "out"),
        "max_steps": 1,
        "report_to": "none",
        "use_cpu": True,
        "save_strategy": "no",
    }
    args = SentenceTransformerTrainingArguments(**made | {"disable_tqdm": True} | settings)
    given = {"train_dataset": rows() if data is None else data, "loss": loss or losses.CoSENTLoss()} | (more or {})
    SentenceTransformerTrainer(static_model(), args, **given).train()


def loss_of(name: str, *old: Any, room: str = "losses", **fields: Any) -> Any:
    from importlib import import_module

    return getattr(import_module(f"airvec_trainer.{room}"), name)(*old, **fields)


def wrapped(name: str, inner: str, **fields: Any) -> Any:
    return loss_of(name, loss=loss_of(inner), **fields)


def not_a_number(columns: Any, labels: Any = None) -> Any:
    return columns[0].sum() * float("nan")


def checkpoint(home: Path) -> Path:
    """A training that was stopped, and a checkpoint in which a file is missing."""
    folder = home / "out" / "checkpoint-1"
    folder.mkdir(parents=True)
    (folder / "trainer_state.json").write_text("{}")
    return folder


def resumed(home: Path, folder: Path) -> None:
    from airvec_trainer import SentenceTransformerTrainer, SentenceTransformerTrainingArguments, losses
    from tests.trainer.static_models import static_model

    args = SentenceTransformerTrainingArguments(output_dir=str(home / "out"), report_to="none", use_cpu=True)
    trainer = SentenceTransformerTrainer(static_model(), args, train_dataset=rows(), loss=losses.CoSENTLoss())
    trainer.train(resume_from_checkpoint=str(folder))


def evaluator(name: str, *given: Any, **more: Any) -> Any:
    from airvec_trainer import evaluation

    return getattr(evaluation, name)(*given, **more)


def model(*given: Any, kind: str = "SentenceTransformer", **more: Any) -> Any:
    import airvec_trainer

    return getattr(airvec_trainer, kind)(*given, device="cpu", **more)


def recipe(home: Path, text: str) -> str:
    """What `airvec train` says of a recipe for a folder with a model, and two pairs."""
    from tests.trainer.static_models import static_model

    static_model().save_pretrained(home / "model")
    data = [{"anchor": "one", "positive": "two"}, {"anchor": "two", "positive": "one"}]
    (home / "pairs.jsonl").write_text("\n".join(json.dumps(row) for row in data))
    (home / "recipe.toml").write_text(text)
    line, said = "train recipe.toml --dry-run", io.StringIO()
    with contextlib.chdir(home), contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = main(shlex.split(line))
    return f"$ airvec {line}\n{said.getvalue().strip()}\n(exit code {code})"


DATA = (
    Case("A gap in a column", "A text is None.", lambda home: train(home, rows(first=[*TEXTS[:3], None]))),
    Case("A column that holds no texts", "Numbers, and no loss that reads them.",
         lambda home: train(home, rows(second=[1, 2, 3, 4]))),
    Case("A loss that needs labels, and none", "No column `label`, `labels`, `score` or `scores`.",
         lambda home: train(home, rows(score=None))),
    Case("One label alone", "CoSENTLoss compares rows of different scores.",
         lambda home: train(home, rows(score=[1.0] * 4))),
    Case("Too few columns for a loss", "MultipleNegativesRankingLoss, and single texts.",
         lambda home: train(home, rows(second=None, score=None), loss_of("MultipleNegativesRankingLoss"))),
    Case("No data to train on", "`train_dataset=None`.", lambda home: train(home, more={"train_dataset": None})),
)  # fmt: skip
LOSSES = (
    Case("A loss for another kind of model", "One of rerankers', in SentenceTransformerTrainer.",
         lambda home: train(home, loss=loss_of("ListNetLoss", room="losses.rerank"))),
    Case("A field without its name", "`CosineSimilarityLoss(0.5)`.", lambda home: loss_of("CosineSimilarityLoss", 0.5)),
    Case("A scale that is none", "`CoSENTLoss(scale=0)`.", lambda home: loss_of("CoSENTLoss", scale=0)),
    Case("Dimensions that the model does not have", "`MatryoshkaLoss(…, matryoshka_dims=[8, 2])` of a model of 3.",
         lambda home: train(home, loss=wrapped("MatryoshkaLoss", "CoSENTLoss", matryoshka_dims=[8, 2]))),
    Case("A loss that is not a number", "The learning rate was too high, perhaps.",
         lambda home: train(home, loss=not_a_number)),
)  # fmt: skip
ARGUMENTS = (
    Case("A batch sampler that is none", '`batch_sampler="no_doubles"`.',
         lambda home: train(home, batch_sampler="no_doubles")),
    Case("A prompt for no column", '`prompts={"anchr": "query: "}`.',
         lambda home: train(home, prompts={"anchr": "query: "})),
    Case("An evaluation without data", '`eval_strategy="steps"`, and neither `eval_dataset` nor `evaluator`.',
         lambda home: train(home, eval_strategy="steps", eval_steps=1)),
    Case("A checkpoint that is not whole", "`resume_from_checkpoint` of a folder in which files are missing.",
         lambda home: resumed(home, checkpoint(home))),
    Case("A checkpoint that is not there", "`resume_from_checkpoint` of no folder.",
         lambda home: resumed(home, home / "out" / "checkpoint-5")),
    Case("One text in place of a column", '`EmbeddingSimilarityEvaluator("abc", …)`.',
         lambda home: evaluator("EmbeddingSimilarityEvaluator", "abc", ["d", "e", "f"], SCORES[:3])),
    Case("A score that is no number", 'The scores `[1, "0.5"]` of an evaluator.',
         lambda home: evaluator("EmbeddingSimilarityEvaluator", ["a", "b"], ["c", "d"], [1, "0.5"])),
    Case("A measure that is none", '`main_similarity="cos"` of an evaluator.',
         lambda home: evaluator("EmbeddingSimilarityEvaluator", ["a"], ["b"], [1], main_similarity="cos")),
)  # fmt: skip
MODELS = (
    Case("A model to train that is not there", '`SentenceTransformer("./model")`.', lambda home: model(home / "model")),
    Case("A similarity that is none, to train", '`similarity_fn_name="cos"`.',
         lambda home: model(modules=[table()], similarity_fn_name="cos")),
)  # fmt: skip
RECIPES = (
    Case("A recipe without data", "No `[[data]]`.", lambda home: recipe(home, RECIPE.replace("[[data]]", "[data]"))),
    Case("A recipe with an unknown key", "Nothing has been loaded yet.",
         lambda home: recipe(home, RECIPE + "[loss]\nname = 'MultipleNegativesRankingLoss'\nscal = 30\n")),
    Case("A recipe with an unknown loss", "`[loss]`.",
         lambda home: recipe(home, RECIPE + "[loss]\nname = 'MNRLoss'\n")),
    Case("A recipe whose data is not there", "`file`.",
         lambda home: recipe(home, RECIPE.replace("pairs.jsonl", "pears.jsonl"))),
)  # fmt: skip


def table() -> Any:
    from tests.trainer.static_models import table as made

    return made()


CASES = (*DATA, *LOSSES, *ARGUMENTS, *MODELS, *RECIPES)
TOPIC = Topic(
    "Trainer",
    "`airvec_trainer` and `airvec train`. What can be known is told before the first step: a few rows go through the"
    " loss first.",
    CASES,
    slow=True,
)
