"""Banking77 with a few examples a label: heads on frozen vectors, and on those of a model trained on the examples.

    python benchmarks/few_shot.py FOLDER                             # an exported model, frozen: under a minute
    python benchmarks/few_shot.py FOLDER --tune CHECKPOINT           # and trained, from its checkpoint in torch
    python benchmarks/few_shot.py FOLDER --tune CHECKPOINT --loss CosineSimilarityLoss --epochs 1 --batch-size 16 \
        --learning-rate 2e-5                                         # in SetFit's way
    python benchmarks/few_shot.py default                            # the model inside airvec

A fifth of each label's texts is the test, cut by one seed; examples are drawn from the others by the seeds of the
table, so that every head sees the same. Accuracy x 100, mean ± standard deviation over the seeds, is that of
`airvec.Classifier`; the column "as scikit-learn" counts where its labels are the estimator's.
Knows nothing of how the folder was made.
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measure.datasets import DATA, MissingDataError, read_texts
from measure.report import machine, machine_line
from measure.table import markdown
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from airvec import Classifier, SentenceTransformer

CUT = 0  # the seed of the cut into test and the rest
TEST_SHARE = 0.2
HEADS: dict[str, Callable[[], Any]] = {
    "LogisticRegression": lambda: LogisticRegression(max_iter=500),
    "LinearSVC": lambda: LinearSVC(max_iter=2000),
    "KNN, 5, cosine": lambda: KNeighborsClassifier(5, metric="cosine"),
    "MLP, 256": lambda: MLPClassifier((256,), max_iter=500, random_state=0),
}
Row = dict[str, object]


@dataclass(frozen=True)
class Labelled:
    """n texts and their labels."""

    texts: list[str]
    labels: list[str]

    def at(self, places: Sequence[int]) -> "Labelled":
        """Those at these places."""
        return Labelled([self.texts[place] for place in places], [self.labels[place] for place in places])


class Remembered:
    """A model that encodes each text once, as all heads read the same vectors."""

    def __init__(self, model: Any, texts: Sequence[str]) -> None:
        vectors = model.encode(texts, show_progress_bar=sys.stderr.isatty())
        self.vectors = dict(zip(texts, vectors, strict=True))

    def encode(self, inputs: Sequence[str], *_given: object, **_more: object) -> np.ndarray:
        """The vectors of texts, float32 (n, dim)."""
        return np.stack([self.vectors[text] for text in inputs])


def read_labelled(file: Path) -> Labelled:
    """Read a TSV file with the columns label and text.

    Raises:
        MissingDataError: there is no such file.
    """
    rows = [line.split("\t") for line in read_texts(file)[1:]]
    return Labelled([row[1] for row in rows], [row[0] for row in rows])


def cut(labels: Sequence[str], seed: int = CUT) -> tuple[list[int], list[int]]:
    """Places of the examples to draw from and of the test: a fifth of each label's, the same in every run."""
    random = np.random.default_rng(seed)
    pool: list[int] = []
    test: list[int] = []
    for places in _by_label(labels):
        mixed = random.permutation(places).tolist()
        size = round(TEST_SHARE * len(mixed))
        test += mixed[:size]
        pool += mixed[size:]
    return sorted(pool), sorted(test)


def drawn(labels: Sequence[str], shots: int, seed: int) -> list[int]:
    """Places of so many examples of each label."""
    random = np.random.default_rng(seed)
    return [place for places in _by_label(labels) for place in random.permutation(places)[:shots].tolist()]


def _by_label(labels: Sequence[str]) -> list[list[int]]:
    found: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        found.setdefault(label, []).append(place)
    return [found[label] for label in sorted(found)]


def score(model: Any, head: str, examples: Labelled, test: Labelled) -> tuple[float, float, float]:
    """Accuracy x 100 of one head, the share x 100 of labels that are the estimator's, and seconds of its fit."""
    vectors = model.encode(examples.texts)
    start = time.perf_counter()
    fitted = HEADS[head]().fit(vectors, examples.labels)
    seconds = time.perf_counter() - start
    found = np.array(Classifier.from_sklearn(model, fitted).predict(test.texts))
    alike = found == fitted.predict(model.encode(test.texts))
    return 100 * float(np.mean(found == np.array(test.labels))), 100 * float(alike.mean()), seconds


def summary(way: str, shots: int, head: str, scores: Sequence[tuple[float, float, float]], before: float) -> Row:
    """A line of the table; `before` is the seconds that the model took, mean over the seeds."""
    accuracy, alike, seconds = np.array(scores).T
    return {
        "vectors": way,
        "examples a label": shots,
        "head": head,
        "accuracy": f"{accuracy.mean():.2f} ± {accuracy.std(ddof=1) if len(accuracy) > 1 else 0:.2f}",
        "as scikit-learn, %": float(alike.mean()),
        "seconds": float(before + seconds.mean()),
    }


