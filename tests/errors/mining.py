"""Minings that cannot be right, and what is told of those that go on."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.errors.cases import Case, Topic

ROWS = {"query": ["a parcel", "a dish"], "answer": ["It takes two days.", "It is vegan."]}


def mined(rows: dict[str, Any] | None = None, model: Any = None, **given: Any) -> object:
    """Mine among a few texts with a model of fixed vectors."""
    from datasets import Dataset

    from airvec_trainer import mine_hard_negatives
    from tests.trainer.mining.stand_in import NoiseModel

    quiet = {"num_negatives": 1, "verbose": False, "show_progress_bar": False}
    return mine_hard_negatives(Dataset.from_dict(rows or ROWS), model or NoiseModel(), **quiet | given)


def with_no_numbers(_: Path) -> object:
    from tests.trainer.mining.stand_in import NoiseModel

    model = NoiseModel()
    model.encode_query = lambda texts, **given: np.full((len(texts), 4), np.nan)
    return mined(model=model)


def with_labels(_: Path) -> object:
    from tests.trainer.mining.stand_in import PairScores

    scorer = PairScores()
    scorer.predict = lambda asked, **given: np.zeros((len(asked), 3))
    return mined(cross_encoder=scorer, max_score=0.5)


def with_stale_vectors(home: Path) -> object:
    from tests.trainer.mining.stand_in import NoiseModel

    mined(cache_folder=home / "vectors")
    for file in (home / "vectors").iterdir():
        if file.name.startswith("corpus"):
            file.rename(home / "kept")
    return mined(model=NoiseModel(seed=1), cache_folder=home / "vectors")


def with_words_and_prompts(_: Path) -> object:
    from airvec.search import BM25

    return mined(model=BM25(), query_prompt="query: ")


TOPIC = Topic(
    "Hard negatives",
    "Of `mine_hard_negatives` ([mining.md](mining.md)). Nothing has been encoded where an argument is wrong.",
    (
        Case(
            "A column that is not there",
            '`anchor_column_name="question"`.',
            lambda _: mined(anchor_column_name="question"),
        ),
        Case(
            "A text that is empty",
            "In the second row.",
            lambda _: mined({**ROWS, "answer": ["It takes two days.", " "]}),
        ),
        Case(
            "Fewer documents than negatives",
            "`num_negatives=5` among two answers, in n-tuples; in other formats a warning, if there is one at all.",
            lambda _: mined(num_negatives=5, output_format="n-tuple"),
        ),
        Case(
            "Ranks that leave too few",
            "`range_min=10, range_max=12`.",
            lambda _: mined(range_min=10, range_max=12, num_negatives=3),
        ),
        Case("A format that is none", '`output_format="pairs"`.', lambda _: mined(output_format="pairs")),
        Case("Two indexes", '`use_faiss=True, index="usearch"`.', lambda _: mined(use_faiss=True, index="usearch")),
        Case("A name to mine with", '`model="all-MiniLM-L6-v2"`.', lambda _: mined(model="all-MiniLM-L6-v2")),
        Case("Prompts for word counts", '`model=BM25(), query_prompt="query: "`.', with_words_and_prompts),
        Case("A model whose vectors are no numbers", "After a training that went wrong.", with_no_numbers),
        Case("A cross-encoder with several labels", "Which label would be the score?", with_labels),
        Case("Filters that leave nothing", "`max_score=-1`.", lambda _: mined(max_score=-1)),
        Case("An old spelling", "`margin=0.1`.", lambda _: mined(margin=0.1)),
        Case(
            "Vectors of another model in the cache",
            "The same texts, and the folder was exported again.",
            with_stale_vectors,
        ),
    ),
    slow=True,
)
