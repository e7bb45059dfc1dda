"""Folders that airvec export wrote load in other tools, and give there what airvec answers from them."""

from pathlib import Path

import numpy as np
import pytest
import sentence_transformers as newest
import torch

from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
from airvec.folder import find_graph, read_folder
from tests.interop.conftest import OURS, PAIRS, TEXTS

BOUND, LOGITS = 1e-5, 1e-4
REFERENCE = tuple(f"sentence-transformers {backend}" for backend in ("torch", "onnx", "openvino"))
OPTIMUM = ("optimum onnx", "optimum openvino")
# Sums in another order are rounded to other integers: ONNX Runtime fuses more there, and airvec less.
INT8 = {"int8": 1e-2, "int8-dynamic": 1e-2}


def ours(folder: Path, backend: str = "onnx", variant: str = "auto", *, pooled: bool = True) -> np.ndarray:
    """What airvec answers; `pooled=False`: the mean of the token embeddings, for tools that know no modules."""
    kind, options = folder.name.partition("-")[0], {"backend": backend, "variant": variant, "threads": 1}
    if kind == "rerank":
        return CrossEncoder(folder, **options).predict(PAIRS, activation_fn="Identity")
    if kind == "sparse":
        return SparseEncoder(folder, **options).encode(TEXTS).to_dense()
    model = SentenceTransformer(folder, **options)
    if variant != "auto":
        return np.vstack([model.encode([text]) for text in TEXTS])
    if pooled:
        return model.encode(TEXTS)
    return np.stack([rows.mean(axis=0) for rows in model.encode(TEXTS, output_value="token_embeddings")])


def check(found: np.ndarray, expected: np.ndarray, name: str, bound: float = BOUND) -> None:
    assert expected.std(axis=0).mean() > 0.01  # answers that are all alike would prove nothing
    found = found.reshape(expected.shape)
    if name.startswith("dense"):
        expected, found = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (expected, found))
    else:
        bound = LOGITS * max(1.0, float(np.abs(expected).max()))
    assert np.abs(found - expected).max() <= bound


@pytest.mark.parametrize("loader", REFERENCE + OPTIMUM)
@pytest.mark.parametrize("name", OURS)
def test_sentence_transformers_5_and_optimum_answer_as_airvec(name, loader, our_folders, in_optimum):
    found, backend = np.load(in_optimum / "answers" / f"{loader} {name}.npy"), loader.split()[1]
    expected = ours(our_folders / name, backend.replace("torch", "onnx"), pooled=loader in REFERENCE)
    check(found, expected, name)


@pytest.mark.parametrize("name", OURS)
def test_sentence_transformers_5_opens_a_folder_that_was_packed(name, our_folders, in_optimum):
    found = np.load(in_optimum / "answers" / f"sentence-transformers packed {name}.npy")
    check(found, ours(our_folders / name), name)


@pytest.mark.parametrize("variant", ["O3", "int8", "int8-dynamic"])
def test_sentence_transformers_5_opens_the_other_graphs(variant, our_folders, in_optimum):
    folder = our_folders / "dense-bert"
    graph = Path(find_graph(read_folder(folder), variant))
    found = np.load(in_optimum / "answers" / f"sentence-transformers {graph.stem} {folder.name}.npy")
    check(found, ours(folder, variant=variant), folder.name, INT8.get(variant, BOUND))


@pytest.mark.parametrize("name", OURS)
def test_fastembed_answers_as_airvec(name, our_folders, in_fastembed):
    found = np.load(in_fastembed / "answers" / f"fastembed {name}.npy")
    expected = ours(our_folders / name, pooled=False)
    check(found, expected[:, 0] if expected.shape[1:] == (2,) else expected, name)  # it gives the first label alone


def test_fastembed_takes_the_graph_with_all_modules_inside_as_it_is(our_folders, in_fastembed):
    found = np.load(in_fastembed / "answers" / "fastembed fused dense-bert.npy")
    check(found, ours(our_folders / "dense-bert"), "dense-bert")


@pytest.mark.parametrize("name", OURS)
def test_sentence_transformers_6_answers_as_airvec(name, our_folders):
    kind, folder = name.partition("-")[0], str(our_folders / name)
    if kind == "rerank":
        found = newest.CrossEncoder(folder, device="cpu").predict(PAIRS, activation_fn=torch.nn.Identity())
    elif kind == "sparse":
        found = newest.SparseEncoder(folder, device="cpu").encode(TEXTS).to_dense().numpy()
    else:
        found = newest.SentenceTransformer(folder, device="cpu").encode(TEXTS)
    check(found, ours(our_folders / name), name)
