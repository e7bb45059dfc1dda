"""One module that reads texts, in torch: transformers' own model with the head of its task, or a table of tokens.

Knows nothing of the modules behind it, of graphs and of what is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import transformers
from tokenizers import Tokenizer, normalizers
from torch import Tensor, nn

from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.folder import CLASSIFY, FEATURES, FILL_MASK, ModuleSpec, TokenizerSpec
from airvec_exporter.errors import ExportError
from airvec_exporter.settings import AS_SAVED, LoadSettings
from airvec_exporter.sparse_static import SparseStaticBody
from airvec_exporter.static import StaticBody, read_tokenizer
from airvec_exporter.transformer import ENCODERS, first_line, load_transformer, quiet_transformers

# Task → what its output is called in transformers, and as a feature.
OUTPUTS = {
    FEATURES: ("last_hidden_state", "token_embeddings"),
    FILL_MASK: ("logits", "token_embeddings"),
    CLASSIFY: ("logits", "scores"),
}
TABLES: dict[str, Any] = {"StaticEmbedding": StaticBody, "SparseStaticEmbedding": SparseStaticBody}
VOCABULARIES = (
    "tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
)  # fmt: skip

Inputs = Sequence[str] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Body:
    """A model or table with its tokenizer.

    `tokenizer` is transformers' own (the `tokenizers` one for a StaticEmbedding), and `limits` what the folder or the
    caller says of it, with transformers' defaults filled in. `dtype` is what the caller had the weights rounded to:
    `"float16"` …; None = as saved.
    """

    spec: ModuleSpec
    model: nn.Module
    tokenizer: Any
    limits: TokenizerSpec
    dtype: str | None = None

    @property
    def is_table(self) -> bool:
        """Whether there is no graph to export: token vectors or weights only."""
        return self.spec.type in TABLES

    @property
    def is_rotary(self) -> bool:
        """Whether positions enter by rotation, so that the graph needs them as a tensor of full batch size."""
        return any(type(module).__name__.endswith("RotaryEmbedding") for module in self.model.modules())

    @property
    def has_windows(self) -> bool:
        """Whether some layers see a text through a sliding window."""
        return "sliding_attention" in (getattr(self.model.config, "layer_types", None) or ())

    @property
    def padding_moves_it(self) -> bool:
        """Whether left padding changes the answer in torch: absolute positions count from the first column."""
        relative = self.is_table or self.is_rotary or self.model.config.model_type in ENCODERS
        return self.limits.padding_side == "left" and not relative

    @property
    def inputs(self) -> tuple[str, ...]:
        """The graph's inputs: `token_type_ids` only where there are two types, and tokenizer and model know them.

        ALBERT's tokenizer gives none: in torch, all tokens of its pairs are of the first type.
        """
        types = getattr(self.model.config, "type_vocab_size", 0) or 0
        made = "token_type_ids" in self.tokenizer.model_input_names
        taken = "token_type_ids" in signature(self.model.forward).parameters
        return ("input_ids", "attention_mask", *(("token_type_ids",) if types >= 2 and made and taken else ()))

    def tokenize(self, texts: Inputs) -> dict[str, Tensor]:
        """The model's inputs for some texts or pairs, padded to the longest: int64 (batch, tokens) each."""
        limit = self.limits.max_length
        pairs = isinstance(texts[0], tuple)
        sides = zip(*texts, strict=True) if pairs else (texts,)
        made = self.tokenizer(
            *map(list, sides), padding=True, truncation="longest_first" if limit is not None else False,
            max_length=limit, return_tensors="pt",
        )  # fmt: skip
        return {name: made[name] for name in self.inputs if name in made}

    def features(self, texts: Inputs, prompt_length: int) -> dict[str, Any]:
        """What the modules behind it read: its output under the name of its task's feature, mask and prompt length."""
        if self.is_table:
            return self.model(texts)
        inputs = self.tokenize(texts)
        output, feature = OUTPUTS[self.spec.task]
        return {**inputs, feature: getattr(self.model(**inputs), output), "prompt_length": prompt_length}

    def prompt_length(self, prompt: str) -> int:
        """The tokens of the prompt alone, cut like a text, leading special ones included, a last special one not."""
        if not prompt or self.is_table:
            return 0
        limit = self.limits.max_length
        ids = self.tokenizer(prompt, truncation=limit is not None, max_length=limit)["input_ids"]
        return len(ids) - (ids[-1] in self.tokenizer.all_special_ids)

    def uncut_tokenizer(self) -> Tokenizer:
        """A copy of the tokenizer that neither cuts nor pads."""
        tokenizer = Tokenizer.from_str(getattr(self.tokenizer, "backend_tokenizer", self.tokenizer).to_str())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer


