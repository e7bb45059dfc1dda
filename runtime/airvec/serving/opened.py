"""The folders of a deployment → what is opened there: a model, and perhaps a reranker and an index.

Knows nothing of requests.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import airvec
from airvec.backends import BackendOptions, graph_of
from airvec.errors import ArgumentError, ModelNotFoundError
from airvec.folder import DENSE, KINDS, RERANKER, SPARSE, ModelFolder, read_folder
from airvec.folder.settings import COLBERT_HEAD, SPARSE_HEAD
from airvec.serving.counting import Counter

if TYPE_CHECKING:
    from airvec.cross_encoder import CrossEncoder
    from airvec.search.retriever import Retriever

MULTI = "MultiEncoder"
DEFAULT_NAME = "static-en"  # the model inside airvec, by the name on its card
VERSIONS = ("numpy", "onnxruntime", "tokenizers")


@dataclass(frozen=True)
class Places:
    """Folders of a deployment; None = there is none, and for the model the one inside airvec."""

    model: Path | None = None
    index: Path | None = None
    reranker: Path | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str], home: Path) -> "Places":
        """Those that `AIRVEC_MODEL`, `AIRVEC_INDEX` and `AIRVEC_RERANKER` name, else the folders of a layer.

        Args:
            environment: the variables.
            home: the folder that may hold `model`, `index` and `reranker`: `/opt` in a layer.

        Raises:
            ModelNotFoundError: a variable names what is no folder.
        """
        return cls(*(_place(environment, home, name) for name in ("model", "index", "reranker")))


@dataclass(frozen=True)
class Opened:
    """What a deployment holds, opened.

    Attributes:
        model: of the class `kind`.
        kind: `"SentenceTransformer"`, `"SparseEncoder"`, `"CrossEncoder"` or `"MultiEncoder"`.
        name: for answers.
        counter: of the model's tokens.
        reranker: the model if it is one, else the folder beside it.
        reranker_name: for answers.
        pairs: counts the reranker's tokens.
        retriever: the index.
        graph: the file that the model computes with; None where it is static, or has a graph for each route.
    """

    model: Any
    kind: str
    name: str
    counter: Counter
    reranker: "CrossEncoder | None" = None
    reranker_name: str = ""
    pairs: Counter | None = None
    retriever: "Retriever | None" = None
    graph: Path | None = None


def open_places(places: Places) -> Opened:
    """Open all that is there.

    Raises:
        ModelNotFoundError: a folder holds no model, or no index.
        ModelFolderError: a folder is damaged, incomplete or of an unknown kind.
        ArgumentError: the index was made with another kind of model, or the reranker's folder holds none.
    """
    if places.model is None:
        model: Any = airvec.SentenceTransformer()
        kind, name, graph = DENSE, DEFAULT_NAME, None
    else:
        folder = read_folder(places.model)
        kind = _kind(folder, indexed=places.index is not None)
        model, name, graph = getattr(airvec, kind)(places.model), _name(folder), _graph(folder)
    reranker: CrossEncoder | None = model if kind == RERANKER else None
    reranker_name = name
    if reranker is None and places.reranker is not None:
        reranker = airvec.CrossEncoder(places.reranker)
        reranker_name = _name(read_folder(places.reranker))
    return Opened(
        model,
        kind,
        name,
        Counter.of(model, ("", "") if kind == RERANKER else ""),
        reranker,
        reranker_name,
        None if reranker is None else Counter.of(reranker, ("", "")),
        places.index and _open_index(places.index, model, kind, reranker),
        graph,
    )


def versions() -> dict[str, str]:
    """Of airvec, Python and the packages that have been loaded."""
    loaded = {name: getattr(sys.modules.get(name), "__version__", None) for name in VERSIONS}
    return {
        "airvec": airvec.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        **{name: str(version) for name, version in loaded.items() if version is not None},
    }


def _place(environment: Mapping[str, str], home: Path, name: str) -> Path | None:
    variable = f"AIRVEC_{name.upper()}"
    stated = environment.get(variable, "")
    path = Path(stated) if stated else home / name
    if path.is_dir():
        return path
    if stated:
        raise ModelNotFoundError(
            f"{variable}: {stated!r} is no folder, expected one that airvec package or Retriever.save wrote. Correct "
            "or unset it; names on the Hub are for airvec package, which fetches the model."
        )
    return None


def _kind(folder: ModelFolder, *, indexed: bool) -> str:
    """The class to open a folder with. One with BGE-M3's heads opens whole, unless an index needs its dense part."""
    heads = all((folder.path / name).is_file() for name in (SPARSE_HEAD, COLBERT_HEAD))
    if folder.model_type == DENSE and heads and not indexed:
        return MULTI
    if folder.model_type not in KINDS:
        raise ArgumentError(
            f"{folder.name}: model_type is {folder.model_type!r}, expected one of {', '.join(KINDS)}. Pack another."
        )
    return folder.model_type


def _open_index(path: Path, model: Any, kind: str, reranker: "CrossEncoder | None") -> "Retriever":
    from airvec.search.corpus_index import read_settings
    from airvec.search.retriever import Retriever

    stages = read_settings(path).section("stages").values
    for stage, needed in (("dense", DENSE), ("sparse", SPARSE)):
        if stage in stages and kind != needed:
            raise ArgumentError(
                f"{path.name}: has a stage {stage!r}, which needs a {needed}, but the packed model is a {kind}. Pack "
                "the model that made the index, or make the index again."
            )
    return Retriever.load(
        path,
        dense=model if "dense" in stages else None,
        sparse=model if "sparse" in stages else None,
        reranker=reranker,
    )


def _graph(folder: ModelFolder) -> Path | None:
    bodies = [spec for spec in folder.bodies() if spec.type == "Transformer"]
    return Path(graph_of(folder, bodies[0], BackendOptions())) if len(bodies) == 1 else None


def _name(folder: ModelFolder) -> str:
    """What the folder was made of, as its airvec.json says; a layer calls every folder `model`."""
    manifest = folder.manifest
    return (manifest.packed.get("name") or manifest.source if manifest else "") or folder.name
