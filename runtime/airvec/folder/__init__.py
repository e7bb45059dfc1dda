"""Disk → `ModelFolder`: the modules, prompts, limits and graphs of a model in the sentence-transformers layout.

The only reader of a model's JSON files (but for airvec.json: `manifest.py`). Reads the three generations of
`modules.json` type names and the length limit in any of its places, folders of plain transformers checkpoints,
and model2vec folders. A path that a model folder states never leaves that folder.
Knows nothing of tokenizers, graphs and module mathematics.
"""

from airvec.folder.graphs import fastest, find_graph, graph_files, graph_record, variants_of
from airvec.folder.modules import CLASSIFY, DENSE, FEATURES, FILL_MASK, RERANKER, SPARSE, ModuleSpec, inside
from airvec.folder.settings import DEFAULT_MODEL, KINDS, SIMILARITY_NAMES, ModelFolder, check_kind, read_folder
from airvec.folder.tokenizer import SIDES, TokenizerSpec
from airvec.folder.variants import (
    FASTEST,
    FP32_VARIANTS,
    FUSED,
    ONNX,
    OPENVINO,
    graph_names,
    runs_here,
    settle,
    variant_of,
)
from airvec.graph_weights import weights_beside

__all__ = [
    "CLASSIFY", "DEFAULT_MODEL", "DENSE", "FASTEST", "FEATURES", "FILL_MASK", "FP32_VARIANTS", "FUSED", "KINDS", "ONNX",
    "OPENVINO", "RERANKER", "SIDES", "SIMILARITY_NAMES", "SPARSE", "ModelFolder", "ModuleSpec", "TokenizerSpec",
    "check_kind", "fastest", "find_graph", "graph_files", "graph_names", "graph_record", "inside", "read_folder",
    "runs_here", "settle", "variant_of", "variants_of", "weights_beside",
]  # fmt: skip
