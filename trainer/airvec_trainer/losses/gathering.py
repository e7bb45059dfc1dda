"""Rows of all processes of a distributed training, with gradients.

Knows nothing of losses and models.
"""

import torch
from torch import Tensor, distributed

__all__ = ["gathered"]


def gathered(rows: Tensor) -> tuple[Tensor, int]:
    """The rows of every process below one another, and where this process's begin: (n, dim) -> (processes * n, dim).

    Gradients flow back to the process that a row came from. With one process: the rows as they are, and 0. Every
    process must have as many rows.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return rows, 0
    from torch.distributed.nn.functional import all_gather  # it is not there in builds of torch without distributed

    return torch.cat(list(all_gather(rows))), distributed.get_rank() * len(rows)
