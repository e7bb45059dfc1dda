"""What graphs were measured at, as a table for the terminal: a row a variant, below the name of its body's folder.

Knows nothing of how anything was measured.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from airvec.cli.measured import columns
from airvec.cli.style import table as aligned
from airvec_exporter.verify.measured import Measured

NOT_RUN = "not run here: it is made for other CPUs, so nothing was measured"


def table(measured: Mapping[tuple[Path, str], Measured], unseen: Collection[tuple[Path, str]] = ()) -> str:
    """A table of what `verify` found: at most 100 columns wide, "–" for what was not measured.

    Args:
        measured: by the folder of the body and by variant. Where there are several bodies, each has a row of its own
            above its variants.
        unseen: graphs that this CPU cannot run: each has a row without numbers, and a line that says so.
    """
    names = [*measured, *unseen]
    bodies = list(dict.fromkeys(body for body, _ in names))
    titles, cells = columns([*(one.numbers() for one in measured.values()), *({} for _ in unseen)])
    by_name = dict(zip(names, cells, strict=True))
    rows: list[list[str]] = []
    for body in bodies:
        if len(bodies) > 1:
            rows.append([f"{body.name}/", *("" for _ in titles)])
        rows += [[variant, *by_name[home, variant]] for home, variant in names if home == body]
    lines = aligned(["variant", *titles], rows, right=range(1, len(titles) + 1))
    misses = [f"{variant}: {miss}" for (_, variant), one in measured.items() for miss in one.misses]
    not_run = [f"{variant}: {NOT_RUN}" for variant in dict.fromkeys(variant for _, variant in unseen)]
    return "\n".join((lines, *misses, *not_run))
