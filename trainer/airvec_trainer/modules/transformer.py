"""The body that reads texts: transformers' own model with its tokenizer, to be trained.

Loading is the exporter's; here are the steps of training: texts to padded ids, ids to the features that the modules
behind it read, and back to a folder.
Knows nothing of the modules behind it and of losses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from airvec.arguments import check_text
from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec.folder import CLASSIFY, FEATURES, FILL_MASK, ModuleSpec, TokenizerSpec
from airvec.folder.modules import TASKS
from airvec.folder.tokenizer import read_tokenizer_spec
from airvec.json_file import JsonObject, read_object_if_there, short_name
from airvec_exporter.body import OUTPUTS, load_tokenizer, put_in_lower_case
from airvec_exporter.body_folder import save_tokenizer
from airvec_exporter.fetch import find_checkpoint
from airvec_exporter.settings import positions
from airvec_exporter.transformer import TransformerOptions, load_transformer, quiet_transformers, refuse_remote_code
from airvec_trainer.adapter_folder import BASE, is_adapter, name_base, open_adapted

HUB_ARGUMENTS = ("revision", "token", "local_files_only")
UNSET_LENGTH = 10**18  # transformers writes 1e30 for "no limit"

Inputs = Sequence[str] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class OpenTransformer:
    """transformers' model and tokenizer of a module; `lower_case` where the folder says that texts are put so."""

    model: Any
    tokenizer: Any
    task: str
    lower_case: bool


