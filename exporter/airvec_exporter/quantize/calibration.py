"""The texts that ranges and costs are measured on: the user's own, or a sample written for airvec.

The sample is English of many kinds with a few lines in other languages, code and numbers, 2 to 300 words each; like
airvec, it may be used by anybody for anything under the Apache licence.
Knows nothing of graphs.
"""

from collections.abc import Sequence
from importlib import resources

import numpy as np

from airvec.folder import CLASSIFY
from airvec_exporter.body import Body
from airvec_exporter.errors import ExportError
from airvec_exporter.quantize.sessions import Batch


def sample_texts() -> list[str]:
    """About two hundred texts."""
    return resources.files("airvec_exporter.quantize").joinpath("calibration.txt").read_text("utf-8").splitlines()


def batches(body: Body, texts: Sequence[str] | None = None) -> list[Batch]:
    """Each text as the body's graph takes it, int64 (1, tokens) each: without padding, so that nothing can count it.

    Args:
        body: whose tokenizer and limit; for a reranker, each text is paired with the next one.
        texts: None = the sample.

    Raises:
        ExportError: no texts, or one that is not a str.
    """
    chosen = sample_texts() if texts is None else list(texts)
    wrong = next((text for text in chosen if not isinstance(text, str)), None)
    if not chosen or wrong is not None:
        found = f"{type(wrong).__name__} {wrong!r}" if chosen else f"{len(chosen)} texts"
        raise ExportError(f"calibration texts: {found}, expected a list of str. Give at least one text.")
    following = [*chosen[1:], chosen[0]]
    pairs = body.spec.task == CLASSIFY
    inputs = [[pair] for pair in zip(chosen, following, strict=True)] if pairs else [[text] for text in chosen]
    tokenized = [body.tokenize(one) for one in inputs]
    return [
        {name: tensor.numpy().astype(np.int64) for name, tensor in one.items()}
        for one in tokenized
        if one["input_ids"].shape[1]  # an empty text has no token in some tokenizers
    ]
