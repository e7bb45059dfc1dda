"""Asks the teacher, all-MiniLM-L6-v2 on torch, what it makes of single tokens and of bags of tokens.

Knows nothing of frequencies and files written.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
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
        raise FileNotFoundError(
            f"{file}: not there, expected an input of recipe.toml. Get it: python tests/checkpoint.py"
        )
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
    states = [last_states(teacher, part)[:, 0] for part in parts(ids[:, None], batch, progress, "one-token passes")]
    return np.concatenate(states)


def read_bags(teacher: PreTrainedModel, ids: list[np.ndarray], batch: int, progress: Progress) -> np.ndarray:
    """(all bags, hidden) float32: the teacher's own sentence vectors (mean over all positions, unit length) of bags.

    Args:
        teacher: What `load` gave.
        ids: One (bags, length) array of token ids for each length.
        batch: Bags a pass.
        progress: Called with the steps and what they are.
    """
    vectors = []
    for same_length in ids:
        for part in parts(same_length, batch, progress, f"bags of {same_length.shape[1]} tokens"):
            mean = last_states(teacher, part).mean(axis=1)  # (batch, hidden)
            vectors.append(mean / np.linalg.norm(mean, axis=1, keepdims=True))
    return np.concatenate(vectors)


def parts(ids: np.ndarray, batch: int, progress: Progress, what: str) -> Iterator[np.ndarray]:
    """Cuts (texts, length) into batches."""
    for start in progress(range(0, len(ids), batch), what):
        yield ids[start : start + batch]


def last_states(teacher: PreTrainedModel, ids: np.ndarray) -> np.ndarray:
    """(texts, length + 2, hidden): the last hidden states of texts of one length, [CLS] and [SEP] put around them."""
    edge = np.ones((len(ids), 1), dtype=np.int64)
    text = torch.from_numpy(np.concatenate([CLS * edge, ids, SEP * edge], axis=1))
    with torch.inference_mode():
        return teacher(input_ids=text).last_hidden_state.numpy()
