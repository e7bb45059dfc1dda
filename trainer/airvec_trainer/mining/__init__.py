"""Hard negatives: texts that look like a query's positive and are none, in five plain steps.

`recipe.py` is read first: retrieve → filter by rank → filter by score → sample → arrange, a file each. Needs no torch
but what the model brings, so that it mines with exported folders and BM25, too.
Knows nothing of training.
"""

from airvec_trainer.mining.hard_negatives import mine_hard_negatives
from airvec_trainer.mining.recipe import mine
from airvec_trainer.mining.report import MiningReport, Summary
from airvec_trainer.mining.settings import MiningSettings

__all__ = ["MiningReport", "MiningSettings", "Summary", "mine", "mine_hard_negatives"]
