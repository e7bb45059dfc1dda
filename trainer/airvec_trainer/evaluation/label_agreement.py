"""How far predicted labels agree with the right ones: accuracy, precision, recall and F1, over all labels.

Knows nothing of models, texts and how labels were predicted.
"""

import numpy as np
import numpy.typing as npt

from airvec.errors import ArgumentError

__all__ = ["label_agreement"]


def label_agreement(expected: npt.ArrayLike, predicted: npt.ArrayLike) -> dict[str, float]:
    """Accuracy, which is also micro-averaged F1, and the means over the labels of F1, precision and recall.

    The plain names are means over the labels that occur in either list, each counting once; those with `_weighted`
    count each label as often as it is expected. What would be divided by 0 is 0.

    Args:
        expected: (n,), whole numbers from 0.
        predicted: (n,), likewise.

    Raises:
        ArgumentError: not as many of each, or none.

    >>> found = label_agreement([0, 0, 0, 1], [0, 0, 1, 1])  # F1 4/5 and 2/3
    >>> round(found["accuracy"], 6), round(found["f1"], 6), round(found["f1_weighted"], 6)
    (0.75, 0.733333, 0.766667)
    """
    right, given = np.asarray(expected, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    if right.shape != given.shape or right.ndim != 1 or not len(right):
        raise ArgumentError(
            f"labels: of shape {list(right.shape)}, and predictions of {list(given.shape)}, expected as many, and one "
            "at least. Give one of each a row."
        )
    width = int(max(right.max(), given.max())) + 1
    hits = np.bincount(right[right == given], minlength=width)
    wanted, told = np.bincount(right, minlength=width), np.bincount(given, minlength=width)
    seen = (wanted + told) > 0
    by_label = {
        "f1": 2 * hits / np.maximum(wanted + told, 1),
        "precision": hits / np.maximum(told, 1),
        "recall": hits / np.maximum(wanted, 1),
    }
    found = {"accuracy": float(hits.sum() / len(right))}
    for name, values in by_label.items():
        found[name] = float(values[seen].mean())
        found[f"{name}_weighted"] = float(values @ wanted / len(right))
    return found
