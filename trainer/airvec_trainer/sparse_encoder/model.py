"""`SparseEncoder` in torch: texts → sparse embeddings, to be trained.

Arguments, shape of results, and what a checkpoint that is no sparse model becomes; the modules, prompts and folders are
in `model.py`, the maths of sparse tensors in `sparse_tensors.py`.
Knows nothing of losses and of training.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from airvec.arguments import check_dim, check_similarity_name, check_texts, keyed_texts, pick_inputs, want_progress
from airvec.errors import ArgumentError
from airvec.folder import DENSE, SPARSE, ModelFolder, check_kind, read_folder
from airvec.json_file import read_object_if_there
from airvec.prompts import document_name, query_name, resolve_prompt
from airvec_exporter.modules import SparseAutoEncoder, SpladePooling
from airvec_trainer import sparse_tensors
from airvec_trainer.devices import checked_device
from airvec_trainer.fitting import TextFitting
from airvec_trainer.loading import LoadOptions, load_modules
from airvec_trainer.model import Model, ModelArguments, Modules

# Of a sparse auto-encoder that is made anew behind a plain transformers model: what the reference takes.
WIDER, KEPT, AUXILIARY = 4, 256, 512


class SparseEncoder(TextFitting, Model):
    """A model that turns texts into sparse embeddings.

    A folder of a sparse model is taken as it is. A plain transformers model with a head for masked words becomes a
    SPLADE model, any other gets mean pooling and a fresh sparse auto-encoder of four times its width, of which 256
    dimensions are kept; a SentenceTransformer gets one behind its modules, of which a quarter of its width is kept.

    Args:
        model_name_or_path: a model folder, a folder of a transformers model, or a name on the Hub (`ORG/MODEL`; a bare
            name is one of `sparse-encoder`, or else nobody's).
        modules: the modules, instead of a name: the first reads texts.
        device: where to put them; None = the accelerator, where there is one, else the CPU.
        prompts: texts to put in front of inputs, by name; over those saved with the model.
        default_prompt_name: the prompt that `encode` uses where a call names none.
        similarity_fn_name: `"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`; None = as saved, else dot.
        max_active_dims: weights that `encode` keeps of an embedding; None = as saved, else the k of a sparse
            auto-encoder, else all.
        cache_folder: as `SentenceTransformer` has it, like all that follow.
        trust_remote_code: only False.
        revision: branch, tag or commit on the Hub.
        local_files_only: use what has been fetched before, without network.
        token: for private models on the Hub.
        model_kwargs: for transformers' `from_pretrained`.
        processor_kwargs: for the tokenizer.
        tokenizer_kwargs: old name of `processor_kwargs`.
        config_kwargs: values of transformers' config.
        model_card_data: what the README of a saved model says.
        backend: only `"torch"`.

    Raises:
        ModelNotFoundError: no such folder or name.
        ModelFolderError: the folder is damaged, incomplete, or a reranker's.
        ArgumentError: an argument that cannot be served.
        ExportError: transformers cannot load the model or its tokenizer.
    """

    kind = SPARSE
    organisation = "sparse-encoder"

    def __init__(
        self,
        model_name_or_path: str | Path | None = None,
        *,
        modules: Modules | None = None,
        device: str | torch.device | None = None,
        prompts: Mapping[str, str | None] | None = None,
        default_prompt_name: str | None = None,
        similarity_fn_name: str | None = None,
        max_active_dims: int | None = None,
        cache_folder: str | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
        token: bool | str | None = None,
        model_kwargs: Mapping[str, Any] | None = None,
        processor_kwargs: Mapping[str, Any] | None = None,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
        config_kwargs: Mapping[str, Any] | None = None,
        model_card_data: Any = None,
        backend: str = "torch",
    ) -> None:
        check_dim("max_active_dims", max_active_dims)
        super().__init__(
            ModelArguments(
                model_name_or_path, modules, device, prompts, default_prompt_name, cache_folder, trust_remote_code,
                revision, local_files_only, token, model_kwargs, processor_kwargs, tokenizer_kwargs, config_kwargs,
                model_card_data, backend,
            )
        )  # fmt: skip
        saved = self.folder if self.folder and self.folder.model_type == SPARSE else None
        self.similarity_fn_name = similarity_fn_name or (saved and saved.similarity_fn_name) or "dot"
        coders = [module for module in self if isinstance(module, SparseAutoEncoder)]
        stated = max_active_dims or (saved and saved.max_active_dims)
        self.max_active_dims = stated or (coders[0].k if coders else None)

    def encode(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        convert_to_tensor: bool = True,
        convert_to_sparse_tensor: bool = True,
        save_to_cpu: bool = False,
        device: str | torch.device | None = None,
        max_active_dims: int | None = None,
        *,
        task: str | None = None,
        sentences: Any = None,
    ) -> Any:
        """Sparse embeddings of texts, without gradients.

        Args:
            inputs: a text, or a list, tuple or array of texts.
            prompt_name: which of `prompts` to put in front of each text.
            prompt: the text to put in front, instead.
            batch_size: texts in a batch; the longest come first.
            show_progress_bar: None = if the logger `airvec` shows INFO.
            convert_to_tensor: False gives a list of vectors.
            convert_to_sparse_tensor: False gives dense tensors.
            save_to_cpu: whether each batch is moved off an accelerator as soon as it is done.
            device: moves the model there first.
            max_active_dims: weights to keep of each embedding in this call, the largest by absolute value.
            task: which route of a Router the texts take, such as `"query"`.
            sentences: old name of `inputs`.

        Returns:
            COO tensor (n, dim) in input order, coalesced, in the model's dtype; (dim,) for a single text; (0, dim) for
            an empty list.

        Raises:
            InputError: an input that is not a text.
            ArgumentError: an argument that cannot be.
        """
        given, task = keyed_texts(pick_inputs(inputs, sentences), task)
        texts, single = check_texts(given)
        most = check_dim("max_active_dims", max_active_dims) or self.max_active_dims
        text = resolve_prompt(self.prompts, self.default_prompt_name, prompt_name, prompt)
        if device is not None:
            self.to(checked_device(device))
        batches = self._batches(texts, text, task, batch_size, want_progress(show_progress_bar))
        where = torch.device("cpu") if save_to_cpu else self.device
        with self._evaluating(), self._keeping(most), torch.inference_mode():
            parts = [
                (places, _cut(features["sentence_embedding"], most, convert_to_sparse_tensor).to(where))
                for places, features in batches
            ]
        found = self._in_order(parts, convert_to_sparse_tensor, where)
        if convert_to_tensor and not single:
            return found
        rows = [row.coalesce() if row.is_sparse else row for row in found]
        return rows[0] if single else rows

    def encode_query(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        convert_to_tensor: bool = True,
        convert_to_sparse_tensor: bool = True,
        save_to_cpu: bool = False,
        device: str | torch.device | None = None,
        max_active_dims: int | None = None,
        *,
        task: str | None = None,
        sentences: Any = None,
    ) -> Any:
        """As `encode`, with the prompt `"query"` where the call names none, on the route `"query"`."""
        if prompt_name is None and prompt is None:
            prompt_name = query_name(self.prompts)
        return self.encode(
            inputs, prompt_name, prompt, batch_size, show_progress_bar, convert_to_tensor, convert_to_sparse_tensor,
            save_to_cpu, device, max_active_dims, task=task or "query", sentences=sentences,
        )  # fmt: skip

    def encode_document(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        convert_to_tensor: bool = True,
        convert_to_sparse_tensor: bool = True,
        save_to_cpu: bool = False,
        device: str | torch.device | None = None,
        max_active_dims: int | None = None,
        *,
        task: str | None = None,
        sentences: Any = None,
    ) -> Any:
        """As `encode`, with the prompt `"document"`, else `"passage"`, else `"corpus"`, on the route `"document"`."""
        if prompt_name is None and prompt is None:
            prompt_name = document_name(self.prompts)
        return self.encode(
            inputs, prompt_name, prompt, batch_size, show_progress_bar, convert_to_tensor, convert_to_sparse_tensor,
            save_to_cpu, device, max_active_dims, task=task or "document", sentences=sentences,
        )  # fmt: skip

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """Similarity of every row of one (n, dim) with every row of the other (m, dim), sparse or dense: (n, m)."""
        rows = map(sparse_tensors.tensor_of, (embeddings1, embeddings2))
        return sparse_tensors.all_pairs(self.similarity_fn_name, *rows)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """Similarity of row i of one with row i of the other, both (n, dim), sparse or dense: (n,)."""
        rows = map(sparse_tensors.tensor_of, (embeddings1, embeddings2))
        return sparse_tensors.row_by_row(self.similarity_fn_name, *rows)

    @property
    def similarity_fn_name(self) -> str:
        """`"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`."""
        return self._similarity

    @similarity_fn_name.setter
    def similarity_fn_name(self, name: str) -> None:
        self._similarity = check_similarity_name(name)

    @property
    def splade_pooling_chunk_size(self) -> int | None:
        """Tokens that SPLADE's pooling takes at once, which bounds the memory of `encode`; None = all of a batch."""
        return next((pooling.chunk_size for pooling in self._poolings()), None)

    @splade_pooling_chunk_size.setter
    def splade_pooling_chunk_size(self, size: int | None) -> None:
        checked = check_dim("splade_pooling_chunk_size", size)
        for pooling in self._poolings():
            pooling.chunk_size = checked

    def _poolings(self) -> list[SpladePooling]:
        return [module for module in self.modules() if isinstance(module, SpladePooling)]

    def decode(self, embeddings: Tensor, top_k: int | None = None) -> Any:
        """The words of embeddings with their weights, largest first, as the tokenizer writes them.

        Args:
            embeddings: one embedding or rows, sparse or dense (dim,) or (n, dim).
            top_k: most words of each; None = all.

        Returns:
            `[(word, weight), …]` for one embedding, a list of such lists for rows.

        Raises:
            ArgumentError: `top_k` is below 1.
        """
        most = check_dim("top_k", top_k)
        return sparse_tensors.decode(sparse_tensors.tensor_of(embeddings), self.tokenizer.convert_ids_to_tokens, most)

    @staticmethod
    def sparsity(embeddings: Any) -> dict[str, float]:
        """`active_dims`, the mean number of weights that are not 0, and `sparsity_ratio`, the share that is."""
        return sparse_tensors.sparsity(sparse_tensors.tensor_of(embeddings))

    @staticmethod
    def intersection(embeddings_1: Any, embeddings_2: Any) -> Tensor:
        """What each word adds to the dot product of one embedding (dim,) with one or several: the products above 0.

        Raises:
            ArgumentError: `embeddings_1` is several, or the dimensions differ.
        """
        return sparse_tensors.intersection(*map(sparse_tensors.tensor_of, (embeddings_1, embeddings_2)))

    def get_embedding_dimension(self) -> int | None:
        """Width of the embeddings: the size of the vocabulary, or of a sparse auto-encoder; None where none says it."""
        modules = [cast("Any", module) for module in self if hasattr(module, "get_embedding_dimension")]
        widths = [module.get_embedding_dimension() for module in reversed(modules)]
        return next((width for width in widths if width is not None), None)

    def get_sentence_embedding_dimension(self) -> int | None:
        """Old name of `get_embedding_dimension`."""
        return self.get_embedding_dimension()

    def settings(self) -> dict[str, Any]:
        """What `config_sentence_transformers.json` says of the model."""
        most = {} if self.max_active_dims is None else {"max_active_dims": self.max_active_dims}
        return {**super().settings(), "similarity_fn_name": self.similarity_fn_name, **most}

    def _read(self, home: Path) -> ModelFolder:
        """What the folder says; one without a sparse module is read as a SentenceTransformer's."""
        found = read_folder(home, SPARSE if _has_word_head(home) else DENSE)
        if found.model_type != DENSE:
            check_kind(found, SPARSE)
        return found

    def _load(self, folder: ModelFolder, options: LoadOptions) -> Modules:
        """The folder's modules; behind those of a model that is not sparse, a fresh sparse auto-encoder."""
        modules = load_modules(folder, options)
        if folder.model_type == SPARSE:
            return modules
        told = [module for module in reversed(modules.values()) if hasattr(module, "get_embedding_dimension")]
        width = cast("Any", told[0]).get_embedding_dimension() if told else None
        if width is None:
            raise ArgumentError(f"{folder.name}: no module says its width, expected one. Pass modules instead.")
        plain = not (folder.path / "modules.json").is_file()
        k, auxiliary = (min(KEPT, WIDER * width), AUXILIARY) if plain else (width // 4, width // 2)
        modules[str(len(modules))] = SparseAutoEncoder(width, WIDER * width, k, min(auxiliary, WIDER * width))
        return modules

    @contextmanager
    def _keeping(self, most: int | None) -> Iterator[None]:
        """A sparse auto-encoder keeps so many dimensions of each embedding meanwhile; None = its own k."""
        if most is None:
            yield
            return
        handle = self.register_forward_pre_hook(lambda _, given: ({**given[0], "max_active_dims": most},))
        try:
            yield
        finally:
            handle.remove()

    def _in_order(self, parts: Sequence[tuple[list[int], Tensor]], sparse: bool, where: torch.device) -> Tensor:
        """The rows of batches in input order, (n, dim)."""
        if not parts:
            empty = torch.zeros(0, self.get_embedding_dimension() or 0, dtype=self.dtype, device=where)
            return empty.to_sparse() if sparse else empty
        places = torch.tensor([place for rows, _ in parts for place in rows], device=where)
        found = torch.cat([part for _, part in parts]).index_select(0, places.argsort())
        return found.coalesce() if sparse else found


def _cut(embeddings: Tensor, most: int | None, sparse: bool) -> Tensor:
    kept = sparse_tensors.largest(embeddings, most)
    return kept.to_sparse() if sparse else kept


def _has_word_head(home: Path) -> bool:
    """Whether a checkpoint has the head for masked words that SPLADE needs."""
    config = read_object_if_there(home / "config.json")
    return any(str(name).endswith("ForMaskedLM") for name in config.items("architectures"))
