"""A model folder as its JSON files describe it: `read_folder` → `ModelFolder`.

Knows nothing of graphs and module mathematics.
"""

import os
from typing import TYPE_CHECKING, NamedTuple

from airvec.cache_names import repository_of
from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.folder.modules import CLASSIFY, DENSE, RERANKER, SPARSE, ModuleSpec, read_modules
from airvec.folder.tokenizer import TokenizerSpec, check_choice
from airvec.json_file import JsonObject, read_object_if_there
from airvec.paths import StrPath, plain

if TYPE_CHECKING:
    from pathlib import Path

    from airvec.manifest import Manifest

# The model inside the wheel.
DEFAULT_MODEL = os.path.join(os.path.dirname(os.path.dirname(__file__)), "default_model")
MANIFEST = "airvec.json"
SIMILARITY_NAMES = ("cosine", "dot", "euclidean", "manhattan")
KINDS = (DENSE, SPARSE, RERANKER)
SPARSE_MODULES = ("SpladePooling", "SparseAutoEncoder", "SparseStaticEmbedding")
# Heads on the states of tokens, as BGE-M3 has them: lexical weights, and a vector for each token.
SPARSE_HEAD, COLBERT_HEAD = "sparse_linear.safetensors", "colbert_linear.safetensors"
OLD_ACTIVATION = "sbert_ce_default_activation_function"


class ModelFolder(NamedTuple):
    """A model folder as its files describe it; nothing but JSON has been opened.

    `activations` is what the folder says of a reranker's activation, as dotted paths: the first that can be run counts.
    """

    home: StrPath
    model_type: str
    modules: tuple[ModuleSpec, ...]
    prompts: dict[str, str]
    default_prompt_name: str | None
    similarity_fn_name: str | None
    truncate_dim: int | None
    max_active_dims: int | None
    activations: tuple[str, ...]
    manifest: "Manifest | None"

    @property
    def path(self) -> "Path":
        """`home` as a `Path`."""
        from pathlib import Path

        return Path(self.home)

    @property
    def name(self) -> str:
        """For messages: a model's name on the Hub for a folder of the Hub client's cache, else the folder's own."""
        real = os.path.realpath(self.home)
        return repository_of(real) or os.path.basename(real)

    @property
    def activation_fn(self) -> str | None:
        """The one of `activations` that counts: the first of torch, since code outside it is passed over."""
        return next(
            (path for path in self.activations if path.startswith("torch.")), next(iter(self.activations), None)
        )

    @property
    def has_routes(self) -> bool:
        """Whether texts of different tasks may pass different modules."""
        return any(module.router for module in self.modules)

    @property
    def tokenizer(self) -> TokenizerSpec:
        """Tokenizer settings of texts that have no task.

        Raises:
            ArgumentError: the model has no default route.
        """
        return self.tokenizer_of(self.chain()[0])

    def tokenizer_of(self, body: ModuleSpec) -> TokenizerSpec:
        """Tokenizer settings of one of `bodies`.

        Raises:
            ModelFolderError: it is no module that reads texts.
        """
        if body.tokenizer is None:
            raise ModelFolderError(
                f"{self.name}: its first module, in {body.path.name}, has type {body.type!r}, expected Transformer, "
                "StaticEmbedding or SparseStaticEmbedding, which read texts. Use another model."
            )
        return body.tokenizer

    def bodies(self) -> tuple[ModuleSpec, ...]:
        """The first modules, which read texts: one, or one a route, each once."""
        first = self.modules[0]
        if first.router is None:
            return (first,)
        starts = [route[0] for route in first.router.routes.values() if route]
        return tuple({spec.home: spec for spec in starts}.values())

    def chain(self, task: str | None = None) -> tuple[ModuleSpec, ...]:
        """The modules that a text of this task passes, in order: Routers are replaced by one of their routes.

        Args:
            task: such as "query" or "document"; without effect in a model without a Router.

        Raises:
            ArgumentError: no route for that task.
        """
        found: list[ModuleSpec] = []
        for module in self.modules:
            found += module.router.resolve(task) if module.router else (module,)
        if not found:
            raise ModelFolderError(f"{self.name}: task {task!r} has no modules, expected a body. Re-export the model.")
        return tuple(found)


