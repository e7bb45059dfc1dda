"""A model's name → a local folder with the files that run, and no others.

A name is looked up only if no folder of that name exists; our client and huggingface_hub are imported only then.
`files.py` says which files, `client.py` fetches them, `cache.py` knows what is on disk, `problems.py` says what failed.
Knows nothing of what the files mean, beyond which ones a model needs.
"""

import os
from typing import TYPE_CHECKING

from airvec.errors import ArgumentError, ModelNotFoundError
from airvec.hub.options import HubOptions
from airvec.paths import StrPath, plain

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HubOptions", "find_files", "find_model", "locate"]

# What airvec export is told of a checkpoint that one of these classes opens, since its files do not always say it.
EXPORT_AS = {"sparse-encoder": " --as sparse", "cross-encoder": " --as rerank"}


def find_model(
    name: StrPath,
    organisation: str,
    graphs: tuple[str, ...],
    options: HubOptions,
    beside: tuple[str, ...] = (),
    fused: tuple[str, ...] = (),
) -> str:
    """The folder of a model, from disk or else from the Hub.

    Args:
        name: a folder's path, or a name on the Hub: `ORG/MODEL`, or `MODEL` for one of `organisation`.
        organisation: what a bare name belongs to, such as `sentence-transformers`.
        graphs: file names of the graph to fetch, best first, such as `model.onnx`.
        options: where and how to look.
        beside: files beside config.json to fetch besides those of the modules.
        fused: file names to prefer to `graphs` for a module with logits over the vocabulary, where they are there.

    Raises:
        ArgumentError: `name` is neither text nor path.
        ModelNotFoundError: neither a folder nor a name that the Hub knows, or no such graph or file there.
        DownloadError: the Hub or the disk failed, or a file is damaged.
        MissingPackageError: a name, and huggingface_hub is not installed.
    """
    folder = _folder(name)
    if folder is not None:
        return folder
    from airvec.hub.client import fetch
    from airvec.hub.files import RuntimeFiles

    files = RuntimeFiles(graphs, EXPORT_AS.get(organisation, ""), beside, fused)
    return str(fetch(_repository(name, organisation), files, options))


def find_files(name: StrPath, organisation: str, names: tuple[str, ...], made_by: str, options: HubOptions) -> "Path":
    """The folder that holds files which lie beside a model's, from disk or else from the Hub; the model is not fetched.

    Args:
        name: a folder's path, or a name on the Hub.
        organisation: what a bare name belongs to.
        names: of the files; those of a folder on disk are left to the reader.
        made_by: what writes them, for the message.
        options: where and how to look.

    Raises:
        ModelNotFoundError: neither a folder nor a name that the Hub knows, or one of the files is not there.
        ArgumentError: as `find_model`, like `DownloadError` and `MissingPackageError`.
    """
    found = locate(name, organisation)
    if not isinstance(found, str):
        return found
    from airvec.hub.client import fetch
    from airvec.hub.files import NamedFiles

    return fetch(found, NamedFiles(names, made_by), options)


def locate(name: StrPath, organisation: str) -> "Path | str":
    """The folder that `name` is, or else the repository `ORG/MODEL` that it names.

    Raises:
        ArgumentError: `name` is neither text nor path.
        ModelNotFoundError: it is a file, or neither a folder nor what can be a name.
    """
    folder = _folder(name)
    if folder is None:
        return _repository(name, organisation)
    from pathlib import Path

    return Path(folder)


def _folder(name: StrPath) -> str | None:
    """The folder that `name` is; None where there is none."""
    try:
        text = os.fsdecode(name)
    except TypeError:
        raise ArgumentError(f"model_name_or_path: {name!r}, expected a str or a path. Correct it.") from None
    return plain(text) if os.path.isdir(text) else None  # "" would be the working directory


def _repository(name: StrPath, organisation: str) -> str:
    """The repository that `name` is, which is no folder."""
    text = os.fsdecode(name)
    if os.path.isfile(plain(text)):
        raise ModelNotFoundError(f"{text}: a file, expected a model folder. Give the folder that it lies in.")
    if not _is_name(text):
        raise ModelNotFoundError(
            f"{text or repr(text)}: no such folder. Give a model folder's path, or a name ORG/MODEL on the Hub."
        )
    return text if "/" in text else f"{organisation}/{text}"


def _is_name(text: str) -> bool:
    parts = text.split("/")
    return len(parts) <= 2 and all(parts) and not text.startswith((".", "~")) and "\\" not in text
