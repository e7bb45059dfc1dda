"""A model's name → a local folder with the files that run, and no others.

huggingface_hub is imported only when a name has to be looked up; a folder's path never needs it. A name is looked
up only if no folder of that name exists.
Knows nothing of what the files mean, beyond which ones a model needs.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from airvec.errors import ArgumentError, ModelNotFoundError, require
from airvec.json_file import read_json

# Small files first; modules.json among them says which large ones are needed. A graph needs no torch weights.
SETTINGS = ["*.json"]


@dataclass(frozen=True)
class HubOptions:
    """Where and how to look: the reference's arguments of the same names."""

    cache_folder: str | None = None
    revision: str | None = None
    local_files_only: bool = False
    token: bool | str | None = None


def find_model(name: str | os.PathLike[str], organisation: str, graph: str, options: HubOptions) -> Path:
    """The folder of a model, from disk or else from the Hub.

    Args:
        name: a folder's path, or a name on the Hub: `ORG/MODEL`, or `MODEL` for one of `organisation`.
        organisation: what a bare name belongs to, such as `sentence-transformers`.
        graph: file name of the graph to fetch, such as `model.onnx`.
        options: where and how to look.

    Raises:
        ArgumentError: `name` is neither text nor path.
        ModelNotFoundError: neither a folder nor a name that the Hub knows, or no such graph there.
        MissingPackageError: a name, and huggingface_hub is not installed.
    """
    try:
        text = os.fsdecode(name)
    except TypeError:
        raise ArgumentError(f"model_name_or_path: {name!r}, expected a str or a path. Correct it.") from None
    path = Path(text)
    if text and path.is_dir():  # "" would be the working directory
        return path
    if path.is_file():
        raise ModelNotFoundError(f"{text}: a file, expected a model folder. Give the folder that it lies in.")
    if not _is_name(text):
        raise ModelNotFoundError(
            f"{text or repr(text)}: no such folder. Give a model folder's path, or a name ORG/MODEL on the Hub."
        )
    return _fetch(text if "/" in text else f"{organisation}/{text}", graph, options)


def _is_name(text: str) -> bool:
    parts = text.split("/")
    return len(parts) <= 2 and all(parts) and not text.startswith((".", "~")) and "\\" not in text


def _fetch(repository: str, graph: str, options: HubOptions) -> Path:
    require("huggingface_hub", "hub", f"model {repository!r} (no folder of that name exists)")
    from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]  (its own hints)

    def download(patterns: list[str]) -> Path:
        try:
            found = snapshot_download(
                repository,
                revision=options.revision,
                cache_dir=options.cache_folder,
                local_files_only=options.local_files_only,
                token=options.token,
                allow_patterns=patterns,
            )
        except Exception as error:  # the client's errors, and those of the HTTP library below it
            raise ModelNotFoundError(
                f"{repository}: not fetched ({type(error).__name__}: {_one_line(error)}). Check the name, the network "
                "and, for a private model, token=…; or give a local folder's path."
            ) from error
        return Path(found)

    modules = _modules(download(SETTINGS))
    kind, home = modules[0]
    if kind == "StaticEmbedding":
        return download([*SETTINGS, f"{home}*.safetensors"])
    graphs = [f"{home}onnx/{graph}", f"{home}{graph}"]
    weights = [f"{path}*.safetensors" for _, path in modules[1:] if path]
    folder = download([*SETTINGS, *weights, *(f"{name}*" for name in graphs)])  # * = the graph's external data
    if not any((folder / name).is_file() for name in graphs):
        raise _no_graph(repository, graph, options)
    return folder


def _modules(folder: Path) -> list[tuple[str, str]]:
    """Type and folder ("" or ending in a slash) of each module; `folder.py` reports what is wrong with them."""
    file, config = folder / "modules.json", folder / "config.json"
    if not file.is_file():
        model2vec = config.is_file() and '"model2vec"' in config.read_text(encoding="utf-8", errors="replace")
        return [("StaticEmbedding" if model2vec else "Transformer", "")]
    found: Any = read_json(file)
    entries = cast("list[Any]", found) if isinstance(found, list) else []
    objects = [cast("dict[str, Any]", entry) for entry in entries if isinstance(entry, dict)]
    stated = [(str(entry.get("type")), str(entry.get("path") or "")) for entry in objects]
    modules = [(kind.rpartition(".")[2], path.rstrip("/") + "/" if path else "") for kind, path in stated]
    return modules or [("Transformer", "")]


def _no_graph(repository: str, graph: str, options: HubOptions) -> ModelNotFoundError:
    from huggingface_hub import list_repo_files  # pyright: ignore[reportUnknownVariableType]

    files: list[str] = []
    with suppress(Exception):  # no network: then without the list
        files = list_repo_files(repository, revision=options.revision, token=options.token)
    found = [file for file in files if file.endswith(".onnx")]
    if found:
        return ModelNotFoundError(
            f"{repository}: no graph {graph!r}, expected one of {', '.join(found)}. "
            'Choose it with variant="NAME" or model_kwargs={"file_name": "…"}.'
        )
    name = repository.rpartition("/")[2]
    return ModelNotFoundError(
        f"{repository}: no graph {graph!r}, and no other there. Make one (needs torch, once): "
        f"hf download {repository} --local-dir {name} && airvec export {name} {name}-onnx"
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
