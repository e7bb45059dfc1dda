"""Where a model is put: the device of this computer that a call names, or its best.

Knows nothing of models.
"""

import torch

from airvec.errors import ArgumentError

__all__ = ["best_device", "checked_device"]


def best_device() -> torch.device:
    """The accelerator, where there is one, else the CPU."""
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return found or torch.device("cpu")


def checked_device(given: str | int | torch.device) -> torch.device:
    """The device that is meant.

    Args:
        given: a device, its name, or the number of an accelerator.

    Raises:
        ArgumentError: no name of a device, or one that this computer has not.
    """
    here = best_device()
    if isinstance(given, int) and not isinstance(given, bool):
        given = f"{here.type if here.type != 'cpu' else 'cuda'}:{given}"
    try:
        device = torch.device(given)
    except (RuntimeError, TypeError) as error:
        raise ArgumentError(
            f"device: {given!r}, expected a torch device, such as 'cpu' or 'cuda:0'. Leave it out for {here.type!r}, "
            f"the best here. torch says: {str(error).splitlines()[0]:.60}"
        ) from None
    kind = getattr(torch, device.type, None)
    if device.type == "cpu" or not hasattr(kind, "is_available"):  # such as meta: torch says itself what it cannot
        return device
    count = kind.device_count() if kind.is_available() else 0
    if (device.index or 0) >= count:
        raise ArgumentError(
            f"device: {str(device)!r}, and torch {torch.__version__} finds {count} of {device.type} here, expected one "
            f"that is there. Leave it out for {here.type!r}, or install torch for {device.type} and its driver."
        )
    return device
