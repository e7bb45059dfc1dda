"""Libraries that give a text weights of words; read by worker.py inside their environments.

Knows nothing of what is measured.
"""

from collections.abc import Callable
from typing import Any

Encode = Callable[[list[str], int | None], Any]


def open_airvec(model: str | None, settings: dict[str, Any]) -> Encode:
    """`settings`: the variant."""
    from airvec import SparseEncoder

    opened = SparseEncoder(model, **settings)
    return lambda texts, batch_size: opened.encode(texts, batch_size=batch_size)


def open_sentence_transformers(model: str | None, settings: dict[str, Any]) -> Encode:
    """The reference."""
    from sentence_transformers import SparseEncoder

    opened = SparseEncoder(model, device="cpu", **settings)
    return lambda texts, batch_size: opened.encode(texts, batch_size=batch_size or 32, show_progress_bar=False)


def open_whole_logits(model: str | None, settings: dict[str, Any]) -> Encode:
    """All logits of a batch at once, sorted by length, then the formula as the reference has it, in NumPy."""
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    session = onnxruntime.InferenceSession(f"{model}/onnx/model.onnx", providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
    tokenizer.enable_truncation(settings["length"])
    tokenizer.enable_padding()
    names = [node.name for node in session.get_inputs()]

    def encode(texts: list[str], batch_size: int | None) -> Any:
        order, size = sorted(range(len(texts)), key=lambda row: -len(texts[row])), batch_size or 32
        found: Any = [None] * len(texts)
        for start in range(0, len(texts), size):
            rows = order[start : start + size]
            batch = tokenizer.encode_batch([texts[row] for row in rows])
            given = {
                "input_ids": np.array([one.ids for one in batch]),
                "attention_mask": np.array([one.attention_mask for one in batch]),
                "token_type_ids": np.array([one.type_ids for one in batch]),
            }
            (logits,) = session.run(["logits"], {name: given[name] for name in names})
            weights = np.log1p(np.maximum(logits * given["attention_mask"][..., None], 0)).max(axis=1)
            for row, vector in zip(rows, weights, strict=True):
                found[row] = vector.astype(np.float32)
        return np.stack(found)

    return encode


LIBRARIES = {
    "airvec": open_airvec,
    "sentence_transformers": open_sentence_transformers,
    "whole_logits": open_whole_logits,
}
