"""How far a student's embeddings are from its teacher's, squared.

Knows nothing of how a model encodes.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from airvec.errors import ArgumentError
from airvec_trainer.evaluation.columns import same_lengths, some, texts
from airvec_trainer.evaluation.embedding import ENCODES, Ask, Embeddings, EncodeOptions, embed
from airvec_trainer.evaluation.evaluator import Evaluator

__all__ = ["MSEEvaluator", "MSEEvaluatorFromDataFrame"]

ROWS = 1024  # made dense at once


class MSEEvaluator(Evaluator):
    """Mean squared difference of a student's embeddings from a teacher's, times -100: `negative_mse`, the primary one.

    The teacher encodes when the evaluator is made.

    Args:
        source_sentences: the teacher's texts.
        target_sentences: the student's: the same ones, or their translations.
        teacher_model: any model that encodes, of the student's dimensions.
        show_progress_bar: passed to `encode`.
        batch_size: passed to `encode`.
        name: of the data.
        write_csv: write `mse_evaluation_{name}_results.csv`.
        truncate_dim: passed to `encode` of both.
        max_active_dims: passed to `encode` of both, where they are sparse models.

    Raises:
        ArgumentError: columns of different lengths or none, no texts, no teacher; later, a student of other dimensions.
    """

    asks = ENCODES

    def __init__(
        self,
        source_sentences: Sequence[str],
        target_sentences: Sequence[str],
        teacher_model: Any = None,
        show_progress_bar: bool | None = False,
        batch_size: int = 32,
        name: str = "",
        write_csv: bool = True,
        truncate_dim: int | None = None,
        *,
        max_active_dims: int | None = None,
    ) -> None:
        where = type(self).__name__
        same_lengths(where, {"source sentences": source_sentences, "target sentences": target_sentences})
        super().__init__(name=name, csv_file=f"mse_evaluation_{name}_results.csv", write_csv=write_csv)
        sources = some(where, "sentences", texts(where, "source_sentences", source_sentences))
        self.target_sentences = texts(where, "target_sentences", target_sentences)
        self.truncate_dim = truncate_dim
        self.options = EncodeOptions(
            batch_size, show_progress_bar, truncate_dim=truncate_dim, max_active_dims=max_active_dims
        )
        self.source_embeddings = embed(_teacher(where, teacher_model), sources, options=self.options)

    @property
    def description(self) -> str:
        """As sentence-transformers' cards call it."""
        return "Knowledge Distillation"

    def measure(self, model: Any, ask: Ask = embed) -> dict[str, float]:
        """The negative error."""
        found = ask(model, self.target_sentences, options=self.options)
        return {"negative_mse": -100 * mean_squared_error(self.source_embeddings, found)}

    def primary(self, metrics: Mapping[str, float]) -> str:
        """The only one."""
        return "negative_mse"

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """The error itself."""
        return {"MSE": -metrics["negative_mse"]}

    def get_config_dict(self) -> dict[str, Any]:
        """Where embeddings are cut."""
        return self.options.changed()


