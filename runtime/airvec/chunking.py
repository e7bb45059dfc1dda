"""Cuts long texts into overlapping pieces that a model can read, with their places in the text.

Knows nothing of embeddings.
"""

from dataclasses import dataclass
from functools import lru_cache

from tokenizers import Tokenizer as Backend

from airvec.arguments import check_text
from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec.folder import DEFAULT_MODEL, read_folder
from airvec.tokenizer import bad_text, open_tokenizer


@dataclass(frozen=True)
class Chunk:
    """A piece of a text: `text == whole[start:end]`, in characters; `tokens` without special tokens."""

    text: str
    start: int
    end: int
    tokens: int


def chunk(text: str, tokens: int = 256, overlap: int = 32, *, tokenizer: Backend | None = None) -> list[Chunk]:
    """Cut a text into pieces of at most `tokens` tokens, at the ends of words.

    Args:
        text: any length; an empty or blank text gives no chunks.
        tokens: most tokens a chunk, above 0. Leave room for the model's special tokens: 254 where its limit is 256.
        overlap: tokens that a chunk shares with the one before it, below `tokens`; fewer where no word starts there.
        tokenizer: `model.tokenizer` of the model that will read the chunks; None = that of the default model.

    Returns:
        The chunks in order. Together they hold every token; only white space lies between them. A single word of
        more than `tokens` tokens is cut inside; its pieces, encoded alone, may have more tokens than they are said to,
        as a tokenizer that sees other neighbours may split letters in another way.

    Raises:
        ArgumentError: `tokens` below 1, or `overlap` below 0 or not below `tokens`; or no whole numbers.
        InputError: `text` is not a str, or holds half of a surrogate pair.

    >>> [piece.text for piece in chunk("one two three four five", tokens=2, overlap=1)]
    ['one two', 'two three', 'three four', 'four five']
    """
    if whole_number("overlap", overlap, 0) >= whole_number("tokens", tokens):
        raise ArgumentError(f"overlap: {overlap!r}, expected a whole number below tokens={tokens!r}. Correct one.")
    check_text(text, 0)
    try:
        encoding = (tokenizer or _default_tokenizer()).encode(text, add_special_tokens=False)
    except (TypeError, UnicodeEncodeError) as error:
        raise bad_text([text], error) from error
    offsets, words = encoding.offsets, encoding.word_ids
    starts = [place for place in range(len(offsets)) if place == 0 or words[place] != words[place - 1]]
    return [
        Chunk(text[offsets[first][0] : offsets[last][1]], offsets[first][0], offsets[last][1], last - first + 1)
        for first, last in _spans(set(starts), len(offsets), tokens, overlap)
    ]


def _spans(starts: set[int], count: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """First and last token of each chunk; `starts` are the tokens that a word begins with."""
    spans: list[tuple[int, int]] = []
    first = end = 0
    while first < count:
        covered, end = max(first, end), min(first + size, count)
        if end < count:  # back to the end of a word, unless one word fills all that would be new in the chunk
            end = next((place for place in range(end, covered, -1) if place in starts), end)
        spans.append((first, end - 1))
        if end == count:
            break
        # The next chunk starts at a word, at most `overlap` tokens back, and always behind this one's start.
        first = next((place for place in range(max(end - overlap, first + 1), end) if place in starts), end)
    return spans


@lru_cache(maxsize=1)
def _default_tokenizer() -> Backend:
    return open_tokenizer(read_folder(DEFAULT_MODEL).tokenizer, add_special_tokens=False).backend
