"""What can be asked of an opened deployment: encode, sparse, rerank, similarity, search.

Each task turns the JSON object of a request into that of its answer.
Knows nothing of events.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from airvec.arrays import Array
from airvec.folder import DENSE, RERANKER, SPARSE
from airvec.prompts import document_name, query_name, resolve_prompt
from airvec.serving.counting import CheckedReranker
from airvec.serving.limits import ENTRY_BYTES, HIT_BYTES, NUMBER_BYTES, Limits, check_parts
from airvec.serving.numbers import number, packed, plain
from airvec.serving.opened import MULTI, Opened
from airvec.serving.problems import RequestError
from airvec.serving.requests import (
    Prompting,
    SearchRequest,
    read_encode,
    read_rerank,
    read_search,
    read_similarity,
    read_sparse,
)

if TYPE_CHECKING:
    from airvec.sparse_vectors import SparseVector, SparseVectors

# What each class is for, its first task being what a request without a path gets.
BY_KIND = {
    DENSE: ("encode", "similarity"),
    SPARSE: ("sparse", "similarity"),
    RERANKER: ("rerank",),
    MULTI: ("encode", "sparse", "similarity"),
}


class Done(NamedTuple):
    """An answer, and how many texts and tokens were read for it."""

    result: dict[str, Any]
    texts: int
    tokens: int


Task = Callable[[Opened, Mapping[str, Any], Limits], Done]


def tasks_of(opened: Opened) -> tuple[str, ...]:
    """The tasks that a deployment can do, first the one that a request without a path gets."""
    found = list(BY_KIND[opened.kind])
    if opened.reranker is not None and "rerank" not in found:
        found.append("rerank")
    return (*found, *(["search"] if opened.retriever is not None else []))


def run_task(name: str, opened: Opened, values: Mapping[str, Any], limits: Limits) -> Done:
    """Do a task.

    Raises:
        RequestError: 413, too many texts or tokens; 422, a key that is wrong, or a task that the model cannot do.
        ArgumentError: a value that the model refuses.
    """
    can = tasks_of(opened)
    if name not in can:
        needed = [kind for kind, tasks in BY_KIND.items() if name in tasks]
        wanted = f"a {' or '.join(needed)}" if needed else "an index, made by Retriever.save and packed with --index"
        raise RequestError(
            422,
            f"{name}: needs {wanted}; here is the {opened.kind} {opened.name}, which can do {', '.join(can)}. Call one "
            "of these, or deploy what it needs.",
        )
    return TASKS[name](opened, values, limits)


def _encode(opened: Opened, values: Mapping[str, Any], limits: Limits) -> Done:
    asked = read_encode(values)
    limits.check_texts(len(asked.texts.listed))
    prompt = _prompt(opened.model, asked.prompting)
    tokens = _tokens(opened, asked.texts.listed, limits, prompt)
    embeddings = _dense(opened, asked.texts.listed, prompt, asked.prompting.task, (asked.normalize, asked.truncate_dim))
    if asked.precision != "float32":
        from airvec.precision import quantize_embeddings

        embeddings = quantize_embeddings(embeddings, asked.precision)
    if asked.encoding == "float" and asked.precision == "float32":
        check_parts(embeddings.size, NUMBER_BYTES)
    found = [packed(row) for row in embeddings] if asked.encoding == "base64" else plain(embeddings)
    result = {"embeddings": found[0] if asked.texts.single else found, "dim": int(embeddings.shape[1])}
    return Done(result | {"model": opened.name, "tokens": tokens}, len(asked.texts.listed), tokens)


def _sparse(opened: Opened, values: Mapping[str, Any], limits: Limits) -> Done:
    asked = read_sparse(values)
    limits.check_texts(len(asked.texts.listed))
    prompt = _prompt(opened.model, asked.prompting)
    tokens = _tokens(opened, asked.texts.listed, limits, prompt)
    vectors: SparseVectors = (
        opened.model.encode(asked.texts.listed, prompt=prompt, dense=False).sparse
        if opened.kind == MULTI
        else opened.model.encode(asked.texts.listed, prompt=prompt, task=asked.prompting.task)
    )
    if asked.max_active_dims is not None:
        vectors = vectors.top(asked.max_active_dims)
    check_parts(len(vectors.values), ENTRY_BYTES)
    words = opened.model.vocabulary if asked.encoding == "tokens" else None
    found = [_row(vector, words) for vector in vectors]
    result = {"embeddings": found[0] if asked.texts.single else found, "dim": vectors.dim}
    return Done(result | {"model": opened.name, "tokens": tokens}, len(asked.texts.listed), tokens)


def _similarity(opened: Opened, values: Mapping[str, Any], limits: Limits) -> Done:
    asked = read_similarity(values)
    every = [*asked.texts, *(asked.others or [])]
    limits.check_texts(len(every), "texts1 and texts2" if asked.others is not None else "texts")
    check_parts(len(asked.texts) * len(asked.texts if asked.others is None else asked.others), NUMBER_BYTES)
    prompt = _prompt(opened.model, Prompting(None, None, None))
    tokens = _tokens(opened, every, limits, prompt)
    if opened.kind == SPARSE:
        vectors: Any = opened.model.encode(every, prompt=prompt)
    else:
        vectors = _dense(opened, every, prompt, None, (False, None))
    first = vectors[: len(asked.texts)]
    other = first if asked.others is None else vectors[len(asked.texts) :]
    compare, how = _comparison(opened)
    result = {"similarities": plain(compare(first, other)), "similarity_fn_name": how}
    return Done(result | {"model": opened.name, "tokens": tokens}, len(every), tokens)


def _rerank(opened: Opened, values: Mapping[str, Any], limits: Limits) -> Done:
    asked = read_rerank(values)
    limits.check_texts(len(asked.documents), "documents", "documents")
    model, counter = opened.reranker, opened.pairs
    assert model is not None  # tasks_of has looked
    assert counter is not None
    first = resolve_prompt(model.prompts, model.default_prompt_name) + asked.query
    lengths = list(map(len, asked.documents))
    together = len(first) * len(lengths) + sum(lengths)
    limits.check_lengths(max([len(first), *lengths]), together, "query and documents")
    tokens = counter.read_pairs([(first, text) for text in asked.documents])
    limits.check_tokens(tokens, "query and documents")
    hits = model.rank(asked.query, asked.documents, asked.top_k)
    results: list[dict[str, Any]] = [{"index": hit["corpus_id"], "score": number(hit["score"])} for hit in hits]
    if asked.return_documents:
        for result in results:
            result["text"] = asked.documents[result["index"]]
    return Done({"results": results, "model": opened.reranker_name, "tokens": tokens}, len(asked.documents), tokens)


def _search(opened: Opened, values: Mapping[str, Any], limits: Limits) -> Done:
    asked = read_search(values)
    retriever = opened.retriever
    assert retriever is not None  # tasks_of has looked
    limits.check_texts(len(asked.queries.listed), "queries", "queries")
    prompt = _prompt(opened.model, Prompting("query", None, None))
    tokens = _tokens(opened, asked.queries.listed, limits, prompt, "queries")
    most = len(asked.queries.listed) * min(len(retriever), asked.top_k)
    check_parts(most, HIT_BYTES)
    if asked.return_documents:
        limits.check_texts(most, "queries", "documents to return")
    ranker = _checked_reranker(opened, asked, limits, tokens)
    if ranker is not None:
        retriever = copy(retriever)  # other requests use the one that is opened
        retriever.reranker = ranker
    found = retriever.search(asked.queries.listed, asked.top_k, return_documents=asked.return_documents)
    tokens += 0 if ranker is None else ranker.tokens
    hits = [[hit | {"score": number(hit["score"])} for hit in one] for one in found]
    result = {"hits": hits[0] if asked.queries.single else hits, "model": opened.name, "tokens": tokens}
    return Done(result, len(asked.queries.listed), tokens)


def _checked_reranker(opened: Opened, asked: SearchRequest, limits: Limits, tokens: int) -> CheckedReranker | None:
    """The retriever's reranker, if it has one, for a search that does not ask too much; `tokens` are those so far."""
    if opened.retriever is None or opened.reranker is None or opened.retriever.reranker is None:
        return None
    assert opened.pairs is not None  # the counter of the reranker
    from airvec.search.retriever import RERANK_TOP

    queries, where = asked.queries.listed, "queries and the documents to rerank"
    depth = min(len(opened.retriever), max(asked.top_k, RERANK_TOP))
    limits.check_texts(len(queries) * depth, "queries", "documents to rerank")
    before = len(resolve_prompt(opened.reranker.prompts, opened.reranker.default_prompt_name))
    lengths = [before + len(query) for query in queries]
    limits.check_lengths(max(lengths, default=0), sum(lengths) * depth, where)
    return CheckedReranker(opened.reranker, opened.pairs, lambda count: limits.check_tokens(tokens + count, where))


