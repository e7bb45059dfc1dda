"""Old training code's readers: files of texts -> lists of InputExample.

Line ends do not become part of a text, as they do in sentence-transformers' NLIDataReader and PairedFilesReader: a
tokenizer that counts them as tokens would give another vector for them.
Knows nothing of models and training.
"""

import csv
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar

from airvec.errors import ArgumentError
from airvec_trainer.examples import InputExample

__all__ = [
    "InputExample", "LabelSentenceReader", "NLIDataReader", "PairedFilesReader", "STSBenchmarkDataReader",
    "STSDataReader", "TripletReader",
]  # fmt: skip


class NLIDataReader:
    """Natural language inference from three gzipped files: `s1.NAME`, `s2.NAME` and `labels.NAME`, a row a line."""

    LABELS: ClassVar[dict[str, int]] = {"contradiction": 0, "entailment": 1, "neutral": 2}

    def __init__(self, dataset_folder: str | Path) -> None:
        self.dataset_folder = Path(dataset_folder)

    def get_examples(self, filename: str, max_examples: int = 0) -> list[InputExample]:
        """Examples of a part such as `train.gz`; 0 = all."""
        columns = [_lines(self.dataset_folder / f"{kind}.{filename}", gzipped=True) for kind in ("s1", "s2", "labels")]
        rows = zip(*columns, strict=False)
        return [
            InputExample(guid=f"{filename}-{number}", texts=[first, second], label=self.map_label(label))
            for number, (first, second, label) in _first(rows, max_examples)
        ]

    @classmethod
    def get_labels(cls) -> dict[str, int]:
        """Numbers of the labels by name."""
        return dict(cls.LABELS)

    def get_num_labels(self) -> int:
        """How many labels there are."""
        return len(self.LABELS)

    def map_label(self, label: str) -> int:
        """The number of a label.

        Raises:
            ArgumentError: no such label.
        """
        name = label.strip().lower()
        if name not in self.LABELS:
            raise ArgumentError(
                f"{self.dataset_folder}: label {label!r}, expected one of {', '.join(self.LABELS)}. Leave the row out."
            )
        return self.LABELS[name]


class STSDataReader:
    """Pairs of sentences with a score, a pair a line.

    Args:
        dataset_folder: where the files lie.
        s1_col_idx: column of the first sentence, from 0.
        s2_col_idx: column of the second.
        score_col_idx: column of the score.
        delimiter: between columns.
        quoting: as the module csv has it.
        normalize_scores: bring scores from `min_score` … `max_score` to 0 … 1.
        min_score: the lowest.
        max_score: the highest.
    """

    def __init__(
        self,
        dataset_folder: str | Path,
        s1_col_idx: int = 0,
        s2_col_idx: int = 1,
        score_col_idx: int = 2,
        delimiter: str = "\t",
        quoting: int = csv.QUOTE_NONE,
        normalize_scores: bool = True,
        min_score: float = 0,
        max_score: float = 5,
    ) -> None:
        self.dataset_folder = Path(dataset_folder)
        self.s1_col_idx, self.s2_col_idx, self.score_col_idx = s1_col_idx, s2_col_idx, score_col_idx
        self.delimiter, self.quoting = delimiter, quoting
        self.normalize_scores, self.min_score, self.max_score = normalize_scores, min_score, max_score

    def get_examples(self, filename: str, max_examples: int = 0) -> list[InputExample]:
        """Examples of a file, which may be gzipped; 0 = all."""
        path = self.dataset_folder / filename
        columns = (self.s1_col_idx, self.s2_col_idx, self.score_col_idx)
        rows = _rows(path, columns, self.delimiter, self.quoting)
        return [
            InputExample(guid=f"{filename}{number}", texts=[first, second], label=self._score(score, path, number))
            for number, (first, second, score) in _first(rows, max_examples)
        ]

    def _score(self, text: str, path: Path, number: int) -> float:
        try:
            score = float(text)
        except ValueError:
            raise ArgumentError(f"{path}: row {number} has score {text!r}, expected a number. Correct it.") from None
        return (score - self.min_score) / (self.max_score - self.min_score) if self.normalize_scores else score


class STSBenchmarkDataReader(STSDataReader):
    """The STS benchmark: sentences in columns 5 and 6, the score in column 4; arguments as `STSDataReader`."""

    def __init__(
        self,
        dataset_folder: str | Path,
        s1_col_idx: int = 5,
        s2_col_idx: int = 6,
        score_col_idx: int = 4,
        delimiter: str = "\t",
        quoting: int = csv.QUOTE_NONE,
        normalize_scores: bool = True,
        min_score: float = 0,
        max_score: float = 5,
    ) -> None:
        super().__init__(
            dataset_folder,
            s1_col_idx,
            s2_col_idx,
            score_col_idx,
            delimiter,
            quoting,
            normalize_scores,
            min_score,
            max_score,
        )


