"""A checkpoint's name → a local folder with what an export reads: settings, tokenizer, torch's weights, the card.

Graphs, and weights for other libraries, stay on the Hub.
Knows nothing of what is in the files, beyond which ones an export reads.
"""

from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from airvec.arguments import default_cache_folder
from airvec.errors import ModelNotFoundError
from airvec.hub import HubOptions, locate
from airvec.hub.client import fetch
from airvec.hub.files import BODIES, MODEL_FILES, read_modules, settings_files

UNREAD = ("trainer_state.json",)
# All that transformers may make a fast tokenizer from.
VOCABULARIES = ("vocab.txt", "merges.txt", "vocab.json", "*.model", "*.vocab", "*.tiktoken", "vocabulary.txt")
SAFETENSORS = ("model.safetensors", "model-*-of-*.safetensors")
PICKLED = ("pytorch_model.bin", "pytorch_model-*-of-*.bin")
ADAPTER, ADAPTER_WEIGHTS = "adapter_config.json", ("adapter_model.safetensors", "adapter_model.bin")
# Of models such as BGE-M3: see token_heads.py.
HEADS = ("sparse_linear.safetensors", "colbert_linear.safetensors", "sparse_linear.pt", "colbert_linear.pt")
CARD = "README.md"


@dataclass(frozen=True)
class CheckpointFiles:
    """What an export reads; in each folder safetensors, or pickled weights only where there are none."""

    def needed(self, folder: Path, names: Collection[str]) -> list[str]:
        """Settings until all of them are there, then vocabularies, weights and the card too."""
        if not any(name in names for name in (*MODEL_FILES, ADAPTER)):
            return [MODEL_FILES[1]]
        modules = list(read_modules(folder, names))
        settings = settings_files(names, modules, UNREAD)
        if any(not (folder / name).is_file() for name in settings):
            return settings
        bodies = [module.home for module in modules if module.type in BODIES]
        if any(not _weights(names, home) for home in bodies):
            return [*settings, f"{bodies[0]}{SAFETENSORS[0]}"]
        homes = dict.fromkeys(["", *(module.home for module in modules)])
        large = [name for home in homes for name in (*_matching(names, home, VOCABULARIES), *_weights(names, home))]
        return [*settings, *large, *(name for name in (*HEADS, CARD) if name in names)]

    def absent(self, repository: str, name: str, names: Collection[str]) -> ModelNotFoundError:
        """No weights of torch, or no model at all."""
        if name.endswith(".json"):
            expected = "a sentence-transformers or transformers model. Check the name."
            return ModelNotFoundError(f"{repository}: neither {' nor '.join(MODEL_FILES)} there, expected {expected}")
        found = sorted(file for file in names if file.endswith((".onnx", ".gguf", ".h5", ".msgpack", ".ot", ".bin")))
        return ModelNotFoundError(
            f"{repository}: no {name} and no {PICKLED[0]}, but {', '.join(found) or 'no weights at all'}. "
            "Give the repository of the checkpoint that torch loads."
        )


def find_checkpoint(
    name_or_path: str | Path,
    *,
    revision: str | None = None,
    cache_folder: str | None = None,
    local_files_only: bool = False,
    token: bool | str | None = None,
    organisation: str | None = "sentence-transformers",
) -> Path:
    """The folder of a checkpoint, from disk or else from the Hub.

    Args:
        name_or_path: a folder's path, or a name on the Hub.
        revision: branch, tag or commit on the Hub.
        cache_folder: where it is kept; None = AIRVEC_CACHE, SENTENCE_TRANSFORMERS_HOME or the Hub client's own.
        local_files_only: use what has been fetched before, without network.
        token: for private models.
        organisation: whose a bare name is; None = nobody's, as `bert-base-uncased` is.

    Raises:
        ArgumentError: an argument of the wrong type.
        ModelNotFoundError: neither a folder nor a name that the Hub knows, or a repository without torch's weights.
        DownloadError: the Hub or the disk failed, or a file is damaged.
        MissingPackageError: a name, and huggingface_hub is not installed.
    """
    found = locate(name_or_path, organisation or "")
    if isinstance(found, Path):
        return found
    options = HubOptions(cache_folder or default_cache_folder(), revision, local_files_only, token)
    return fetch(found.removeprefix("/"), CheckpointFiles(), options)


def _weights(names: Collection[str], home: str) -> list[str]:
    """A body's own weights, and its adapter's: a folder has the one, the other or both."""
    adapter = [f"{home}{name}" for name in ADAPTER_WEIGHTS if f"{home}{name}" in names][:1]
    return [*(_matching(names, home, SAFETENSORS) or _matching(names, home, PICKLED)), *adapter]


def _matching(names: Collection[str], home: str, kinds: tuple[str, ...]) -> list[str]:
    inside = [PurePosixPath(name) for name in names if name[: name.rfind("/") + 1] == home]
    return sorted(str(path) for path in inside if any(fnmatch(path.name, kind) for kind in kinds))
