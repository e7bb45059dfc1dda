"""Pairs of texts → token ids, cut as transformers' `longest_first` cuts them.

Each distinct text of a call is tokenised once, alone; the tokenizer's own template then says which special tokens and
types go around the two halves. The Rust library could cut pairs itself, but keeps what it cuts away, once for every two
windows of a pair: two texts of 300 KB at a limit of 512 took it 41 s and 20 GB, and this file 0.3 s.
Knows nothing of models and scores.
"""

from collections.abc import Iterable, Mapping, Sequence, Set, Sized
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from airvec.arguments import described
from airvec.arrays import Integers
from airvec.batching import Tokens, join
from airvec.errors import ArgumentError, InputError, ModelFolderError
from airvec.tokenizer import Tokenizer, parts_of

Pair: TypeAlias = tuple[str, str]

FIRST, SECOND = 0, 1


@dataclass(frozen=True)
class Piece:
    """A place in a pair's tokens: one of the two texts (FIRST or SECOND), or None for a special token with its id."""

    text: int | None
    id: int
    type_id: int


def check_pairs(inputs: object) -> tuple[list[Pair], bool]:
    """The pairs of one call as a list, and whether a single pair was passed.

    Two texts in a tuple, a list or a 1-D array are one pair; any sized sequence of such is many.

    Raises:
        InputError: something that is not a pair of texts; the message names its place and what to do.
    """
    given = inputs  # keeps its type where the checks below narrow that of `inputs`
    if isinstance(inputs, (str, bytes, Mapping, Set)) or not isinstance(inputs, Iterable):
        raise InputError(f"pairs: {described(given)}, expected two texts, or a list of pairs. Pass [(text, text), …].")
    if not isinstance(inputs, Sized):
        raise InputError(f"pairs: {described(given)}, which has no length. Pass list(…).")
    listed = list(cast("Iterable[object]", inputs))
    if listed and isinstance(inputs, (list, tuple, np.ndarray)) and not _is_row(listed[0]):
        return [_pair("pair", listed)], True
    return [_pair(f"pair {place}", item) for place, item in enumerate(listed)], False


def encode_pairs(tokenizer: Tokenizer, pairs: Sequence[Pair], prompt: str = "") -> Tokens:
    """Token ids of all pairs, special tokens included, each cut to the tokenizer's limit.

    Args:
        tokenizer: the model's.
        pairs: n pairs.
        prompt: in front of the first text of each.

    Raises:
        ArgumentError: the limit does not even hold the special tokens.
        InputError: a text holds half of a surrogate pair.
    """
    pieces = _template(tokenizer)
    room = _room(tokenizer, pieces)
    firsts, seconds = [prompt + first for first, _ in pairs], [second for _, second in pairs]
    rows = {text: row for row, text in enumerate(dict.fromkeys([*firsts, *seconds]))}
    tokens, lengths = _encode(tokenizer, list(rows), room)
    both = np.array([[rows[text] for text in texts] for texts in (firsts, seconds)], np.int64)  # (2, n)
    kept = lengths[both] if room is None else longest_first(lengths[both], room)
    ends = tokens.offsets[1:][both]
    starts = ends - kept if tokenizer.truncation_side == "left" else tokens.offsets[:-1][both]
    return _assemble(pieces, tokens, starts, kept)


def check_limit_of_pairs(tokenizer: Tokenizer, limit: int | None) -> None:
    """Refuse a limit that pairs cannot have.

    Raises:
        ArgumentError: it does not even hold the special tokens.
    """
    _room(tokenizer._replace(max_length=limit), _template(tokenizer))


