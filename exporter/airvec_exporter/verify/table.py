"""What graphs were measured at, as a table for the terminal: a row a variant, below the name of its body's folder.

Knows nothing of how anything was measured.
"""

from collections.abc import Mapping
from pathlib import Path

from airvec.cli.measured import columns
from airvec.cli.style import table as aligned
from airvec_exporter.verify.measured import Measured


def table(measured: Mapping[tuple[Path, str], Measured]) -> str:
    """A table of what `verify` found: at most 100 columns wide, "–" for what was not measured.

    Args:
        measured: by the folder of the body and by variant. Where there are several bodies, each has a row of its own
            above its variants.
    """
    bodies = list(dict.fromkeys(body for body, _ in measured))
    titles, cells = columns([one.numbers() for one in measured.values()])
    by_name = dict(zip(measured, cells, strict=True))
    rows: list[list[str]] = []
    for body in bodies:
        if len(bodies) > 1:
            rows.append([f"{body.name}/", *("" for _ in titles)])
        rows += [[variant, *by_name[home, variant]] for home, variant in measured if home == body]
    lines = aligned(["variant", *titles], rows, right=range(1, len(titles) + 1))
    misses = [f"{variant}: {miss}" for (_, variant), one in measured.items() for miss in one.misses]
    return "\n".join((lines, *misses))
