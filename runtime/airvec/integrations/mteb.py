"""airvec's models in mteb: encoders, rerankers and whole retrievals, as mteb's protocols want them.

    import mteb
    from airvec import SentenceTransformer
    from airvec.integrations.mteb import adapt

    mteb.evaluate(adapt(SentenceTransformer("./all-MiniLM-L6-v2")), mteb.get_tasks(["STSBenchmark", "SciFact"]))

Prompts are chosen as mteb chooses them for sentence-transformers' models. mteb itself needs torch.
Knows nothing of tasks and of metrics.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from airvec import __version__
from airvec.arrays import Array
from airvec.cross_encoder import CrossEncoder
from airvec.errors import ArgumentError, require
from airvec.model import Model
from airvec.search.retriever import Retriever
from airvec.sentence_transformer import SentenceTransformer
from airvec.sparse_encoder import SparseEncoder

__all__ = ["DenseAdapter", "RerankerAdapter", "RetrieverAdapter", "SparseAdapter", "adapt"]

TYPES = {SentenceTransformer: "dense", SparseEncoder: "sparse", CrossEncoder: "cross-encoder"}
Batches = Iterable[Mapping[str, Any]]  # of mteb's data loader: columns by name, "text" among them


def adapt(
    model: SentenceTransformer | SparseEncoder | CrossEncoder | Retriever,
    *,
    name: str | None = None,
    prompts: Mapping[str, str] | None = None,
) -> "DenseAdapter | SparseAdapter | RerankerAdapter | RetrieverAdapter":
    """What `mteb.evaluate` takes in a model's place.

    Args:
        model: a model of the runtime, or a retriever, which is indexed anew for each task.
        name: of the results, `ORG/NAME`; None = `airvec/` and the folder's name.
        prompts: the text in front of inputs by what mteb calls for: a task's name or type, alone or with `-query` or
            `-document` behind it, or `query` or `document`; None = the model's own.

    Raises:
        ArgumentError: another object, a name without an organisation, or prompts for a retriever.
        MissingPackageError: mteb is not installed.
    """
    require("mteb", "mteb", "airvec.integrations.mteb")
    if name is not None and "/" not in name:
        raise ArgumentError(f"name: {name!r}, expected ORG/NAME, as mteb wants it. Put an organisation in front.")
    if isinstance(model, Retriever):
        if prompts is not None:
            raise ArgumentError(
                f"prompts: {dict(prompts)!r:.80} for a Retriever, whose models have theirs. Give prompts=… to these."
            )
        return RetrieverAdapter(model, name or "airvec/retriever")
    kinds: dict[type[Any], Any] = {
        SentenceTransformer: DenseAdapter,
        SparseEncoder: SparseAdapter,
        CrossEncoder: RerankerAdapter,
    }
    adapter = next((found for kind, found in kinds.items() if isinstance(model, kind)), None)
    if adapter is None:
        raise ArgumentError(
            f"model: a {type(model).__name__}, expected airvec's SentenceTransformer, SparseEncoder, CrossEncoder or "
            "Retriever. Open one."
        )
    return adapter(model, name or f"airvec/{model.folder.name}", prompts)


class DenseAdapter:
    """A dense model as mteb's `EncoderProtocol`; made by `adapt`."""

    def __init__(self, model: SentenceTransformer, name: str, prompts: Mapping[str, str] | None = None) -> None:
        self.model, self.name = model, name
        self.prompts = dict(model.prompts if prompts is None else prompts)

    @cached_property
    def mteb_model_meta(self) -> Any:
        """What mteb writes beside the results."""
        return _meta(self.model, self.name, self.prompts)

    def encode(
        self,
        inputs: Batches,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        prompt_type: Any = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        precision: str | None = None,
    ) -> Array:
        """Embeddings of all texts, (n, dim).

        Args:
            inputs: batches with the texts under "text".
            task_metadata: of the task, whose name and type choose the prompt.
            hf_split: of the task; without effect.
            hf_subset: of the task; without effect.
            prompt_type: query or document, which goes through `encode_query` or `encode_document`.
            batch_size: as `encode`'s; mteb gives 32 of its own accord.
            show_progress_bar: as `encode`'s.
            precision: as `encode`'s.
        """
        encode = _method(self.model, prompt_type)
        prompt = _prompt(self.prompts, task_metadata, prompt_type)
        found: Any = encode(
            _texts(inputs),
            prompt=prompt,
            batch_size=batch_size,
            show_progress_bar=show_progress_bar,
            **({} if precision is None else {"precision": precision}),
        )
        return found.to_dense() if hasattr(found, "to_dense") else found

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Array:
        """By the model's measure, each with each: float32 (n, m)."""
        return np.asarray(self.model.similarity(_rows(embeddings1), _rows(embeddings2)))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Array:
        """By the model's measure, row by row: float32 (n,)."""
        return np.asarray(self.model.similarity_pairwise(_rows(embeddings1), _rows(embeddings2)))


