"""Texts → token ids, cut at the length limit that the model folder states.

The `truncation` and `padding` blocks inside `tokenizer.json` are switched off: in all-MiniLM-L6-v2 they cut at 128
tokens and pad to 128, which is not what the model was trained or published with. We cut and pad ourselves.
Knows nothing of graphs and modules.
"""

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, cast

import numpy as np
from tokenizers import Encoding, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Backend

from airvec.arrays import Integers
from airvec.batching import Tokens, join
from airvec.checks import whole_number
from airvec.compact_tokenizer import read_compact
from airvec.errors import AirvecError, ArgumentError, InputError, ModelFolderError, ModelNotFoundError
from airvec.folder import SIDES, TokenizerSpec
from airvec.json_file import short_name

# Handed to the Rust library at once: its results take some 100 bytes a token until we have copied the ids. Measured on
# 3,000 texts of up to 512 tokens: as fast as with a million characters, which left 37 MB behind.
TEXTS_AT_ONCE = 256
CHARACTERS_AT_ONCE = 50_000


class Tokenizer(NamedTuple):
    """A model's tokenizer with its limits.

    `max_length` counts special tokens; None = no limit. `prefix` and `suffix` are the numbers of special tokens
    in front of and behind every text ([CLS] … [SEP]: 1 and 1). `typed` says that a text alone has token types other
    than 0 (XLNet's).
    """

    backend: Backend
    max_length: int | None
    pad_id: int
    padding_side: str
    truncation_side: str
    add_special_tokens: bool
    prefix: int
    suffix: int
    token_types: bool = True
    typed: bool = True

    def encode(self, texts: Sequence[str], prompt: str = "") -> Tokens:
        """Token ids of all texts with the prompt in front, special tokens included, uncut.

        Raises:
            InputError: an item is not a text, or holds half of a surrogate pair.
        """
        return join(self._parts(texts, prompt))

    def encode_cut(self, texts: Sequence[str], prompt: str = "") -> Tokens:
        """As `encode`, cut at `max_length` as it goes, so that not all tokens of long texts are in memory at once."""
        return join(map(self.truncate, self._parts(texts, prompt)))

    def lengths(self, texts: Sequence[str], prompt: str = "") -> Integers:
        """The number of tokens of each text, uncut: int64 (n,); no more than some texts' tokens are kept at a time."""
        return np.concatenate([np.zeros(0, np.int64), *(part.lengths for part in self._parts(texts, prompt))])

    def truncate(self, tokens: Tokens) -> Tokens:
        """Cut texts over `max_length` at the end (or start: `truncation_side`), keeping the special tokens."""
        limit, lengths = self.max_length, tokens.lengths
        if limit is None or int(lengths.max(initial=0)) <= limit:
            return tokens
        position, length = tokens.positions(), np.repeat(lengths, lengths)
        if self.truncation_side == "left":
            keep = (position < self.prefix) | (position >= length - (limit - self.prefix))
        else:
            keep = (position < limit - self.suffix) | (position >= length - self.suffix)
        return tokens.where((length <= limit) | keep)

    def windows(self, tokens: Tokens, prompt_length: int = 0) -> tuple[Tokens, Integers]:
        """Cut texts over `max_length` into windows that together hold every token of them.

        Args:
            tokens: n texts, uncut.
            prompt_length: leading tokens (special ones and prompt) that each window starts with.

        Returns:
            The m >= n windows in text order, and int64 (m,) the text that each belongs to.

        Raises:
            ArgumentError: prompt and special tokens leave no room for text.
        """
        limit, head = self.max_length, max(self.prefix, prompt_length)
        if limit is None:
            return tokens, np.arange(len(tokens))
        room = limit - head - self.suffix
        if room < 1:
            raise ArgumentError(
                f"max_seq_length: {limit}, but {head + self.suffix} tokens are prompt. Raise the limit."
            )
        owners: list[int] = []
        rows: list[Tokens] = []
        for text, length in enumerate(tokens.lengths):
            row = tokens.take(np.array([text]))
            for part in [row] if length <= limit else self._cut(row, head, room):
                rows.append(part)
                owners.append(text)
        return join(rows), np.array(owners, np.int64)

    def prompt_length(self, prompt: str) -> int:
        """Leading tokens that `include_prompt=False` leaves out of pooling; 0 for an empty prompt.

        As the reference counts them: those of the prompt alone, cut like a text, special tokens in front included and
        one at the end not.
        """
        if not prompt:
            return 0
        return len(self.truncate(self.encode([prompt])).ids) - (1 if self.suffix else 0)

    def with_max_length(self, max_length: int | None) -> "Tokenizer":
        """The same tokenizer with another limit.

        Raises:
            ArgumentError: the limit is not a whole number, or does not even hold the special tokens.
        """
        if max_length is None:
            return self._replace(max_length=None)
        return self._replace(max_length=whole_number("max_seq_length", max_length, max(1, self.prefix + self.suffix)))

    def _parts(self, texts: Sequence[str], prompt: str) -> Iterator[Tokens]:
        whole = [prompt + text for text in texts]  # a prompt may be longer than the texts
        return (self._encode(list(part)) for part in parts_of(whole))

    def _encode(self, texts: list[str]) -> Tokens:
        try:
            encodings = self.backend.encode_batch_fast(texts, add_special_tokens=self.add_special_tokens)
        except (TypeError, UnicodeEncodeError) as error:
            raise bad_text(texts, error) from error
        except Exception as error:  # the Rust library's only kind
            raise ModelFolderError(f"tokenizer.json: cannot read texts ({error}). Fetch the file again.") from error
        return _tokens(encodings, self.typed)

    def _cut(self, row: Tokens, head: int, room: int) -> list[Tokens]:
        ids, kinds = row.ids, row.type_ids
        end = len(ids) - self.suffix
        starts = range(head, end, room)
        pieces = [np.r_[0:head, start : min(start + room, end), end : len(ids)] for start in starts]
        return [Tokens(ids[piece], kinds[piece], np.array([0, len(piece)])) for piece in pieces]