def longest_first(lengths: Integers, room: int) -> Integers:
    """Tokens to keep of the two texts of each pair: int64 (2, n) -> (2, n), together at most `room`.

    The longer text is cut down to the shorter one's length; from there on both to half, and of an odd room the longer
    (the second of equal ones) has one more.
    Source: transformers and tokenizers, strategy "longest_first".
    """
    shorter, longer = lengths.min(axis=0), lengths.max(axis=0)  # (n,)
    longer = np.minimum(longer, np.maximum(shorter, room - shorter))
    halved = shorter + longer > room
    shorter = np.where(halved, room // 2, shorter)
    longer = np.where(halved, room - room // 2, longer)
    first_is_longer = lengths[FIRST] > lengths[SECOND]
    return np.stack([np.where(first_is_longer, longer, shorter), np.where(first_is_longer, shorter, longer)])


def _is_row(item: object) -> bool:
    return isinstance(item, (list, tuple, np.ndarray))


def _pair(where: str, item: Any) -> Pair:
    if not _is_row(item):
        raise InputError(f"{where}: {described(item)}, expected two texts. Pass pairs: [(text, text), …].")
    texts: list[object] = list(item)
    if len(texts) != 2:
        raise InputError(
            f"{where}: {len(texts)} texts, {described(item)}, expected two. Pass pairs: [(text, text), …]."
        )
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(
                f"{where}, text {place}: {described(text)}, expected a str. Convert it or leave the pair out."
            )
    return cast("Pair", tuple(texts))


def _template(tokenizer: Tokenizer) -> tuple[Piece, ...]:
    """Where the two texts and the special tokens of a pair stand, seen on a pair of words."""
    made = tokenizer.backend.encode("a", "a", add_special_tokens=tokenizer.add_special_tokens)
    pieces: list[Piece] = []
    for text, token, kind in zip(made.sequence_ids, made.ids, made.type_ids, strict=True):
        if text is None or not pieces or pieces[-1].text != text:
            pieces.append(Piece(text, token, kind if tokenizer.token_types else 0))
    if [piece.text for piece in pieces if piece.text is not None] != [FIRST, SECOND]:
        raise ModelFolderError(
            f"tokenizer.json: tokens of a pair belong to texts {made.sequence_ids}, expected 0, then 1. "
            "This tokenizer cannot make pairs: fetch the file again."
        )
    return tuple(pieces)


def _room(tokenizer: Tokenizer, pieces: Sequence[Piece]) -> int | None:
    """The tokens that a pair's texts may have together; None = no limit."""
    if tokenizer.max_length is None:
        return None
    special = len(pieces) - 2
    if tokenizer.max_length < special:
        raise ArgumentError(
            f"max_length: {tokenizer.max_length}, but a pair has {special} special tokens. Raise the limit."
        )
    return tokenizer.max_length - special


def _encode(tokenizer: Tokenizer, texts: Sequence[str], room: int | None) -> tuple[Tokens, Integers]:
    """Tokens of each text alone, cut to what a pair can use of them, and how many it had before: int64 (n,)."""
    plain = tokenizer._replace(add_special_tokens=False, prefix=0, suffix=0, max_length=room)
    cut: list[Tokens] = []
    lengths = [np.zeros(0, np.int64)]
    for part in parts_of(texts):
        tokens = plain.encode(part)
        lengths.append(tokens.lengths)
        cut.append(plain.truncate(tokens))
    return join(cut), np.concatenate(lengths)


def _assemble(pieces: Sequence[Piece], tokens: Tokens, starts: Integers, kept: Integers) -> Tokens:
    """Copy each pair's tokens together: `kept` tokens of both texts from `starts`, int64 (2, n) each."""
    special = np.array([piece.id for piece in pieces], np.int32)
    pool = np.concatenate([special, tokens.ids])
    shape = (kept.shape[1], len(pieces))
    source, counts = np.empty(shape, np.int64), np.empty(shape, np.int64)  # (n, pieces)
    for place, piece in enumerate(pieces):
        source[:, place] = place if piece.text is None else starts[piece.text] + len(special)
        counts[:, place] = 1 if piece.text is None else kept[piece.text]
    ends = np.cumsum(counts)  # over all pieces of all pairs
    shift = np.repeat(source.ravel() - ends + counts.ravel(), counts.ravel())
    types = np.tile(np.array([piece.type_id for piece in pieces], np.int32), len(counts))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts.sum(axis=1))])
    return Tokens(pool[np.arange(len(shift)) + shift], np.repeat(types, counts.ravel()), offsets)
