"""What is asked of torch and of airvec, and what they answer.

In batches that mix lengths: a graph that is wrong only where there is padding, or more than one text, is found.
Where the model has prompts, every other text gets one. Dense models answer with unit vectors, sparse ones with all
their values, rerankers with logits.
Knows nothing of what answers are measured by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from airvec.arrays import Floats
from airvec.folder import DENSE, RERANKER, SPARSE, ModelFolder
from airvec_exporter.body import Body, Inputs
from airvec_exporter.load import Checkpoint, Route
from airvec_exporter.reference import reference
from airvec_exporter.texts import COUNT, Offsets, real_texts
from airvec_exporter.verify.metrics import unit


@dataclass(frozen=True)
class Trial:
    """One way of texts through a model, n texts or pairs, their numbers of tokens, and the right answers (n, d).

    `name` is the model's, `kind` the class that opens it, `task` what leads texts this way, None where there is one.
    Every second input, from the first on, stands behind `prompt`, if there is one. `scale` is what differences are
    relative to: the largest |value| of the right answers, or 1.
    """

    name: str
    kind: str
    task: str | None
    inputs: Inputs
    counts: tuple[int, ...]
    prompt: str
    wanted: Floats

    @property
    def scale(self) -> float:
        """1 for unit vectors."""
        return 1.0 if self.kind == DENSE else max(1.0, float(np.abs(self.wanted).max()))


def make_trial(checkpoint: Checkpoint, route: Route, texts: Sequence[str] | None) -> Trial:
    """Choose the inputs of one route, and ask torch.

    Args:
        checkpoint: the model in torch.
        route: the way of the texts.
        texts: at least two; None = 240 real ones of 1 to 600 tokens.
    """
    inputs, counts = inputs_of(checkpoint.kind, offsets_of(route.body), texts)
    prompt = prompt_of(checkpoint.folder)
    parts = [reference(checkpoint, rows, text, route.task) for rows, text in prompted(inputs, prompt)]
    if checkpoint.kind == DENSE:
        parts = [unit(part[:, : checkpoint.folder.truncate_dim]) for part in parts]
    return Trial(checkpoint.folder.name, checkpoint.kind, route.task, inputs, counts, prompt, _woven(parts))


def answers(trial: Trial, model: Any) -> Floats:
    """What airvec gives for a trial's inputs, in the order and form of `trial.wanted`: (n, d)."""
    return _woven([answer(trial, model, rows, prompt) for rows, prompt in prompted(trial.inputs, trial.prompt)])


def answer(trial: Trial, model: Any, inputs: Inputs, prompt: str = "") -> Floats:
    """What airvec gives for some inputs in one call: (n, d)."""
    if trial.kind == DENSE:
        return unit(model.encode(inputs, prompt=prompt, task=trial.task))
    if trial.kind == SPARSE:
        every = trial.wanted.shape[1]
        return model.encode(inputs, prompt=prompt, task=trial.task, max_active_dims=every).to_dense()
    return model.predict(inputs, prompt=prompt, activation_fn="Identity").reshape(len(inputs), -1)


def prompted(inputs: Inputs, prompt: str) -> list[tuple[Inputs, str]]:
    """The inputs of each call: with a prompt, every second one behind it and the others without."""
    return [(inputs[::2], prompt), (inputs[1::2], "")] if prompt else [(inputs, "")]


def make_pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Each text with another one: n texts -> n pairs, in which each text is once the first and once the second."""
    step = len(texts) // 2
    return [(text, texts[(place + step) % len(texts)]) for place, text in enumerate(texts)]


def offsets_of(body: Body) -> Offsets:
    """Gives the (start, end) of each token of a text, special tokens left out, of the whole text."""
    tokenizer = body.uncut_tokenizer()
    return lambda text: tokenizer.encode(text, add_special_tokens=False).offsets


def inputs_of(
    kind: str, offsets: Offsets, texts: Sequence[str] | None, count: int = COUNT
) -> tuple[Inputs, tuple[int, ...]]:
    """The texts or pairs to measure on, `count` real ones where there are none, and their numbers of tokens."""
    chosen = real_texts(offsets, count) if texts is None else list(texts)
    counts = {text: len(offsets(text)) for text in chosen}
    if kind == RERANKER:
        pairs = make_pairs(chosen)
        return pairs, tuple(counts[first] + counts[second] for first, second in pairs)
    return chosen, tuple(counts[text] for text in chosen)


def prompt_of(folder: ModelFolder) -> str:
    """The model's default prompt, else its first prompt that is not empty: pooling may leave it out."""
    prompts = folder.prompts
    default = prompts.get(folder.default_prompt_name or "", "")
    return default or next((prompt for prompt in prompts.values() if prompt), "")


def _woven(parts: list[Floats]) -> Floats:
    """Row i of n parts to row i x n and its followers: undoes `[::n]`."""
    whole = np.empty((sum(map(len, parts)), parts[0].shape[1]), np.float32)
    for index, part in enumerate(parts):
        whole[index :: len(parts)] = part
    return whole
