"""Gathers the texts that the default model learns from, as groups of texts that resemble each other.

Sources, all freely licensed: Debian's English package descriptions, MedQuAD, CLINC150, Tatoeba's English sides, SNLI.
Every source keeps what belongs together side by side (a premise and its hypotheses, a question and sentences of its
answer, a sentence and the same with a word changed), because the loss compares texts within a batch.
Knows nothing of the teacher and of vectors.
"""

import csv
import gzip
import json
import random
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
from counts import paragraphs

Group = list[str]
HELD_OUT_SHARE = 10  # one of so many subjects of MedQuAD is never learnt from, so that its questions can measure


def gather(data: Path, descriptions: Path, words: tuple[list[str], np.ndarray], recipe: dict[str, int]) -> list[str]:
    """All texts, groups in an order drawn by chance, cut where `largest` different ones are reached.

    Args:
        data: Folder with `snli/`, `tatoeba/`, `clinc150/` and `medquad/`.
        descriptions: Debian's, unpacked.
        words: The vocabulary, and how often each token decides what a text is about.
        recipe: The numbers of `[texts]`.
    """
    general = [*snli(data / "snli" / "dev.tsv")], [*tatoeba(data / "tatoeba")], [*clinc(data / "clinc150")]
    packages = [*debian(descriptions.read_text(encoding="utf-8"))]
    chance = random.Random(recipe["seed"])
    chance.shuffle(packages)
    vocabulary, telling = words
    alone = np.array([word.isalpha() for word in vocabulary])
    put_in = [word for word in vocabulary if word.isalpha()], running(telling, 0.3)[1][alone]
    groups = [group for source in general for group in source]
    groups += medquad(data / "medquad" / "pairs.jsonl.gz", recipe["sentences_an_answer"])
    groups += packages[: recipe["debian_groups"]]
    to_change = [*general[0], *general[1], *general[2][::2]]
    groups += changed(to_change, put_in[0], np.cumsum(put_in[1]).tolist(), recipe["seed"] + 1)
    groups += bags(vocabulary, running(telling, 0.4)[0].tolist(), recipe["bags"], recipe["seed"] + 2)
    chance.shuffle(groups)
    return cut((text for group in groups for text in group), recipe["largest"])


def running(telling: np.ndarray, even_share: float) -> tuple[np.ndarray, np.ndarray]:
    """Running sums of the words' chances, and the chances; in `even_share` of the draws all words are equally likely.

    >>> running(np.array([3.0, 1.0]), 0.5)[0].tolist()
    [0.625, 1.0]
    """
    chances = (1 - even_share) * telling / telling.sum() + even_share / len(telling)
    return np.cumsum(chances), chances


def cut(texts: Iterable[str], largest: int) -> list[str]:
    """The texts up to the last before so many different ones would be exceeded.

    >>> cut(["a", "b", "a", "c"], 2)
    ['a', 'b', 'a']
    """
    seen: set[str] = set()
    kept: list[str] = []
    for text in texts:
        seen.add(text)
        if len(seen) > largest:
            break
        kept.append(text)
    return kept


def snli(file: Path) -> Iterator[Group]:
    """A premise and its hypotheses."""
    for premise, rows in groupby(table(file), key=lambda row: row["sentence1"]):
        yield [premise, *(row["sentence2"] for row in rows)]


def tatoeba(folder: Path) -> Iterator[Group]:
    """The English sides, each once and alone, in the order of their characters."""
    lines = (line for file in folder.glob("*-eng.tsv") for line in file.read_text(encoding="utf-8").splitlines())
    for text in sorted({line.split("\t")[1] for line in lines}):
        yield [text]


def clinc(folder: Path, together: int = 4) -> Iterator[Group]:
    """Requests of one intent, a few together."""
    for name in ("train.tsv", "val.tsv"):
        for _, rows in groupby(table(folder / name), key=lambda row: row["label"]):
            asked = [row["text"] for row in rows]
            yield from (asked[start : start + together] for start in range(0, len(asked), together))


def medquad(file: Path, sentences: int, *, held_out: bool = False) -> Iterator[Group]:
    """A question, the start of its answer, and some sentences of it drawn by chance.

    Args:
        file: gzip JSONL with `id`, `question`, `focus` and `answer`.
        sentences: At most so many of an answer.
        held_out: The tenth that nothing is learnt from (chosen by what the question is about), answers whole.
    """
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        pairs = [json.loads(line) for line in lines]
    for pair in pairs:
        if (zlib.crc32(pair["focus"].encode()) % HELD_OUT_SHARE == 0) != held_out:
            continue
        if held_out:
            yield [pair["question"], pair["answer"]]
            continue
        parts = [part for part in re.split(r"(?<=[.?!]) +|\s+-\s+", pair["answer"]) if len(part.split()) >= 4]
        chance = random.Random(pair["id"])
        chosen = sorted(range(len(parts)), key=lambda _: chance.random())[:sentences]
        yield [pair["question"], " ".join(pair["answer"].split()[:60]), *(parts[i] for i in sorted(chosen))]


def debian(descriptions: str, together: int = 3) -> Iterator[Group]:
    """Neighbouring paragraphs of Debian's package descriptions, each once: often a synopsis and what explains it."""
    found = [text for text in paragraphs(descriptions) if len(text.split()) >= 3]
    yield from (found[start : start + together] for start in range(0, len(found), together))


def changed(groups: Iterable[Group], words: list[str], chances: list[float], seed: int) -> Iterator[Group]:
    """Each text beside two that differ from it by a word or two: another word put in, or a word left out.

    Args:
        groups: Texts to change.
        words: Words to put in.
        chances: Running sums of the words' chances.
        seed: Of what is drawn.
    """
    chance = random.Random(seed)
    for text in (text for group in groups for text in group):
        split = text.split()
        if len(split) < 3:
            continue
        other, shorter = list(split), list(split)
        for place in chance.sample(range(len(split)), 1 + (len(split) > 6)):
            other[place] = chance.choices(words, cum_weights=chances)[0]
        del shorter[chance.randrange(len(split))]
        yield [text, " ".join(other), " ".join(shorter)]


def bags(words: list[str], chances: list[float], number: int, seed: int) -> Iterator[Group]:
    """Random words, 2 to 12, beside the same with one word changed."""
    chance = random.Random(seed)
    for _ in range(number):
        drawn = chance.choices(words, cum_weights=chances, k=chance.randint(2, 12))
        again = list(drawn)
        again[chance.randrange(len(again))] = chance.choices(words, cum_weights=chances)[0]
        yield [" ".join(drawn).replace(" ##", ""), " ".join(again).replace(" ##", "")]


def table(file: Path) -> Iterator[dict[str, str]]:
    """Rows of a TSV file with a header and without quoting."""
    with file.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
