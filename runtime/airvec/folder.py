"""Disk → `ModelFolder`: the modules, prompts, limits and graphs of a model in the sentence-transformers layout.

The only reader of a model's JSON files (but for airvec.json: `manifest.py`). Reads the three generations of
`modules.json` type names and the length limit in any of its places, folders of plain transformers checkpoints,
and model2vec folders. A path that a model folder states never leaves that folder.
Knows nothing of tokenizers, graphs and module mathematics.
"""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, cast

from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.json_file import JsonObject, read_json, read_object, read_object_if_there, short_name
from airvec.manifest import Manifest, check_size, read_manifest

# Tried in this order; all but the first are from the first generation, one name an architecture.
TRANSFORMER_CONFIGS = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)
KNOWN_PREFIXES = ("sentence_transformers.", "pylate.")
UNSET_LENGTH = 10**18  # transformers writes 1e30 for "no limit"
SIDES = ("left", "right")
SIMILARITY_NAMES = ("cosine", "dot", "euclidean", "manhattan")
# transformers rebuilds the normaliser of these tokenizers from tokenizer_config.json.
BERT_TOKENIZERS = (
    "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer", "MPNetTokenizer",
    "ConvBertTokenizer", "SqueezeBertTokenizer", "LayoutLMTokenizer",
)  # fmt: skip
BERT_TYPES = ("bert", "distilbert", "electra", "mobilebert", "mpnet", "convbert", "squeezebert", "nomic_bert")
TOKENIZER_ARGUMENTS = (
    "model_max_length", "padding_side", "truncation_side", "do_lower_case", "strip_accents",
    "tokenize_chinese_chars", "add_prefix_space", "pad_token",
)  # fmt: skip
HARMLESS_ARGUMENTS = ("use_fast", "trust_remote_code", "clean_up_tokenization_spaces", "token", "revision")
FP32_VARIANTS = ("auto", "fp32")


@dataclass(frozen=True)
class ModuleSpec:
    """One entry of `modules.json`: the class name without its package, its folder and its `config.json`."""

    type: str
    path: Path
    config: JsonObject


@dataclass(frozen=True)
class TokenizerSpec:
    """What the folder says about its tokenizer, besides `tokenizer.json` itself.

    `max_length` counts special tokens; None = no limit. `bert_options` (do_lower_case, strip_accents,
    tokenize_chinese_chars) override the normaliser in `tokenizer.json` as transformers' BERT tokenizers do;
    None where the folder's tokenizer is of another kind. `positions` is how many tokens the model's body can number.
    `saved_arguments` are those that the folder saves for loading its tokenizer; the other fields include them.
    """

    file: Path
    max_length: int | None = None
    padding_side: str = "right"
    truncation_side: str = "right"
    lower_case: bool = False
    bert_options: dict[str, Any] | None = None
    add_prefix_space: bool | None = None
    pad_token: str | None = None
    pad_id: int | None = None
    positions: int | None = None
    saved_arguments: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class ModelFolder:
    """A model folder as its files describe it; nothing but JSON has been opened."""

    path: Path
    model_type: str
    modules: tuple[ModuleSpec, ...]
    tokenizer: TokenizerSpec
    prompts: dict[str, str]
    default_prompt_name: str | None
    similarity_fn_name: str | None
    truncate_dim: int | None
    manifest: Manifest | None

    @property
    def name(self) -> str:
        """The folder's own name, for messages."""
        return self.path.resolve().name


def read_folder(path: Path) -> ModelFolder:
    """Read a model folder's JSON files.

    Raises:
        ModelNotFoundError: no such folder, or one without the files that every model has.
        ModelFolderError: a file is damaged, a module's type is unknown code, or a path leaves the folder.
    """
    if not path.is_dir():
        raise ModelNotFoundError(f"{path}: no such folder. Give a model folder's path, or a model's name on the Hub.")
    modules = _modules(path)
    settings = read_object_if_there(path / "config_sentence_transformers.json")
    prompts, similarity = _prompts(settings), settings.text("similarity_fn_name")
    _check_choice(settings, "similarity_fn_name", similarity, SIMILARITY_NAMES)
    _check_choice(settings, "default_prompt_name", settings.text("default_prompt_name"), tuple(prompts))
    return ModelFolder(
        path=path,
        model_type=settings.text("model_type", "SentenceTransformer") or "SentenceTransformer",
        modules=modules,
        tokenizer=_tokenizer_spec(path, modules[0]),
        prompts=prompts,
        default_prompt_name=settings.text("default_prompt_name"),
        similarity_fn_name=similarity,
        truncate_dim=None if settings.values.get("truncate_dim") is None else settings.need_integer("truncate_dim"),
        manifest=read_manifest(path),
    )


