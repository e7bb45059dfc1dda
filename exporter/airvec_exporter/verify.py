"""Does the exported folder, run by airvec, give the checkpoint's vectors, run by torch?

Both on the same texts, in batches that mix lengths: a graph that is wrong only where there is padding, or more than
one text, is found. Where the model has prompts, every other text gets one.
Knows nothing of how graph and folder were made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from airvec.arrays import Floats
from airvec.errors import ArgumentError
from airvec.sentence_transformer import SentenceTransformer
from airvec_exporter.errors import ExportError, VerificationError
from airvec_exporter.load import Checkpoint
from airvec_exporter.texts import real_texts

BOUND = 1e-5  # on the elements of unit vectors
BATCHES = (7, 32)  # texts a batch in torch, in turns; airvec cuts its own, by tokens


@dataclass(frozen=True)
class Measured:
    """How far airvec is from torch, over `texts` texts of `tokens` (shortest, longest) tokens before truncation."""

    max_delta: float
    min_cosine: float
    texts: int
    tokens: tuple[int, int]
    dimension: int


def verify(checkpoint: Checkpoint, folder: Path, texts: Sequence[str] | None = None, bound: float = BOUND) -> Measured:
    """Compare unit vectors of `folder` in airvec with those of `checkpoint` in torch.

    Args:
        checkpoint: the model in torch.
        folder: what was exported from it.
        texts: at least two; None = 240 texts of 1 to 600 tokens from Python's documentation.
        bound: the largest |difference| of any element that is let through.

    Raises:
        ArgumentError: fewer than two texts.
        VerificationError: the bound is passed, or a value is not finite; names the worst text.
    """
    check_texts(texts)
    tokenizer = _uncut(checkpoint)
    chosen = real_texts(lambda text: _offsets(tokenizer, text)) if texts is None else list(texts)
    found, wanted = _both(checkpoint, SentenceTransformer(str(folder)), chosen)
    deltas = np.abs(found - wanted).max(axis=1)
    counts = [len(_offsets(tokenizer, text)) for text in chosen]
    worst = int(np.argmax(np.where(np.isnan(deltas), np.inf, deltas)))
    if not deltas[worst] <= bound:  # also where it is not a number
        raise VerificationError(_failure(checkpoint, worst, chosen[worst], counts[worst], float(deltas[worst]), bound))
    cosines = (found.astype(np.float64) * wanted).sum(axis=1)
    return Measured(float(deltas.max()), float(cosines.min()), len(chosen), (min(counts), max(counts)), found.shape[1])


def check_texts(texts: object) -> None:
    """Refuse texts that cannot be measured on; None is fine.

    Raises:
        ArgumentError: not a sequence of two texts or more.
    """
    if texts is None:
        return
    if not isinstance(texts, Sequence) or isinstance(texts, str) or len(texts) < 2:
        raise ArgumentError(f"texts: {texts!r:.80}, expected a list of two texts or more. Batches must mix lengths.")
    wrong = next((text for text in texts if not isinstance(text, str)), None)
    if wrong is not None:
        raise ArgumentError(f"texts: {wrong!r:.80}, expected a list of str. Convert it first.")


def reference(checkpoint: Checkpoint, texts: Sequence[str], prompt: str = "") -> Floats:
    """The checkpoint's vectors in torch, float32 (n, d), from batches of 7 and 32 texts in turns.

    Raises:
        ExportError: torch fails on one of the texts, as it does where the length limit is above the body's.
    """
    prompted = [prompt + text for text in texts]
    parts: dict[int, Floats] = {}
    with torch.inference_mode():
        for rows in _batches(checkpoint, prompted):
            try:
                vectors = _embed(checkpoint, [prompted[row] for row in rows], checkpoint.prompt_length(prompt))
            except (IndexError, RuntimeError) as error:
                raise ExportError(_too_long(checkpoint, error)) from error
            parts |= dict(zip(rows, vectors, strict=True))
    return np.stack([parts[row] for row in range(len(texts))])


def unit(vectors: Floats) -> Floats:
    """Rows of length 1; zero rows stay: (n, d) -> (n, d)."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _both(checkpoint: Checkpoint, model: SentenceTransformer, texts: list[str]) -> tuple[Floats, Floats]:
    """Unit vectors of airvec and of torch, (n, d) each: every other text behind the prompt, where there is one."""
    prompt = _prompt(checkpoint)
    found, wanted = [], []
    for rows, before in ((texts[::2], prompt), (texts[1::2], "")) if prompt else ((texts, ""),):
        found.append(unit(model.encode(rows, prompt=before)))  # (rows, d)
        wanted.append(unit(reference(checkpoint, rows, before)[:, : found[-1].shape[1]]))
    return _woven(found), _woven(wanted)


def _woven(parts: list[Floats]) -> Floats:
    """Row i of n parts to row i x n and its followers: undoes `[::n]`."""
    whole = np.empty((sum(map(len, parts)), parts[0].shape[1]), np.float32)
    for index, part in enumerate(parts):
        whole[index :: len(parts)] = part
    return whole


def _embed(checkpoint: Checkpoint, texts: list[str], prompt_length: int) -> Floats:
    if checkpoint.is_static:
        features = checkpoint.body(texts)
    else:
        inputs = checkpoint.tokenize(texts)
        states = checkpoint.body(**inputs).last_hidden_state  # (batch, tokens, d)
        features = {**inputs, "token_embeddings": states, "prompt_length": prompt_length}
    return checkpoint.modules(features)["sentence_embedding"].numpy()


def _batches(checkpoint: Checkpoint, texts: list[str]) -> Iterator[list[int]]:
    """Row numbers of each batch: in the given order, or, where padding moves torch's answer, of one length."""
    rows = list(range(len(texts)))
    if checkpoint.padding_moves_it:
        lengths = [checkpoint.tokenize([text])["input_ids"].shape[1] for text in texts]
        for length in sorted(set(lengths)):
            yield [row for row in rows if lengths[row] == length]
        return
    sizes = cycle(BATCHES)
    while rows:
        size = next(sizes)
        yield rows[:size]
        rows = rows[size:]


def _prompt(checkpoint: Checkpoint) -> str:
    """The model's default prompt, else its first prompt that is not empty: pooling may leave it out."""
    prompts = checkpoint.folder.prompts
    default = prompts.get(checkpoint.folder.default_prompt_name or "", "")
    return default or next((prompt for prompt in prompts.values() if prompt), "")


def _offsets(tokenizer: Tokenizer, text: str) -> Sequence[tuple[int, int]]:
    return tokenizer.encode(text, add_special_tokens=False).offsets


def _uncut(checkpoint: Checkpoint) -> Tokenizer:
    """A copy of the tokenizer that neither cuts nor pads."""
    backend = checkpoint.body.tokenizer if checkpoint.is_static else checkpoint.tokenizer.backend_tokenizer
    tokenizer = Tokenizer.from_str(backend.to_str())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _too_long(checkpoint: Checkpoint, error: Exception) -> str:
    return (
        f"{checkpoint.folder.name}: the checkpoint itself fails in torch ({error}), expected it to run texts of up to "
        f"its limit of {checkpoint.spec.max_length} tokens. State a lower max_seq_length in sentence_bert_config.json."
    )


def _failure(checkpoint: Checkpoint, row: int, text: str, tokens: int, delta: float, bound: float) -> str:
    return (
        f"{checkpoint.folder.name}: text {row} ({text[:60]!r}, {tokens} tokens) is {delta:.2e} from torch, expected "
        f"at most {bound:.0e} on unit vectors. Nothing was written; this architecture does not export right."
    )
