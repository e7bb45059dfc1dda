"""Does the exported folder, run by airvec, give the checkpoint's answers, run by torch?

Both on the same texts, in batches that mix lengths: a graph that is wrong only where there is padding, or more than
one text, is found. Where the model has prompts, every other text gets one. Each route and each graph is measured.
Knows nothing of how graph and folder were made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from airvec.arrays import Floats
from airvec.cross_encoder import CrossEncoder
from airvec.errors import ArgumentError
from airvec.folder import DENSE, RERANKER, SPARSE
from airvec.sentence_transformer import SentenceTransformer
from airvec_exporter.body import Body, Inputs
from airvec_exporter.errors import VerificationError
from airvec_exporter.load import Checkpoint, Route
from airvec_exporter.reference import reference
from airvec_exporter.texts import real_texts

# On the elements of unit vectors; on sparse values and logits, times the largest of them or 1.
BOUNDS = {DENSE: 1e-5, SPARSE: 1e-4, RERANKER: 1e-4}
QUANTITIES = {DENSE: "unit vectors", SPARSE: "sparse values", RERANKER: "logits"}


@dataclass(frozen=True)
class Measured:
    """How far airvec is from torch, over `texts` texts or pairs of `tokens` (shortest, longest) before truncation.

    `max_delta` is the largest |difference| of any element of the `quantity`, whose largest |value|, or 1, is `scale`
    (1 for unit vectors); `min_cosine` the smallest cosine of two embeddings, None for logits.
    """

    max_delta: float
    min_cosine: float | None
    texts: int
    tokens: tuple[int, int]
    dimension: int
    quantity: str = QUANTITIES[DENSE]
    scale: float = 1.0


def verify(
    checkpoint: Checkpoint,
    folder: Path,
    texts: Sequence[str] | None = None,
    bound: float | None = None,
    variants: Sequence[str] = ("fp32",),
) -> dict[tuple[Path, str], Measured]:
    """Compare what `folder` gives in airvec with what `checkpoint` gives in torch.

    Args:
        checkpoint: the model in torch.
        folder: what was exported from it.
        texts: at least two; None = 240 texts of 1 to 600 tokens from Python's documentation. Pairs are made of them.
        bound: the largest |difference| that is let through, on unit vectors or relative to the largest value;
            None = 1e-5 for dense models, 1e-4 for the others.
        variants: the graphs to measure.

    Returns:
        The worst of all routes, by the folder of the body in the checkpoint and by variant.

    Raises:
        ArgumentError: fewer than two texts.
        VerificationError: the bound is passed, or a value is not finite; names the worst text.
    """
    check_texts(texts)
    limit = BOUNDS[checkpoint.kind] if bound is None else bound
    models = {variant: _open(checkpoint.kind, folder, variant) for variant in variants}
    found: dict[tuple[Path, str], Measured] = {}
    for route in checkpoint.routes():
        inputs, counts = _inputs(checkpoint.kind, route.body, texts)
        wanted = _wanted(checkpoint, route, inputs)
        for variant in variants[:1] if route.body.is_table else variants:
            got = _got(checkpoint, route, models[variant], inputs, wanted)
            measured = _compare(checkpoint, (got, wanted), inputs, counts, limit)
            name = route.body.spec.path, variant
            found[name] = worst([measured, *([found[name]] if name in found else [])])
    return found


def worst(measured: Sequence[Measured]) -> Measured:
    """One measurement for several: the largest difference for its scale, and the smallest cosine."""
    cosines = [one.min_cosine for one in measured if one.min_cosine is not None]
    farthest = max(measured, key=lambda one: one.max_delta / one.scale)
    return replace(farthest, min_cosine=min(cosines, default=None))


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


def unit(vectors: Floats) -> Floats:
    """Rows of length 1; zero rows stay: (n, d) -> (n, d)."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def make_pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Each text with another one: n texts -> n pairs, in which each text is once the first and once the second."""
    step = len(texts) // 2
    return [(text, texts[(place + step) % len(texts)]) for place, text in enumerate(texts)]


def _open(kind: str, folder: Path, variant: str) -> Any:
    if kind == SPARSE:
        from airvec.sparse_encoder import SparseEncoder

        return SparseEncoder(str(folder), variant=variant)
    return (SentenceTransformer if kind == DENSE else CrossEncoder)(str(folder), variant=variant)


