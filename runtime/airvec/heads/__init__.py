"""Classifier heads in NumPy: vectors of texts → probabilities of labels, each the numbers of a scikit-learn estimator.

A head is arrays and settings; `fitted.py` reads one from an estimator, `stored.py` writes it down and reads it again.
Knows nothing of texts, models and what the labels are called.
"""

from airvec.heads.averaged import Averaged
from airvec.heads.fitted import Fitted, read_fitted
from airvec.heads.linear import Linear
from airvec.heads.neighbors import Neighbors
from airvec.heads.perceptron import Perceptron
from airvec.heads.prepared import Normalize, Prepared, Standardize
from airvec.heads.protocol import Head
from airvec.heads.prototypes import TEMPERATURE, Prototypes
from airvec.heads.stored import packed, unpacked
from airvec.heads.voting import Voting

__all__ = [
    "TEMPERATURE",
    "Averaged",
    "Fitted",
    "Head",
    "Linear",
    "Neighbors",
    "Normalize",
    "Perceptron",
    "Prepared",
    "Prototypes",
    "Standardize",
    "Voting",
    "packed",
    "read_fitted",
    "unpacked",
]
