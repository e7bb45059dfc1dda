"""What graphs were measured at, as cells of a table; times are in milliseconds, shares of ten neighbours in percent.

Knows nothing of how anything was measured, and of where the numbers come from.
"""

from collections.abc import Callable, Mapping, Sequence

NONE = "–"

Cell = Callable[[float], str]


def _short(value: float) -> str:
    """Three digits, or whole numbers above them."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _cosine(value: float) -> str:
    return f"{value:.4f}"


def _delta(value: float) -> str:
    return f"{value:.1e}"


def _share(value: float) -> str:
    return f"{100 * value:.1f}"


# Name of the number → title and form of its column.
COLUMNS: dict[str, tuple[str, Cell]] = {
    "megabytes": ("MB", _short),
    "max_delta": ("max |Δ|", _delta),
    "mean_cosine": ("cosine", _cosine),
    "min_cosine": ("cos min", _cosine),
    "rank_correlation": ("rank ρ", _cosine),
    "top10_overlap": ("top10", _share),
    "batch_delta": ("batch Δ", _delta),
    "load_ms": ("load", _short),
    "one_text_ms": ("1 text", _short),
    "texts_per_second": ("text/s", _short),
    "sts": ("STS", "{:.2f}".format),
    "ndcg": ("NDCG", "{:.2f}".format),
}


def columns(measured: Sequence[Mapping[str, float]]) -> tuple[list[str], list[list[str]]]:
    """Titles and cells of what was measured of some graphs: "–" where a number is missing, no column that all miss.

    Args:
        measured: the numbers of each graph, by name; other names than those of COLUMNS are left out.

    Returns:
        Titles, and as many cells for each graph.
    """
    names = [name for name in COLUMNS if any(name in one for one in measured)]
    cells = [[COLUMNS[name][1](one[name]) if name in one else NONE for name in names] for one in measured]
    return [COLUMNS[name][0] for name in names], cells
