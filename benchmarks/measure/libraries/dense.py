"""Libraries that make an embedding of a text; read by worker.py inside their environments.

Knows nothing of what is measured.
"""

from collections.abc import Callable
from typing import Any

Encode = Callable[[list[str], int | None], Any]


def open_airvec(model: str | None, settings: dict[str, Any]) -> Encode:
    """Without a model: the one embedded in airvec."""
    from airvec import SentenceTransformer

    opened = SentenceTransformer(model, **settings)
    return lambda texts, batch_size: opened.encode(texts, batch_size=batch_size)


def open_sentence_transformers(model: str | None, settings: dict[str, Any]) -> Encode:
    """`settings` are the constructor's arguments: backend, model_kwargs."""
    from sentence_transformers import SentenceTransformer

    opened = SentenceTransformer(model, device="cpu", **settings)
    return lambda texts, batch_size: opened.encode(texts, batch_size=batch_size or 32, show_progress_bar=False)


def open_fastembed(model: str | None, settings: dict[str, Any]) -> Encode:
    """`model` is a folder with model.onnx and tokenizer files; the name in `settings` says how they are pooled."""
    import numpy as np
    from fastembed import TextEmbedding

    opened = TextEmbedding(specific_model_path=model, **settings)
    return lambda texts, batch_size: np.array(list(opened.embed(texts, batch_size=batch_size or 256)), np.float32)


def open_embed_anything(model: str | None, settings: dict[str, Any]) -> Encode:
    """`model` is a folder in the layout of the Hub's cache: the library takes a name on the Hub, and no path."""
    import os

    import numpy as np

    os.environ["HF_HOME"] = model or ""
    from embed_anything import EmbeddingModel, TextEmbedConfig, WhichModel, embed_query

    name, graph = settings["name"], settings.get("graph")
    if graph is None:
        opened = EmbeddingModel.from_pretrained_hf(model_id=name)
    else:
        opened = EmbeddingModel.from_pretrained_onnx(model=WhichModel.Bert, hf_model_id=name, path_in_repo=graph)

    def encode(texts: list[str], batch_size: int | None) -> Any:
        config = TextEmbedConfig(batch_size=batch_size or 32)
        return np.array([found.embedding for found in embed_query(texts, opened, config)], np.float32)

    return encode


def open_fixed_length(model: str | None, settings: dict[str, Any]) -> Encode:
    """Every text padded to 256 tokens, 32 a batch: what Chroma's default function does with the same graph.

    Written after chromadb 1.5's ONNXMiniLM_L6_V2, which is not installed. `model`: a folder with model.onnx and
    tokenizer.json.
    """
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
    tokenizer.enable_truncation(max_length=settings["length"])
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]", length=settings["length"])  # noqa: S106 - no password
    session = onnxruntime.InferenceSession(f"{model}/model.onnx", providers=["CPUExecutionProvider"])

    def encode(texts: list[str], batch_size: int | None) -> Any:
        parts, size = [], batch_size or 32
        for start in range(0, len(texts), size):
            found = tokenizer.encode_batch(texts[start : start + size])
            ids = np.array([one.ids for one in found], np.int64)
            mask = np.array([one.attention_mask for one in found], np.int64)
            given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            hidden = session.run(None, given)[0]
            weights = np.broadcast_to(mask[..., None], hidden.shape)
            mean = np.sum(hidden * weights, 1) / np.clip(weights.sum(1), 1e-9, None)
            parts.append(mean / np.linalg.norm(mean, axis=1, keepdims=True))
        return np.concatenate(parts).astype(np.float32)

    return encode


LIBRARIES = {
    "airvec": open_airvec,
    "sentence_transformers": open_sentence_transformers,
    "fastembed": open_fastembed,
    "embed_anything": open_embed_anything,
    "fixed_length": open_fixed_length,
}
