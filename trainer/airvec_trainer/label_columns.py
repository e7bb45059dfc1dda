"""Which column of a data set holds the labels: it goes by its name.

Knows nothing of what is in columns.
"""

from collections.abc import Sequence

__all__ = ["LABEL_COLUMNS", "label_column"]

LABEL_COLUMNS = ("label", "labels", "score", "scores")


def label_column(names: Sequence[str], valid: Sequence[str] = LABEL_COLUMNS) -> str | None:
    """The column that holds the labels: the first of the valid names that is there; None where none is.

    >>> label_column(["anchor", "score", "label"])
    'label'
    """
    return next((name for name in valid if name in names), None)