class RetrieverAdapter:
    """A retrieval as mteb's `SearchProtocol`: all of an `airvec.search.Retriever`'s stages; made by `adapt`."""

    def __init__(self, retriever: Retriever, name: str) -> None:
        self.retriever, self.name = retriever, name
        self.count = 0
        self.task: Any = None  # of the corpus that is indexed

    @cached_property
    def mteb_model_meta(self) -> Any:
        """What mteb writes beside the results."""
        return _made_meta({"name": self.name, "model_type": ["hybrid"], "framework": ["NumPy"]})

    def index(
        self,
        corpus: Any,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        encode_kwargs: Any,
        num_proc: Any = None,
    ) -> None:
        """Index a task's corpus: rows of id, title and text.

        Args:
            corpus: of the task.
            task_metadata: of the task, whose name and type choose a sparse model's prompts.
            hf_split: without effect, like all that follows, but for the bar of `encode_kwargs`.
            hf_subset: of the task.
            encode_kwargs: mteb's arguments of `encode`.
            num_proc: of mteb's data loader.
        """
        self.task = task_metadata
        texts = {str(row["id"]): _document(row) for row in corpus}
        self.count = len(texts)
        self.retriever.index(texts, show_progress_bar=bool(encode_kwargs.get("show_progress_bar", False)))

    def search(
        self,
        queries: Any,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        top_k: int,
        encode_kwargs: Mapping[str, Any],
        top_ranked: Mapping[str, Sequence[str]] | None = None,
        num_proc: int | None = None,
    ) -> dict[str, dict[str, float]]:
        """The best documents of each query: by its id their scores by id.

        Args:
            queries: rows of id and text, and perhaps an instruction, which comes behind the text.
            task_metadata: without effect, like the other arguments that are not named here.
            hf_split: of the task.
            hf_subset: of the task.
            top_k: documents a query.
            encode_kwargs: mteb's arguments of `encode`.
            top_ranked: by query the only documents that count, in tasks of reranking.
            num_proc: of mteb's data loader.

        Raises:
            ArgumentError: `top_ranked`, and a retriever with a reranker, which would score the whole corpus.
        """
        if top_ranked is not None and self.retriever.reranker is not None:
            raise ArgumentError(
                f"top_ranked: documents of {len(top_ranked)} queries, but the retriever has a reranker, which takes "
                "its own candidates. Adapt the reranker alone for tasks of reranking."
            )
        names = [str(row["id"]) for row in queries]
        count = min(top_k, self.count) if top_ranked is None else self.count
        hits = self.retriever.search([_query(row) for row in queries], max(1, count))
        found = {
            name: {hit["corpus_id"]: float(hit["score"]) for hit in row} for name, row in zip(names, hits, strict=True)
        }
        if top_ranked is None:
            return found
        return {name: {one: found[name].get(one, 0.0) for one in top_ranked.get(name, ())} for name in names}


class SparseAdapter(DenseAdapter, RetrieverAdapter):
    """A sparse model: for retrieval an inverted index, for other tasks an encoder whose embeddings are made dense."""

    def __init__(self, model: SparseEncoder, name: str, prompts: Mapping[str, str] | None = None) -> None:
        DenseAdapter.__init__(self, model, name, prompts)  # type: ignore[arg-type]
        RetrieverAdapter.__init__(self, Retriever(sparse=_WithPrompts(self)), name)


class _WithPrompts:
    """A retriever's model that puts the prompts of the adapter's task in front of queries and documents."""

    def __init__(self, adapter: SparseAdapter) -> None:
        self.adapter = adapter

    def encode_query(self, inputs: Sequence[str]) -> Any:
        """Sparse vectors of queries."""
        return self.adapter.model.encode_query(inputs, prompt=self._prompt("query"))

    def encode_document(self, inputs: Sequence[str], *, show_progress_bar: bool | None = None) -> Any:
        """Sparse vectors of documents."""
        prompt = self._prompt("document")
        return self.adapter.model.encode_document(inputs, prompt=prompt, show_progress_bar=show_progress_bar)

    def _prompt(self, role: str) -> str | None:
        task = getattr(self.adapter, "task", None)
        return None if task is None else _prompt(self.adapter.prompts, task, role)