def inside(folder: Path, stated: str, where: str) -> Path:
    """A path that a model folder states, joined to the folder.

    Symbolic links inside the folder are followed (the Hub's cache is made of them); a stated path that is
    absolute, names a drive or climbs with `..` is refused.

    Raises:
        ModelFolderError: the path would leave the folder.
    """
    posix, windows = PurePosixPath(stated), PureWindowsPath(stated)
    if posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts or ".." in posix.parts:
        raise ModelFolderError(
            f"{where}: path {stated!r} leaves the model folder, expected one inside it. Do not use this folder."
        )
    return folder / stated


def find_graph(folder: ModelFolder, variant: str = "auto", file_name: str | None = None) -> Path:
    """The ONNX graph to run: a file that exists, and that is as long as the manifest says.

    Args:
        folder: the model.
        variant: `"auto"` or `"fp32"` for `onnx/model.onnx`, else NAME for `onnx/model_NAME.onnx`.
        file_name: a file of the folder or of its `onnx/` folder; wins over `variant`.

    Raises:
        ModelFolderError: no such graph (the message lists those there are), or one cut short.
        ArgumentError: `file_name` leaves the folder.
    """
    home = folder.modules[0].path
    name = file_name or graph_name(variant)
    try:
        places = [inside(home, name, "file_name"), inside(home, f"onnx/{name}", "file_name")]
    except ModelFolderError as error:
        raise ArgumentError(f"{error} Graph files lie in the model folder or in its onnx/ folder.") from None
    if file_name is None:
        places.reverse()
    for place in places:
        if place.is_file():
            _check_record(folder, place)
            return place
    raise _no_graph(folder, home, name)


def graph_name(variant: str) -> str:
    """The file name of a variant's graph."""
    return "model.onnx" if variant in FP32_VARIANTS else f"model_{variant}.onnx"


def graph_files(folder: ModelFolder) -> tuple[str, ...]:
    """All ONNX graphs of a folder, as sorted paths inside it."""
    return tuple(sorted(file.relative_to(folder.path).as_posix() for file in folder.path.rglob("*.onnx")))


def _check_record(folder: ModelFolder, graph: Path) -> None:
    records = folder.manifest.graphs if folder.manifest else {}
    record = records.get(graph.relative_to(folder.path).as_posix())
    if record:
        check_size(graph, record)


def _no_graph(folder: ModelFolder, home: Path, name: str) -> ModelFolderError:
    found = graph_files(folder)
    if found:
        return ModelFolderError(
            f"{folder.name}: no graph {name!r}, expected one of {', '.join(found)}. "
            'Choose it with variant="NAME" or model_kwargs={"file_name": "…"}.'
        )
    return ModelFolderError(
        f"{short_name(home / 'onnx' / name)}: no such graph, and no other in the folder. "
        f"Make one (needs torch, once): airvec export {folder.path} {folder.name}-onnx"
    )


def _modules(path: Path) -> tuple[ModuleSpec, ...]:
    file = path / "modules.json"
    if not file.is_file():
        return _default_modules(path)
    entries = read_json(file)
    if not isinstance(entries, list) or not entries:
        raise ModelFolderError(f"{short_name(file)}: holds {entries!r:.80}, expected a list of modules. Re-export it.")
    return tuple(_module(path, file, index, entry) for index, entry in enumerate(cast("list[Any]", entries)))


def _module(path: Path, file: Path, index: int, entry: object) -> ModuleSpec:
    where = f"{short_name(file)}: module {index}"
    if not isinstance(entry, dict):
        raise ModelFolderError(f"{where} is {entry!r:.80}, expected an object. Re-export it with airvec export.")
    values = JsonObject(where, cast("dict[str, Any]", entry))
    kind, home = values.text("type", "") or "", inside(path, values.text("path", "") or "", where)
    if not kind.startswith(KNOWN_PREFIXES):
        raise ModelFolderError(
            f"{where} has type {kind!r}, which is code outside sentence-transformers. airvec runs no code from model "
            "folders, with trust_remote_code or without. Use a model made of sentence-transformers' own modules."
        )
    if home != path and not home.is_dir() and kind.rpartition(".")[2] != "Normalize":
        raise ModelFolderError(f"{where}: folder {home.name!r} does not exist. The download is incomplete: fetch it.")
    return ModuleSpec(kind.rpartition(".")[2], home, read_object_if_there(home / "config.json"))


