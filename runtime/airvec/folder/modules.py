"""`modules.json` → the modules of a model, each with its settings; Routers with all their routes.

Reads the three generations of type names. A folder without `modules.json` gets the modules that the reference assumes
for the class it is opened with.
Knows nothing of prompts, graphs and module mathematics.
"""

import os
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.folder.tokenizer import TokenizerSpec, read_tokenizer_spec, transformer_config
from airvec.json_file import JsonObject, read_json, read_object_if_there, short_name
from airvec.paths import StrPath, join_inside, leaves, names_in

if TYPE_CHECKING:
    from pathlib import Path

    from airvec.folder.router import RouterSpec

KNOWN_PREFIXES = ("sentence_transformers.", "pylate.")
DENSE, SPARSE, RERANKER = "SentenceTransformer", "SparseEncoder", "CrossEncoder"
FEATURES, FILL_MASK, CLASSIFY = "feature-extraction", "fill-mask", "sequence-classification"
TASKS = (FEATURES, FILL_MASK, CLASSIFY)
# Old and alias types: what they are called here, and the task of their body.
ALIASES = {"MLMTransformer": ("Transformer", FILL_MASK), "Asym": ("Router", FEATURES)}
WITHOUT_FOLDER = ("Normalize", "Router")


class ModuleSpec(NamedTuple):
    """One module: the class name without its package, its folder and its `config.json`.

    Bodies, which read texts, have a `tokenizer` and a `task`, which decides what their graph is asked for; `bare` ones
    lie in a folder that does not say how their token embeddings are pooled. A Router has its `router`.
    """

    type: str
    home: StrPath
    config: JsonObject
    task: str = FEATURES
    tokenizer: TokenizerSpec | None = None
    router: "RouterSpec[ModuleSpec] | None" = None
    bare: bool = False

    @property
    def path(self) -> "Path":
        """`home` as a `Path`."""
        from pathlib import Path

        return Path(self.home)


def read_modules(path: StrPath, kind: str) -> tuple[ModuleSpec, ...]:
    """The modules of a model folder, opened as `kind`: SentenceTransformer, SparseEncoder or CrossEncoder.

    Raises:
        ModelNotFoundError: neither modules.json nor config.json.
        ModelFolderError: a file is damaged, a type is unknown code, or a path leaves the folder.
    """
    file = os.path.join(path, "modules.json")
    if not os.path.isfile(file):
        return _default_modules(path, kind)
    entries = read_json(file)
    if not isinstance(entries, list) or not entries:
        raise ModelFolderError(f"{short_name(file)}: holds {entries!r:.80}, expected a list of modules. Re-export it.")
    return tuple(_module(path, file, index, entry) for index, entry in enumerate(cast("list[Any]", entries)))


def make_module(stated: str, home: StrPath, where: str) -> ModuleSpec:
    """The module of a type, as modules.json and router_config.json state types, that lies in `home`.

    Raises:
        ModelFolderError: a type of another package, or a damaged file.
    """
    if not stated.startswith(KNOWN_PREFIXES):
        raise ModelFolderError(
            f"{where} has type {stated!r}, which is code outside sentence-transformers. airvec runs no code from model "
            "folders, with trust_remote_code or without. Use a model made of sentence-transformers' own modules."
        )
    name = stated.rpartition(".")[2]
    kind, task = ALIASES.get(name, (name, FEATURES))
    config = read_object_if_there(os.path.join(home, "config.json"))
    if kind == "Transformer":
        return _transformer(home, config, task)
    if kind == "Router":
        from airvec.folder.router import read_router

        return ModuleSpec(kind, home, config, router=read_router(home, make_module))
    return ModuleSpec(kind, home, config, tokenizer=_table_tokenizer(kind, home))


def inside(folder: StrPath, stated: str, where: str) -> str:
    """A path that a model folder states, joined to the folder.

    Symbolic links inside the folder are followed (the Hub's cache is made of them); a stated path that is
    absolute, names a drive or climbs with `..` is refused.

    Raises:
        ModelFolderError: the path would leave the folder.
    """
    if leaves(stated):
        raise ModelFolderError(
            f"{where}: path {stated!r} leaves the model folder, expected one inside it. Do not use this folder."
        )
    return join_inside(folder, stated)


