"""A tiny twin of BAAI/bge-m3's folder: XLM-RoBERTa, CLS, Normalize, and the two heads as torch saved them.

Knows nothing of airvec.
"""

from pathlib import Path

import torch

from tests.tiny.architectures import HIDDEN
from tests.tiny.checkpoints import tiny_checkpoint

WIDTH = 24
HEADS = ("sparse_linear.pt", "colbert_linear.pt")


def multi_checkpoint(folder: Path, *, width: int = WIDTH, dtype: torch.dtype = torch.float16) -> Path:
    """Write the folder; the published heads are in half precision, too."""
    tiny_checkpoint(folder, "xlm-roberta", pooling="cls", prompts={"query": "", "document": ""})
    for name, out, seed in zip(HEADS, (1, width), (1, 2), strict=True):
        torch.save(random_layer(out, seed, dtype), folder / name)
    return folder


def random_layer(out: int, seed: int, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """The state of a linear layer from the body's width, the same on every call."""
    generator = torch.Generator().manual_seed(seed)
    weight, bias = torch.randn(out, HIDDEN, generator=generator) / 2, torch.randn(out, generator=generator) / 4
    return {"weight": weight.to(dtype), "bias": bias.to(dtype)}
