"""Texts → other texts of the same meaning, or nearly: deletion, cropping, replacement, and any function of yours.

    Deletion(share=0.2)(["the cat sleeps on the mat"], seed=1)
    augmented(rows, "anchor", Cropping(), into="positive", seed=1)

What becomes of a text depends on the seed, its place and the text itself, never on the others.
Knows nothing of losses and models; `nearest_words` asks airvec's embedded static model.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from airvec.errors import ArgumentError, InputError

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["Cropping", "Deletion", "Replacement", "Rewriting", "augmented", "map", "nearest_words"]

WORD = re.compile(r"\w+")


class Augmentation(Protocol):
    """What `augmented` applies: texts and a seed → as many texts."""

    def __call__(self, texts: Sequence[str], *, seed: int = 0) -> list[str]:
        """Other texts, in the same order."""
        ...


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """Leaves words out at random; one always stays.

    Args:
        share: chance of each word (what stands between spaces) to go, 0 to 1; TSDAE takes 0.6.

    Raises:
        ArgumentError: a share that is no such number.

    Source: Wei and Zou 2019, "EDA", https://arxiv.org/abs/1901.11196; Wang et al. 2021, "TSDAE",
        https://arxiv.org/abs/2104.06979

    Example:
        >>> Deletion(share=0.4)(["one two three four five"], seed=1)
        ['one two']
    """

    share: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        _check_share("Deletion.share", self.share)

    def __call__(self, texts: Sequence[str], *, seed: int = 0) -> list[str]:
        """Fewer words of each text, in its order."""
        return [self._one(text, dice) for text, dice in _with_dice(texts, seed, "Deletion")]

    def _one(self, text: str, dice: random.Random) -> str:
        words = text.split()
        kept = [word for word in words if dice.random() >= self.share]
        return " ".join(kept or words[dice.randrange(len(words)) :][:1]) if words else text


@dataclass(frozen=True, kw_only=True)
class Cropping:
    """Takes a run of neighbouring words.

    Args:
        shortest: share of the words that are kept at least, above 0.
        longest: share that is kept at most, up to 1.

    Raises:
        ArgumentError: shares that are none, or the wrong way round.

    Source: Izacard et al. 2022, "Contriever", https://arxiv.org/abs/2112.09118 (independent cropping)

    Example:
        >>> Cropping(shortest=0.5, longest=0.5)(["one two three four"], seed=1)
        ['three four']
    """

    shortest: float = 0.5
    longest: float = 0.9

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        _check_share("Cropping.shortest", self.shortest)
        _check_share("Cropping.longest", self.longest)
        if not 0 < self.shortest <= self.longest:
            raise ArgumentError(
                f"Cropping: shortest {self.shortest} and longest {self.longest}, expected 0 < shortest <= longest. "
                "Change one."
            )

    def __call__(self, texts: Sequence[str], *, seed: int = 0) -> list[str]:
        """One run of words of each text."""
        return [self._one(text, dice) for text, dice in _with_dice(texts, seed, "Cropping")]

    def _one(self, text: str, dice: random.Random) -> str:
        words = text.split()
        if not words:
            return text
        count = max(1, round(len(words) * dice.uniform(self.shortest, self.longest)))
        first = dice.randrange(len(words) - count + 1)
        return " ".join(words[first : first + count])


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """Puts another word in the place of some that a table knows; a capital at the beginning is kept.

    Args:
        synonyms: for a word in lower case, those that may stand for it; `nearest_words` makes such a table.
        share: chance of each such word to be replaced, 0 to 1.

    Raises:
        ArgumentError: a share that is none, or a word with no synonym.

    Source: Wei and Zou 2019, "EDA", https://arxiv.org/abs/1901.11196

    Example:
        >>> Replacement(synonyms={"cat": ["kitten"], "big": ["large"]}, share=1.0)(["Big cats: a big cat!"])
        ['Large cats: a large kitten!']
    """

    synonyms: Mapping[str, Sequence[str]]
    share: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what is no share, and a table with holes."""
        _check_share("Replacement.share", self.share)
        for word, others in self.synonyms.items():
            if isinstance(others, str) or not others:
                raise ArgumentError(
                    f"Replacement.synonyms: {others!r} for {word!r}, expected a list of words. Give one, or leave it."
                )

    def __call__(self, texts: Sequence[str], *, seed: int = 0) -> list[str]:
        """Each text with some words replaced."""
        return [
            WORD.sub(lambda found, dice=dice: self._word(found[0], dice), text)
            for text, dice in _with_dice(texts, seed, "Replacement")
        ]

    def _word(self, word: str, dice: random.Random) -> str:
        others = self.synonyms.get(word.lower())
        if others is None or dice.random() >= self.share:
            return word
        found = dice.choice(list(others))
        return found[:1].upper() + found[1:] if word[0].isupper() else found