def _module(path: StrPath, file: str, index: int, entry: object) -> ModuleSpec:
    where = f"{short_name(file)}: module {index}"
    if not isinstance(entry, dict):
        raise ModelFolderError(f"{where} is {entry!r:.80}, expected an object. Re-export it with airvec export.")
    values = JsonObject(where, cast("dict[str, Any]", entry))
    kind, home = values.text("type", "") or "", inside(path, values.text("path", "") or "", where)
    missing = home != path and not os.path.isdir(home) and kind.rpartition(".")[2] not in WITHOUT_FOLDER
    if missing and kind.startswith(KNOWN_PREFIXES):
        raise ModelFolderError(
            f"{where}: folder {os.path.basename(home)!r} does not exist. The download is incomplete: fetch it."
        )
    return make_module(kind, home, where)


def _transformer(home: StrPath, config: JsonObject, task: str) -> ModuleSpec:
    saved = transformer_config(home)
    stated = saved.text("transformer_task", task) or task
    if stated not in TASKS:
        raise ModelFolderError(
            f"{saved.file}: transformer_task is {stated!r}, expected one of {', '.join(TASKS)}. "
            "Use a model that is an encoder."
        )
    return ModuleSpec("Transformer", home, config, stated, read_tokenizer_spec(home, config, saved))


def _table_tokenizer(kind: str, home: StrPath) -> TokenizerSpec | None:
    if kind == "StaticEmbedding":  # without any limit but the file's own
        return TokenizerSpec(os.path.join(home, "tokenizer.json"))
    if kind == "SparseStaticEmbedding":
        empty = JsonObject(short_name(os.path.join(home, "config.json")), {})
        return read_tokenizer_spec(home, empty, empty)
    return None


def _default_modules(path: StrPath, kind: str) -> tuple[ModuleSpec, ...]:
    """What the reference assumes for a folder without modules.json.

    A folder that was saved by sentence-transformers has one: without it, pooling would be a guess.
    """
    config = read_object_if_there(os.path.join(path, "config.json"))
    architecture = next((str(name) for name in config.items("architectures")), "")
    if kind == RERANKER and config.values:
        return (_classifier(path, config, architecture),)
    if os.path.isfile(os.path.join(path, "config_sentence_transformers.json")) or _has_module_folders(path):
        raise ModelNotFoundError(
            f"{short_name(os.path.join(path, 'modules.json'))}: no such file. The download is incomplete: fetch it."
        )
    if config.text("model_type") == "model2vec":
        static = ModuleSpec("StaticEmbedding", path, config, tokenizer=_table_tokenizer("StaticEmbedding", path))
        return (static, ModuleSpec("Normalize", path, config)) if config.flag("normalize", False) else (static,)
    if not config.values:
        raise ModelNotFoundError(
            f"{path}: neither modules.json nor config.json. Give the folder of a sentence-transformers or "
            "transformers model."
        )
    if kind == SPARSE:
        return _splade(path, config, architecture)
    decoder = architecture.endswith("ForCausalLM") and config.flag("is_causal", True)
    pooling = {
        "embedding_dimension": config.integer("hidden_size") or config.integer("d_model") or config.integer("dim"),
        "pooling_mode": "lasttoken" if decoder else "mean",
    }
    body = _plain_body(path, config, FEATURES)._replace(bare=True)
    return (body, ModuleSpec("Pooling", path, JsonObject(config.file, pooling)))


def _has_module_folders(path: StrPath) -> bool:
    """Whether there are folders such as 1_Pooling, in which modules after the first lie."""
    return any(name[:1].isdecimal() and name[1:2] == "_" for name in names_in(path))


def _classifier(path: StrPath, config: JsonObject, architecture: str) -> ModuleSpec:
    if architecture.endswith("ForCausalLM"):
        raise ModelFolderError(
            f"{config.file}: architectures is {architecture!r}, expected one ending in ForSequenceClassification. "
            "airvec runs no rerankers that are language models: use one that is a classifier."
        )
    return _plain_body(path, config, CLASSIFY)


def _splade(path: StrPath, config: JsonObject, architecture: str) -> tuple[ModuleSpec, ...]:
    if not architecture.endswith("ForMaskedLM"):
        raise ModelFolderError(
            f"{config.file}: architectures is {architecture!r}, expected one ending in ForMaskedLM. "
            "The reference would put a random sparse layer behind this model: train it first, or use "
            "SentenceTransformer."
        )
    pooling = JsonObject(config.file, {"pooling_strategy": "max"})
    return (_plain_body(path, config, FILL_MASK), ModuleSpec("SpladePooling", path, pooling))


def _plain_body(path: StrPath, config: JsonObject, task: str) -> ModuleSpec:
    empty = JsonObject(short_name(os.path.join(path, "sentence_bert_config.json")), {})
    return ModuleSpec("Transformer", path, config, task, read_tokenizer_spec(path, config, empty))