TASKS: dict[str, Task] = {
    "encode": _encode, "sparse": _sparse, "rerank": _rerank, "similarity": _similarity, "search": _search,
}  # fmt: skip


def _prompt(model: Any, asked: Prompting) -> str:
    """What goes in front of each text, as `encode`, `encode_query` and `encode_document` decide it."""
    name = asked.name
    if name is None and asked.prompt is None:
        by_task = {"query": query_name, "document": document_name}
        name = by_task[asked.task](model.prompts) if asked.task else None
    elif name is not None and name not in model.prompts:
        known = ", ".join(model.prompts) or "none: this model has no prompts"
        raise RequestError(422, f"prompt_name: {name!r:.60}, expected one of {known}. Correct it.")
    return resolve_prompt(model.prompts, model.default_prompt_name, name, asked.prompt)


def _tokens(opened: Opened, texts: Sequence[str], limits: Limits, prompt: str, where: str = "texts") -> int:
    """Tokens that the model reads of texts with a prompt in front; refused if they are too many."""
    lengths = [len(prompt) + len(text) for text in texts]  # before they are put together
    limits.check_lengths(max(lengths, default=len(prompt)), sum(lengths), where)
    tokens = opened.counter.read(opened.counter.lengths([prompt + text for text in texts]))
    limits.check_tokens(tokens, where)
    return tokens


