"""What `SentenceTransformer`, `SparseEncoder` and `CrossEncoder` share: modules in a row, prompts, limits, folders.

Knows nothing of the three classes' results, of losses and of training.
"""

from abc import ABC
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from airvec.arguments import default_cache_folder, described
from airvec.batching import check_batch_size
from airvec.errors import ArgumentError, InputError, ModelFolderError
from airvec.folder import RERANKER, ModelFolder
from airvec.progress import progress_bar
from airvec.prompts import check_prompt_name, merged_prompts
from airvec_exporter.modules import Pooling
from airvec_exporter.transformer import TransformerOptions
from airvec_trainer.adapter_folder import BASE
from airvec_trainer.adapters import Adapters, has_adapters
from airvec_trainer.card.data import begin_card
from airvec_trainer.devices import best_device, checked_device
from airvec_trainer.exporting import Exporting
from airvec_trainer.loading import HubArguments, LoadOptions, find, load_folder, load_modules
from airvec_trainer.modules.router import Router
from airvec_trainer.pushing import Pushing
from airvec_trainer.recomputing import Recomputing
from airvec_trainer.saving import save

BATCH_SIZE = 32
Modules = Sequence[nn.Module] | OrderedDict[str, nn.Module]


@dataclass(frozen=True)
class ModelArguments:
    """The arguments of the constructor that all three classes have; `SentenceTransformer` describes them."""

    model_name_or_path: str | Path | None = None
    modules: Modules | None = None
    device: str | torch.device | None = None
    prompts: Mapping[str, str | None] | None = None
    default_prompt_name: str | None = None
    cache_folder: str | None = None
    trust_remote_code: bool = False
    revision: str | None = None
    local_files_only: bool = False
    token: bool | str | None = None
    model_kwargs: Mapping[str, Any] | None = None
    processor_kwargs: Mapping[str, Any] | None = None
    tokenizer_kwargs: Mapping[str, Any] | None = None
    config_kwargs: Mapping[str, Any] | None = None
    model_card_data: Any = None
    backend: str = "torch"
    new_head: bool = False
    hub: HubArguments = field(init=False)
    options: LoadOptions = field(init=False)

    def __post_init__(self) -> None:
        if self.trust_remote_code:
            raise ArgumentError(
                f"trust_remote_code: {self.trust_remote_code!r}, expected False: airvec runs no code from model "
                "folders. Use a checkpoint in transformers' own form."
            )
        if self.backend != "torch":
            raise ArgumentError(
                f"backend: {self.backend!r}, expected 'torch', which trains. Open the model with airvec to run its "
                "graphs."
            )
        if self.processor_kwargs is not None and self.tokenizer_kwargs is not None:
            raise ArgumentError(
                f"processor_kwargs: {dict(self.processor_kwargs)!r}, given together with its old name "
                "tokenizer_kwargs. Give one of the two."
            )
        cache = self.cache_folder or default_cache_folder()
        hub = HubArguments(self.revision, cache, self.local_files_only, self.token)
        body = TransformerOptions(dict(self.config_kwargs or {}), dict(self.model_kwargs or {}), self.new_head)
        object.__setattr__(self, "hub", hub)
        object.__setattr__(self, "options", LoadOptions(body, self.processor_kwargs or self.tokenizer_kwargs or {}))


