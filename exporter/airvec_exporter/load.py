"""Checkpoint folder → torch: the body, its tokenizer with the limits, and the modules behind it.

What the folder says comes from `airvec.folder`, as in the runtime. The body is transformers' own model in float32, in
evaluation mode, without remote code and without the network; only the encoder of T5-like models is loaded.
Knows nothing of graphs and of what is written.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, normalizers
from torch import Tensor, nn
from transformers.utils import logging

from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.folder import ModelFolder, TokenizerSpec, read_folder
from airvec_exporter.errors import ExportError
from airvec_exporter.modules import build
from airvec_exporter.static import StaticBody, read_tokenizer
from airvec_exporter.weights import check_whole

# AutoModel would load the decoder as well. Their relative positions do not trace with SDPA: eager attention.
ENCODERS = {"t5": "T5EncoderModel", "mt5": "MT5EncoderModel", "umt5": "UMT5EncoderModel"}

VOCABULARIES = (
    "tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
)  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """A model in torch: `body` then `modules`, fed by `tokenizer`.

    `body` gives (batch, tokens, d) states, or is a `StaticBody`; `tokenizer` is transformers' own, None for a static
    model, and `spec` what the folder says of it, with transformers' defaults filled in.
    """

    folder: ModelFolder
    body: nn.Module
    modules: nn.Sequential
    tokenizer: Any
    spec: TokenizerSpec

    @property
    def is_static(self) -> bool:
        """Whether there is no graph to export: token vectors only."""
        return isinstance(self.body, StaticBody)

    @property
    def is_rotary(self) -> bool:
        """Whether positions enter by rotation, so that the graph needs them as a tensor of full batch size."""
        return any(type(module).__name__.endswith("RotaryEmbedding") for module in self.body.modules())

    @property
    def padding_moves_it(self) -> bool:
        """Whether left padding changes the answer in torch: absolute positions count from the first column."""
        relative = (
            self.is_rotary or getattr(self.body, "config", None) is None or self.body.config.model_type in ENCODERS
        )
        return self.spec.padding_side == "left" and not relative

    def tokenize(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """The body's inputs for some texts, padded to the longest: int64 (batch, tokens) each."""
        limit = self.spec.max_length
        made = self.tokenizer(
            list(texts), padding=True, truncation=limit is not None, max_length=limit, return_tensors="pt"
        )
        return {name: made[name] for name in input_names(self.body) if name in made}

    def prompt_length(self, prompt: str) -> int:
        """The tokens of the prompt alone, cut like a text, leading special ones included, a last special one not."""
        if not prompt or self.is_static:
            return 0
        limit = self.spec.max_length
        ids = self.tokenizer(prompt, truncation=limit is not None, max_length=limit)["input_ids"]
        return len(ids) - (ids[-1] in self.tokenizer.all_special_ids)


def load(path: Path) -> Checkpoint:
    """Load a sentence-transformers, plain transformers or model2vec folder.

    Raises:
        ModelNotFoundError: no such folder, or files missing.
        ModelFolderError: a file is damaged, or a module of a kind that is not exported.
        ExportError: transformers cannot load the body or the tokenizer.
    """
    if not path.is_dir():
        raise ModelNotFoundError(
            f"{path}: no such folder, expected a checkpoint. Fetch one with: hf download NAME --local-dir FOLDER"
        )
    folder = read_folder(path)
    check_dense(folder)
    modules = build(folder.modules[1:], folder.name)
    if folder.modules[0].type == "StaticEmbedding":
        return Checkpoint(folder, StaticBody.from_spec(folder.modules[0]), modules, None, folder.tokenizer)
    with quiet_transformers():
        body = _body(folder.modules[0].path, folder.name)
        tokenizer = _tokenizer(folder)
    return Checkpoint(folder, body, modules, tokenizer, _spec(folder.tokenizer, tokenizer, body))


