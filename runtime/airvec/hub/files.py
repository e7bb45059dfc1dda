"""Which of a repository's files a model needs to run, worked out from those of its settings that are on disk.

Asked again after each round of fetching: the JSON files at the top name the modules' folders, the JSON files in those
may name more (a Router's), and then graphs and tables are known. A graph needs no torch weights.
Knows nothing of the network, and of modules no more than their names and places.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, cast

from airvec.errors import AirvecError, ModelNotFoundError
from airvec.graph_weights import is_weight_of
from airvec.json_file import read_json

# JSON that nothing reads at run time: tables of torch's weight files, the words of tokenizer.json once more, logs.
UNREAD = ("*.index.json", "vocab.json", "trainer_state.json")
ROUTERS = ("Router", "Asym")
ROUTER_FILES = ("router_config.json", "config.json")
LOGITS = "MLMTransformer"
BODIES = ("Transformer", LOGITS, "CLIPModel")
TABLES = ("StaticEmbedding", "SparseStaticEmbedding")
GRAPHS = (".onnx", ".xml")
MODEL_FILES = ("modules.json", "config.json")


class Wanted(Protocol):
    """What is to be fetched from a repository."""

    def needed(self, folder: Path, names: Collection[str]) -> list[str]:
        """Files to have, as far as those in `folder` tell; `names` are all of the repository."""
        ...

    def absent(self, repository: str, name: str, names: Collection[str]) -> AirvecError:
        """The error where `name` is needed and the repository has none."""
        ...


@dataclass(frozen=True)
class Module:
    """A module's class name, and its folder in the repository: "" or a path that ends in a slash."""

    type: str
    home: str


@dataclass(frozen=True)
class RuntimeFiles:
    """What runs: settings, tokenizer, one graph for each transformer, the tables of the other modules.

    `fused` are names to prefer to `graphs` where a module gives logits over the vocabulary; `if_there` files to have
    where the repository has them.
    """

    graphs: tuple[str, ...]
    export_as: str = ""
    beside: tuple[str, ...] = ()
    fused: tuple[str, ...] = ()
    if_there: tuple[str, ...] = ()

    def needed(self, folder: Path, names: Collection[str]) -> list[str]:
        """Settings until all of them are there, then graphs and tables too."""
        if not any(name in names for name in MODEL_FILES):
            return [MODEL_FILES[1]]
        modules = list(read_modules(folder, names))
        settings = settings_files(names, modules, UNREAD)
        if any(not (folder / name).is_file() for name in settings):
            return settings
        beside = (*self.beside, *(name for name in self.if_there if name in names))
        return [*settings, *beside, *(name for module in modules for name in self._large(module, names))]

    def absent(self, repository: str, name: str, names: Collection[str]) -> ModelNotFoundError:
        """No graph, or no model at all, or nothing of what this class needs besides."""
        if name in self.beside:
            return ModelNotFoundError(
                f"{repository}: no {name}, expected a head as BGE-M3 has it; those that torch saved (.pt) are never "
                f"read. Make the folder once, with torch: airvec export {repository} "
                f"./{repository.rpartition('/')[2]}-onnx"
            )
        if not name.endswith(GRAPHS):
            return ModelNotFoundError(
                f"{repository}: neither {' nor '.join(MODEL_FILES)} there, expected a sentence-transformers or "
                "transformers model. Check the name."
            )
        graph = self.graphs[-1]
        found = sorted(file for file in names if file.endswith(GRAPHS))
        if found:
            return ModelNotFoundError(
                f"{repository}: no graph {graph!r}, expected one of {', '.join(found)}. "
                'Choose it with variant="NAME" or model_kwargs={"file_name": "…"}.'
            )
        out = f"./{repository.rpartition('/')[2]}-onnx"
        return ModelNotFoundError(
            f"{repository}: no graph {graph!r}, and no other there. Make one (needs torch, once), and load {out!r}: "
            f"airvec export {repository} {out}{self.export_as}"
        )

    def _large(self, module: Module, names: Collection[str]) -> list[str]:
        if module.type in BODIES:
            graphs = (*self.fused, *self.graphs) if module.type == LOGITS else self.graphs
            places = [place for graph in graphs for place in _places(module.home, graph)]
            graph = next((place for place in places if place in names), places[-2])
            return [graph, *sorted(name for name in names if is_weight_of(name, graph))]
        if module.home or module.type in TABLES:  # at the top lie the weights of the transformer
            weights = f"{module.home}model.safetensors"
            return [weights] if weights in names else []
        return []


@dataclass(frozen=True)
class NamedFiles:
    """Files that have to be there, and what writes them."""

    names: tuple[str, ...]
    made_by: str

    def needed(self, folder: Path, names: Collection[str]) -> list[str]:
        """All of them, whatever else there is."""
        return list(self.names)

    def absent(self, repository: str, name: str, names: Collection[str]) -> ModelNotFoundError:
        """One of them is not in the repository."""
        return ModelNotFoundError(f"{repository}: no {name} there, expected what {self.made_by} wrote. Check the name.")


def _places(home: str, graph: str) -> tuple[str, str]:
    """Where in a repository a graph may lie: in the folder of its kind, or beside config.json."""
    return f"{home}{'openvino' if graph.endswith('.xml') else 'onnx'}/{graph}", f"{home}{graph}"


def read_modules(folder: Path, names: Collection[str]) -> Iterator[Module]:
    """All modules that the settings in `folder` name, a Router's included; `airvec.folder` says what is wrong in them.

    Raises:
        ModelFolderError: a file is not JSON.
    """
    if "modules.json" not in names:
        static = _values(folder / "config.json").get("model_type") == "model2vec"
        yield Module("StaticEmbedding" if static else "Transformer", "")
        return
    found: Any = read_json(folder / "modules.json") if (folder / "modules.json").is_file() else []
    for entry in cast("list[Any]", found) if isinstance(found, list) else []:
        if isinstance(entry, dict):
            stated = cast("dict[str, Any]", entry)
            path = str(stated.get("path") or "").rstrip("/")
            yield from _with_routes(folder, names, str(stated.get("type")), f"{path}/" if path else "")


def settings_files(names: Collection[str], modules: Collection[Module], unread: tuple[str, ...]) -> list[str]:
    """The JSON files at the top and in the modules' folders, but for those whose names match `unread`."""
    homes = {"", *(module.home for module in modules)}
    found = [name for name in names if name.endswith(".json") and name[: name.rfind("/") + 1] in homes]
    return sorted(name for name in found if not any(fnmatch(PurePosixPath(name).name, kind) for kind in unread))


def _with_routes(folder: Path, names: Collection[str], stated: str, home: str) -> Iterator[Module]:
    kind = stated.rpartition(".")[2]
    yield Module(kind, home)
    if kind not in ROUTERS:
        return
    file = next((home + name for name in ROUTER_FILES if home + name in names), None)
    types = _values(folder / file).get("types") if file else None
    for name, inner in cast("dict[str, Any]", types).items() if isinstance(types, dict) else ():
        if "/" not in name and name not in ("", ".", ".."):
            yield from _with_routes(folder, names, str(inner), f"{home}{name}/")


def _values(file: Path) -> dict[str, Any]:
    found = read_json(file) if file.is_file() else None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