def read_folder(path: StrPath, kind: str | None = None) -> ModelFolder:
    """Read a model folder's JSON files.

    Args:
        path: the folder.
        kind: `"SentenceTransformer"`, `"SparseEncoder"` or `"CrossEncoder"`: what a folder is taken for that does not
            say; None = what its files look like.

    Raises:
        ModelNotFoundError: no such folder, or one without the files that every model has.
        ModelFolderError: a file is damaged, a module's type is unknown code, or a path leaves the folder.
    """
    path = plain(path)
    if not os.path.isdir(path):
        raise ModelNotFoundError(f"{path}: no such folder. Give a model folder's path, or a model's name on the Hub.")
    settings = read_object_if_there(os.path.join(path, "config_sentence_transformers.json"))
    config = read_object_if_there(os.path.join(path, "config.json"))
    stated = settings.text("model_type")
    modules = read_modules(path, stated or kind or _looks_like(path, config))
    model_type = stated or _kind_of(modules)
    prompts, similarity = _prompts(settings, model_type), settings.text("similarity_fn_name")
    check_choice(settings, "similarity_fn_name", similarity, SIMILARITY_NAMES)
    check_choice(settings, "default_prompt_name", settings.text("default_prompt_name"), tuple(prompts))
    return ModelFolder(
        home=path,
        model_type=model_type,
        modules=modules,
        prompts=prompts,
        default_prompt_name=settings.text("default_prompt_name"),
        similarity_fn_name=similarity,
        truncate_dim=_optional_count(settings, "truncate_dim"),
        max_active_dims=_optional_count(settings, "max_active_dims"),
        activations=_activations(settings, config),
        manifest=_manifest(path),
    )


def _manifest(path: StrPath) -> "Manifest | None":
    if not os.path.isfile(os.path.join(path, MANIFEST)):
        return None
    from airvec.manifest import read_manifest

    return read_manifest(path)


def check_kind(folder: ModelFolder, kind: str) -> None:
    """Refuse a folder that is another class's.

    Raises:
        ModelFolderError: it is; the message names the class to use.
    """
    if folder.model_type == kind:
        return
    advice = (
        f"Open it with airvec.{folder.model_type}."
        if folder.model_type in KINDS
        else "Use a model of one of airvec's three classes."
    )
    if kind == SPARSE and os.path.isfile(os.path.join(folder.home, SPARSE_HEAD)):
        advice = "Open it with airvec.MultiEncoder, which gives its lexical weights."
    raise ModelFolderError(f"{folder.name}: model_type is {folder.model_type!r}, expected {kind!r}. {advice}")


def _looks_like(path: StrPath, config: JsonObject) -> str:
    """The class for a folder without modules.json; one with it is judged by its modules."""
    architecture = next((str(name) for name in config.items("architectures")), "")
    checkpoint = not os.path.isfile(os.path.join(path, "modules.json"))
    return RERANKER if checkpoint and architecture.endswith("ForSequenceClassification") else DENSE


def _kind_of(modules: tuple[ModuleSpec, ...]) -> str:
    """The class of models whose folder does not say it."""
    routed = [one for module in modules if module.router for route in module.router.routes.values() for one in route]
    if any(module.type in SPARSE_MODULES for module in (*modules, *routed)):
        return SPARSE
    return RERANKER if modules[0].task == CLASSIFY else DENSE


def _prompts(settings: JsonObject, model_type: str) -> dict[str, str]:
    """Saved prompts over the two names that always exist but in rerankers; a null prompt is the empty one."""
    prompts = {} if model_type == RERANKER else {"query": "", "document": ""}
    section = settings.section("prompts")
    return prompts | {name: section.text(name, "") or "" for name in section.values}


def _optional_count(settings: JsonObject, key: str) -> int | None:
    return None if settings.values.get(key) is None else settings.need_integer(key)


def _activations(settings: JsonObject, config: JsonObject) -> tuple[str, ...]:
    """In the reference's order: from the model's own settings; from the checkpoint's new key, or else its old one."""
    saved = (
        config.section("sentence_transformers")
        if isinstance(config.values.get("sentence_transformers"), dict)
        else JsonObject(config.file, {})
    )
    stated = (settings.text("activation_fn"), saved.text("activation_fn") or config.text(OLD_ACTIVATION))
    return tuple(path for path in stated if path)
