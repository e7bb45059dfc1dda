"""Libraries that score documents for a query; read by worker.py inside their environments.

The query is one of the settings, the texts of a call are the documents, and their scores are the result.
Knows nothing of what is measured.
"""

from collections.abc import Callable
from typing import Any

Encode = Callable[[list[str], int | None], Any]


def open_airvec(model: str | None, settings: dict[str, Any]) -> Encode:
    """Logits, batches by its own planner."""
    from airvec import CrossEncoder

    query = settings.pop("query")
    opened = CrossEncoder(model, activation_fn=lambda logits: logits, **settings)
    return lambda texts, batch_size: opened.predict([(query, text) for text in texts], batch_size=batch_size)


def open_sentence_transformers(model: str | None, settings: dict[str, Any]) -> Encode:
    """Logits; `settings` are the constructor's arguments, and the query."""
    import torch
    from sentence_transformers import CrossEncoder

    query = settings.pop("query")
    opened = CrossEncoder(model, device="cpu", activation_fn=torch.nn.Identity(), **settings)

    def encode(texts: list[str], batch_size: int | None) -> Any:
        pairs = [(query, text) for text in texts]
        return opened.predict(pairs, batch_size=batch_size or 32, show_progress_bar=False)

    return encode


def open_one_batch(model: str | None, settings: dict[str, Any]) -> Encode:
    """All pairs in one batch, padded to the longest: as FlashRank does it, on the same graph.

    Written after flashrank 0.2's Ranker.rerank. `model`: a folder with onnx/model.onnx and tokenizer.json.
    """
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    session = onnxruntime.InferenceSession(f"{model}/onnx/model.onnx", providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
    tokenizer.enable_truncation(settings["length"])
    tokenizer.enable_padding()
    names = [node.name for node in session.get_inputs()]

    def encode(texts: list[str], _: int | None) -> Any:
        found = tokenizer.encode_batch([(settings["query"], text) for text in texts])
        given = {
            "input_ids": np.array([one.ids for one in found], np.int64),
            "attention_mask": np.array([one.attention_mask for one in found], np.int64),
            "token_type_ids": np.array([one.type_ids for one in found], np.int64),
        }
        return session.run(None, {name: given[name] for name in names})[0]

    return encode


LIBRARIES = {
    "airvec": open_airvec,
    "sentence_transformers": open_sentence_transformers,
    "one_batch": open_one_batch,
}
