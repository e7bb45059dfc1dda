"""`CrossEncoder`: pairs of texts → scores, and documents ranked by them, with sentence-transformers' names.

Arguments, activation and the shape of results; how a pair becomes tokens is in `pairs.py`, the rest of its way in
`pipeline.py`.
Knows nothing of graphs, modules and token ids.
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from airvec.activations import Activation, given_activation, identity, sigmoid, softmax, stated_activation
from airvec.arguments import check_texts, described, pick_inputs, want_progress, warn_once
from airvec.arrays import Array, Floats, Integers
from airvec.batching import check_batch_size, pad
from airvec.checks import whole_number
from airvec.errors import ArgumentError, InputError
from airvec.folder import RERANKER, TokenizerSpec
from airvec.model import Model, ModelArguments
from airvec.pairs import Pair, check_limit_of_pairs, check_pairs, encode_pairs
from airvec.pipeline import Progress
from airvec.progress import progress_bar
from airvec.prompts import resolve_prompt

if TYPE_CHECKING:
    from airvec.processes import Pool


class CrossEncoder(Model):
    """A model that reads two texts together and scores them: for reranking, and for classes of pairs.

    Args:
        model_name_or_path: a model folder, or a name on the Hub (`ORG/MODEL`; a bare name is one of `cross-encoder`).
        backend: `"onnx"`; `"openvino"` where that package is installed, as does any variant `"openvino-NAME"`.
        variant: `"auto"` = fp32; NAME = the graph `onnx/model_NAME.onnx`; `"fastest"` = that of the folder's
            graphs for `backend` which was measured to be.
        prompts: texts to put in front of the first text of pairs, by name; over those saved with the model.
        default_prompt_name: the prompt that is used where a call names none.
        num_labels: may only repeat the model's own.
        max_length: most tokens of a pair, special tokens included; None = as the folder states.
        activation_fn: from logits to scores: a function from an array (n, labels) to one, or the name of one of torch's
            (`"Sigmoid"`, `"Identity"`, `"torch.nn.modules.linear.Identity"`), or an instance of it; None = as saved,
            else Sigmoid for one label and Identity for several.
        cache_folder: where models from the Hub are kept; None = AIRVEC_CACHE, SENTENCE_TRANSFORMERS_HOME or
            the Hub client's own.
        revision: branch, tag or commit on the Hub.
        local_files_only: use what has been fetched before, without network.
        token: for private models on the Hub.
        threads: CPUs to use; None = AIRVEC_THREADS, else what affinity and cgroup grant.
        device: None or `"cpu"`; `"cuda"` where onnxruntime-gpu is installed.
        trust_remote_code: accepted and without effect: airvec never runs code from model folders.
        model_kwargs: `file_name`, `provider`, `provider_options`, `session_options`.
        tokenizer_kwargs: old name of `processor_kwargs`.
        processor_kwargs: `model_max_length`, `padding_side`.
        default_activation_function: old name of `activation_fn`.

    Raises:
        ModelNotFoundError: no such folder or name.
        ModelFolderError: the folder is damaged, incomplete, or no reranker's.
        ArgumentError: an argument that cannot be served.
    """

    kind = RERANKER
    organisation = "cross-encoder"
    limit_name = "max_length"
    output = "scores"

    def __init__(
        self,
        model_name_or_path: str | PathLike[str],
        *,
        backend: str = "onnx",
        variant: str = "auto",
        prompts: Mapping[str, str | None] | None = None,
        default_prompt_name: str | None = None,
        num_labels: int | None = None,
        max_length: int | None = None,
        activation_fn: Activation | str | object | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        token: bool | str | None = None,
        threads: int | None = None,
        device: str | None = None,
        trust_remote_code: bool = False,
        model_kwargs: Mapping[str, Any] | None = None,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
        processor_kwargs: Mapping[str, Any] | None = None,
        default_activation_function: Activation | str | object | None = None,
    ) -> None:
        given = activation_fn if activation_fn is not None else default_activation_function
        activation = None if given is None else given_activation(given)
        super().__init__(
            ModelArguments(
                model_name_or_path, backend, variant, prompts, default_prompt_name, max_length, cache_folder, revision,
                local_files_only, token, threads, device, model_kwargs, tokenizer_kwargs, processor_kwargs,
            )
        )  # fmt: skip
        if num_labels is not None and num_labels != self.num_labels:
            raise ArgumentError(
                f"num_labels: {num_labels!r}, but this model has {self.num_labels}. Leave it out: a head of another "
                "width would have to be trained."
            )
        check_limit_of_pairs(self._pipeline().tokenizer, self.max_seq_length)
        self._activation = activation or self._saved_activation()

    def __repr__(self) -> str:
        labels, limit = self.num_labels, self.max_seq_length
        return f"CrossEncoder({str(self._folder.path)!r}, num_labels={labels}, max_length={limit})"

    def predict(
        self,
        inputs: Sequence[Sequence[str]] | Sequence[str] | Array | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        activation_fn: Activation | str | object | None = None,
        apply_softmax: bool | None = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | list[str] | None = None,
        pool: "Pool | None" = None,
        chunk_size: int | None = None,
        *,
        sentences: Sequence[Sequence[str]] | Sequence[str] | Array | None = None,
        activation_fct: Activation | str | object | None = None,
        num_workers: int | None = None,
    ) -> Any:
        """Scores of pairs of texts.

        Args:
            inputs: two texts, or a list, tuple or array of pairs of texts.
            prompt_name: which of `prompts` to put in front of the first text of each pair.
            prompt: the text to put in front, instead.
            batch_size: most pairs in a batch; None = by a budget of tokens, which is fastest. Results do not
                depend on it.
            show_progress_bar: None = if the logger `airvec` shows INFO.
            activation_fn: for this call, as in the constructor. A function gets the logits of all pairs at once.
            apply_softmax: for several labels, make each pair's scores add up to 1, after the activation.
            convert_to_numpy: False gives a list of scores.
            convert_to_tensor: gives the same NumPy array, and warns once.
            device: may repeat the model's own, or list the devices of processes to start for this call.
            pool: processes of `start_multi_process_pool`, to share the work.
            chunk_size: pairs that a process gets at once; None = by their number.
            sentences: old name of `inputs`.
            activation_fct: old name of `activation_fn`.
            num_workers: accepted and without effect, as in the reference.

        Returns:
            float32 (n,) in input order for a model with one label, (n, labels) for several; a float32 scalar, or
            (labels,), for a single pair; (0,), or (0, labels), for an empty list.

        Raises:
            InputError: an input that is not a pair of texts, or not valid Unicode.
            ArgumentError: an argument that cannot be.
        """
        pairs, single = check_pairs(pick_inputs(inputs, sentences))
        where = self._pool_options(pool, device, chunk_size)
        check_batch_size(batch_size)
        given = activation_fn if activation_fn is not None else activation_fct
        activation = self._activation if given is None else given_activation(given)
        text = resolve_prompt(self.prompts, self.default_prompt_name, prompt_name, prompt)
        with progress_bar(want_progress(show_progress_bar), len(pairs), "Scoring", "pair") as advance:
            found = self._in_parts(self._score, pairs, (text, batch_size), where, advance)
        logits = np.concatenate([np.zeros((0, self.num_labels), np.float32), *found])
        scores = activated(logits, activation, bool(apply_softmax))
        if convert_to_tensor:
            warn_once("convert_to_tensor", "convert_to_tensor: airvec has no tensors; the result is a NumPy array.")
        elif not convert_to_numpy and not single:
            return list(scores)
        return scores[0] if single else scores

    def rank(
        self,
        query: str,
        documents: Sequence[str] | Array,
        top_k: int | None = None,
        return_documents: bool = False,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        activation_fn: Activation | str | object | None = None,
        device: str | list[str] | None = None,
        pool: "Pool | None" = None,
        chunk_size: int | None = None,
        *,
        activation_fct: Activation | str | object | None = None,
        num_workers: int | None = None,
        apply_softmax: bool | None = None,
        convert_to_numpy: bool | None = None,
        convert_to_tensor: bool | None = None,
    ) -> list[dict[str, Any]]:
        """Documents in the order of their score with a query, best first; equal scores keep the given order.

        Args:
            query: a text, the first of each pair.
            documents: n texts.
            top_k: how many to return; None = all.
            return_documents: whether the results hold the documents.
            prompt_name: which of `prompts` to put in front of the query.
            prompt: the text to put in front, instead.
            batch_size: as in `predict`, like the other arguments up to `activation_fct`.
            show_progress_bar: as in `predict`.
            activation_fn: as in `predict`.
            device: as in `predict`.
            pool: as in `predict`.
            chunk_size: as in `predict`.
            activation_fct: old name of `activation_fn`.
            num_workers: accepted and without effect, as in the reference, like all that follow.
            apply_softmax: without effect.
            convert_to_numpy: without effect.
            convert_to_tensor: without effect.

        Returns:
            `{"corpus_id": int, "score": float}` for each document, and `"text"` with `return_documents`.

        Raises:
            InputError: the query is not a text, or the documents not a list of texts.
            ArgumentError: the model has several labels, or an argument that cannot be.
        """
        wanted, texts = check_ranking(self.num_labels, query, documents, top_k)
        scores = self.predict(
            [(query, text) for text in texts], prompt_name, prompt, batch_size, show_progress_bar, activation_fn,
            device=device, pool=pool, chunk_size=chunk_size, activation_fct=activation_fct,
        )  # fmt: skip
        return ranked(scores, texts, wanted, return_documents)

    @property
    def num_labels(self) -> int:
        """Scores of a pair."""
        return self._pipeline().output_dim

    @property
    def max_length(self) -> int | None:
        """Old name of `max_seq_length`: most tokens of a pair, special tokens included; None = no limit."""
        return self.max_seq_length

    @max_length.setter
    def max_length(self, limit: int | None) -> None:
        self.max_seq_length = limit

    @property
    def activation_fn(self) -> Activation:
        """What makes scores of logits where a call names nothing else; can be set as in the constructor."""
        return self._activation

    @activation_fn.setter
    def activation_fn(self, given: Activation | str | object) -> None:
        self._activation = given_activation(given)

    @property
    def default_activation_function(self) -> Activation:
        """Old name of `activation_fn`."""
        return self._activation

    def tokenize(self, texts: Any) -> dict[str, Integers]:
        """What the model reads of pairs: `input_ids`, `attention_mask`, `token_type_ids`, int64 (n, longest)."""
        pairs, _ = check_pairs(texts)
        tokenizer = self._pipeline().tokenizer
        return pad(encode_pairs(tokenizer, pairs), tokenizer.pad_id, tokenizer.padding_side)._asdict()

    def _score(self, pairs: Sequence[Pair], prompt: str, batch_size: int | None, advance: Progress) -> Floats:
        """Logits of one part of a call's pairs; the processes of a pool call it by name."""
        pipeline = self._pipeline()
        return pipeline.scores(encode_pairs(pipeline.tokenizer, pairs, prompt), prompt, batch_size, advance)

    def _checked_limit(self, spec: TokenizerSpec, limit: int) -> int:
        tokens = super()._checked_limit(spec, limit)
        check_limit_of_pairs(self._pipeline().tokenizer, tokens)
        return tokens

    def _saved_activation(self) -> Activation:
        """What the folder names, else by the number of labels; the reference's order."""
        for stated in self._folder.activations:
            found = stated_activation(stated, self._folder.name)
            if found is not None:
                return found
        return sigmoid if self.num_labels == 1 else identity


