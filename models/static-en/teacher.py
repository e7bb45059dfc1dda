"""Asks the teacher, all-MiniLM-L6-v2 on torch, what it makes of single tokens.

Knows nothing of frequencies and files written.
"""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, PreTrainedModel
from transformers.utils import logging

Progress = Callable[[Iterable[int], str], Iterable[int]]
CLS, SEP = 101, 102


def check_sha256(file: Path, expected: str) -> None:
    """Refuses another input than the recipe's.

    Raises:
        ValueError: The file's sha256 is not the expected one.
        FileNotFoundError: There is no such file.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file}: not there, expected an input of recipe.toml. Get it: python tests/checkpoint.py")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != expected:
        raise ValueError(f"{file.name}: sha256 is {found}, recipe.toml expects {expected}. Get the file named there.")


def load(checkpoint: Path) -> PreTrainedModel:
    """The teacher in fp32 on the CPU, in evaluation mode."""
    logging.disable_progress_bar()
    return AutoModel.from_pretrained(checkpoint, dtype=torch.float32).eval()


def read_tokens(teacher: PreTrainedModel, ids: np.ndarray, batch: int, progress: Progress) -> np.ndarray:
    """(tokens, hidden) float32: the last hidden state at [CLS] of "[CLS] t [SEP]", for each token id t.

    At [CLS] the teacher has written what the text is about; the state at t keeps more of the token's form, and the one
    at [SEP] little of either (STS Benchmark dev: 81.7, 79.3 and 68.3, their mean 80.2).
    """
    states = []
    for start in progress(range(0, len(ids), batch), "one-token passes"):
        tokens = torch.from_numpy(ids[start : start + batch])
        text = torch.stack([torch.full_like(tokens, CLS), tokens, torch.full_like(tokens, SEP)], dim=1)  # (batch, 3)
        with torch.inference_mode():
            states.append(teacher(input_ids=text).last_hidden_state[:, 0].numpy())  # (batch, hidden)
    return np.concatenate(states)