def check_dense(folder: ModelFolder) -> None:
    """Refuse folders that are no dense models.

    Raises:
        ModelFolderError: the model type or the first module is another.
    """
    if folder.model_type != "SentenceTransformer":
        raise ModelFolderError(
            f"{folder.name}: model type {folder.model_type!r}, expected 'SentenceTransformer'. "
            "This version of airvec exports dense models only."
        )
    first = folder.modules[0].type
    if first not in ("Transformer", "StaticEmbedding"):
        raise ModelFolderError(
            f"{folder.name}/modules.json: first module {first!r}, expected 'Transformer' or 'StaticEmbedding'. "
            "This version of airvec exports text models of these two kinds only."
        )


def input_names(body: nn.Module) -> tuple[str, ...]:
    """The graph's inputs: `token_type_ids` only where there are two types and the body takes them."""
    types = getattr(body.config, "type_vocab_size", 0) or 0
    takes = "token_type_ids" in signature(body.forward).parameters
    return ("input_ids", "attention_mask", *(("token_type_ids",) if types >= 2 and takes else ()))


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Without transformers' progress bars and loading reports: a missing weight is our error to raise."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _body(home: Path, name: str) -> nn.Module:
    check_whole(home)
    try:
        config = transformers.AutoConfig.from_pretrained(home, local_files_only=True, trust_remote_code=False)
        config.use_cache = False
        kind = ENCODERS.get(config.model_type)
        body, report = getattr(transformers, kind or "AutoModel").from_pretrained(
            home, config=config, local_files_only=True, dtype=torch.float32, output_loading_info=True,
            **({"attn_implementation": "eager"} if kind else {"trust_remote_code": False}),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, RuntimeError, EOFError, UnpicklingError) as error:
        raise ExportError(
            f"{name}: transformers cannot load the model: {_first_line(error)} "
            "Check that the folder is complete; models with code of their own are not exported."
        ) from error
    missing = sorted(key for key in report["missing_keys"] if "pooler." not in key)
    if missing:
        raise ModelFolderError(
            f"{name}: {len(missing)} weights are missing, the first {missing[0]!r}, expected all of a "
            f"{type(body).__name__}. Fetch the checkpoint again."
        )
    return body.eval()


def _tokenizer(folder: ModelFolder) -> Any:
    home = folder.modules[0].path
    # Without any of them transformers makes a tokenizer that knows no word.
    if not any((home / name).is_file() for name in VOCABULARIES):
        raise ModelNotFoundError(
            f"{folder.name}: no tokenizer, expected one of {', '.join(VOCABULARIES)}. Fetch the checkpoint again."
        )
    if (home / "tokenizer.json").is_file():
        read_tokenizer(home / "tokenizer.json")  # transformers' own errors for a damaged one do not name it
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            home, local_files_only=True, trust_remote_code=False, **folder.tokenizer.saved_arguments
        )
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError) as error:
        raise ExportError(
            f"{folder.name}: transformers cannot load the tokenizer: {_first_line(error)} Fetch its files again."
        ) from error
    if not getattr(tokenizer, "is_fast", False):
        raise ExportError(
            f"{folder.name}: tokenizer {type(tokenizer).__name__} has no tokenizer.json form, expected a fast one. "
            "Convert it with transformers first."
        )
    if tokenizer.pad_token is None:
        raise ExportError(f"{folder.name}: the tokenizer has no pad_token. Set one in tokenizer_config.json.")
    if folder.tokenizer.lower_case:
        _lower(tokenizer.backend_tokenizer)
    return tokenizer


def _lower(backend: Tokenizer) -> None:
    """Put Lowercase in front of the normaliser, unless it holds one."""
    found = backend.normalizer
    steps = list(found) if isinstance(found, normalizers.Sequence) else [found] if found is not None else []
    if not any(isinstance(step, normalizers.Lowercase) or getattr(step, "lowercase", False) for step in steps):
        backend.normalizer = normalizers.Sequence([normalizers.Lowercase(), *steps])


def _spec(stated: TokenizerSpec, tokenizer: Any, body: nn.Module) -> TokenizerSpec:
    """What the folder leaves to transformers' defaults, filled in."""
    positions = getattr(body.config, "max_position_embeddings", None)
    limit = stated.max_length
    if limit is None and isinstance(positions, int) and positions > 0:
        limit = positions
    return replace(
        stated,
        max_length=limit,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        pad_token=tokenizer.pad_token,
        pad_id=tokenizer.pad_token_id,
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
