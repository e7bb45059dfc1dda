"""Reads the tensors of one module's folder.

`model.safetensors` where there is one. Older folders hold only a pickle, `pytorch_model.bin`: that is read by
torch's restricted unpickler (`weights_only=True`), which builds tensors and runs no code; what we write is always
safetensors.
Knows nothing of what the tensors are for.
"""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from airvec.errors import ModelFolderError, ModelNotFoundError
from airvec.json_file import short_name


def read_state(folder: Path) -> dict[str, Tensor]:
    """All tensors of a module's folder, by name, as saved.

    Raises:
        ModelNotFoundError: neither of the two files is there.
        ModelFolderError: the file is damaged, or the pickle holds something other than tensors.
    """
    safe, pickled = folder / "model.safetensors", folder / "pytorch_model.bin"
    path = safe if safe.is_file() else pickled
    if not path.is_file():
        raise ModelNotFoundError(f"{short_name(safe)}: no such file. The checkpoint is incomplete: fetch it again.")
    return read_file(path)


def read_file(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file, or of a pickle under any other ending, by name, as saved.

    Raises:
        ModelFolderError: the file is damaged, or the pickle holds something other than tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # torch's own words advise to run it
        raise ModelFolderError(
            f"{short_name(path)}: not a file of tensors: damaged, or a pickle with code, which is never run. Fetch it "
            "again, from a source that has safetensors."
        ) from error
    except (SafetensorError, EOFError, RuntimeError) as error:
        raise ModelFolderError(
            f"{short_name(path)}: not a file of tensors ({str(error).splitlines()[0]}). Fetch it again."
        ) from error
    if not isinstance(found, dict) or not all(isinstance(tensor, Tensor) for tensor in found.values()):
        raise ModelFolderError(f"{short_name(path)}: holds {found!r:.60}, expected tensors by name. Fetch it again.")
    return found


def check_whole(folder: Path) -> None:
    """Open the header of each safetensors file of a body, which says how long the file must be.

    Raises:
        ModelFolderError: a file is damaged or cut short.
    """
    for path in sorted(folder.glob("model*.safetensors")):
        try:
            with safe_open(path, "pt"):
                pass
        except SafetensorError as error:
            raise ModelFolderError(f"{short_name(path)}: not a file of tensors ({error}). Fetch it again.") from error


def fill(
    module: nn.Module, folder: Path, *, renamed: Mapping[str, str] | None = None, optional: Sequence[str] = ()
) -> None:
    """Load a module's tensors from its folder: all of them and no others, as float32.

    Args:
        module: what to fill.
        folder: where its weights are.
        renamed: second names of tensors → the module's own.
        optional: those that keep the module's values where the folder has none.

    Raises:
        ModelNotFoundError: no weights there.
        ModelFolderError: damaged, or the names or shapes differ from the module's.
    """
    state = {(renamed or {}).get(name, name): tensor.float() for name, tensor in read_state(folder).items()}
    kept = {name: tensor for name, tensor in module.state_dict().items() if name in optional}
    try:
        module.load_state_dict(kept | state)
    except RuntimeError as error:
        found = " ".join(str(error).split())
        raise ModelFolderError(f"{folder.name}: weights that do not fit config.json: {found}. Fetch both.") from error
