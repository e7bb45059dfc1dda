"""Sentences and their translations → rows with the teacher's vector of the sentence: a model learns languages.

Knows nothing of losses and of how vectors are kept.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airvec.arguments import described
from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec_trainer.distillation.given import check_teacher
from airvec_trainer.distillation.labelling import with_teacher_vectors
from airvec_trainer.parallel_sentences import sentences_of

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["parallel_dataset"]

Translations = Sequence[str]


def parallel_dataset(
    teacher: Any,
    sentences: str | Path | Sequence[str | Path] | Sequence[Translations],
    *,
    source: int = 0,
    longest: int | None = 128,
    cache_folder: str | Path | None = None,
    encode_kwargs: Mapping[str, Any] | None = None,
    show_progress_bar: bool | None = None,
) -> "Dataset":
    """Rows of `source`, `translation` and `label`, the teacher's vector of the source (dim,): for MSELoss.

    The student's vectors of both columns are to come near the label. A row for each sentence and translation, once.

    Args:
        teacher: a model with `encode` that knows the language of the sources.
        sentences: one or several files without a header, gzipped or not, with a sentence and its translations on each
            line between tabs; or rows of such.
        source: the column of the teacher's language: 0 for `hello⇥hallo`, 1 for Tatoeba's `hallo⇥hello`.
        longest: rows with a longer sentence are left out, in characters; None = none.
        cache_folder: where vectors are kept; None = nowhere.
        encode_kwargs: for the teacher's `encode`.
        show_progress_bar: None = if the logger `airvec` shows INFO.

    Raises:
        ArgumentError: a file that cannot be read, a row without a translation or with an empty one, or no rows; what
            `teacher_vectors` refuses.
    """
    from datasets import Dataset

    check_teacher(teacher, "encode")
    whole_number("source", source, 0)
    if longest is not None:
        whole_number("longest", longest)
    found = _given(sentences)
    # A dict keeps the order, and each pair once.
    pairs = dict.fromkeys(
        pair
        for where, rows in found
        for number, row in enumerate(rows, 1)
        for pair in _pairs(row, source, longest, f"{where} {number}")
    )
    if not pairs:
        some = any(rows for _, rows in found)
        raise ArgumentError(
            f"sentences: {len(pairs)} rows{f' of {longest} characters at most' if some else ''} in "
            f"{', '.join(sorted({where.split(':')[0] for where, _ in found})) or 'an empty list'}, expected some. "
            f"{'Raise longest.' if some else 'Look at where they come from.'}"
        )
    columns = {"source": [one for one, _ in pairs], "translation": [other for _, other in pairs]}
    return with_teacher_vectors(
        Dataset.from_dict(columns), teacher, column="source", cache_folder=cache_folder, encode_kwargs=encode_kwargs,
        show_progress_bar=show_progress_bar,
    )  # fmt: skip


def _given(sentences: Any) -> list[tuple[str, list[Translations]]]:
    """Rows with what messages call them, file by file.

    Raises:
        ArgumentError: neither files nor rows, or a file that cannot be read.
    """
    if isinstance(sentences, str | Path):
        sentences = [sentences]
    if isinstance(sentences, bytes | Mapping) or not isinstance(sentences, Iterable):
        raise ArgumentError(f"sentences: {described(sentences)}, expected files, or rows of texts. Give a list.")
    listed: list[Any] = list(sentences)
    if all(isinstance(one, str | Path) for one in listed):
        return [(f"{Path(path).name}: line", _read(path)) for path in listed]
    return [("sentences: row", listed)]


def _read(path: str | Path) -> list[Translations]:
    try:
        return list(sentences_of(path))
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:  # of gzip, the last three among others
        told = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise ArgumentError(
            f"sentences: {str(path)!r:.200}: {told}, expected a text file in UTF-8, gzipped or not. Check the path, or "
            "give rows of texts."
        ) from error


def _pairs(row: Translations, source: int, longest: int | None, where: str) -> list[tuple[str, str]]:
    """The source with each translation.

    >>> _pairs(["hallo", "hello"], 1, None, "row 1")
    [('hello', 'hallo')]
    """
    texts = list(row) if isinstance(row, Iterable) and not isinstance(row, str | bytes | Mapping) else []
    if len(texts) < 2 or source >= len(texts) or not all(isinstance(text, str) and text for text in texts):
        raise ArgumentError(
            f"{where}: {row!r:.100} with source={source}, expected a sentence in that column and translations in the "
            "others. Mend the row, or leave it out."
        )
    if longest is not None and max(map(len, texts)) > longest:
        return []
    return [(texts[source], text) for place, text in enumerate(texts) if place != source]
