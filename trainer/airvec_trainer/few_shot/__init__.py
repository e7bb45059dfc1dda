"""Classifiers from a few examples a label, in SetFit's manner: the model learns from pairs, then a head on its vectors.

    from airvec_trainer.few_shot import FewShotModel, FewShotTrainer, FewShotTrainingArguments

`SetFitModel`, `Trainer` and `TrainingArguments` are SetFit's names of these three.
Knows nothing of how a classifier is run: that is `airvec.Classifier`.
"""

from airvec_trainer.few_shot.arguments import FewShotTrainingArguments
from airvec_trainer.few_shot.model import FewShotModel
from airvec_trainer.few_shot.rows import sample_dataset
from airvec_trainer.few_shot.trainer import FewShotTrainer

SetFitModel = FewShotModel
Trainer = FewShotTrainer
TrainingArguments = FewShotTrainingArguments

__all__ = [
    "FewShotModel",
    "FewShotTrainer",
    "FewShotTrainingArguments",
    "SetFitModel",
    "Trainer",
    "TrainingArguments",
    "sample_dataset",
]
