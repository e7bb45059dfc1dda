"""Old training code's data loaders of InputExample → data sets with columns, as the trainers take them.

Knows nothing of models, losses and training.
"""

from dataclasses import dataclass
from typing import Any

from datasets import Dataset

from airvec.errors import ArgumentError
from airvec_trainer.examples import NoDuplicatesDataLoader, SentenceLabelDataset, plain_label

__all__ = ["Objective", "objective"]

USUAL_BATCH_SIZE = 8


@dataclass(frozen=True)
class Objective:
    """What one data loader says.

    Attributes:
        rows: columns `sentence_0` …, and `label` unless all labels are 0, which an example has by itself.
        batch_size: rows in a batch.
        sampler: the batch sampler of the trainers that does as the loader did.
    """

    rows: Dataset
    batch_size: int
    sampler: str


def objective(loader: Any) -> Objective:
    """Read a data loader once, in its own order.

    Args:
        loader: a `DataLoader` of examples, or anything that gives lists of them and has a `batch_size`.

    Raises:
        ArgumentError: no examples, or examples with different numbers of texts.
    """
    examples = _examples(loader)
    if not examples:
        raise ArgumentError(f"fit: a data loader with {len(examples)} examples, expected at least one. Leave it out.")
    counts = {len(example.texts) for example in examples}
    if len(counts) > 1:
        raise ArgumentError(
            f"fit: examples of {' and '.join(map(str, sorted(counts)))} texts in one data loader, expected as many in "
            "each. Put them into loaders of their own."
        )
    columns = zip(*(example.texts for example in examples), strict=True)
    rows = Dataset.from_dict({f"sentence_{number}": list(texts) for number, texts in enumerate(columns)})
    labels = [plain_label(example.label) for example in examples]
    if any(label != 0 for label in labels):
        rows = rows.add_column("label", labels)  # type: ignore[call-arg]  # its fingerprint is made by a decorator
    return Objective(rows, _batch_size(loader), _sampler(loader))


def _examples(loader: Any) -> list[Any]:
    """The examples themselves: whatever would make tensors of them steps aside while they are read."""
    collate = loader.collate_fn
    loader.collate_fn = list
    try:
        return [example for batch in loader for example in batch]
    finally:
        loader.collate_fn = collate


def _batch_size(loader: Any) -> int:
    """A loader with a batch sampler of its own has none but the sampler's."""
    own = getattr(loader, "batch_size", None)
    return own or getattr(getattr(loader, "batch_sampler", None), "batch_size", None) or USUAL_BATCH_SIZE


def _sampler(loader: Any) -> str:
    if isinstance(loader, NoDuplicatesDataLoader):
        return "no_duplicates"
    by_label = isinstance(getattr(loader, "dataset", None), SentenceLabelDataset)
    return "group_by_label" if by_label else "batch_sampler"
