"""The code of a card that shows how to use the model, and what the model answers.

Knows nothing of the rest of a card.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from airvec.errors import AirvecWarning, ArgumentError
from airvec.folder import RERANKER, SPARSE
from airvec_trainer.card.data import ModelCardData

__all__ = ["placeholder", "usage"]

SENTENCES = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
QUERY = "Which planet is known as the Red Planet?"
DOCUMENTS = [
    "Venus is close to Earth in size, and much hotter.",
    "Mars looks red from afar, because its dust is rich in rust.",
    "Saturn is known for its rings.",
]
PAIRS = [[QUERY, document] for document in DOCUMENTS]
PLACEHOLDERS = {RERANKER: "cross_encoder_model_id", SPARSE: "sparse_encoder_model_id"}


def placeholder(kind: str) -> str:
    """What stands for the model's name until it has one: as sentence-transformers writes it, and replaces it."""
    return PLACEHOLDERS.get(kind, "sentence_transformers_model_id")


def usage(model: Any, data: ModelCardData, name: str, library: str) -> str:
    """Lines of Python that open the model with a library and use it, with the model's own answers as comments."""
    opened = [
        f"from {library} import {model.kind}", "", f'model = {model.kind}("{name}")',
    ]  # fmt: skip
    if model.kind == RERANKER:
        return "\n".join(opened + _of_pairs(model, data))
    return "\n".join(opened + (_of_queries(model, data) if data.ir_model else _of_sentences(model, data)))


def _of_sentences(model: Any, data: ModelCardData) -> list[str]:
    texts = data.usage_examples[:3] or SENTENCES
    answer = _answer(data, lambda: _similarities(model, model.encode(texts), model.encode(texts)))
    return [
        *_list("sentences", texts),
        "embeddings = model.encode(sentences)",
        "print(embeddings.shape)",
        f"# ({len(texts)}, {model.get_embedding_dimension()})",
        "similarities = model.similarity(embeddings, embeddings)",
        *_printed("similarities", answer, f"({len(texts)}, {len(texts)})"),
    ]


def _of_queries(model: Any, data: ModelCardData) -> list[str]:
    query, *documents = data.usage_examples or [QUERY, *DOCUMENTS]
    routes = _route(model, "query", 0), _route(model, "document", -1)
    encode_query, encode_document = (
        f"encode({{}}, task={route!r})" if route else f"encode_{task}({{}})"
        for route, task in zip(routes, ("query", "document"), strict=True)
    )
    answer = _answer(
        data,
        lambda: _similarities(
            model, _encoded(model, [query], routes[0], "query"), _encoded(model, documents, routes[1], "document")
        ),
    )
    return [
        *_list("queries", [query]),
        *_list("documents", documents),
        f"query_embeddings = model.{encode_query.format('queries')}",
        f"document_embeddings = model.{encode_document.format('documents')}",
        "print(query_embeddings.shape, document_embeddings.shape)",
        f"# (1, {model.get_embedding_dimension()}) ({len(documents)}, {model.get_embedding_dimension()})",
        "similarities = model.similarity(query_embeddings, document_embeddings)",
        *_printed("similarities", answer, f"(1, {len(documents)})"),
    ]


def _route(model: Any, task: str, place: int) -> str | None:
    """The route to name for a task; None where the model has one for it, or no routes."""
    if not hasattr(model[0], "route"):
        return None
    try:
        model[0].route(task)
    except ArgumentError:
        return list(model[0].sub_modules)[place]
    return None


def _encoded(model: Any, texts: list[str], route: str | None, task: str) -> Any:
    return model.encode(texts, task=route) if route else getattr(model, f"encode_{task}")(texts)


def _of_pairs(model: Any, data: ModelCardData) -> list[str]:
    pairs = data.usage_examples or PAIRS
    answer = _answer(data, lambda: np.asarray(model.predict(pairs)))
    shape = f"({len(pairs)},)" if model.num_labels == 1 else f"({len(pairs)}, {model.num_labels})"
    lines = [*_list("pairs", pairs), "scores = model.predict(pairs)", *_printed("scores", answer, shape)]
    if model.num_labels > 1:
        return lines
    return [
        *lines, "", "# Or the same texts in order, best first", "ranks = model.rank(", f"    {pairs[0][0]!r},",
        "    [", *(f"        {document!r}," for _, document in pairs), "    ],", ")",
        "# [{'corpus_id': ..., 'score': ...}, ...]",
    ]  # fmt: skip


def _list(name: str, values: Sequence[Any]) -> list[str]:
    return [f"{name} = [", *(f"    {value!r}," for value in values), "]"]


def _printed(name: str, answer: list[str], shape: str) -> list[str]:
    return [f"print({name})", *answer] if answer else [f"print({name}.shape)", f"# {shape}"]


def _similarities(model: Any, first: Any, second: Any) -> Any:
    found = model.similarity(first, second)
    return found.detach().cpu().numpy() if hasattr(found, "detach") else np.asarray(found)


def _answer(data: ModelCardData, compute: Any) -> list[str]:
    """What the model answers, as comments; empty where none is wanted, or where it cannot.

    A model that fails on these texts is saved all the same: a card must not cost a training.
    """
    if not data.generate_widget_examples:
        return []
    try:
        found = compute()
    except Exception as error:  # noqa: BLE001  # whatever a user's module raises
        warnings.warn(f"model card: the examples of use could not be run ({error}).", AirvecWarning, stacklevel=2)
        return []
    text = np.array2string(np.asarray(found, dtype=np.float32), precision=4, suppress_small=True, separator=", ")
    return [f"# {one}" for one in text.splitlines()]
