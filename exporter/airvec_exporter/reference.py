"""A checkpoint's answers in torch: embeddings, sparse embeddings or logits, from batches that mix lengths.

Knows nothing of airvec's own answers.
"""

from collections.abc import Iterator
from itertools import cycle

import numpy as np
import torch

from airvec.arrays import Floats
from airvec.folder import FILL_MASK, RERANKER
from airvec_exporter.body import Inputs
from airvec_exporter.errors import ExportError
from airvec_exporter.load import Checkpoint, Route

BATCHES = (7, 32)  # texts a batch in torch, in turns; airvec cuts its own, by tokens
SMALL_BATCHES = (2, 5)  # for logits over a vocabulary: a batch of 32 long texts would take 2 GB
ALL = 2**31  # as `max_active_dims`: near the k-th largest value, torch's choice and airvec's may differ


def reference(checkpoint: Checkpoint, texts: Inputs, prompt: str = "", task: str | None = None) -> Floats:
    """What the checkpoint gives in torch, float32: embeddings (n, d), dense or sparse, or logits (n, labels) of pairs.

    Sparse auto-encoders give all values above 0, not the k largest.

    Args:
        checkpoint: the model.
        texts: n texts, or pairs of texts for a reranker.
        prompt: in front of each text, or of the first of each pair.
        task: which way the texts take, in a model with several.

    Raises:
        ExportError: torch fails on one of the texts, as it does where the length limit is above the body's.
    """
    route = checkpoint.route(task)
    prompted = prompt_texts(texts, prompt)
    output = "scores" if checkpoint.kind == RERANKER else "sentence_embedding"
    parts: dict[int, Floats] = {}
    with torch.inference_mode():
        for rows in _batches(route, prompted):
            try:
                features = route.body.features([prompted[row] for row in rows], route.body.prompt_length(prompt))
            except (IndexError, RuntimeError) as error:
                raise ExportError(_too_long(checkpoint, route, error)) from error
            found = route.modules({**features, "max_active_dims": ALL})[output]
            parts |= dict(zip(rows, found.numpy(), strict=True))
    return np.stack([parts[row] for row in range(len(texts))])


def prompt_texts(texts: Inputs, prompt: str) -> Inputs:
    """The texts with a prompt in front; of a pair, only the first text gets it."""
    return [(prompt + text[0], text[1]) if isinstance(text, tuple) else prompt + text for text in texts]


def _batches(route: Route, texts: Inputs) -> Iterator[list[int]]:
    """Row numbers of each batch: in the given order, or, where padding moves torch's answer, of one length."""
    rows = list(range(len(texts)))
    if route.body.padding_moves_it:
        lengths = [route.body.tokenize([text])["input_ids"].shape[1] for text in texts]
        for length in sorted(set(lengths)):
            yield [row for row in rows if lengths[row] == length]
        return
    sizes = cycle(SMALL_BATCHES if route.body.spec.task == FILL_MASK else BATCHES)
    while rows:
        size = next(sizes)
        yield rows[:size]
        rows = rows[size:]


def _too_long(checkpoint: Checkpoint, route: Route, error: Exception) -> str:
    limit = route.body.limits.max_length
    return (
        f"{checkpoint.folder.name}: the checkpoint itself fails in torch ({error}), expected it to run texts of up to "
        f"its limit of {limit} tokens. State a lower max_seq_length in sentence_bert_config.json."
    )
