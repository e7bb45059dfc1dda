"""Is a text's answer the same alone, in a batch, and beside other neighbours?

airvec's batches hold texts of like length up to a budget of tokens, so the texts are short enough to share one.
Knows nothing of torch.
"""

import random
from typing import Any

import numpy as np

from airvec.arrays import Floats
from airvec.folder import SPARSE
from airvec_exporter.verify.answers import Trial, answer

COUNT = 24  # texts, each of them in 1 call alone and in 4 with neighbours
LONGEST = 240  # tokens: two of them fit a batch of 512. OpenVINO's int8 moved no text of fewer than 150
LONGEST_SPARSE = 120  # where there is a head over the vocabulary, a batch has 256
GROUPS = (2, 2, 5)  # texts a call, each time shuffled anew; at last all in one call
SEED = 7


def batch_moves(trial: Trial, model: Any) -> tuple[list[int], Floats]:
    """The largest |difference| of any element that neighbours make in the answer to each of some inputs.

    Returns:
        Rows of the trial's inputs, and their differences (rows,), not divided by the trial's scale.
    """
    rows = sample(trial.counts, LONGEST_SPARSE if trial.kind == SPARSE else LONGEST)
    inputs: list[Any] = [trial.inputs[row] for row in rows]
    alone = np.concatenate([answer(trial, model, [one]) for one in inputs])
    moves = np.zeros(len(rows), np.float32)
    shuffled = random.Random(SEED)
    for size in (*GROUPS, len(rows)):
        order = shuffled.sample(range(len(rows)), len(rows))
        for start in range(0, len(order), size):
            places = order[start : start + size]
            found = answer(trial, model, [inputs[place] for place in places])
            moves[places] = np.maximum(moves[places], np.abs(found - alone[places]).max(axis=1))
    return rows, moves


def sample(counts: tuple[int, ...], longest: int = LONGEST) -> list[int]:
    """Rows of texts with at most so many tokens, evenly spread by length; with fewer than two, the two shortest."""
    order = sorted(range(len(counts)), key=lambda row: counts[row])
    short = [row for row in order if counts[row] <= longest]
    short = short if len(short) > 1 else order[:2]
    count = min(COUNT, len(short))
    return [short[place * (len(short) - 1) // (count - 1)] for place in range(count)]