def check_ranking(labels: int, query: object, documents: object, top_k: int | None) -> tuple[int | None, list[str]]:
    """How many documents `rank` is to return, and their texts.

    Raises:
        InputError: the query is not a text, or the documents not a list of texts.
        ArgumentError: the model has several labels, or `top_k` is no whole number of at least 1.
    """
    if labels != 1:
        raise ArgumentError(f"rank: this model has {labels} labels, expected 1. Use predict, and sort by one of them.")
    wanted = None if top_k is None else whole_number("top_k", top_k)
    return wanted, _check_documents(query, documents)


def ranked(scores: Floats, texts: Sequence[str], top_k: int | None, return_documents: bool) -> list[dict[str, Any]]:
    """What `rank` returns, of the scores (n,) of n documents."""
    order = np.argsort(-scores, kind="stable")[:top_k]
    hits: list[dict[str, Any]] = [{"corpus_id": int(row), "score": float(scores[row])} for row in order]
    if return_documents:
        for hit in hits:
            hit["text"] = texts[hit["corpus_id"]]
    return hits


def activated(logits: Floats, activation: Activation, apply_softmax: bool) -> Floats:
    """Activation, then one label's dimension dropped, then softmax: float32 (n, labels) -> (n,) or (n, labels)."""
    try:
        scores = np.asarray(activation(logits) if len(logits) else logits, np.float32)
    except TypeError as error:  # torch's functions refuse arrays so
        name = getattr(activation, "__name__", "")
        raise ArgumentError(
            f"activation_fn: {type(activation).__name__} {name} fails on a NumPy array ({error!s:.80}), expected a "
            'function of arrays. Pass one, or a name such as "Sigmoid".'
        ) from error
    if scores.shape not in (logits.shape, logits.shape[:1]):
        raise ArgumentError(
            f"activation_fn: gives an array of shape {list(scores.shape)} for logits of shape {list(logits.shape)}, "
            f"expected the same, or {list(logits.shape[:1])}. It gets the logits of all pairs at once."
        )
    if scores.ndim > 1 and scores.shape[1] == 1:
        scores = scores[:, 0]
    return softmax(scores) if apply_softmax and scores.ndim > 1 else scores


def _check_documents(query: object, documents: object) -> list[str]:
    """The documents as a list.

    Raises:
        InputError: they are none, or the query is not a text.
    """
    if not isinstance(query, str):
        raise InputError(f"query: {described(query)}, expected a str. Use predict for pairs with several queries.")
    texts, single = check_texts(documents)
    if single:
        raise InputError(f"documents: {described(documents)}, expected a list of str. Pass [document].")
    return texts