def load_body(spec: ModuleSpec, name: str, settings: LoadSettings = AS_SAVED) -> Body:
    """Load a module that reads texts.

    Args:
        spec: the module.
        name: the checkpoint's, for messages.
        settings: what the caller changes; of a table its length limit at most.

    Raises:
        ArgumentError: a length above the model's positions, or weights above the range of the dtype.
        ModelNotFoundError: files are missing.
        ModelFolderError: a file is damaged, or the module is of a kind that is not exported.
        ExportError: transformers cannot load the model or the tokenizer.
    """
    if spec.type not in (*TABLES, "Transformer") or spec.tokenizer is None:
        raise ModelFolderError(
            f"{name}/modules.json: first module {spec.type!r}, expected one of {', '.join(['Transformer', *TABLES])}. "
            "This version of airvec exports text models of these kinds only."
        )
    if spec.type == "StaticEmbedding":
        static = StaticBody.from_spec(spec)
        return Body(spec, static, static.tokenizer, spec.tokenizer)
    with quiet_transformers():
        model = load_transformer(spec, name) if spec.type == "Transformer" else None
        tokenizer = load_tokenizer(spec.path, spec.tokenizer, name)
    if model is None:
        table = SparseStaticBody.from_spec(spec, tokenizer)
        return Body(spec, table, tokenizer, settings.limit(spec.tokenizer))
    settings.check_positions(model, name)
    settings.round(model, name)
    limits = settings.limit(_limits(spec.tokenizer, tokenizer, model))
    return Body(spec, model, tokenizer, limits, settings.dtype)


def load_tokenizer(home: Path, stated: TokenizerSpec, name: str) -> Any:
    """transformers' tokenizer of a folder, with what the folder says of it.

    Raises:
        ModelNotFoundError: there is none.
        ModelFolderError: `tokenizer.json` is damaged.
        ExportError: transformers cannot load it, or it cannot be used without transformers.
    """
    # Without any of them transformers makes a tokenizer that knows no word.
    if not any((home / file).is_file() for file in VOCABULARIES):
        raise ModelNotFoundError(
            f"{name}: no tokenizer, expected one of {', '.join(VOCABULARIES)}. Fetch the checkpoint again."
        )
    if (home / "tokenizer.json").is_file():
        read_tokenizer(home / "tokenizer.json")  # transformers' own errors for a damaged one do not name it
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            home, local_files_only=True, trust_remote_code=False, **stated.saved_arguments
        )
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError) as error:
        raise ExportError(
            f"{name}: transformers cannot load the tokenizer: {first_line(error)} Fetch its files again."
        ) from error
    if not getattr(tokenizer, "is_fast", False):
        raise ExportError(
            f"{name}: tokenizer {type(tokenizer).__name__} has no tokenizer.json form, expected a fast one. "
            "Convert it with transformers first."
        )
    if tokenizer.pad_token is None:
        raise ExportError(f"{name}: the tokenizer has no pad_token. Set one in tokenizer_config.json.")
    if stated.lower_case:
        put_in_lower_case(tokenizer.backend_tokenizer)
    return tokenizer


def put_in_lower_case(backend: Tokenizer) -> None:
    """Put Lowercase in front of the normaliser, unless it holds one."""
    found = backend.normalizer
    steps = list(found) if isinstance(found, normalizers.Sequence) else [found] if found is not None else []
    if not any(isinstance(step, normalizers.Lowercase) or getattr(step, "lowercase", False) for step in steps):
        backend.normalizer = normalizers.Sequence([normalizers.Lowercase(), *steps])


def _limits(stated: TokenizerSpec, tokenizer: Any, model: nn.Module) -> TokenizerSpec:
    """What the folder leaves to transformers' defaults, filled in."""
    positions = getattr(model.config, "max_position_embeddings", None)
    limit = stated.max_length
    if limit is None and isinstance(positions, int) and positions > 0:
        limit = positions
    return stated._replace(
        max_length=limit,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        pad_token=tokenizer.pad_token,
        pad_id=tokenizer.pad_token_id,
    )