class MSEEvaluatorFromDataFrame(Evaluator):
    """As `MSEEvaluator`, over pairs of languages: `negative_mse` is the mean of all, and each has a column in the CSV.

    Rows in which one of a pair's two texts is empty are left out of that pair.

    Args:
        dataframe: rows of parallel texts by language, `[{"en": "a cat", "es": "un gato"}, …]`, or a pandas frame.
        teacher_model: encodes the first language of each pair when the evaluator is made.
        combinations: pairs of languages, `[("en", "es"), …]`; the student encodes the second one.
        batch_size: passed to `encode`.
        name: of the data.
        write_csv: write `mse_evaluation_{name}_results.csv`.
        truncate_dim: passed to `encode` of both.

    Attributes:
        errors: of each pair, times 100, in the last evaluation: `{"en-es": 0.8}`.

    Raises:
        ArgumentError: no teacher, no pairs of languages, a language that a row does not have, a value that is no text,
            or a pair of languages without a row.
    """

    asks = ENCODES

    def __init__(
        self,
        dataframe: Any,
        teacher_model: Any,
        combinations: Sequence[tuple[str, str]],
        batch_size: int = 8,
        name: str = "",
        write_csv: bool = True,
        truncate_dim: int | None = None,
    ) -> None:
        where = type(self).__name__
        file = f"mse_evaluation{'_' + name if name else ''}_results.csv"
        super().__init__(name=name, csv_file=file, write_csv=write_csv)
        self.combinations = [(first, second) for first, second in some(where, "combinations", list(combinations))]
        self.options = EncodeOptions(batch_size, truncate_dim=truncate_dim)
        rows = list(dataframe.to_dict("records") if hasattr(dataframe, "to_dict") else dataframe)
        self.data = {pair: _parallel(where, rows, pair) for pair in self.combinations}
        sources = {pair: first for pair, (first, _) in self.data.items()}
        self.teacher_embeddings = _of_each(_teacher(where, teacher_model), sources, self.options)
        self.errors: dict[str, float] = {}

    @property
    def description(self) -> str:
        """As sentence-transformers' cards call it."""
        return "Knowledge Distillation"

    def measure(self, model: Any, ask: Ask = embed) -> dict[str, float]:
        """The mean of all pairs' negative errors."""
        self.errors = {
            "-".join(pair): 100
            * mean_squared_error(self.teacher_embeddings[pair], ask(model, targets, options=self.options))
            for pair, (_, targets) in self.data.items()
        }
        return {"negative_mse": -float(np.mean([self.errors["-".join(pair)] for pair in self.combinations]))}

    def primary(self, metrics: Mapping[str, float]) -> str:
        """The only one."""
        return "negative_mse"

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """The error of each pair of languages, `en-es` …."""
        return dict(self.errors)


def mean_squared_error(first: Embeddings, second: Embeddings) -> float:
    """The mean over all numbers of two (n, dim), dense or sparse.

    >>> mean_squared_error(np.zeros((2, 2)), np.array([[1.0, 0], [0, 3]]))  # (1 + 9) / 4
    2.5

    Raises:
        ArgumentError: they are of different shapes.
    """
    if first.shape != second.shape:
        raise ArgumentError(
            f"mean_squared_error: a teacher's embeddings of shape {list(first.shape)} and a student's of "
            f"{list(second.shape)}, expected one shape. Give truncate_dim, or a teacher of the student's dimensions."
        )
    total = 0.0
    for start in range(0, len(first), ROWS):
        part, other = (np.asarray(side[start : start + ROWS], dtype=np.float64) for side in (first, second))
        total += float(((part - other) ** 2).sum())
    return total / max(1, first.shape[0] * first.shape[1])


def _teacher(where: str, model: Any) -> Any:
    if isinstance(model, str) or not hasattr(model, "encode"):  # a text has an `encode` of its own
        raise ArgumentError(f"{where}: teacher_model {model!r:.60}, expected a model that encodes. Give one.")
    return model


def _parallel(where: str, rows: Iterable[Mapping[str, Any]], pair: tuple[str, str]) -> tuple[list[str], list[str]]:
    """Both languages' texts of the rows that have both."""
    found: list[tuple[str, str]] = []
    for number, row in enumerate(rows):
        for language in pair:
            if not isinstance(row.get(language), str):
                raise ArgumentError(
                    f"{where}: row {number}: {language!r} is {row.get(language)!r:.60}, expected a text. Give '' where "
                    "there is none."
                )
        if row[pair[0]].strip() and row[pair[1]].strip():
            found.append((row[pair[0]], row[pair[1]]))
    some(where, f"rows with both {' and '.join(pair)}", found)
    return [first for first, _ in found], [second for _, second in found]


def _of_each(model: Any, lists: Mapping[Any, list[str]], options: EncodeOptions) -> dict[Any, Embeddings]:
    """Embeddings of lists of texts; a text that stands in several is encoded once."""
    places = {text: place for place, text in enumerate(dict.fromkeys(chain.from_iterable(lists.values())))}
    found = embed(model, list(places), options=options)
    return {key: found[[places[text] for text in texts]] for key, texts in lists.items()}
