"""`examine`: ten ways in which a model is used wrongly, looked for in a model folder and in a user's own texts.

Knows nothing of how findings are shown.
"""

from airvec.doctor.checks import CHECKS, Finding, examine

__all__ = ["CHECKS", "Finding", "examine"]
