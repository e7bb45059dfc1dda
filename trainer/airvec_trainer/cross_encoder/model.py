"""`CrossEncoder` in torch: pairs of texts → scores, to be trained.

Arguments, activation, shape of results, and what a checkpoint without a head for scores becomes; the modules, prompts
and folders are in `model.py`.
Knows nothing of losses and of training.
"""

import warnings
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from airvec.arguments import check_texts, pick_inputs, want_progress
from airvec.checks import whole_number
from airvec.errors import AirvecWarning, ArgumentError, InputError
from airvec.folder import CLASSIFY, DENSE, RERANKER, ModelFolder, ModuleSpec, check_kind, read_folder
from airvec.folder.tokenizer import read_tokenizer_spec
from airvec.json_file import JsonObject
from airvec.pairs import check_pairs
from airvec.prompts import resolve_prompt
from airvec_exporter.adapter import SCORES
from airvec_exporter.modules import Dense
from airvec_trainer.activations import Activation, activated, activation_name, given_activation, stated_activation
from airvec_trainer.devices import checked_device
from airvec_trainer.fitting import PairFitting
from airvec_trainer.loading import LoadOptions, load_modules
from airvec_trainer.model import Model, ModelArguments, Modules
from airvec_trainer.modules.transformer import Transformer


class CrossEncoder(PairFitting, Model):
    """A model that reads two texts together and scores them: for reranking, and for classes of pairs.

    A folder of a reranker is taken as it is. Any other model of transformers, or a SentenceTransformer, gets a fresh
    head for scores: `torch.manual_seed` before makes it the same again.

    Args:
        model_name_or_path: a model folder, a folder of a transformers model, or a name on the Hub (`ORG/MODEL`; a bare
            name is one of `cross-encoder`, or else nobody's).
        modules: the modules, instead of a name: the first reads pairs, the last gives `scores`.
        device: where to put them; None = the accelerator, where there is one, else the CPU.
        prompts: texts to put in front of the first text of pairs, by name; over those saved with the model.
        default_prompt_name: the prompt that is used where a call names none.
        num_labels: scores of a pair, of a fresh head; None = as saved, else 1.
        max_length: most tokens of a pair, special ones included; None = as the folder states.
        activation_fn: from logits to scores in `predict`: a torch module, or a function from a tensor (n, labels) to
            one, or the name of one of torch's (`"Sigmoid"`); None = as saved, else Sigmoid for one label and Identity
            for several. Losses read logits.
        cache_folder: as `SentenceTransformer` has it, like all that follow.
        trust_remote_code: only False.
        revision: branch, tag or commit on the Hub.
        local_files_only: use what has been fetched before, without network.
        token: for private models on the Hub.
        model_kwargs: for transformers' `from_pretrained`.
        processor_kwargs: for the tokenizer.
        tokenizer_kwargs: old name of `processor_kwargs`.
        config_kwargs: values of transformers' config, such as `classifier_dropout`.
        model_card_data: what the README of a saved model says.
        backend: only `"torch"`.

    Raises:
        ModelNotFoundError: no such folder or name.
        ModelFolderError: the folder is damaged, incomplete, or a sparse model's.
        ArgumentError: an argument that cannot be served.
        ExportError: transformers cannot load the model or its tokenizer.
    """

    kind = RERANKER
    organisation = "cross-encoder"

    def __init__(
        self,
        model_name_or_path: str | Path | None = None,
        *,
        modules: Modules | None = None,
        device: str | torch.device | None = None,
        prompts: Mapping[str, str | None] | None = None,
        default_prompt_name: str | None = None,
        num_labels: int | None = None,
        max_length: int | None = None,
        activation_fn: Activation | str | None = None,
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
        labels = {} if num_labels is None else {"num_labels": whole_number("num_labels", num_labels)}
        given = None if activation_fn is None else given_activation(activation_fn)
        super().__init__(
            ModelArguments(
                model_name_or_path, modules, device, prompts, default_prompt_name, cache_folder, trust_remote_code,
                revision, local_files_only, token, model_kwargs, processor_kwargs, tokenizer_kwargs,
                {**(config_kwargs or {}), **labels}, model_card_data, backend,
            )
        )  # fmt: skip
        if max_length is not None:
            self.max_seq_length = max_length
        self.activation_fn = given or self._saved_activation()

    def __setattr__(self, name: str, value: Any) -> None:
        """Torch would make an activation that is a module one of the model's own."""
        if name == "activation_fn":
            self.__dict__["_activation"] = given_activation(value)
        else:
            super().__setattr__(name, value)

    @property
    def activation_fn(self) -> Activation:
        """What makes scores of logits where a call names nothing else; can be set as in the constructor."""
        return self._activation

    @property
    def default_activation_function(self) -> Activation:
        """Old name of `activation_fn`."""
        return self._activation

    @property
    def num_labels(self) -> int:
        """Scores of a pair.

        Raises:
            ArgumentError: no module gives scores.
        """
        for module in reversed(list(self)):
            if isinstance(module, Dense) and module.names[1] == "scores":
                return module.linear.out_features
            if isinstance(module, Transformer) and module.task == CLASSIFY:
                return module.config.num_labels
        raise ArgumentError(
            f"modules: {', '.join(type(module).__name__ for module in self)}, none of which gives scores. End them "
            'with a Transformer of the task "sequence-classification", or a Dense whose output is "scores".'
        )

    @property
    def max_length(self) -> int | None:
        """Old name of `max_seq_length`."""
        return self.max_seq_length

    @max_length.setter
    def max_length(self, limit: int) -> None:
        self.max_seq_length = limit

    @property
    def model(self) -> Any:
        """Old name of `transformers_model`."""
        return self.transformers_model

    def predict(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Activation | str | None = None,
        apply_softmax: bool | None = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | torch.device | None = None,
        *,
        sentences: Any = None,
        activation_fct: Activation | str | None = None,
        num_workers: int | None = None,
    ) -> Any:
        """Scores of pairs of texts, without gradients.

        Args:
            inputs: two texts, or a list, tuple or array of pairs of texts.
            prompt_name: which of `prompts` to put in front of the first text of each pair.
            prompt: the text to put in front, instead.
            batch_size: pairs in a batch; the longest come first.
            show_progress_bar: None = if the logger `airvec` shows INFO.
            activation_fn: for this call, as in the constructor.
            apply_softmax: for several labels, make each pair's scores add up to 1, after the activation.
            convert_to_numpy: False gives a list of tensors.
            convert_to_tensor: gives one tensor, on the model's device.
            device: moves the model there first.
            sentences: old name of `inputs`.
            activation_fct: old name of `activation_fn`.
            num_workers: accepted and without effect, as in the reference.

        Returns:
            float32 (n,) in input order for a model with one label, (n, labels) for several; a float32 scalar, or
            (labels,), for a single pair; (0,), or (0, labels), for an empty list.

        Raises:
            InputError: an input that is not a pair of texts.
            ArgumentError: an argument that cannot be.
        """
        pairs, single = check_pairs(pick_inputs(inputs, sentences))
        chosen = activation_fn if activation_fn is not None else activation_fct
        activation = self.activation_fn if chosen is None else given_activation(chosen)
        text = resolve_prompt(self.prompts, self.default_prompt_name, prompt_name, prompt)
        if device is not None:
            self.to(checked_device(device))
        batches = self._batches(pairs, text, None, batch_size, want_progress(show_progress_bar))
        with self._evaluating(), torch.inference_mode():
            scores = self._scores(batches, len(pairs), activation, bool(apply_softmax))
        if convert_to_tensor:
            return scores[0] if single else scores
        result: Any = scores.cpu().numpy() if convert_to_numpy else list(scores)
        return result[0] if single else result

    def rank(
        self,
        query: str,
        documents: Any,
        top_k: int | None = None,
        return_documents: bool = False,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Activation | str | None = None,
        device: str | torch.device | None = None,
        *,
        activation_fct: Activation | str | None = None,
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
            batch_size: as in `predict`, like all that follow.
            show_progress_bar: as in `predict`.
            activation_fn: as in `predict`.
            device: as in `predict`.
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
        if self.num_labels != 1:
            raise ArgumentError(
                f"rank: this model has {self.num_labels} labels, expected 1. Use predict, and sort by one of them."
            )
        wanted = None if top_k is None else whole_number("top_k", top_k)
        texts, alone = check_texts(documents)
        if alone or not isinstance(query, str):
            raise InputError(
                f"rank: query {query!r:.40} and documents {documents!r:.40}, expected a str and a list of str. Correct "
                "them."
            )
        scores = self.predict(
            [(query, text) for text in texts], prompt_name, prompt, batch_size, show_progress_bar, activation_fn,
            device=device, activation_fct=activation_fct,
        )  # fmt: skip
        order = np.argsort(-scores, kind="stable")[:wanted]
        hits: list[dict[str, Any]] = [{"corpus_id": int(row), "score": float(scores[row])} for row in order]
        return [{**hit, "text": texts[hit["corpus_id"]]} for hit in hits] if return_documents else hits

    def add_adapter(self, adapter_config: Any, adapter_name: str | None = None) -> None:
        """As for other models; a fresh head has to be among the `modules_to_save` of the settings."""
        if self.folder and not _is_classifier(self.folder.modules[0]) and not _brings(adapter_config):
            names = [name.rpartition(".")[0] for name in self.transformers_model.state_dict() if name in SCORES]
            warnings.warn(
                f"add_adapter: modules_to_save is {getattr(adapter_config, 'modules_to_save', None)!r}, so that the "
                f"fresh head of {self.folder.name} is neither trained nor saved. Pass modules_to_save={names!r}.",
                AirvecWarning,
                stacklevel=2,
            )
        super().add_adapter(adapter_config, adapter_name)

    def settings(self) -> dict[str, Any]:
        """What `config_sentence_transformers.json` says of the model."""
        name = activation_name(self.activation_fn)
        if name is None:
            warnings.warn(
                f"activation_fn: {self.activation_fn!r:.80} is no plain class of torch.nn and is not saved; who loads "
                "the model has to pass it again.",
                AirvecWarning,
                stacklevel=3,
            )
        return {**super().settings(), **({} if name is None else {"activation_fn": name})}

    def _read(self, home: Path) -> ModelFolder:
        """What the folder says; a SentenceTransformer's is taken for its Transformer alone."""
        found = read_folder(home, RERANKER)
        if found.model_type != DENSE or found.modules[0].type != "Transformer":
            check_kind(found, RERANKER)
        return found

    def _load(self, folder: ModelFolder, options: LoadOptions) -> OrderedDict[str, nn.Module]:
        """The folder's modules; of another kind's, its Transformer. Only what was no classifier gets a fresh head."""
        body, *others = folder.modules
        _check_labels(folder, options)
        chosen = replace(options, transformer=replace(options.transformer, new_head=not _is_classifier(body)))
        modules = (body, *others)
        if folder.model_type != RERANKER:  # pairs are longer than texts: the limit is the tokenizer's, not the model's
            limits = read_tokenizer_spec(body.path, body.config, JsonObject(body.config.file, {}))
            modules = (body._replace(task=CLASSIFY, tokenizer=limits),)
        return load_modules(folder._replace(modules=modules), chosen)

    def _saved_activation(self) -> Activation:
        """What the folder names, else by the number of labels; the reference's order."""
        for stated in self.folder.activations if self.folder else ():
            found = stated_activation(stated, self.folder.name if self.folder else "")
            if found is not None:
                return found
        return nn.Sigmoid() if self.num_labels == 1 else nn.Identity()

    def _scores(self, batches: Any, count: int, activation: Activation, apply_softmax: bool) -> Tensor:
        """float32 (count,) or (count, labels) in input order, on the model's device."""
        labels = self.num_labels
        found = torch.zeros((count, labels) if labels > 1 else (count,), device=self.device)
        for places, features in batches:
            # As float32 before: halves tie where these do not.
            scores = activated(features["scores"].float(), activation)
            rows = torch.tensor(places, device=found.device)
            found[rows] = scores.softmax(dim=1) if apply_softmax and labels > 1 else scores
        return found


def _is_classifier(body: ModuleSpec) -> bool:
    """Whether a checkpoint has a head for scores."""
    return any(str(name).endswith("ForSequenceClassification") for name in body.config.items("architectures"))


def _check_labels(folder: ModelFolder, options: LoadOptions) -> None:
    """Raise for another number of labels than the head has; transformers would show its report of shapes."""
    body = folder.modules[0]
    wanted, forced = (
        options.transformer.config.get("num_labels"),
        options.transformer.model.get("ignore_mismatched_sizes"),
    )
    if wanted is None or forced or not _is_classifier(body):
        return
    names = body.config.values.get("id2label")
    saved = len(names) if isinstance(names, dict) else body.config.integer("num_labels", 2)  # transformers' default
    if wanted != saved:
        raise ArgumentError(
            f"num_labels: {wanted}, and {folder.name} has a head for {saved}, expected {saved}. Leave it out, or pass "
            "model_kwargs={'ignore_mismatched_sizes': True} for a fresh head."
        )


def _brings(adapter_config: Any) -> bool:
    return bool(getattr(adapter_config, "modules_to_save", None))
