"""Calls of `CrossEncoder` that cannot be, and heads that it does not run."""

from pathlib import Path

from tokenizers import processors

from airvec import CrossEncoder
from tests.errors.cases import Case, Topic
from tests.errors.models import as_saved, ranker
from tests.folders import OLD, reranker, word_model, word_tokenizer, write_modules

SPECIAL_IDS = [("[CLS]", 2), ("[SEP]", 3)]
MISH = "torch.nn.modules.activation.Mish"


def short(home: Path) -> None:
    CrossEncoder(reranker(home / "ranker"), max_length=2)


def of_tensors(_: object) -> None:
    raise TypeError("argument 'input' must be Tensor, not numpy.ndarray")


def swapping_tokenizer(home: Path) -> None:
    folder, tokenizer = reranker(home / "ranker"), word_tokenizer()
    swapped = "[CLS] $B [SEP] $A:1 [SEP]:1"
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", swapped, SPECIAL_IDS)
    tokenizer.save(str(folder / "tokenizer.json"))
    CrossEncoder(folder).predict(("a", "b"))


def without_scores(home: Path) -> None:
    folder = word_model(home / "head", settings={"model_type": "CrossEncoder"})
    CrossEncoder(folder).predict(("a", "b"))


def unknown_head(home: Path) -> None:
    folder = as_saved(reranker(home / "ranker"))
    write_modules(folder, [OLD + "Transformer", "sentence_transformers.cross_encoder.modules.LogitScore"])
    CrossEncoder(folder)


CASES = (
    Case("A text in place of a pair", '`predict("a")`.', lambda home: ranker(home).predict("a")),
    Case("Texts in place of pairs", '`predict(["a", "b", "c"])`.',
         lambda home: ranker(home).predict(["a", "b", "c"])),
    Case("Three texts in place of a pair", '`predict([("a", "b", "c")])`.',
         lambda home: ranker(home).predict([("a", "b", "c")])),
    Case("Something that is no pair among pairs", '`predict([("a", "b"), "c"])`.',
         lambda home: ranker(home).predict([("a", "b"), "c"])),
    Case("Nothing in place of pairs", "`predict()`.", lambda home: ranker(home).predict()),
    Case("A pair with something that is no text", '`predict([("a", "b"), ("a", None)])`.',
         lambda home: ranker(home).predict([("a", "b"), ("a", None)])),
    Case("Pairs without a length", "`predict(zip(queries, documents))`.",
         lambda home: ranker(home).predict(zip("ab", "cd", strict=True))),
    Case("Another number of labels", "`CrossEncoder(folder, num_labels=2)`; the head has 3.",
         lambda home: CrossEncoder(reranker(home / "ranker", 3), num_labels=2)),
    Case("Ranking with several labels", "`rank(query, documents)` of a classifier.",
         lambda home: ranker(home, 3).rank("a", ["b"])),
    Case("Documents that are no list", '`rank("a", "b")`.', lambda home: ranker(home).rank("a", "b")),
    Case("Several queries to rank for", '`rank(["a", "b"], documents)`.',
         lambda home: ranker(home).rank(["a", "b"], ["c"])),
    Case("No results to rank", "`rank(query, documents, top_k=0)`.", lambda home: ranker(home).rank("a", ["b"], 0)),
    Case("An unknown activation", '`predict(pairs, activation_fn="Squash")`.',
         lambda home: ranker(home).predict(("a", "b"), activation_fn="Squash")),
    Case("An activation of torch that airvec does not have", "Saved in `config.json`.",
         lambda home: CrossEncoder(reranker(home / "ranker", sbert_ce_default_activation_function=MISH))),
    Case("An activation with code of its own", "Saved in `config_sentence_transformers.json`; a warning.",
         lambda home: CrossEncoder(as_saved(reranker(home / "ranker"), activation_fn="my.Squash"))),
    Case("An activation that drops pairs", "`activation_fn=lambda logits: logits.mean(axis=0)`.",
         lambda home: ranker(home, 3).predict([("a", "b"), ("a", "c")], activation_fn=lambda x: x.mean(axis=0))),
    Case("A function that takes no arrays", "`activation_fn=torch.sigmoid`.",
         lambda home: ranker(home).predict(("a", "b"), activation_fn=of_tensors)),
    Case("A limit that leaves no room for texts", "`max_length=2`.", short),
    Case("A limit beyond a reranker's positions", "`CrossEncoder(folder, max_length=512)`.",
         lambda home: CrossEncoder(reranker(home / "ranker", max_position_embeddings=16), max_length=512)),
    Case("A tokenizer that makes no pairs", "Its template puts the second text first.", swapping_tokenizer),
    Case("A head that makes no scores", "Its last Dense does not name its output `scores`.", without_scores),
    Case("A head that airvec does not have", "A reranker made of a language model.", unknown_head),
)  # fmt: skip
TOPIC = Topic("CrossEncoder", "Besides those that all classes share.", CASES)