class TripletReader:
    """Anchor, positive and negative, a triplet a line.

    Args:
        dataset_folder: where the files lie.
        s1_col_idx: column of the anchor, from 0.
        s2_col_idx: column of the positive.
        s3_col_idx: column of the negative.
        has_header: leave the first line out.
        delimiter: between columns.
        quoting: as the module csv has it.
    """

    def __init__(
        self,
        dataset_folder: str | Path,
        s1_col_idx: int = 0,
        s2_col_idx: int = 1,
        s3_col_idx: int = 2,
        has_header: bool = False,
        delimiter: str = "\t",
        quoting: int = csv.QUOTE_NONE,
    ) -> None:
        self.dataset_folder = Path(dataset_folder)
        self.columns = (s1_col_idx, s2_col_idx, s3_col_idx)
        self.has_header, self.delimiter, self.quoting = has_header, delimiter, quoting

    def get_examples(self, filename: str, max_examples: int = 0) -> list[InputExample]:
        """Examples of a file; 0 = all."""
        rows = _rows(self.dataset_folder / filename, self.columns, self.delimiter, self.quoting)
        if self.has_header:
            next(rows, None)
        return [InputExample(texts=list(texts)) for _, texts in _first(rows, max_examples)]


class PairedFilesReader:
    """Files whose lines belong together, one text of an example each; a name that ends in .gz is gzipped."""

    def __init__(self, filepaths: Sequence[str | Path]) -> None:
        self.filepaths = [Path(path) for path in filepaths]

    def get_examples(self, max_examples: int = 0) -> list[InputExample]:
        """Examples with the label 1, as many as the shortest file has lines; 0 = all."""
        rows = zip(*(_lines(path, gzipped=path.suffix == ".gz") for path in self.filepaths), strict=False)
        return [
            InputExample(guid=str(number), texts=list(texts), label=1) for number, texts in _first(rows, max_examples)
        ]


class LabelSentenceReader:
    """A label and a sentence a line; labels become numbers in the order in which they are met, over all files.

    Args:
        folder: where the files lie.
        label_col_idx: column of the label, from 0.
        sentence_col_idx: column of the sentence.
        separator: between columns.
    """

    def __init__(
        self, folder: str | Path, label_col_idx: int = 0, sentence_col_idx: int = 1, separator: str = "\t"
    ) -> None:
        self.folder = Path(folder)
        self.label_map: dict[str, int] = {}
        self.columns = (label_col_idx, sentence_col_idx)
        self.separator = separator

    def get_examples(self, filename: str, max_examples: int = 0) -> list[InputExample]:
        """Examples of a file; 0 = all."""
        path = self.folder / filename
        lines = (line.strip().split(self.separator) for line in _lines(path, gzipped=False))
        examples: list[InputExample] = []
        for number, row in _first(lines, max_examples):
            label, sentence = _columns(row, self.columns, path, number)
            label_id = self.label_map.setdefault(label, len(self.label_map))
            examples.append(InputExample(guid=f"{filename}-{number}", texts=[sentence], label=label_id))
        return examples


def _open(path: Path, gzipped: bool) -> IO[str]:
    if gzipped:
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _lines(path: Path, gzipped: bool) -> Iterator[str]:
    with _open(path, gzipped) as file:
        for line in file:
            yield line.rstrip("\r\n")


def _rows(path: Path, columns: Sequence[int], delimiter: str, quoting: Any) -> Iterator[tuple[str, ...]]:
    """The named columns of each row of a CSV file."""
    with _open(path, path.suffix == ".gz") as file:
        for number, row in enumerate(csv.reader(file, delimiter=delimiter, quoting=quoting)):
            yield _columns(row, columns, path, number)


def _columns(row: Sequence[str], columns: Sequence[int], path: Path, number: int) -> tuple[str, ...]:
    if max(columns) >= len(row):
        raise ArgumentError(
            f"{path}: row {number} has {len(row)} columns, expected column {max(columns)} (from 0) in it. "
            "Check the separator and the columns' numbers."
        )
    return tuple(row[column] for column in columns)


def _first(rows: Iterator[Any], count: int) -> Iterator[tuple[int, Any]]:
    """Rows with their numbers, `count` at most; 0 = all."""
    for number, row in enumerate(rows):
        if 0 < count <= number:
            return
        yield number, row
