"""A pass of a model a second time as it was the first: the same random numbers, the same precision.

Knows nothing of losses.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor
from torch.utils.checkpoint import get_device_states, set_device_states

__all__ = ["first_time", "same_again"]


@contextmanager
def first_time() -> Iterator[None]:
    """No graph, and no casts of weights kept, so that autocast can give none without a graph to a later pass."""
    kept = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_autocast_cache_enabled(kept)


def same_again(inputs: Iterable[Tensor]) -> Callable[[], AbstractContextManager[None]]:
    """A context, to be entered later, in which a model that reads these draws the random numbers it draws from now on.

    Autocast is as it is now, too: a backward pass runs outside of the context in which the loss was computed.
    """
    tensors = list(inputs)
    on_mps = any(tensor.device.type == "mps" for tensor in tensors)
    cpu, mps = torch.get_rng_state(), torch.mps.get_rng_state() if on_mps else None
    devices, states = get_device_states(*(tensor for tensor in tensors if tensor.device.type != "mps"))
    kinds = {"cpu", *(tensor.device.type for tensor in tensors)}
    casts = [(kind, torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)) for kind in sorted(kinds)]

    @contextmanager
    def again() -> Iterator[None]:
        outside = torch.mps.get_rng_state() if mps is not None else None
        with torch.random.fork_rng(devices=devices), _precision(casts):
            torch.set_rng_state(cpu)
            set_device_states(devices, states)
            if mps is not None:
                torch.mps.set_rng_state(mps)
            try:
                yield
            finally:
                if outside is not None:
                    torch.mps.set_rng_state(outside)

    return again


@contextmanager
def _precision(casts: Sequence[tuple[str, bool, torch.dtype]]) -> Iterator[None]:
    """Autocast of each kind of device, on or off."""
    if not casts:
        yield
        return
    (kind, enabled, dtype), *others = casts
    with torch.autocast(kind, dtype if enabled else None, enabled, cache_enabled=False), _precision(others):
        yield