def _dense(
    opened: Opened, texts: Sequence[str], prompt: str, task: str | None, shape: tuple[bool, int | None]
) -> Array:
    """Dense embeddings, float32 (n, dim); `shape` = whether to normalise them, and dimensions to keep."""
    normalize, dim = shape
    if opened.kind == DENSE:
        return opened.model.encode(
            texts, prompt=prompt, task=task, normalize_embeddings=normalize, truncate_dim=dim
        )  # fmt: skip
    from airvec.precision import normalize_embeddings, truncate_embeddings

    found = truncate_embeddings(opened.model.encode(texts, prompt=prompt, sparse=False).dense, dim)
    return normalize_embeddings(found) if normalize else found


def _comparison(opened: Opened) -> tuple[Callable[[Any, Any], Array], str]:
    """The model's own similarity and its name; that of a MultiEncoder's dense embeddings is their dot product."""
    if opened.kind != MULTI:
        return opened.model.similarity, opened.model.similarity_fn_name
    from airvec.similarity import dot_score

    return dot_score, "dot"


def _row(vector: "SparseVector", words: Sequence[str] | None) -> dict[str, Any]:
    """One sparse vector: indices rising, or tokens with the heaviest first."""
    if words is None:
        return {"indices": vector.indices.tolist(), "values": plain(vector.values)}
    heaviest = vector.to_tokens(words)
    return {"tokens": [word for word, _ in heaviest], "values": [number(weight) for _, weight in heaviest]}
