"""Models whose vectors follow from the text alone, for evaluators of both libraries: dense, sparse, and a reranker."""

import json
from zlib import crc32

import numpy as np
import torch


class Card:
    """Takes what an evaluator hands to a model card."""

    def __init__(self):
        self.stored = []

    def set_evaluation_metrics(self, evaluator, metrics, epoch, step):
        self.stored.append(dict(metrics))


class VectorModel:
    """A text's vector depends on it and on what is put in front; with `whole` numbers many scores are equal."""

    prompts = ("query: ", "document: ")

    def __init__(self, dim=16, whole=False, similarity="cosine"):
        self.dim, self.whole, self.similarity_fn_name = dim, whole, similarity
        self.model_card_data = Card()

    def vector(self, text):
        random = np.random.default_rng(crc32(text.encode()))
        found = random.integers(-1, 2, self.dim) if self.whole else random.normal(size=self.dim)
        return found.astype(np.float32)

    def rows(self, texts, prompt_name, prompt, default):
        front = prompt if prompt is not None else prompt_name if prompt_name is not None else default
        return np.stack([self.vector(front + text) for text in texts])

    def encode(self, texts, prompt_name=None, prompt=None, **given):
        return self.answer(self.rows(texts, prompt_name, prompt, ""), **given)

    def encode_query(self, texts, prompt_name=None, prompt=None, **given):
        return self.answer(self.rows(texts, prompt_name, prompt, self.prompts[0]), **given)

    def encode_document(self, texts, prompt_name=None, prompt=None, **given):
        return self.answer(self.rows(texts, prompt_name, prompt, self.prompts[1]), **given)

    def answer(
        self, rows, batch_size=32, show_progress_bar=None, convert_to_numpy=True, convert_to_tensor=False,
        truncate_dim=None,
    ):  # fmt: skip
        found = rows[:, :truncate_dim]
        return torch.from_numpy(found) if convert_to_tensor else found

    def similarity(self, first, second):
        from sentence_transformers.util import SimilarityFunction

        return SimilarityFunction.to_similarity_fn(self.similarity_fn_name)(first, second)

    def predict(self, pairs, **given):
        return np.array([self.vector(one) @ self.vector(other) for one, other in pairs], np.float32)


class SparseVectorModel(VectorModel):
    """The same with most values 0, as a COO tensor or a list of them; the largest stay where some are asked for."""

    prompts = ("", "")

    def __init__(self, dim=200, whole=False, similarity="dot"):
        super().__init__(dim, whole, similarity)

    def vector(self, text):
        return np.where(np.random.default_rng(crc32(text.encode()) + 1).random(self.dim) < 0.1, super().vector(text), 0)

    def answer(
        self, rows, batch_size=32, show_progress_bar=None, convert_to_tensor=True, convert_to_sparse_tensor=True,
        save_to_cpu=False, max_active_dims=None,
    ):  # fmt: skip
        kept = torch.from_numpy(rows)
        if max_active_dims is not None:
            places = kept.abs().topk(max_active_dims, dim=1).indices
            kept = torch.zeros_like(kept).scatter(1, places, kept.gather(1, places))
        found = kept.to_sparse()
        return found if convert_to_tensor else [row.coalesce() for row in found]

    @staticmethod
    def sparsity(embeddings):
        from sentence_transformers import SparseEncoder

        return SparseEncoder.sparsity(embeddings)


def agree(ours, theirs, calls, folder, within=1e-12):
    """Call both; the same metrics in the same order, and the same files.

    The two sum in another order, so that means may differ in the last bit; `within` says how far.
    """
    mine, other = (calls(evaluator, str(folder / side)) for evaluator, side in ((ours, "ours"), (theirs, "theirs")))
    assert list(mine) == list(other)
    np.testing.assert_allclose(list(mine.values()), list(other.values()), rtol=within, atol=within)
    assert ours.primary_metric == theirs.primary_metric
    assert ours.description == theirs.description
    files = sorted(file.name for file in (folder / "theirs").iterdir())
    assert sorted(file.name for file in (folder / "ours").iterdir()) == files
    for name in files:
        same_file(folder / "ours" / name, folder / "theirs" / name, within)
    return mine


def same_file(ours, theirs, within):
    """The same lines, but for the last bits of numbers: of means in CSV files, of float32 scores in predictions."""
    mine, other = (file.read_text(encoding="utf-8").splitlines() for file in (ours, theirs))
    if ours.suffix == ".csv":
        assert mine[0] == other[0]
        numbers = [[[float(cell) for cell in row.split(",")] for row in rows[1:]] for rows in (mine, other)]
        np.testing.assert_allclose(numbers[0], numbers[1], rtol=within, atol=within)
        return
    found = [[json.loads(line) for line in lines] for lines in (mine, other)]
    scores = [[hit.pop("score") for line in lines for hit in line.get("results", [])] for lines in found]
    assert found[0] == found[1]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-6, atol=1e-6)
