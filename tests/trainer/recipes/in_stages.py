"""A task in BEIR's layout, a static model of its words, and a recipe in stages on both.

Knows nothing of tests.
"""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from airvec_trainer.modules import StaticEmbedding
from airvec_trainer.sentence_transformer import SentenceTransformer

COUNT = 40
ASKED, TOLD = [f"ask{number}" for number in range(COUNT)], [f"told{number}" for number in range(COUNT)]
RECIPE = """
[model]
kind = "dense"
name = "base"

[[data]]
name = "task"
beir = "task"
split = "train"
held_out_queries = 0.25

[[stages]]
name = "general"

[[stages.data]]
name = "pairs"
file = "pairs.tsv"
columns = {anchor = "left", positive = "right"}

[[stages]]
name = "task"
data = ["task"]

[[stages]]
name = "mined"
data = ["task"]
rounds = 2

[stages.mining]
num_negatives = 2
output_format = "n-tuple"

[stages.arguments]
learning_rate = 0.2

[loss]
name = "MultipleNegativesRankingLoss"

[arguments]
output_dir = "out"
max_steps = 4
per_device_train_batch_size = 8
learning_rate = 0.5
logging_steps = 1
save_steps = 2
use_cpu = true
seed = 7

[[evaluation]]
evaluator = "InformationRetrievalEvaluator"
name = "held-out"
data = "task"
"""


def static_base(folder: Path) -> Path:
    """A model whose vectors are random, one a word."""
    words = ["[PAD]", *ASKED, *TOLD, "the", "of", "again"]
    made = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="[PAD]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    table = torch.randn(len(words), 8, generator=torch.Generator().manual_seed(3))
    SentenceTransformer(modules=[StaticEmbedding(made, table)], device="cpu").save_pretrained(str(folder))
    return folder


def beir(folder: Path) -> Path:
    """Query `ask3` has the document `told3`, and shares words with those beside it."""
    (folder / "qrels").mkdir(parents=True)
    texts = {f"d{number}": f"the {TOLD[number]} of {TOLD[(number + 1) % COUNT]}" for number in range(COUNT)}
    lines = [json.dumps({"_id": key, "title": "", "text": text}) for key, text in texts.items()]
    (folder / "corpus.jsonl").write_text("\n".join(lines) + "\n")
    asked = [json.dumps({"_id": f"q{number}", "text": f"the {word}"}) for number, word in enumerate(ASKED)]
    (folder / "queries.jsonl").write_text("\n".join(asked) + "\n")
    grades = ["query-id\tcorpus-id\tscore", *(f"q{number}\td{number}\t1" for number in range(COUNT))]
    (folder / "qrels" / "train.tsv").write_text("\n".join(grades) + "\n")
    return folder


def written(folder: Path, *changes: tuple[str, str], more: str = "") -> Path:
    """The recipe with its data and its model; what is given replaces parts of it."""
    if not (folder / "base").exists():
        static_base(folder / "base")
        beir(folder / "task")
        rows = [f"{ask} again\t{told} again" for ask, told in zip(ASKED, TOLD, strict=True)]
        (folder / "pairs.tsv").write_text("left\tright\n" + "\n".join(rows) + "\n")
    text = RECIPE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (folder / "recipe.toml").write_text(text + more)
    return folder / "recipe.toml"
