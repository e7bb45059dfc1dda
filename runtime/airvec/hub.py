"""A model's name → a local folder with the files that run, and no others.

huggingface_hub is imported only when a name has to be looked up; a folder's path never needs it. A name is looked
up only if no folder of that name exists.
Knows nothing of what the files mean, beyond which ones a model needs.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airvec.errors import AirvecError, ModelNotFoundError, require
from airvec.json_file import read_json

# Small files first; modules.json among them says which large ones are needed. A graph needs no torch weights.
SETTINGS = ["*.json"]
MODULE_WEIGHTS = ["[0-9]*_*/*.safetensors"]
STATIC_WEIGHTS = ["*.safetensors"]


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
        ModelNotFoundError: neither a folder nor a name that the Hub knows.
        MissingPackageError: a name, and huggingface_hub is not installed.
    """
    text = os.fspath(name)
    path = Path(text)
    if path.is_dir():
        return path
    if path.is_file():
        raise ModelNotFoundError(f"{text}: a file, expected a model folder. Give the folder that it lies in.")
    if not _is_name(text):
        raise ModelNotFoundError(f"{text}: no such folder. Give a model folder's path, or a name ORG/MODEL on the Hub.")
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
        except AirvecError:
            raise
        except Exception as error:  # the client's errors, and those of the HTTP library below it
            raise ModelNotFoundError(
                f"{repository}: not fetched ({type(error).__name__}: {error}). Check the name, the network and, for a "
                "private model, token=…; or give a local folder's path."
            ) from error
        return Path(found)

    folder = download(SETTINGS)
    return download(SETTINGS + _large_files(folder, graph))


def _large_files(folder: Path, graph: str) -> list[str]:
    modules: Any = read_json(folder / "modules.json") if (folder / "modules.json").is_file() else []
    if str(modules).count("StaticEmbedding"):
        return STATIC_WEIGHTS
    return [*MODULE_WEIGHTS, f"onnx/{graph}", f"onnx/{graph}_data", graph, f"{graph}_data"]
