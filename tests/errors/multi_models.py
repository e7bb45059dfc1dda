"""Calls of `MultiEncoder` that cannot be, and folders that it or the exporter refuses."""

import pickle
from pathlib import Path

import numpy as np
import onnx

from airvec import MultiEncoder, SparseEncoder, util
from tests.errors.cases import Case, Topic
from tests.folders import lookup_graph, word_model, write_tensors
from tests.multi_folders import COLBERT, MULTI, SPARSE, multi_model


def multi(home: Path) -> MultiEncoder:
    return MultiEncoder(multi_model(home / "m3"))


def pooled(home: Path) -> None:
    folder = multi_model(home / "m3")
    onnx.save(lookup_graph("sentence_embedding"), folder / "onnx" / "model_fused.onnx")
    MultiEncoder(folder, variant="fused")


def another_head(home: Path) -> None:
    folder = multi_model(home / "m3")
    write_tensors(folder / COLBERT, {**MULTI, "weight": np.zeros((3, 5), np.float32)})
    MultiEncoder(folder)


def only_torch_s(home: Path) -> None:
    folder = multi_model(home / "m3")
    (folder / SPARSE).rename(folder / "sparse_linear.pt")
    MultiEncoder(folder)


def exported_with(home: Path, content: object) -> None:
    import torch

    from airvec_exporter.load import load
    from airvec_exporter.token_heads import read_token_heads
    from tests.tiny.multi import HEADS, multi_checkpoint

    folder = multi_checkpoint(home / "m3")
    if isinstance(content, bytes):
        (folder / HEADS[0]).write_bytes(content)
    elif content is None:
        (folder / HEADS[1]).unlink()
    else:
        torch.save(content, folder / HEADS[1])
    read_token_heads(load(folder))


def shape(home: Path) -> None:
    from tests.tiny.multi import random_layer

    exported_with(home, {**random_layer(3, 1), "bias": random_layer(2, 1)["bias"]})


CASES = (
    Case("A dense model opened as MultiEncoder", "`MultiEncoder(folder)`; such a folder opens as SentenceTransformer.",
         lambda home: MultiEncoder(word_model(home / "words"))),
    Case("Heads that torch saved", "`MultiEncoder(folder)` with `sparse_linear.pt`, as on the Hub.", only_torch_s),
    Case("A head of another model", "`MultiEncoder(folder)`.", another_head),
    Case("A graph without token states", '`MultiEncoder(folder, variant="fused")`.', pooled),
    Case("Lexical weights asked of SparseEncoder", "`SparseEncoder(folder)`.",
         lambda home: SparseEncoder(multi_model(home / "m3"))),
    Case("No kind of embeddings", "`encode(texts, dense=False, sparse=False)`.",
         lambda home: multi(home).encode("a", dense=False, sparse=False)),
    Case("A score without multi-vectors", "`score(query, documents, weights=(0.4, 0.2, 0.4))`.",
         lambda home: MultiEncoder.score(multi(home).encode("a"), multi(home).encode("b"), (0.4, 0.2, 0.4))),
    Case("Two weights for three similarities", "`score(query, documents, weights=(1, 1))`.",
         lambda home: MultiEncoder.score(multi(home).encode("a"), multi(home).encode("b"), (1, 1))),
    Case("MaxSim of padded arrays", "`util.maxsim(queries, documents)`.",
         lambda home: util.maxsim(np.zeros((2, 3, 4)), np.zeros((2, 3, 4)))),
)  # fmt: skip
TOPIC = Topic("MultiEncoder", "Besides those that all classes share.", CASES)

EXPORTS = (
    Case("A head that holds code", "`airvec export`; it is not run.",
         lambda home: exported_with(home, pickle.dumps({"weight": print, "bias": print}))),
    Case("One head of two", "`airvec export`.", lambda home: exported_with(home, None)),
    Case("A head whose bias does not fit", "`airvec export`.", shape),
)  # fmt: skip
EXPORTED = Topic("Exporting the heads of BGE-M3", "Found before anything is traced.", EXPORTS, slow=True)