class Model(Adapters, Exporting, Pushing, Recomputing, nn.Sequential, ABC):
    """Modules that pass on a dict of features; the first reads texts. Its three children turn texts into results."""

    kind: ClassVar[str]
    organisation: ClassVar[str]

    def __init__(self, given: ModelArguments) -> None:
        saved: ModelFolder | None = None
        modules = given.modules
        name = given.model_name_or_path
        if name is not None:
            if modules is not None:
                raise ArgumentError(
                    f"modules: given together with model_name_or_path {str(name)!r}. Give one of the two."
                )
            saved = self._read(find(name, self.organisation, given.hub))
            modules = self._load(saved, given.options)
        super().__init__(_numbered(modules, type(self).__name__))
        self.folder = saved
        self.prompts = merged_prompts(saved.prompts if saved else self._default_prompts(), given.prompts)
        default = given.default_prompt_name or (saved.default_prompt_name if saved else None)
        self.default_prompt_name = default and check_prompt_name(self.prompts, default, "default_prompt_name")
        self.model_card_data = begin_card(self.kind, saved.path if saved else None, given.model_card_data)
        first = next(self[0].parameters(), None)
        if first is not None:
            for module in list(self)[1:]:
                module.to(first.dtype)
        self.to(best_device() if given.device is None else checked_device(given.device))
        self.eval()

    def _read(self, home: Path) -> ModelFolder:
        """What the folder says; a child may take another kind's."""
        return load_folder(home, self.kind)

    def _load(self, folder: ModelFolder, options: LoadOptions) -> Modules:
        return load_modules(folder, options)

    def _default_prompts(self) -> dict[str, str]:
        return {} if self.kind == RERANKER else {"query": "", "document": ""}

    def forward(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """The features of one batch, on the model's device, with those that the modules add."""
        result = dict(features)
        for module in self:
            result = module(result)
        return result

    def preprocess(self, texts: Sequence[Any], prompt: str | None = None, task: str | None = None) -> dict[str, Any]:
        """The features of texts or pairs before the first module: ids and masks, int64 (batch, tokens), on the CPU.

        Args:
            texts: texts, or pairs of two.
            prompt: put in front of each text, or of each pair's first; its length in tokens is among the features
                where a pooling leaves prompts out.
            task: which route of a Router they take.

        Raises:
            InputError: something that is not a text.
            ArgumentError: no route for the task.
        """
        if isinstance(texts, str):
            raise InputError(f"texts: {described(texts)}, expected a list of str. Put it in a list.")
        if not len(texts):
            return {}
        features = cast("Any", self[0]).preprocess(texts, prompt, task)
        if prompt and self._leaves_prompts_out() and hasattr(body := self.body(task), "prompt_length"):
            features["prompt_length"] = body.prompt_length(prompt)
        return features

    def tokenize(self, texts: Sequence[Any]) -> dict[str, Any]:
        """Old name of `preprocess`."""
        return self.preprocess(texts)

    def body(self, task: str | None = None) -> Any:
        """The module that reads the texts of a task."""
        first: Any = self[0]
        return first.route(task)[0] if isinstance(first, Router) else first

    def _leaves_prompts_out(self) -> bool:
        return any(not getattr(module, "include_prompt", True) for module in self.modules())

    def set_pooling_include_prompt(self, include_prompt: bool) -> None:
        """Whether poolings count the tokens of a prompt."""
        for module in self.modules():
            if isinstance(module, Pooling):
                module.include_prompt = include_prompt

    @property
    def tokenizer(self) -> Any:
        """The body's tokenizer; the first route's in a model with routes."""
        return cast("Any", self[0]).tokenizer

    @property
    def max_seq_length(self) -> int | None:
        """Most tokens of a text, special ones included; None = any number."""
        return cast("Any", self[0]).max_seq_length

    @max_seq_length.setter
    def max_seq_length(self, limit: int) -> None:
        cast("Any", self[0]).max_seq_length = limit

    def get_max_seq_length(self) -> int | None:
        """As `max_seq_length`."""
        return self.max_seq_length

    @property
    def device(self) -> torch.device:
        """Where the weights are; the CPU without any."""
        first = next(self.parameters(), None)
        return torch.device("cpu") if first is None else first.device

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights; float32 without any."""
        return next((weight.dtype for weight in self.parameters() if weight.is_floating_point()), torch.float32)

    @property
    def transformers_model(self) -> Any:
        """The first model of transformers; None in a model of tables."""
        from transformers import PreTrainedModel

        return next((module for module in self.modules() if isinstance(module, PreTrainedModel)), None)

    @property
    def config(self) -> Any:
        """transformers' config of that model; None in a model of tables."""
        return getattr(self.transformers_model, "config", None)

    def get_embedding_dimension(self) -> int | None:
        """Width of the embeddings; None where no module says it."""
        for module in reversed(list(self)):
            if hasattr(module, "get_embedding_dimension"):
                return cast("Any", module).get_embedding_dimension()
        return None

    def settings(self) -> dict[str, Any]:
        """What `config_sentence_transformers.json` says of the model."""
        return {
            "model_type": self.kind,
            "prompts": dict(self.prompts),
            "default_prompt_name": self.default_prompt_name,
        }

    def save_pretrained(self, path: str | Path, model_name: str | None = None, create_model_card: bool = True) -> None:
        """Write the model's folder, whole or not at all.

        Args:
            path: the folder; what else is in it stays.
            model_name: the name in the model card; None = the card's own.
            create_model_card: whether a README.md is written.

        Raises:
            OSError: the disk refuses; a folder that was there is as it was.
        """
        from airvec_trainer.card import write_card  # a template language, which only cards need

        card = (lambda folder: write_card(self, folder, model_name)) if create_model_card else None
        save(list(self), self.settings(), Path(path), card)

    def save(self, path: str | Path, model_name: str | None = None, create_model_card: bool = True) -> None:
        """Old name of `save_pretrained`."""
        self.save_pretrained(path, model_name, create_model_card)

    def evaluate(self, evaluator: Any, output_path: str | Path | None = None) -> Any:
        """What an evaluator finds of the model: `evaluator(model, output_path)`.

        Args:
            evaluator: one of `airvec_trainer.evaluation`, or any function of a model and a folder.
            output_path: the folder for its CSV files, made where there is none; None = none are written.
        """
        if output_path is not None:
            Path(output_path).mkdir(parents=True, exist_ok=True)
        return evaluator(self, None if output_path is None else str(output_path))

    def load_weights(self, folder: str | Path) -> None:
        """Take the weights of a folder that this model, or one of the same modules, was saved to.

        Raises:
            ModelFolderError: its weights are another model's.
        """
        base = {BASE: self.adapter_base()} if has_adapters(self) else {}
        found = self._load(self._read(Path(folder)), LoadOptions(TransformerOptions(model=base)))
        fresh = nn.Sequential(_numbered(found, type(self).__name__))
        try:
            self.load_state_dict(fresh.state_dict())
        except RuntimeError as error:
            raise ModelFolderError(
                f"{folder}: weights of another model: {' '.join(str(error).split())[:300]}. Give a folder that this "
                "model was saved to."
            ) from error

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Evaluation mode, and afterwards each module in its own again."""
        before = {module: module.training for module in self.modules()}
        self.eval()
        try:
            yield
        finally:
            for module, training in before.items():
                module.training = training

    def _batches(
        self, items: Sequence[Any], prompt: str, task: str | None, batch_size: int | None, show: bool
    ) -> Iterator[tuple[list[int], dict[str, Any]]]:
        """Places and features of batches, longest texts first, through all modules."""
        check_batch_size(batch_size)
        batch_size = batch_size or BATCH_SIZE
        lengths = [len(item) if isinstance(item, str) else sum(map(len, item)) for item in items]
        order = np.argsort([-length for length in lengths], kind="stable")
        with progress_bar(show, len(items), "Batches") as advance:
            for start in range(0, len(items), batch_size):
                places = [int(place) for place in order[start : start + batch_size]]
                features = self.preprocess([items[place] for place in places], prompt or None, task)
                yield places, self(self.moved(features))
                advance(len(places))

    def moved(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """The features with their tensors on the model's device."""
        device = self.device
        return {name: value.to(device) if isinstance(value, Tensor) else value for name, value in features.items()}


def _numbered(modules: Modules | None, name: str) -> OrderedDict[str, nn.Module]:
    if not modules:
        raise ArgumentError(
            f"modules: {modules!r}, expected at least one, the first of which reads texts. Give {name} a "
            "name or modules."
        )
    named = modules if isinstance(modules, OrderedDict) else OrderedDict((str(i), one) for i, one in enumerate(modules))
    for key, module in named.items():
        if not isinstance(module, nn.Module):
            raise ArgumentError(f"modules: {key} is {module!r:.80}, expected a torch module. Leave it out.")
    return named