def _inputs(kind: str, body: Body, texts: Sequence[str] | None) -> tuple[Inputs, list[int]]:
    """The texts or pairs to measure on, and their numbers of tokens."""
    tokenizer = body.uncut_tokenizer()

    def offsets(text: str) -> Sequence[tuple[int, int]]:
        return tokenizer.encode(text, add_special_tokens=False).offsets

    chosen = real_texts(offsets) if texts is None else list(texts)
    counts = {text: len(offsets(text)) for text in chosen}
    if kind == RERANKER:
        pairs = make_pairs(chosen)
        return pairs, [counts[first] + counts[second] for first, second in pairs]
    return chosen, [counts[text] for text in chosen]


def _wanted(checkpoint: Checkpoint, route: Route, inputs: Inputs) -> Floats:
    """What torch gives, (n, d): unit vectors of dense models; every other text behind the prompt, if there is one."""
    parts = [reference(checkpoint, rows, prompt, route.task) for rows, prompt in _prompted(checkpoint, inputs)]
    dense = checkpoint.kind == DENSE
    return _woven([unit(part[:, : checkpoint.folder.truncate_dim]) if dense else part for part in parts])


def _got(checkpoint: Checkpoint, route: Route, model: Any, inputs: Inputs, wanted: Floats) -> Floats:
    """What airvec gives for the same."""
    found: list[Floats] = []
    for rows, prompt in _prompted(checkpoint, inputs):
        if checkpoint.kind == DENSE:
            found.append(unit(model.encode(rows, prompt=prompt, task=route.task)))
        elif checkpoint.kind == SPARSE:
            every = wanted.shape[1]
            found.append(model.encode(rows, prompt=prompt, task=route.task, max_active_dims=every).to_dense())
        else:
            found.append(model.predict(rows, prompt=prompt, activation_fn="Identity").reshape(len(rows), -1))
    return _woven(found)


def _prompted(checkpoint: Checkpoint, inputs: Inputs) -> list[tuple[Inputs, str]]:
    prompt = _prompt(checkpoint)
    return [(inputs[::2], prompt), (inputs[1::2], "")] if prompt else [(inputs, "")]


def _prompt(checkpoint: Checkpoint) -> str:
    """The model's default prompt, else its first prompt that is not empty: pooling may leave it out."""
    prompts = checkpoint.folder.prompts
    default = prompts.get(checkpoint.folder.default_prompt_name or "", "")
    return default or next((prompt for prompt in prompts.values() if prompt), "")


def _woven(parts: list[Floats]) -> Floats:
    """Row i of n parts to row i x n and its followers: undoes `[::n]`."""
    whole = np.empty((sum(map(len, parts)), parts[0].shape[1]), np.float32)
    for index, part in enumerate(parts):
        whole[index :: len(parts)] = part
    return whole


def _compare(
    checkpoint: Checkpoint, both: tuple[Floats, Floats], inputs: Inputs, counts: list[int], bound: float
) -> Measured:
    """Measure airvec's rows against torch's, (n, d) each.

    Raises:
        VerificationError: a row is too far.
    """
    found, wanted = both
    quantity = QUANTITIES[checkpoint.kind]
    scale = 1.0 if checkpoint.kind == DENSE else max(1.0, float(np.abs(wanted).max()))
    deltas = np.abs(found - wanted).max(axis=1)
    row = int(np.argmax(np.where(np.isnan(deltas), np.inf, deltas)))
    if not deltas[row] <= bound * scale:  # also where it is not a number
        kind, text = ("pair", inputs[row]) if checkpoint.kind == RERANKER else ("text", inputs[row][:60])
        raise VerificationError(
            f"{checkpoint.folder.name}: {kind} {row} ({text!r:.80}, {counts[row]} tokens) is {deltas[row]:.2e} from "
            f"torch, expected at most {bound * scale:.0e} on {quantity}. Nothing was written; this architecture does "
            "not export right."
        )
    cosine = None if checkpoint.kind == RERANKER else _min_cosine(found, wanted)
    return Measured(
        float(deltas.max()), cosine, len(inputs), (min(counts), max(counts)), found.shape[1], quantity, scale
    )


def _min_cosine(found: Floats, wanted: Floats) -> float:
    """Of rows that are not all zeros; 1 where all are."""
    rows = wanted.any(axis=1)
    products = (unit(found[rows]).astype(np.float64) * unit(wanted[rows])).sum(axis=1)
    return float(products.min(initial=1.0))
