"""The body of an inference-free sparse model in torch: a weight for each token that a text holds.

Reads the tensor form (`weight`) and the older `idf.json` (token → weight) of sentence-transformers.
Knows nothing of the modules behind it.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import torch
from torch import Tensor, nn

from airvec.errors import ModelFolderError
from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject, read_object
from airvec_exporter.weights import read_state


class SparseStaticBody(nn.Module):
    """One weight a token of the vocabulary; how often a text holds a token does not count."""

    def __init__(self, weight: Tensor, tokenizer: Any) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.tokenizer = tokenizer

    @classmethod
    def from_spec(cls, spec: ModuleSpec, tokenizer: Any) -> "SparseStaticBody":
        """Read the weights of the module's folder, in either form.

        Raises:
            ModelNotFoundError: the file is missing.
            ModelFolderError: it is damaged or holds no weights.
        """
        return cls(read_weight(spec, tokenizer), tokenizer)

    def forward(self, texts: Sequence[str]) -> dict[str, Any]:
        """`sentence_embedding`, float32 (batch, vocabulary)."""
        ids = self.tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt", add_special_tokens=False)
        held = torch.zeros(len(texts), len(self.weight))
        held.scatter_reduce_(1, ids["input_ids"].long(), ids["attention_mask"].float(), "amax")
        return {"sentence_embedding": held * self.weight}


def read_weight(spec: ModuleSpec, tokenizer: Any) -> Tensor:
    """The weights of a module's folder, in either form: float32 (vocabulary,).

    Raises:
        ModelNotFoundError: the file is missing.
        ModelFolderError: it is damaged or holds no weights.
    """
    path = spec.config.text("path")
    # Only the name counts: the reference looks for the file below the working folder or on the Hub.
    return weight_of(read_object(spec.path / PurePosixPath(path).name), tokenizer) if path else _from_tensors(spec)


def _from_tensors(spec: ModuleSpec) -> Tensor:
    state = read_state(spec.path)
    if "weight" not in state or state["weight"].ndim != 1:
        raise ModelFolderError(
            f"{spec.path.name}/model.safetensors: holds {', '.join(sorted(state)) or 'nothing'}, expected 'weight' of "
            "one dimension. Fetch the checkpoint again."
        )
    return state["weight"].float()


def weight_of(found: JsonObject, tokenizer: Any) -> Tensor:
    """Token → number as float32 (vocabulary,): tokens that are not named weigh nothing, unknown ones are one token.

    Raises:
        ModelFolderError: a value is no number.
    """
    weight = torch.zeros(len(tokenizer.get_vocab()))
    for token, value in found.values.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ModelFolderError(f"{found.file}: {token!r} is {value!r}, expected a number. Fetch the file again.")
        weight[tokenizer.convert_tokens_to_ids(token)] = float(value)
    return weight