def parts_of(
    texts: Sequence[str], count: int = TEXTS_AT_ONCE, most: int = CHARACTERS_AT_ONCE
) -> Iterator[Sequence[str]]:
    """The texts in order, `count` at once and of `most` characters in all, or one that is longer."""
    start = characters = 0
    for end, text in enumerate(texts):
        characters += len(text)
        if end - start == count or (characters > most and end > start):
            yield texts[start:end]
            start, characters = end, len(text)
    if start < len(texts):
        yield texts[start:]


def open_tokenizer(spec: TokenizerSpec, add_special_tokens: bool = True) -> Tokenizer:
    """Load `tokenizer.json` and settle it as the model folder says.

    Raises:
        ModelNotFoundError: there is no `tokenizer.json`.
        ModelFolderError: it is damaged, or of a format that this version of tokenizers does not read.
    """
    where = short_name(spec.file)
    if not os.path.isfile(spec.file):
        raise ModelNotFoundError(
            f"{where}: no such file; airvec reads no vocab.txt or sentencepiece.model. "
            "Re-export the checkpoint with airvec export, which writes it."
        )
    try:
        return _open(spec, add_special_tokens)
    except (AirvecError, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # the Rust library raises bare Exception, and panics that are no Exception at all
        raise ModelFolderError(f"{where}: not a tokenizer ({error}). The file is damaged: fetch it again.") from error


def check_side(side: str) -> str:
    """The side itself, if it is "left" or "right".

    Raises:
        ArgumentError: it is something else.
    """
    if side not in SIDES:
        raise ArgumentError(f"padding_side: {side!r}, expected one of {', '.join(SIDES)}. Correct it.")
    return side


def _open(spec: TokenizerSpec, add_special_tokens: bool) -> Tokenizer:
    backend = read_compact(spec.file) or Backend.from_file(os.fspath(spec.file))
    # A static model that states no limit keeps the file's own truncation, as in the reference.
    own_limit = not add_special_tokens and spec.max_length is None
    truncation: dict[str, Any] | None = cast("Any", backend).truncation if own_limit else None
    pad_id = _pad_id(backend, spec)
    backend.no_truncation()
    backend.no_padding()
    _apply_settings(backend, spec)
    example = backend.encode("a", add_special_tokens=add_special_tokens)
    mask = example.special_tokens_mask
    tokenizer = Tokenizer(
        backend=backend,
        max_length=None,
        pad_id=pad_id,
        padding_side=spec.padding_side,
        truncation_side=str(truncation["direction"]) if truncation else spec.truncation_side,
        add_special_tokens=add_special_tokens,
        prefix=_leading_ones(mask),
        suffix=_leading_ones(mask[::-1]),
        token_types=spec.token_types,
        typed=any(example.type_ids),
    )
    return tokenizer.with_max_length(int(truncation["max_length"]) if truncation else spec.max_length)


def _apply_settings(backend: Backend, spec: TokenizerSpec) -> None:
    """What the folder says of its tokenizer outside tokenizer.json, as transformers applies it."""
    if spec.bert_options and isinstance(backend.normalizer, normalizers.BertNormalizer):
        backend.normalizer = normalizers.BertNormalizer(clean_text=True, **spec.bert_options)
    if spec.lower_case:
        backend.normalizer = _lower_cased(backend.normalizer)
    if spec.add_prefix_space is not None and isinstance(backend.pre_tokenizer, pre_tokenizers.ByteLevel):
        backend.pre_tokenizer.add_prefix_space = spec.add_prefix_space


def _pad_id(backend: Backend, spec: TokenizerSpec) -> int:
    """The id that fills batches up. Masked, but RoBERTa counts positions by it, so it must be the right one."""
    named = backend.token_to_id(spec.pad_token) if spec.pad_token else None
    block: dict[str, Any] | None = cast("Any", backend).padding
    from_file = int(block["pad_id"]) if block else None
    return next((found for found in (named, from_file, spec.pad_id) if found is not None), 0)


def _lower_cased(normalizer: normalizers.Normalizer | None) -> normalizers.Normalizer:
    """`normalizer` behind a Lowercase, unless one is there already."""
    if normalizer is None:
        return normalizers.Lowercase()
    if isinstance(normalizer, normalizers.Lowercase):
        return normalizer
    if isinstance(normalizer, normalizers.Sequence) and b'"Lowercase"' in normalizer.__getstate__():
        return normalizer
    return normalizers.Sequence([normalizers.Lowercase(), normalizer])


def _leading_ones(mask: Sequence[int]) -> int:
    return next((index for index, special in enumerate(mask) if not special), len(mask))


def _tokens(encodings: Sequence[Encoding], typed: bool) -> Tokens:
    ids = [encoding.ids for encoding in encodings]
    lengths = np.fromiter(map(len, ids), np.int64, len(ids))
    total = int(lengths.sum())
    kinds = np.zeros(total, np.int32)
    if typed:
        kinds[:] = np.fromiter(chain.from_iterable(encoding.type_ids for encoding in encodings), np.int32, total)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return Tokens(np.fromiter(chain.from_iterable(ids), np.int32, total), kinds, offsets)


def bad_text(texts: Sequence[str], error: Exception) -> InputError:
    """What to raise when the tokenizer refuses texts: it says no more than TypeError."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as found:
            character = f"U+{ord(text[found.start]):04X}"
            return InputError(
                f"text {text[:40]!a}: character {found.start} is half of a surrogate pair ({character}), expected "
                'valid Unicode. Repair it with text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").'
            )
    return InputError(f"texts: the tokenizer refused them ({error}). Please report this with the text.")