@dataclass(frozen=True, kw_only=True)
class Rewriting:
    """What a function of yours makes of texts: a translator there and back, a paraphraser.

    Args:
        function: a list of texts → a list of as many.
        batch_size: texts a call.

    Raises:
        ArgumentError: the function gave something else than as many texts; or the batch size is below 1.
    """

    function: Callable[[list[str]], Sequence[str]]
    batch_size: int = 64

    def __post_init__(self) -> None:
        """Refuse an empty batch."""
        if self.batch_size < 1:
            raise ArgumentError(f"Rewriting.batch_size: {self.batch_size}, expected 1 or more. Raise it.")

    def __call__(self, texts: Sequence[str], *, seed: int = 0) -> list[str]:
        """The function's texts; it takes its own chances, so the seed is not read."""
        found: list[str] = []
        for first in range(0, len(texts), self.batch_size):
            given = list(texts[first : first + self.batch_size])
            made = self.function(given)
            if isinstance(made, str) or len(made) != len(given) or not all(isinstance(one, str) for one in made):
                name = getattr(self.function, "__name__", repr(self.function))
                raise ArgumentError(
                    f"augmentation: {name} gave {made!r:.80} for {len(given)} texts, expected a list of as many texts. "
                    "Return one for each."
                )
            found += made
        return found


def map(function: Callable[[list[str]], Sequence[str]], *, batch_size: int = 64) -> Rewriting:  # noqa: A001
    """The augmentation that a function of yours is.

    Args:
        function: a list of texts → a list of as many.
        batch_size: texts a call.

    Example:
        >>> map(lambda texts: [text.upper() for text in texts])(["a text"])
        ['A TEXT']
    """
    return Rewriting(function=function, batch_size=batch_size)


def nearest_words(
    words: Sequence[str], *, count: int = 3, least: float = 0.6, model: Any = None
) -> dict[str, list[str]]:
    """A table for `Replacement`: the nearest of the other words by the cosine of their static vectors.

    Near by such vectors are words of like use, so antonyms may be among them; look through the table.

    Args:
        words: the vocabulary; doubles and case are dropped.
        count: so many words at most for each.
        least: smallest cosine, -1 to 1.
        model: anything that has `encode`; None = airvec's embedded static model.

    Returns:
        Words in lower case, nearest first; a word with no near one is left out.

    Raises:
        ArgumentError: a count below 1.
    """
    if count < 1:
        raise ArgumentError(f"nearest_words: count {count}, expected 1 or more. Raise it.")
    known = sorted({word.lower() for word in words})
    if model is None:
        from airvec import SentenceTransformer

        model = SentenceTransformer()
    vectors = np.asarray(model.encode(known, normalize_embeddings=True), np.float32)  # (words, dim)
    found: dict[str, list[str]] = {}
    for place, word in enumerate(known):
        near = vectors @ vectors[place]  # (words,), one at a time: a whole table would be words × words
        near[place] = -np.inf
        best = [other for other in np.argsort(-near, kind="stable")[:count] if near[other] >= least]
        if best:
            found[word] = [known[other] for other in best]
    return found


def augmented(
    rows: "Dataset", column: str, augmentation: Augmentation, *, into: str | None = None, seed: int = 0
) -> "Dataset":
    """A data set with one column augmented.

    Args:
        rows: a `datasets.Dataset`.
        column: of texts.
        augmentation: one of this module, or anything called the same way.
        into: a new column behind the others that takes the texts; None = in place of the old ones.
        seed: of the random draws.

    Raises:
        ArgumentError: no such column, or `into` is there already.
        InputError: a row is no text.
    """
    if column not in rows.column_names:
        raise ArgumentError(
            f"augmented: no column {column!r}, expected one of {', '.join(rows.column_names)}. Change it."
        )
    if into is not None and into in rows.column_names:
        raise ArgumentError(f"augmented: the column {into!r} is there already. Name another.")
    texts = augmentation(list(rows[column]), seed=seed)
    columns = {name: list(rows[name]) for name in rows.column_names}
    return type(rows).from_dict({**columns, into or column: texts})


def _with_dice(texts: Sequence[str], seed: int, where: str) -> list[tuple[str, random.Random]]:
    """Each text with a source of chance of its own."""
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"{where}: item {place} is {text!r}, expected a text. Leave it out.")
    return [(text, random.Random(f"{seed} {place} {text}")) for place, text in enumerate(texts)]


def _check_share(where: str, share: float) -> None:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ArgumentError(f"{where}: {share!r}, expected a number from 0 to 1. Change it.")
