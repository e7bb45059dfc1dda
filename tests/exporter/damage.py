"""A graph made wrong.

Knows nothing of how it was exported.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def damage(path: Path, factor: float) -> None:
    """Multiply the word embeddings of one token, so that only texts which hold it change."""
    model = onnx.load(path)
    table = max(model.graph.initializer, key=lambda tensor: np.prod(tensor.dims))
    values = numpy_helper.to_array(table).copy()
    values[40] *= factor
    table.CopyFrom(numpy_helper.from_array(values, table.name))
    onnx.save(model, path)


def shuffle(path: Path) -> None:
    """Put the word embeddings in another order: every weight is there, and none in its place."""
    model = onnx.load(path)
    table = max(model.graph.initializer, key=lambda tensor: np.prod(tensor.dims))
    values = numpy_helper.to_array(table)
    table.CopyFrom(numpy_helper.from_array(np.random.default_rng(3).permutation(values), table.name))
    onnx.save(model, path)