class RerankerAdapter:
    """A reranker as mteb's `CrossEncoderProtocol`; made by `adapt`."""

    def __init__(self, model: CrossEncoder, name: str, prompts: Mapping[str, str] | None = None) -> None:
        self.model, self.name = model, name
        self.prompts = dict(model.prompts if prompts is None else prompts)

    @cached_property
    def mteb_model_meta(self) -> Any:
        """What mteb writes beside the results."""
        return _meta(self.model, self.name, self.prompts)

    def predict(
        self,
        inputs1: Batches,
        inputs2: Batches,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        prompt_type: Any = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
    ) -> Array:
        """Scores of pairs, (n,): of each text of one with that of the other.

        Args:
            inputs1: batches with queries under "text".
            inputs2: batches with as many documents.
            task_metadata: of the task, whose name and type choose the prompt of the queries.
            hf_split: of the task; without effect.
            hf_subset: of the task; without effect.
            prompt_type: as `encode`'s.
            batch_size: as `predict`'s.
            show_progress_bar: as `predict`'s.
        """
        pairs = list(zip(_texts(inputs1), _texts(inputs2), strict=True))
        prompt = _prompt(self.prompts, task_metadata, prompt_type)
        found = self.model.predict(pairs, prompt=prompt, batch_size=batch_size, show_progress_bar=show_progress_bar)
        return np.asarray(found)


def prompt_name(prompts: Mapping[str, str], task: Any, prompt_type: Any) -> str | None:
    """Which of the prompts a task gets; None = none of them.

    The first that is there of: task and type of prompt, the task, its type and that of the prompt, its type, the type
    of prompt alone, as mteb's documentation of `EncoderProtocol.encode` has it.
    """
    role = None if prompt_type is None else str(getattr(prompt_type, "value", prompt_type))
    wanted = [found for kind in (task.name, task.type) for found in (role and f"{kind}-{role}", kind)]
    return next((found for found in (*wanted, role) if found and found in prompts), None)


def _prompt(prompts: Mapping[str, str], task: Any, prompt_type: Any) -> str | None:
    """The text itself; None = as the model's method does without one."""
    return prompts.get(prompt_name(prompts, task, prompt_type) or "")


def _method(model: Any, prompt_type: Any) -> Any:
    role = getattr(prompt_type, "value", prompt_type)
    return getattr(model, {None: "encode", "query": "encode_query", "document": "encode_document"}[role])


def _texts(batches: Batches) -> list[str]:
    return [text for batch in batches for text in batch["text"]]


def _document(row: Mapping[str, Any]) -> str:
    """As mteb joins them."""
    title = row.get("title") or ""
    return f"{title} {row['text']}".strip()


def _query(row: Mapping[str, Any]) -> str:
    instruction = row.get("instruction")
    return row["text"] if instruction is None else f"{row['text']} {instruction}"


def _rows(embeddings: Any) -> Array:
    """Arrays, and torch's tensors, which mteb makes of some."""
    found = embeddings.detach().cpu().numpy() if hasattr(embeddings, "detach") else np.asarray(embeddings)
    return found.astype(np.float32, copy=False)


def _meta(model: Model, name: str, prompts: Mapping[str, str]) -> Any:
    kind = next(word for known, word in TYPES.items() if isinstance(model, known))
    return _made_meta(
        {
            "name": name,
            "model_type": [kind],
            "framework": ["ONNX"],
            "max_tokens": model.max_seq_length,
            "embed_dim": None if isinstance(model, CrossEncoder) else model.get_embedding_dimension(),  # type: ignore[attr-defined]
            "similarity_fn_name": getattr(model, "similarity_fn_name", None),
            "use_instructions": any(prompts.values()),
        }
    )


def _made_meta(given: Mapping[str, Any]) -> Any:
    """mteb's ModelMeta, with None for what a folder does not say."""
    kind = import_module("mteb.models.model_meta").ModelMeta
    unknown = (
        "loader", "release_date", "languages", "n_parameters", "memory_usage_mb", "max_tokens", "embed_dim", "license",
        "open_weights", "public_training_code", "public_training_data", "similarity_fn_name", "use_instructions",
        "training_datasets",
    )  # fmt: skip
    return kind(**(dict.fromkeys(unknown) | {"revision": f"airvec-{__version__}"} | dict(given)))
