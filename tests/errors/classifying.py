"""`airvec.Classifier`: estimators that no head can be, models of another width, damaged folders."""

from pathlib import Path

import numpy as np

from airvec import Classifier, SentenceTransformer
from airvec.heads import Linear, Prototypes
from tests.errors.cases import Case, Topic


def made(link: str = "softmax") -> Classifier:
    return Classifier(SentenceTransformer(), Linear(np.ones((2, 256)), np.zeros(2), link), ["pet", "sky"])


def saved(home: Path, **options: bool) -> Path:
    made().save_pretrained(home / "kinds", **options)
    return home / "kinds"


def opened_after_a_cut(home: Path) -> None:
    arrays = saved(home) / "classifier.npz"
    arrays.write_bytes(arrays.read_bytes()[:100])
    Classifier.from_pretrained(home / "kinds")


TOPIC = Topic(
    "Classifiers",
    "A classifier's folder is written whole or not at all, and its arrays have a checksum.",
    (
        Case("An estimator that no head can be", "`Classifier.from_sklearn(model, 'forest')`.",
             lambda home: Classifier.from_sklearn(None, "forest")),
        Case("A head for vectors of another width", "A head fitted on another model's vectors.",
             lambda home: Classifier(None, Prototypes(np.eye(3)), ["a", "b", "c"])),
        Case("Labels that are not as many as the head's outputs", "`Classifier(model, head, ['a'])`.",
             lambda home: Classifier(None, Prototypes(np.eye(3)), ["a"])),
        Case("Probabilities of a support vector machine", "`classifier.predict_proba('a text')`.",
             lambda home: made("margin").predict_proba("a text")),
        Case("A classifier's file that was cut short", "`Classifier.from_pretrained('kinds')`.", opened_after_a_cut),
        Case("A classifier that was saved without its model", "`Classifier.from_pretrained('kinds')`.",
             lambda home: Classifier.from_pretrained(saved(home, copy_model=False))),
        Case("No classifier in a folder", "`Classifier.from_pretrained('./folder')`.",
             Classifier.from_pretrained),
    ),
)  # fmt: skip
