"""benchmarks/ablation.py: what it takes out is there, it is put back, and it changes no vector's place."""

import ablation
import numpy as np
import pytest
from ablation import (
    MissingPieceError,
    Piece,
    in_input_order,
    pieces,
    replaced,
    report,
    static_pieces,
    whole_last_batches,
)

from airvec import pipeline
from airvec.batching import plan

LENGTHS = np.array([5, 300, 7, 7, 600, 1, 0, 250, 250, 12])


def test_every_piece_names_what_the_runtime_has():
    for piece in [*pieces(), *static_pieces()]:
        before = pipeline.plan, pipeline.BULK_BATCHES
        with replaced(piece.patches):
            pass
        assert (pipeline.plan, pipeline.BULK_BATCHES) == before


def test_a_name_that_has_gone_is_told_and_nothing_is_replaced():
    with (
        pytest.raises(MissingPieceError, match=r"airvec.pipeline.gone: the runtime has no such name"),
        replaced([(pipeline, "BULK_BATCHES", 1), (pipeline, "gone", 2)]),
    ):
        pass
    assert pipeline.BULK_BATCHES > 1


@pytest.mark.parametrize(
    "cut",
    [in_input_order, ablation.rows_of_32(plan), ablation.with_budget(plan, 700), ablation.as_full_as_can_be(plan)],
)
def test_every_text_is_in_one_batch(cut):
    assert sorted(np.concatenate(cut(LENGTHS, 512, None, 20))) == list(range(len(LENGTHS)))


def test_texts_in_input_order_keep_the_budget():
    batches = in_input_order(LENGTHS, 512)
    assert [list(rows) for rows in batches] == [[0], [1], [2, 3], [4], [5, 6], [7, 8], [9]]
    for rows in batches:
        assert len(rows) == 1 or LENGTHS[rows].max() * len(rows) <= 512
    assert in_input_order(np.array([], np.int64)) == []


def test_halved_batches_are_joined_again():
    seen = []
    whole_last_batches(lambda work, batches, threads: seen.extend(batches))(None, [[9], [1], [2], [3], [4]], 2)
    assert [list(rows) for rows in seen] == [[9], [1, 2], [3, 4]]


def test_each_is_compared_with_the_whole_in_its_own_round():
    kinds = {kind: [1.0, 2.0, 4.0] for kind in ablation.KINDS}
    slower = {kind: [2.0, 4.0, 8.0] for kind in kinds}
    text = report([Piece(ablation.WHOLE, seconds=kinds), Piece("x", seconds=slower)], {"short": ["a"] * 8})
    assert "4 (3–6) short texts a second" in text
    assert "2.00 (2.00–2.00)" in text
