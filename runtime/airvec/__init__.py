"""airvec: sentence embeddings without torch.

The public names, loaded when they are first used: `import airvec` alone imports no NumPy and no ONNX Runtime.
Knows nothing of anything else.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from airvec.blas import USUAL, wait_awake

if TYPE_CHECKING:
    from airvec import util
    from airvec.backend import (
        export_dynamic_quantized_onnx_model,
        export_optimized_onnx_model,
        export_static_quantized_openvino_model,
    )
    from airvec.caching import CachedModel
    from airvec.chunking import Chunk, chunk
    from airvec.classifier import Classifier
    from airvec.cross_encoder import CrossEncoder
    from airvec.errors import (
        AirvecError,
        AirvecWarning,
        ArgumentError,
        DownloadError,
        InputError,
        MissingPackageError,
        ModelFolderError,
        ModelNotFoundError,
        ProcessError,
        StoreError,
        TruncationError,
    )
    from airvec.multi_embeddings import MultiEmbedding, MultiEmbeddings
    from airvec.multi_encoder import MultiEncoder
    from airvec.sentence_transformer import SentenceTransformer
    from airvec.sparse_encoder import SparseEncoder
    from airvec.sparse_vectors import SparseVector, SparseVectors

__version__ = "0.1.0"

wait_awake(USUAL)  # before anything here imports NumPy

_HOMES = {
    "AirvecError": "airvec.errors",
    "AirvecWarning": "airvec.errors",
    "ArgumentError": "airvec.errors",
    "CachedModel": "airvec.caching",
    "Chunk": "airvec.chunking",
    "Classifier": "airvec.classifier",
    "CrossEncoder": "airvec.cross_encoder",
    "DownloadError": "airvec.errors",
    "InputError": "airvec.errors",
    "MissingPackageError": "airvec.errors",
    "ModelFolderError": "airvec.errors",
    "ModelNotFoundError": "airvec.errors",
    "MultiEmbedding": "airvec.multi_embeddings",
    "MultiEmbeddings": "airvec.multi_embeddings",
    "MultiEncoder": "airvec.multi_encoder",
    "ProcessError": "airvec.errors",
    "SentenceTransformer": "airvec.sentence_transformer",
    "SparseEncoder": "airvec.sparse_encoder",
    "SparseVector": "airvec.sparse_vectors",
    "SparseVectors": "airvec.sparse_vectors",
    "StoreError": "airvec.errors",
    "TruncationError": "airvec.errors",
    "chunk": "airvec.chunking",
    "export_dynamic_quantized_onnx_model": "airvec.backend",
    "export_optimized_onnx_model": "airvec.backend",
    "export_static_quantized_openvino_model": "airvec.backend",
}

__all__ = [
    "AirvecError",
    "AirvecWarning",
    "ArgumentError",
    "CachedModel",
    "Chunk",
    "Classifier",
    "CrossEncoder",
    "DownloadError",
    "InputError",
    "MissingPackageError",
    "ModelFolderError",
    "ModelNotFoundError",
    "MultiEmbedding",
    "MultiEmbeddings",
    "MultiEncoder",
    "ProcessError",
    "SentenceTransformer",
    "SparseEncoder",
    "SparseVector",
    "SparseVectors",
    "StoreError",
    "TruncationError",
    "chunk",
    "export_dynamic_quantized_onnx_model",
    "export_optimized_onnx_model",
    "export_static_quantized_openvino_model",
    "util",
]


def __getattr__(name: str) -> object:
    """Import a public name from its home."""
    if name == "util":
        return import_module("airvec.util")
    if name not in _HOMES:
        raise AttributeError(f"module 'airvec' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
