"""A model for tasks: opened as the kind that its folder says, with prompts and precision put into its calls.

Knows nothing of tasks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import airvec
from airvec.arguments import default_cache_folder
from airvec.arrays import Floats
from airvec.errors import ArgumentError
from airvec.folder import DENSE, FASTEST, KINDS, RERANKER, graph_names, read_folder
from airvec.hub import HubOptions, find_model

__all__ = ["EMBEDDED", "AskedModel", "Asking", "open_model"]

EMBEDDED = "default"
ORGANISATION = "sentence-transformers"  # of a bare name on the Hub
BITS = ("binary", "ubinary")


@dataclass(frozen=True)
class Asking:
    """How a model is opened and asked; None = as the model says.

    Attributes:
        variant: the graph.
        threads: CPUs.
        max_seq_length: most tokens of a text.
        truncate_dim: dimensions of dense embeddings to keep.
        prompt_name: the model's prompt for texts that are neither query nor document, and for a reranker's queries.
        prompt: or its text.
        query_prompt: the text in front of queries.
        document_prompt: the text in front of documents.
        precision: of embeddings: float32, int8, uint8, binary or ubinary.
    """

    variant: str = "auto"
    threads: int | None = None
    max_seq_length: int | None = None
    truncate_dim: int | None = None
    prompt_name: str | None = None
    prompt: str | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None
    precision: str | None = None


class AskedModel:
    """A model whose calls get a prompt, and whose embeddings are made of bits where that is asked.

    Bits are given as numbers, -1 and 1, so that every task compares them like any embeddings.

    Args:
        model: any of the runtime's three.
        asking: what its calls get.
    """

    def __init__(self, model: Any, asking: Asking) -> None:
        self.model = model
        plain = _given(prompt_name=asking.prompt_name, prompt=asking.prompt)
        if hasattr(model, "predict"):
            self.predict = partial(model.predict, **plain)
            return
        finish = _signs if asking.precision in BITS else None
        self.encode = _call(model.encode, plain, finish)
        self.encode_query = _call(model.encode_query, _given(prompt=asking.query_prompt), finish)
        self.encode_document = _call(model.encode_document, _given(prompt=asking.document_prompt), finish)

    def __getattr__(self, name: str) -> Any:
        """Whatever is not asked in another way."""
        return getattr(self.model, name)


def open_model(name: str, asking: Asking) -> Any:
    """Open a model folder, or a name on the Hub, as its files say; `"default"` is the model inside airvec.

    Raises:
        ModelNotFoundError: no such folder or name.
        ModelFolderError: the folder is damaged, or of another kind.
        ArgumentError: dimensions to keep of a model that is not dense, or more than it has; prompts of queries and
            documents for a reranker.
    """
    kind = DENSE if name == EMBEDDED else kind_of(name, asking.variant)
    if kind not in KINDS:
        raise ArgumentError(f"{name}: model_type is {kind!r}, expected one of {', '.join(KINDS)}. Give another model.")
    if kind != DENSE:
        _refuse(name, kind, asking, ("truncate_dim", "precision"), "dense models")
    if kind == RERANKER:
        _refuse(
            name, kind, asking, ("query_prompt", "document_prompt"), "models that encode; a reranker takes --prompt"
        )
    given: dict[str, Any] = {"variant": asking.variant, "threads": asking.threads}
    given["max_length" if kind == RERANKER else "max_seq_length"] = asking.max_seq_length
    if kind == DENSE:
        given["truncate_dim"] = asking.truncate_dim
    model = getattr(airvec, kind)(None if name == EMBEDDED else name, **given)
    if kind == DENSE:
        _check_width(name, model, asking.truncate_dim)
    return model


def _refuse(name: str, kind: str, asking: Asking, options: tuple[str, ...], others: str) -> None:
    for option in options:
        if getattr(asking, option) is not None:
            raise ArgumentError(
                f"{option}: {getattr(asking, option)!r:.60}, but {name} is a {kind}. Leave it out: it is for {others}."
            )


def _check_width(name: str, model: Any, wanted: int | None) -> None:
    width = model.get_embedding_dimension()
    if wanted is not None and wanted > width:
        raise ArgumentError(f"truncate_dim: {wanted}, but {name} has {width} dimensions, expected {width} at most.")


def kind_of(name: str, variant: str = "auto") -> str:
    """The class of a folder or of a name on the Hub, whose files are fetched for it."""
    graphs = graph_names("auto" if variant == FASTEST else variant)
    return read_folder(find_model(name, ORGANISATION, graphs, HubOptions(default_cache_folder()))).model_type


def _given(**texts: str | None) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text is not None}


def _call(method: Any, given: Mapping[str, str], finish: Any) -> Any:
    call = partial(method, **given)
    return call if finish is None else lambda *texts, **others: finish(call(*texts, **others))


def _signs(embeddings: Floats) -> Floats:
    return np.where(embeddings > 0, np.float32(1), np.float32(-1))
