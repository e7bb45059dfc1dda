"""`SentenceTransformer` in torch: texts → dense embeddings, to be trained.

Arguments and shape of results; modules, prompts and folders are in `model.py`.
Knows nothing of losses and of training.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from airvec.arguments import (
    check_dim,
    check_output_value,
    check_similarity_name,
    check_texts,
    keyed_texts,
    pick_inputs,
    want_progress,
)
from airvec.errors import ArgumentError
from airvec.folder import DENSE
from airvec.precision import check_precision, quantize_embeddings
from airvec.prompts import document_name, query_name, resolve_prompt
from airvec_trainer.devices import checked_device
from airvec_trainer.fitting import TextFitting
from airvec_trainer.model import Model, ModelArguments, Modules
from airvec_trainer.similarity import ALL_PAIRS, ROW_BY_ROW


class SentenceTransformer(TextFitting, Model):
    """A model that turns texts into dense embeddings.

    Args:
        model_name_or_path: a model folder, a folder of a transformers model, which gets mean pooling, or a name on
            the Hub (`ORG/MODEL`; a bare name is one of `sentence-transformers`, or else nobody's).
        modules: the modules, instead of a name: the first reads texts.
        device: where to put them; None = the accelerator, where there is one, else the CPU.
        prompts: texts to put in front of inputs, by name; over those saved with the model.
        default_prompt_name: the prompt that `encode` uses where a call names none.
        similarity_fn_name: `"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`; None = as saved, else cosine.
        cache_folder: where models from the Hub are kept; None = AIRVEC_CACHE, SENTENCE_TRANSFORMERS_HOME or
            the Hub client's own.
        trust_remote_code: only False: code from model folders is never run.
        revision: branch, tag or commit on the Hub.
        local_files_only: use what has been fetched before, without network.
        token: for private models on the Hub.
        truncate_dim: dimensions that `encode` keeps; None = as saved, else all.
        model_kwargs: for transformers' `from_pretrained`: `dtype` (float32 where it is not given),
            `attn_implementation`.
        processor_kwargs: for the tokenizer: `model_max_length`, `padding_side`.
        tokenizer_kwargs: old name of `processor_kwargs`.
        config_kwargs: values of transformers' config, such as `hidden_dropout_prob`.
        model_card_data: what the README of a saved model says.
        backend: only `"torch"`: graphs are run by `airvec`.

    Raises:
        ModelNotFoundError: no such folder or name.
        ModelFolderError: the folder is damaged, incomplete, or another class's.
        ArgumentError: an argument that cannot be served.
        ExportError: transformers cannot load the model or its tokenizer.
    """

    kind = DENSE
    organisation = "sentence-transformers"

    def __init__(
        self,
        model_name_or_path: str | Path | None = None,
        *,
        modules: Modules | None = None,
        device: str | torch.device | None = None,
        prompts: Mapping[str, str | None] | None = None,
        default_prompt_name: str | None = None,
        similarity_fn_name: str | None = None,
        cache_folder: str | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
        token: bool | str | None = None,
        truncate_dim: int | None = None,
        model_kwargs: Mapping[str, Any] | None = None,
        processor_kwargs: Mapping[str, Any] | None = None,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
        config_kwargs: Mapping[str, Any] | None = None,
        model_card_data: Any = None,
        backend: str = "torch",
    ) -> None:
        super().__init__(
            ModelArguments(
                model_name_or_path, modules, device, prompts, default_prompt_name, cache_folder, trust_remote_code,
                revision, local_files_only, token, model_kwargs, processor_kwargs, tokenizer_kwargs, config_kwargs,
                model_card_data, backend,
            )
        )  # fmt: skip
        saved = self.folder
        self.similarity_fn_name = similarity_fn_name or (saved and saved.similarity_fn_name) or "cosine"
        self.truncate_dim = saved.truncate_dim if saved and truncate_dim is None else truncate_dim

    def encode(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = 32,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str | None = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | torch.device | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        *,
        task: str | None = None,
        sentences: Any = None,
    ) -> Any:
        """Embeddings of texts, without gradients.

        Args:
            inputs: a text, or a list, tuple or array of texts.
            prompt_name: which of `prompts` to put in front of each text.
            prompt: the text to put in front, instead.
            batch_size: texts in a batch, the longest first; None = 32.
            show_progress_bar: None = if the logger `airvec` shows INFO.
            output_value: `"sentence_embedding"`; `"token_embeddings"` for a list of (tokens, dim) tensors; None for
                a list of dicts of all features.
            precision: `"float32"`, `"int8"`, `"uint8"`, `"binary"` or `"ubinary"`: see `util.quantize_embeddings`.
            convert_to_numpy: False gives a list of tensors.
            convert_to_tensor: gives one tensor, on the model's device.
            device: moves the model there first.
            normalize_embeddings: scale each embedding to length 1, after `truncate_dim`.
            truncate_dim: dimensions to keep in this call.
            task: which route of a Router the texts take, such as `"query"`.
            sentences: old name of `inputs`.

        Returns:
            float32 (n, dim) in input order; (dim,) for a single text; (0, dim) for an empty list. int8 or uint8 where
            `precision` asks for it.

        Raises:
            InputError: an input that is not a text.
            ArgumentError: an argument that cannot be.
        """
        given, task = keyed_texts(pick_inputs(inputs, sentences), task)
        texts, single = check_texts(given)
        check_output_value(output_value, "ignore")
        dim = check_dim("truncate_dim", truncate_dim) or self.truncate_dim
        chosen = check_precision(precision)
        text = resolve_prompt(self.prompts, self.default_prompt_name, prompt_name, prompt)
        if device is not None:
            self.to(checked_device(device))
        batches = self._batches(texts, text, task, batch_size, want_progress(show_progress_bar))
        with self._evaluating(), torch.inference_mode():
            if output_value != "sentence_embedding":
                features = _by_text(batches, len(texts), output_value)
                return features[0] if single else features
            found = self._embed(batches, len(texts), dim, normalize_embeddings)
        if convert_to_tensor and chosen == "float32":
            return found[0] if single else found
        result = quantize_embeddings(found.cpu().numpy(), chosen)
        return _shaped(result, single, convert_to_numpy, convert_to_tensor)

    def encode_query(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = 32,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str | None = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | torch.device | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        *,
        task: str | None = None,
        sentences: Any = None,
    ) -> Any:
        """As `encode`, with the prompt `"query"` where the call names none, on the route `"query"`."""
        if prompt_name is None and prompt is None:
            prompt_name = query_name(self.prompts)
        return self.encode(
            inputs, prompt_name, prompt, batch_size, show_progress_bar, output_value, precision, convert_to_numpy,
            convert_to_tensor, device, normalize_embeddings, truncate_dim, task=task or "query", sentences=sentences,
        )  # fmt: skip

    def encode_document(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = 32,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str | None = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | torch.device | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        *,
        task: str | None = None,
        sentences: Any = None,
    ) -> Any:
        """As `encode`, with the prompt `"document"`, else `"passage"`, else `"corpus"`, on the route `"document"`."""
        if prompt_name is None and prompt is None:
            prompt_name = document_name(self.prompts)
        return self.encode(
            inputs, prompt_name, prompt, batch_size, show_progress_bar, output_value, precision, convert_to_numpy,
            convert_to_tensor, device, normalize_embeddings, truncate_dim, task=task or "document",
            sentences=sentences,
        )  # fmt: skip

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """Similarity of every row of one (n, dim) with every row of the other (m, dim): (n, m)."""
        return ALL_PAIRS[self.similarity_fn_name](*_two(embeddings1, embeddings2))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """Similarity of row i of one with row i of the other, both (n, dim): (n,)."""
        return ROW_BY_ROW[self.similarity_fn_name](*_two(embeddings1, embeddings2))

    @property
    def similarity_fn_name(self) -> str:
        """`"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`."""
        return self._similarity

    @similarity_fn_name.setter
    def similarity_fn_name(self, name: str) -> None:
        self._similarity = check_similarity_name(name)

    def get_embedding_dimension(self) -> int | None:
        """Width of what `encode` gives; None where no module says it."""
        width = super().get_embedding_dimension()
        return width if width is None or self.truncate_dim is None else min(width, self.truncate_dim)

    def get_sentence_embedding_dimension(self) -> int | None:
        """Old name of `get_embedding_dimension`."""
        return self.get_embedding_dimension()

    @contextmanager
    def truncate_embeddings(self, truncate_dim: int | None) -> Iterator[None]:
        """Keep other dimensions than the model's own, within a `with`."""
        before, self.truncate_dim = self.truncate_dim, check_dim("truncate_dim", truncate_dim)
        try:
            yield
        finally:
            self.truncate_dim = before

    truncate_sentence_embeddings = truncate_embeddings  # its old name

    def settings(self) -> dict[str, Any]:
        """What `config_sentence_transformers.json` says of the model."""
        dim = {} if self.truncate_dim is None else {"truncate_dim": self.truncate_dim}
        return {**super().settings(), "similarity_fn_name": self.similarity_fn_name, **dim}

    def _embed(self, batches: Any, count: int, dim: int | None, unit: bool) -> Tensor:
        """float32 (count, dim) in input order: cut, then scaled to length 1 where asked."""
        parts: list[Tensor] = []
        places: list[int] = []
        for rows, features in batches:
            cut = features["sentence_embedding"][..., :dim]
            parts.append(normalize(cut, dim=-1) if unit else cut)
            places += rows
        if not count:
            width = super().get_embedding_dimension() or 0
            return torch.zeros(0, width if dim is None else min(width, dim), device=self.device)
        joined = torch.cat(parts).float()
        result = torch.empty_like(joined)
        result[torch.tensor(places, device=joined.device)] = joined
        return result


def _by_text(batches: Any, count: int, output: str | None) -> list[Any]:
    """All features of each text, or its token embeddings without the padding at their right."""
    found: list[Any] = [None] * count
    for places, features in batches:
        for row, place in enumerate(places):
            if output is None:
                found[place] = {
                    name: value[row] if _of_rows(value, places) else value for name, value in features.items()
                }
                continue
            real = features["attention_mask"][row].nonzero()
            last = int(real[-1]) + 1 if len(real) else 0
            found[place] = features[output][row, :last]
    return found


def _of_rows(value: Any, places: Sequence[int]) -> bool:
    return isinstance(value, Tensor) and value.ndim > 0 and len(value) == len(places)


def _two(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Both as rows of one width, on one device: the accelerator, where one of them is there.

    Raises:
        ArgumentError: the widths differ.
    """
    x, y = _rows(a), _rows(b)
    if x.shape[-1] != y.shape[-1]:
        raise ArgumentError(
            f"embeddings: {x.shape[-1]} and {y.shape[-1]} dimensions, expected the same. Encode both with one model."
        )
    device = y.device if x.device.type == "cpu" else x.device
    return x.to(device), y.to(device)


def _rows(vectors: Any) -> Tensor:
    """One vector or rows of them, of any kind: (n, dim); whole numbers and float64 as float32."""
    if isinstance(vectors, list) and vectors and isinstance(vectors[0], Tensor):
        vectors = torch.stack(vectors)
    found = vectors if isinstance(vectors, Tensor) else torch.from_numpy(np.asarray(vectors))
    found = found if found.is_floating_point() and found.dtype != torch.float64 else found.float()
    return found[None] if found.ndim == 1 else found


def _shaped(result: Any, single: bool, convert_to_numpy: bool, convert_to_tensor: bool) -> Any:
    if convert_to_tensor:
        result = torch.from_numpy(result)
    elif not convert_to_numpy:
        result = [torch.from_numpy(row) for row in result]
    return result[0] if single else result
