"""Pairs of texts as tokens: every family's template and `longest_first`, against transformers' own tokenizers.

Knows nothing of models.
"""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from airvec.folder.tokenizer import TokenizerSpec, read_tokenizer_spec
from airvec.json_file import JsonObject
from airvec.pairs import encode_pairs
from airvec.tokenizer import open_tokenizer
from tests import tiny
from tests.tiny.checkpoints import write_tokenizer
from tests.tiny.tokenizers import TOKENIZERS

pytestmark = pytest.mark.parity

WORDS = tiny.texts(30)[5].split()
PAIRS = list(product([" ".join(WORDS[:count]) for count in range(9)], repeat=2))
LIMITS = (4, 5, 6, 7, 9, 12, 17, 80)


@pytest.fixture(scope="module", params=TOKENIZERS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp(request.param)
    write_tokenizer(home, request.param)
    return home


def settings(folder: Path) -> TokenizerSpec:
    empty = JsonObject("config.json", {})
    return read_tokenizer_spec(folder, empty, empty)


@pytest.mark.parametrize("side", ["right", "left"])
def test_tokens_and_types_equal_transformers_at_every_limit(folder: Path, side: str):
    theirs = AutoTokenizer.from_pretrained(folder, truncation_side=side)
    ours = open_tokenizer(settings(folder)._replace(truncation_side=side))
    cut = 0
    for limit in LIMITS:
        made = theirs(
            [first for first, _ in PAIRS], [second for _, second in PAIRS],
            truncation="longest_first", max_length=limit,
        )  # fmt: skip
        kinds = made.get("token_type_ids") or [[0] * len(ids) for ids in made["input_ids"]]  # not all give them
        found = encode_pairs(ours.with_max_length(limit), PAIRS)
        cut += int((found.lengths == limit).sum())
        assert [part.tolist() for part in np.split(found.ids, found.offsets[1:-1])] == made["input_ids"]
        assert [part.tolist() for part in np.split(found.type_ids, found.offsets[1:-1])] == kinds
    assert cut > len(PAIRS)
