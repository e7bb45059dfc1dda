"""Does the exported folder, run by airvec, give the checkpoint's answers, run by torch, and how well and how fast?

`verification.py` is read first: what is asked of both, then a measurement of each graph, then its bound.
Knows nothing of how graph and folder were made.
"""

from airvec_exporter.reference import reference
from airvec_exporter.verify.answers import make_pairs
from airvec_exporter.verify.bounds import BOUNDS, Bound, bound_of
from airvec_exporter.verify.measured import Measured, worst
from airvec_exporter.verify.metrics import unit
from airvec_exporter.verify.settings import Checks, check_texts
from airvec_exporter.verify.verification import verify

__all__ = [
    "BOUNDS", "Bound", "Checks", "Measured", "bound_of", "check_texts", "make_pairs", "reference", "unit", "verify",
    "worst",
]  # fmt: skip
