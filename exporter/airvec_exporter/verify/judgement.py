"""Is a measurement within its bound? What is not, is told with the variant, the value, the bound and the worst text.

Knows nothing of how it was measured.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from airvec.folder import RERANKER
from airvec_exporter.errors import VerificationError
from airvec_exporter.verify.answers import Trial
from airvec_exporter.verify.bounds import Bound, is_lossy
from airvec_exporter.verify.measured import Measured


def judge(
    trial: Trial, variant: str, measured: Measured, rows: Mapping[str, int], bound: Bound, *, accept_worse: bool
) -> Measured:
    """Let a measurement through, or not.

    Args:
        trial: what was asked.
        variant: of the graph.
        measured: what was found.
        rows: of the trial's inputs, the worst by each measure's name.
        bound: what is asked of the graph.
        accept_worse: write what is beyond the bound into `misses` instead.

    Raises:
        VerificationError: the measurement is beyond the bound, or an answer is not a number.
    """
    if not math.isfinite(measured.max_delta):
        found = f"{_input(trial, rows['max_delta'])} is {measured.max_delta} from torch, expected a finite number"
        raise VerificationError(_message(trial, variant, found))
    misses = tuple(_misses(trial, measured, rows, bound))
    if misses and not accept_worse:
        hint = " Pass accept_worse=True (--accept-worse) to write it all the same."
        raise VerificationError(_message(trial, variant, misses[0]) + hint)
    return replace(measured, misses=misses)


def _misses(trial: Trial, measured: Measured, rows: Mapping[str, int], bound: Bound) -> Iterator[str]:
    """What is beyond its bound, in words."""
    delta, moved, cosine, order = (
        measured.max_delta,
        measured.batch_delta,
        measured.min_cosine,
        measured.rank_correlation,
    )
    worst = {name: _input(trial, row) for name, row in rows.items()}
    where = f"on {measured.quantity}"
    if bound.max_delta is not None and delta > (limit := bound.max_delta * trial.scale):
        yield f"{worst['max_delta']} is {delta:.2e} from torch, expected at most {limit:.0e} {where}"
    if bound.min_cosine is not None and cosine is not None and cosine < bound.min_cosine:
        yield f"{worst['min_cosine']} has cosine {cosine:.4f} with torch, expected at least {bound.min_cosine:g}"
    if bound.rank_correlation is not None and order is not None and order < bound.rank_correlation:
        yield (
            f"{measured.texts} pairs have rank correlation {order:.4f} with torch, expected at least "
            f"{bound.rank_correlation:g}; the farthest is {worst['max_delta']}"
        )
    if bound.batch_delta is not None and moved is not None and moved > (limit := bound.batch_delta * trial.scale):
        yield f"{worst['batch_delta']} moves by {moved:.2e} with its neighbours, expected at most {limit:.0e} {where}"


def _input(trial: Trial, row: int) -> str:
    kind, text = ("pair", trial.inputs[row]) if trial.kind == RERANKER else ("text", trial.inputs[row][:60])
    return f"{kind} {row} ({text!r:.80}, {trial.counts[row]} tokens)"


def _message(trial: Trial, variant: str, found: str) -> str:
    cause = (
        "its numbers are too coarse for this model" if is_lossy(variant) else "this architecture does not export right"
    )
    return f"{trial.name}: {found}, in variant {variant!r}. Nothing was written; {cause}."