class Transformer(nn.Module):
    """transformers' model with the head of a task, and its tokenizer.

    Args:
        model_name_or_path: a folder, or a name on the Hub; or a model that is open, as it is.
        transformer_task: `"feature-extraction"`, `"fill-mask"` or `"sequence-classification"`; None = the first. A
            head that the checkpoint has not is made anew.
        model_kwargs: for transformers' `from_pretrained`: `dtype` (float32 where it is not given),
            `attn_implementation`; `base`, the model that an adapter changes, in place of the one that it names;
            `revision`, `token` and `local_files_only` for the Hub.
        processor_kwargs: for the tokenizer: `model_max_length`, `padding_side`, ….
        config_kwargs: values of the model's config, such as `num_labels`.
        max_seq_length: most tokens of a text, special ones included; None = as the tokenizer says.
        do_lower_case: whether texts are put in lower case, whatever the tokenizer says; None = as it says.

    Raises:
        ArgumentError: a task that is none, or arguments that transformers refuses.
        ModelNotFoundError: no such folder or name.
        ModelFolderError: a file is damaged.
        ExportError: transformers cannot load the model or the tokenizer.
    """

    def __init__(
        self,
        model_name_or_path: str | Path | OpenTransformer,
        *,
        transformer_task: str | None = None,
        model_kwargs: Mapping[str, Any] | None = None,
        processor_kwargs: Mapping[str, Any] | None = None,
        config_kwargs: Mapping[str, Any] | None = None,
        max_seq_length: int | None = None,
        do_lower_case: bool | None = None,
    ) -> None:
        super().__init__()
        if transformer_task not in (None, *TASKS):
            raise ArgumentError(f"transformer_task: {transformer_task!r}, expected one of {', '.join(TASKS)}. Choose.")
        opened = model_name_or_path
        if not isinstance(opened, OpenTransformer):
            given = dict(model_kwargs or {})
            spec = _find(model_name_or_path, given)
            spec = spec._replace(task=transformer_task or spec.task)
            options = TransformerOptions(dict(config_kwargs or {}), given, new_head=True)
            opened = open_transformer(spec, str(model_name_or_path), options, processor_kwargs)
        self.model: Any = opened.model
        self.tokenizer: Any = opened.tokenizer
        self.task = opened.task
        self.lower_case = opened.lower_case if do_lower_case is None else do_lower_case
        if self.lower_case:
            put_in_lower_case(self.tokenizer.backend_tokenizer)
        if max_seq_length is not None:
            self.max_seq_length = max_seq_length
        self._taken = frozenset(signature(self.model.forward).parameters) - {"labels"}

    @classmethod
    def from_spec(
        cls,
        spec: ModuleSpec,
        name: str,
        options: TransformerOptions,
        processor_kwargs: Mapping[str, Any] | None = None,
    ) -> "Transformer":
        """The module of a model folder; the arguments are those of `open_transformer`.

        Raises:
            ModelNotFoundError, ModelFolderError, ExportError, ArgumentError: as the constructor says.
        """
        return cls(open_transformer(spec, name, options, processor_kwargs))

    @property
    def auto_model(self) -> Any:
        """Old name of `model`."""
        return self.model

    @property
    def config(self) -> Any:
        """transformers' config of the model."""
        return self.model.config

    @property
    def max_seq_length(self) -> int | None:
        """Most tokens of a text, special ones included; None = any number."""
        limit = self.tokenizer.model_max_length
        return limit if limit < UNSET_LENGTH else None

    @max_seq_length.setter
    def max_seq_length(self, limit: int) -> None:
        tokens, found = whole_number("max_seq_length", limit), positions(self.model)
        if found is not None and tokens > found:
            raise ArgumentError(
                f"max_seq_length: {tokens}, but the model has positions for {found} tokens. Lower it to that."
            )
        self.tokenizer.model_max_length = tokens

    def get_embedding_dimension(self) -> int:
        """Width of the token embeddings; of a head, of its logits."""
        if self.task != FEATURES:
            return self.config.vocab_size if self.task == FILL_MASK else self.config.num_labels
        return self.config.hidden_size

    def get_word_embedding_dimension(self) -> int:
        """Old name of `get_embedding_dimension`."""
        return self.get_embedding_dimension()

    def preprocess(self, texts: Inputs, prompt: str | None = None, task: str | None = None) -> dict[str, Any]:
        """The model's inputs for texts or pairs of them, padded to the longest: int64 (batch, tokens) each.

        Args:
            texts: texts, or pairs of two.
            prompt: put in front of each text, or of each pair's first.
            task: without effect: this body reads texts of all tasks alike.
        """
        first, *rest = _sides(texts)
        limit = self.max_seq_length
        sides = [[f"{prompt}{text}" for text in first] if prompt else first, *rest]
        made = self.tokenizer(
            *sides, padding=True, truncation="longest_first" if limit is not None else False, max_length=limit,
            return_tensors="pt",
        )  # fmt: skip
        return dict(made)

    def prompt_length(self, prompt: str) -> int:
        """The tokens of a prompt alone, cut like a text, leading special ones included, a last special one not."""
        limit = self.max_seq_length
        ids = self.tokenizer(prompt, truncation=limit is not None, max_length=limit)["input_ids"]
        return len(ids) - (bool(ids) and ids[-1] in self.tokenizer.all_special_ids)

    def forward(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """Add the task's output: `token_embeddings` (batch, tokens, d or vocabulary), or `scores` (batch, labels).

        Of the features, those reach the model that it takes. `all_layer_embeddings` are added where the config's
        `output_hidden_states` is set.
        """
        inputs = {name: value for name, value in features.items() if name in self._taken and isinstance(value, Tensor)}
        output, feature = OUTPUTS[self.task]
        found = self.model(**inputs, return_dict=True)
        result = {**features, feature: getattr(found, output)}
        if self.config.output_hidden_states and getattr(found, "hidden_states", None) is not None:
            result["all_layer_embeddings"] = found.hidden_states
        return result

    def save(self, home: Path) -> None:
        """Write config, weights, tokenizer and limits into a folder that exists."""
        with quiet_transformers():
            self.model.save_pretrained(home)
            if is_adapter(home):
                name_base(home)
            save_tokenizer(self.tokenizer, TokenizerSpec(home / "tokenizer.json", self.max_seq_length), home)

    def limits(self) -> dict[str, Any]:
        """What `sentence_bert_config.json` says: limit, lower case, and the task where no type name tells it."""
        limits: dict[str, Any] = {"max_seq_length": self.max_seq_length, "do_lower_case": self.lower_case}
        return limits | ({"transformer_task": CLASSIFY} if self.task == CLASSIFY else {})


def open_transformer(
    spec: ModuleSpec, name: str, options: TransformerOptions, processor_kwargs: Mapping[str, Any] | None = None
) -> OpenTransformer:
    """Load the model and the tokenizer of a module.

    Args:
        spec: what its folder says.
        name: the checkpoint's, for messages.
        options: what the caller changes about the model, and whether a missing head is made anew.
        processor_kwargs: what the caller changes about the tokenizer.

    Raises:
        ModelNotFoundError: files are missing.
        ModelFolderError: a file is damaged, or weights are missing.
        ExportError: transformers cannot load the model or the tokenizer.
        ArgumentError: arguments that transformers refuses.
    """
    stated = spec.tokenizer or TokenizerSpec(spec.path / "tokenizer.json")
    given = dict(processor_kwargs or {})
    refuse_remote_code("processor_kwargs", given)
    given.pop("trust_remote_code", None)
    with quiet_transformers():
        model = _open(spec, name, options)
        arguments = {**stated.saved_arguments, **given}
        tokenizer = load_tokenizer(spec.path, stated._replace(saved_arguments=arguments), name)
    limit = given.get("model_max_length", stated.max_length)
    if limit is None:
        limit = getattr(model.config, "max_position_embeddings", None)
    if isinstance(limit, int) and limit > 0:
        tokenizer.model_max_length = limit
    return OpenTransformer(model, tokenizer, spec.task, stated.lower_case)


def _open(spec: ModuleSpec, name: str, options: TransformerOptions) -> Any:
    """transformers' model, with its adapter where the folder holds one."""
    if is_adapter(spec.path):
        return open_adapted(spec, name, options)
    given = {key: value for key, value in options.model.items() if key != BASE}
    return load_transformer(spec, name, labels=_labels(spec, options), options=replace(options, model=given))


def _find(name_or_path: str | Path, given: dict[str, Any]) -> ModuleSpec:
    """The module in a folder or on the Hub; the Hub's arguments are taken out of those given for the model."""
    hub = {name: given.pop(name) for name in HUB_ARGUMENTS if name in given}
    home = find_checkpoint(name_or_path, organisation=None, cache_folder=given.pop("cache_dir", None), **hub)
    config = read_object_if_there(home / "config.json")
    # As the reference's constructor, which reads transformers' files only: the length limit is the tokenizer's.
    stated = read_tokenizer_spec(home, config, JsonObject(short_name(home / "sentence_bert_config.json"), {}))
    return ModuleSpec("Transformer", home, config, FEATURES, stated)


def _labels(spec: ModuleSpec, options: TransformerOptions) -> int | None:
    """One score for a checkpoint that was no classifier, unless the caller says how many."""
    architectures = [str(name) for name in spec.config.items("architectures")]
    fresh = spec.task == CLASSIFY and not any(name.endswith("ForSequenceClassification") for name in architectures)
    return 1 if fresh and "num_labels" not in options.config else None


def _sides(texts: Inputs) -> list[list[str]]:
    """Texts in one list, or the first and the second texts of pairs, checked."""
    if not texts or not isinstance(texts[0], tuple | list):
        return [[check_text(text, place) for place, text in enumerate(texts)]]
    for place, pair in enumerate(texts):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ArgumentError(f"pair {place}: {pair!r:.80}, expected two texts. Leave it out or complete it.")
    return [[check_text(pair[side], place) for place, pair in enumerate(texts)] for side in (0, 1)]