def described(model: Any, test: Labelled) -> Row:
    """The line without examples: a label's name is its description."""
    start = time.perf_counter()
    names = {label: label.replace("_", " ") for label in sorted(set(test.labels))}
    found = Classifier.from_descriptions(model, names).predict(test.texts)
    accuracy = 100 * float(np.mean(np.array(found) == np.array(test.labels)))
    return {
        "vectors": "frozen", "examples a label": 0, "head": "names as descriptions", "accuracy": f"{accuracy:.2f}",
        "as scikit-learn, %": None, "seconds": time.perf_counter() - start,
    }  # fmt: skip


def frozen(model: Any, pool: Labelled, test: Labelled, options: argparse.Namespace) -> Iterator[Row]:
    """Heads on the vectors as they are."""
    for shots in options.shots:
        draws = [pool.at(drawn(pool.labels, shots, seed)) for seed in range(options.seeds)]
        for head in HEADS:
            yield summary("frozen", shots, head, [score(model, head, examples, test) for examples in draws], 0.0)


def tuned(pool: Labelled, test: Labelled, options: argparse.Namespace) -> Iterator[Row]:
    """Heads on the vectors of a model that was trained on the examples first."""
    for shots in options.tune_shots:
        models: list[tuple[Any, Labelled]] = []
        seconds: list[float] = []
        for seed in range(options.tune_seeds):
            examples = pool.at(drawn(pool.labels, shots, seed))
            body, spent = trained(options, examples, seed)
            models.append((Remembered(body, list(dict.fromkeys([*examples.texts, *test.texts]))), examples))
            seconds.append(spent)
        for head in HEADS:
            scores = [score(model, head, examples, test) for model, examples in models]
            yield summary(options.loss, shots, head, scores, float(np.mean(seconds)))


def trained(options: argparse.Namespace, examples: Labelled, seed: int) -> tuple[Any, float]:
    """The checkpoint after the examples, paired for losses of pairs, and the seconds of it."""
    from datasets import Dataset  # torch, which frozen vectors do without

    from airvec_trainer import SentenceTransformer as Trainable
    from airvec_trainer import losses
    from airvec_trainer.few_shot import FewShotTrainer, FewShotTrainingArguments

    data = Dataset.from_dict({"text": examples.texts, "label": examples.labels})
    body = Trainable(str(options.tune), device="cpu")
    with tempfile.TemporaryDirectory() as scratch:
        given = FewShotTrainingArguments(
            scratch, loss=getattr(losses, options.loss), num_iterations=options.num_iterations, seed=seed,
            num_epochs=options.epochs, batch_size=options.batch_size, max_steps=options.max_steps,
            body_learning_rate=options.learning_rate, save_strategy="no", logging_steps=100,
        )  # fmt: skip
        start = time.perf_counter()
        FewShotTrainer(body, given, data).train()
    return body, time.perf_counter() - start


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="FOLDER", help="exported model; 'default' = the one inside airvec")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with banking77/ (%(default)s)")
    parser.add_argument("--shots", type=int, nargs="+", default=[8, 16], help="examples a label (%(default)s)")
    parser.add_argument("--seeds", type=int, default=5, help="draws of examples (%(default)s)")
    parser.add_argument("--tune", metavar="CHECKPOINT", help="the model in torch, to train on the examples")
    parser.add_argument("--tune-shots", type=int, nargs="+", default=[8], help="as --shots, for --tune (%(default)s)")
    parser.add_argument("--tune-seeds", type=int, default=3, help="as --seeds, for --tune (%(default)s)")
    parser.add_argument("--loss", default="SupConLoss", help="of the model (%(default)s)")
    parser.add_argument("--epochs", type=float, default=10, help="passes over texts or pairs (%(default)s)")
    parser.add_argument("--batch-size", type=int, default=128, help="texts or pairs (%(default)s)")
    parser.add_argument("--num-iterations", type=int, default=5, help="pairs of each kind a text (%(default)s)")
    parser.add_argument("--learning-rate", type=float, default=1e-4, help="of the model (%(default)s)")
    parser.add_argument("--max-steps", type=int, default=-1, help="stop after so many, for a trial (%(default)s)")
    return parser.parse_args()


def main() -> int:
    """Score and print."""
    options, facts = arguments(), machine()  # its load is that before the first measurement
    try:
        data = read_labelled(options.data / "banking77" / "train.tsv")
    except MissingDataError as error:
        print(error, file=sys.stderr)
        return 2
    pool, test = (data.at(places) for places in cut(data.labels))
    model = Remembered(
        SentenceTransformer(None if options.model == "default" else options.model),
        list(dict.fromkeys([*data.texts, *(label.replace("_", " ") for label in data.labels)])),
    )
    rows = [described(model, test), *frozen(model, pool, test, options)]
    if options.tune:
        rows += tuned(pool, test, options)
    name = options.model if options.model == "default" else Path(options.model).resolve().name
    print(f"{name}: {len(test.texts):,} test texts, {len(set(test.labels))} labels. {machine_line(facts)}\n")
    print(markdown(rows))
    return 0


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message=".*pin_memory.*")
    sys.exit(main())