def _default_modules(path: Path) -> tuple[ModuleSpec, ...]:
    """What the reference assumes for a folder without modules.json: mean pooling, or the last token of a decoder.

    A folder that was saved by sentence-transformers has one: without it, pooling would be a guess.
    """
    if (path / "config_sentence_transformers.json").is_file() or any(path.glob("[0-9]_*")):
        raise ModelNotFoundError(
            f"{short_name(path / 'modules.json')}: no such file. The download is incomplete: fetch it."
        )
    config = read_object_if_there(path / "config.json")
    if config.text("model_type") == "model2vec":
        static = ModuleSpec("StaticEmbedding", path, config)
        return (static, ModuleSpec("Normalize", path, config)) if config.flag("normalize", False) else (static,)
    if not config.values:
        raise ModelNotFoundError(
            f"{path}: neither modules.json nor config.json. Give the folder of a sentence-transformers or "
            "transformers model."
        )
    architectures = [str(name) for name in config.items("architectures")]
    decoder = bool(architectures) and architectures[0].endswith("ForCausalLM") and config.flag("is_causal", True)
    pooling = {
        "embedding_dimension": config.integer("hidden_size") or config.integer("d_model") or config.integer("dim"),
        "pooling_mode": "lasttoken" if decoder else "mean",
    }
    return (ModuleSpec("Transformer", path, config), ModuleSpec("Pooling", path, JsonObject(config.file, pooling)))


def _prompts(settings: JsonObject) -> dict[str, str]:
    """Saved prompts over the two names that always exist; a null prompt is the empty one."""
    prompts = {"query": "", "document": ""}
    section = settings.section("prompts")
    return prompts | {name: section.text(name, "") or "" for name in section.values}


def _tokenizer_spec(root: Path, first: ModuleSpec) -> TokenizerSpec:
    home = first.path
    if first.type == "StaticEmbedding":
        return TokenizerSpec(home / "tokenizer.json")
    saved = _transformer_config(home) if (root / "modules.json").is_file() else JsonObject("", {})
    arguments = _saved_arguments(saved)
    options = read_object_if_there(home / "tokenizer_config.json")
    options = JsonObject(options.file, options.values | arguments)
    positions = first.config.integer("max_position_embeddings")
    positions = None if positions == -1 else positions
    for key in ("padding_side", "truncation_side"):
        _check_choice(options, key, options.text(key), SIDES)
    return TokenizerSpec(
        file=home / "tokenizer.json",
        max_length=_max_length(JsonObject(saved.file, arguments), saved, options, positions),
        padding_side=options.text("padding_side", "right") or "right",
        truncation_side=options.text("truncation_side", "right") or "right",
        lower_case=saved.flag("do_lower_case", False),
        bert_options=_bert_options(options, first.config),
        add_prefix_space=options.optional_flag("add_prefix_space"),
        pad_token=_pad_token(home, options),
        pad_id=first.config.integer("pad_token_id"),
        positions=positions,
        saved_arguments=arguments,
    )


def _check_choice(found: JsonObject, key: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise ModelFolderError(f"{found.file}: {key!r} is {value!r}, expected one of {', '.join(known)}. Correct it.")


def _saved_arguments(saved: JsonObject) -> dict[str, Any]:
    """What the folder saves for loading its tokenizer, under the old or the new name."""
    found = saved.section("tokenizer_args").values | saved.section("processor_kwargs").values
    for key in found:
        if key not in TOKENIZER_ARGUMENTS + HARMLESS_ARGUMENTS:
            raise ModelFolderError(
                f"{saved.file}: tokenizer argument {key!r}, expected any of {', '.join(TOKENIZER_ARGUMENTS)}. "
                "Export the checkpoint again with airvec export."
            )
    return {key: value for key, value in found.items() if key in TOKENIZER_ARGUMENTS}


def _transformer_config(home: Path) -> JsonObject:
    found = [home / name for name in TRANSFORMER_CONFIGS if (home / name).is_file()]
    return read_object(found[0]) if found else JsonObject(short_name(home / TRANSFORMER_CONFIGS[0]), {})


def _max_length(arguments: JsonObject, saved: JsonObject, options: JsonObject, positions: int | None) -> int | None:
    """The reference's order: saved arguments, max_seq_length, then the tokenizer's limit capped by the model's."""
    for stated in (arguments.integer("model_max_length"), saved.integer("max_seq_length")):
        if stated is not None:
            return _limit(stated)
    limits = [options.integer("model_max_length"), positions]
    return min((limit for limit in limits if limit is not None and limit < UNSET_LENGTH), default=None)


def _limit(stated: int) -> int | None:
    return stated if stated < UNSET_LENGTH else None


def _bert_options(options: JsonObject, config: JsonObject) -> dict[str, Any] | None:
    kind = options.text("tokenizer_class")
    if (kind or "").removesuffix("Fast") not in BERT_TOKENIZERS and (
        kind or config.text("model_type") not in BERT_TYPES
    ):
        return None
    return {
        "lowercase": options.flag("do_lower_case", True),
        "strip_accents": options.optional_flag("strip_accents"),
        "handle_chinese_chars": options.flag("tokenize_chinese_chars", True),
    }


def _pad_token(home: Path, options: JsonObject) -> str | None:
    """The padding token's text, from either of the two files; older ones write an object with its `content`."""
    for found in (options, read_object_if_there(home / "special_tokens_map.json")):
        token = found.values.get("pad_token")
        if isinstance(token, dict):
            token = cast("dict[str, Any]", token).get("content")
        if isinstance(token, str):
            return token
    return None
