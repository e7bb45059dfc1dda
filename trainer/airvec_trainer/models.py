"""The modules under their old place: `from airvec_trainer import models`.

Knows nothing of its own: everything is in `airvec_trainer.modules`.
"""

from airvec_trainer.modules import *  # noqa: F403
from airvec_trainer.modules import __all__  # noqa: F401
