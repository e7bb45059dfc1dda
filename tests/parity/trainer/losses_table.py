"""Prints the table of losses: what each reads, and how far its value and gradient lie from sentence-transformers'.

    python -m tests.parity.trainer.losses_table

The cases are those of the tests: cases_dense.py, cases_sparse.py, cases_rerank.py, cases_wrapped.py.
"""

import sys
from importlib import import_module
from pathlib import Path

import torch

from tests.parity.trainer.loss_cases import BOUNDS, Agreement, LossCase, worst

HERE = Path(__file__).parent
INTRODUCTION = """# Losses against sentence-transformers 6.2

Printed by `python -m tests.parity.trainer.losses_table`: the largest |difference| of a loss's cases from the
reference's value and gradient, divided by the reference's largest |value|; bfloat16 against the reference in bfloat16.
"""
HEAD = "| loss | data | cases | float32: value | gradient | bfloat16: value | gradient | agrees |"


def lists() -> dict[str, list[LossCase]]:
    """The cases by the name of their list."""
    return {
        path.stem: import_module(f"tests.parity.trainer.{path.stem}").CASES for path in sorted(HERE.glob("cases_*.py"))
    }


def by_loss(cases: list[LossCase]) -> dict[str, list[LossCase]]:
    """The cases of each loss, in order of its name."""
    found: dict[str, list[LossCase]] = {}
    for case in sorted(cases, key=lambda case: case.loss):
        found.setdefault(case.loss, []).append(case)
    return found


def line(loss: str, cases: list[LossCase]) -> tuple[str, bool]:
    """A loss's line, and whether it agrees."""
    measured = {dtype: worst(cases, dtype) for dtype in BOUNDS}
    agrees = all(found is None or found.worst <= BOUNDS[dtype] for dtype, found in measured.items())
    numbers = [number for found in measured.values() for number in shown(found)]
    return "| " + " | ".join([loss, cases[0].data, str(len(cases)), *numbers, "yes" if agrees else "NO"]) + " |", agrees


def shown(found: Agreement | None) -> tuple[str, str]:
    """Value and gradient, two digits each."""
    return ("–", "–") if found is None else (f"{found.value:.1e}", f"{found.gradient:.1e}")


def main() -> int:
    """Print the table; 1 where a loss does not agree."""
    torch.set_num_threads(1)
    cases = [case for some in lists().values() for case in some]
    bounds = f"Bounds: float32 {BOUNDS[torch.float32]:g}, bfloat16 {BOUNDS[torch.bfloat16]:g}; {len(cases)} cases."
    print(f"{INTRODUCTION}\n{bounds}\n")
    print(HEAD + "\n" + "|---" * HEAD.count(" | ") + "|---|")
    right = True
    for loss, some in by_loss(cases).items():
        text, agrees = line(loss, some)
        right = right and agrees
        print(text)
    return int(not right)


if __name__ == "__main__":
    sys.exit(main())
