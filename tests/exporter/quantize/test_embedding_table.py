"""Tables of embeddings in int8."""

from collections.abc import Callable

import numpy as np
from onnxscript import ir

from airvec_exporter.quantize.embedding_table import quantize_tables
from airvec_exporter.quantize.sessions import open_session
from tests.exporter.quantize.conftest import pad_to


def test_every_row_has_a_step_of_its_own(portable: Callable[[], ir.Model], tokens: list[list[int]]):
    model = portable()
    name = "body.embeddings.word_embeddings.weight"
    table = model.graph.initializers[name].const_value.numpy()
    batch = dict(pad_to(tokens))
    before = open_session(model, 1).run(None, batch)[0]
    assert quantize_tables(model, smallest=table.size) >= 1
    integers, step = (model.graph.initializers[f"{name}_rows_constant_{n}"].const_value.numpy() for n in (1, 2))
    assert integers.dtype == np.int8
    assert step.shape == (len(table), 1)
    assert (np.abs(integers * step - table) <= step / 2 + 1e-7).all()
    after = open_session(model, 1).run(None, batch)[0]
    real = batch["attention_mask"] > 0
    assert 0 < np.abs(after - before)[real].max() < 1


def test_small_tables_stay(portable: Callable[[], ir.Model]):
    model = portable()
    assert quantize_tables(model) == 0
