"""Asks the teacher, all-MiniLM-L6-v2 on torch, for vectors of texts; checks what it and the texts are read from.

Knows nothing of the texts and of files written.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging


def check_sha256(file: Path, expected: str) -> None:
    """Refuses another input than the recipe's.

    Raises:
        ValueError: The file's sha256 is not the expected one.
        FileNotFoundError: There is no such file.
    """
    if not file.is_file():
        raise FileNotFoundError(
            f"{file}: not there, expected an input of static.toml. Where each is fetched stands in card.md."
        )
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != expected:
        raise ValueError(f"{file.name}: sha256 is {found}, static.toml expects {expected}. Get the file named there.")


class Teacher:
    """The teacher in bfloat16, four times as fast on a CPU that knows it as in float32 (cosine of the two > 0.9998).

    Args:
        checkpoint: The folder with weights and tokenizer.
        longest: Tokens read of a text, [CLS] and [SEP] included.
        batch_tokens: Tokens a pass, padding included; few, so that they stay in the processor's cache.
    """

    def __init__(self, checkpoint: Path, longest: int, batch_tokens: int) -> None:
        logging.disable_progress_bar()
        self.model = AutoModel.from_pretrained(checkpoint, dtype=torch.bfloat16).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        self.max_seq_length, self.batch_tokens = longest, batch_tokens

    def encode(self, texts: Sequence[str], **_: Any) -> np.ndarray:
        """(texts, hidden) float32: means over all positions, unit length."""
        ids = self.tokenizer(list(texts), truncation=True, max_length=self.max_seq_length)["input_ids"]
        result = np.zeros((len(ids), self.model.config.hidden_size), np.float32)
        for places in self.batches([len(row) for row in ids]):
            result[places] = self.read([ids[place] for place in places])
        return result

    def batches(self, lengths: list[int]) -> Iterator[list[int]]:
        """Places of texts of about the same length, the shortest first."""
        batch: list[int] = []
        for place in sorted(range(len(lengths)), key=lengths.__getitem__):
            if batch and (len(batch) + 1) * lengths[place] > self.batch_tokens:
                yield batch
                batch = []
            batch.append(place)
        if batch:
            yield batch

    def read(self, rows: list[list[int]]) -> np.ndarray:
        """(rows, hidden) of one batch."""
        longest = max(map(len, rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        mask = (torch.arange(longest) < torch.tensor([len(row) for row in rows])[:, None]).long()
        with torch.inference_mode():
            states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        means = (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        return (means / means.norm(dim=1, keepdim=True)).numpy()

    def save_pretrained(self, folder: str, **_: Any) -> None:
        """Writes what decides the answers, from which the cache of vectors knows this teacher again."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
