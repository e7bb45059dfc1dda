"""Writes a model folder that every generation of sentence-transformers reads, and airvec without torch.

Oldest type names, old Pooling keys, the length limit in `sentence_bert_config.json`; `tokenizer.json` says what
transformers does with the checkpoint's tokenizer, without truncation and padding blocks. config.json and the weights
are the checkpoint's own files.
Knows nothing of graphs' contents and of verification.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from tokenizers import Tokenizer

from airvec.folder import ModelFolder, TokenizerSpec
from airvec.json_file import read_object_if_there
from airvec_exporter.load import Checkpoint, quiet_transformers
from airvec_exporter.weights import read_state

TYPE = "sentence_transformers.models.{}"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
CARD = ("README.md", "LICENSE", "LICENSE.txt", "LICENSE.md")
# Files besides tokenizer.json that older tokenizers and other libraries read.
TOKENIZER_FILES = (
    "special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt", "spiece.model",
    "sentencepiece.bpe.model", "tokenizer.model", "chat_template.jinja",
)  # fmt: skip


def write_folder(checkpoint: Checkpoint, out: Path, *, weights: bool = True) -> None:
    """Write everything but graphs and airvec.json into `out`, which exists.

    Args:
        checkpoint: what to write.
        out: the folder.
        weights: False leaves the body's torch weights out; a static model keeps them, since they are the model.
    """
    source, home = checkpoint.folder, checkpoint.folder.modules[0].path
    _write_modules(checkpoint, out)
    _write_settings(source, out)
    _copy(source.path, out, CARD)
    if checkpoint.is_static:
        _write_static(home, out)
        return
    _copy(home, out, ("config.json",))
    _write_tokenizer(checkpoint, home, out)
    if weights:
        _write_weights(checkpoint, home, out)


def _write_modules(checkpoint: Checkpoint, out: Path) -> None:
    first = checkpoint.folder.modules[0].type
    entries: list[dict[str, Any]] = [_entry(0, first, "")]
    for index, module in enumerate(checkpoint.modules, start=1):
        kind = type(module).__name__
        entries.append(_entry(index, kind, f"{index}_{kind}"))
        _write_module(module, out / f"{index}_{kind}")
    _write_json(out / "modules.json", entries)


def _entry(index: int, kind: str, path: str) -> dict[str, Any]:
    return {"idx": index, "name": str(index), "path": path, "type": TYPE.format(kind)}


def _write_module(module: Any, home: Path) -> None:
    home.mkdir()
    config, state = module.config(), module.state_dict()
    if config is not None:
        _write_json(home / "config.json", config)
    if state:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, home / "model.safetensors")


def _write_settings(source: ModelFolder, out: Path) -> None:
    """Prompts and defaults; `__version__` is that of the checkpoint, where it says one."""
    saved = read_object_if_there(source.path / "config_sentence_transformers.json").values
    settings: dict[str, Any] = {
        "__version__": saved.get("__version__", {}),
        "model_type": source.model_type,
        "prompts": source.prompts,
        "default_prompt_name": source.default_prompt_name,
        "similarity_fn_name": source.similarity_fn_name or "cosine",
    }
    if source.truncate_dim is not None:
        settings["truncate_dim"] = source.truncate_dim
    _write_json(out / "config_sentence_transformers.json", settings)


def _write_tokenizer(checkpoint: Checkpoint, home: Path, out: Path) -> None:
    spec = checkpoint.spec
    limits = {"max_seq_length": spec.max_length, "do_lower_case": spec.lower_case}
    _write_json(out / "sentence_bert_config.json", limits)
    _copy(home, out, TOKENIZER_FILES)
    # A copy, so that the checkpoint's own tokenizer keeps its settings.
    backend = Tokenizer.from_str(checkpoint.tokenizer.backend_tokenizer.to_str())
    backend.no_truncation()
    backend.no_padding()
    backend.save(str(out / "tokenizer.json"), pretty=False)
    _write_json(out / "tokenizer_config.json", _tokenizer_config(checkpoint.tokenizer, spec, home))


def _tokenizer_config(tokenizer: Any, spec: TokenizerSpec, home: Path) -> dict[str, Any]:
    """The checkpoint's own settings under its saved arguments, with what is left to transformers' defaults stated."""
    stated = {**read_object_if_there(home / "tokenizer_config.json").values, **spec.saved_arguments}
    stated.setdefault("tokenizer_class", type(tokenizer).__name__)
    stated.setdefault("pad_token", spec.pad_token)
    stated.setdefault("padding_side", spec.padding_side)
    stated.setdefault("truncation_side", spec.truncation_side)
    if spec.max_length is not None:
        stated.setdefault("model_max_length", spec.max_length)
    return stated


def _write_weights(checkpoint: Checkpoint, home: Path, out: Path) -> None:
    """The checkpoint's own safetensors files; a pickle is written anew as safetensors."""
    shards = sorted(path.name for path in home.glob("model-*-of-*.safetensors"))
    _copy(home, out, (*WEIGHTS, *shards))
    if any((out / name).is_file() for name in WEIGHTS):
        return
    config = (out / "config.json").read_bytes()
    with quiet_transformers():
        checkpoint.body.save_pretrained(out)
    (out / "config.json").write_bytes(config)  # in the form that older versions of transformers read, too


def _write_static(home: Path, out: Path) -> None:
    """Both files as they are: in this module, a truncation block in tokenizer.json is part of the model."""
    _copy(home, out, ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"))
    if not (out / "model.safetensors").is_file():
        save_file(read_state(home), out / "model.safetensors")


def _copy(source: Path, out: Path, names: tuple[str, ...]) -> None:
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, out / name)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
