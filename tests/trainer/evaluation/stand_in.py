"""A model that looks embeddings and scores up in a table, for tests of evaluators."""

import numpy as np


class TableModel:
    """Encodes a text as its row; scores a pair by the first characters' distance; remembers how it was called."""

    similarity_fn_name = "cosine"

    def __init__(self, table, scores=None):
        self.table = {text: np.asarray(row) for text, row in table.items()}
        self.scores = scores
        self.calls = []

    def encode(self, texts, **given):
        self.calls.append(("encode", list(texts), given))
        dim = given.get("truncate_dim")
        return np.stack([self.table[text] for text in texts])[:, :dim]

    def encode_query(self, texts, **given):
        self.calls.append(("encode_query", list(texts), given))
        return self.encode(texts, **given)

    def encode_document(self, texts, **given):
        self.calls.append(("encode_document", list(texts), given))
        return self.encode(texts, **given)

    def predict(self, pairs, **given):
        self.calls.append(("predict", list(pairs), given))
        return np.asarray(self.scores)


class Card:
    """Takes what an evaluator hands to a model card."""

    def __init__(self):
        self.stored = []

    def set_evaluation_metrics(self, evaluator, metrics, epoch, step):
        self.stored.append((evaluator, metrics, epoch, step))
