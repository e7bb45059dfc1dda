"""A graph against the float32 graph of its own folder, both run by airvec: for graphs that are added without torch.

Knows nothing of torch and of how the graph was made.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from airvec.errors import ArgumentError
from airvec.folder import OPENVINO, ModelFolder, ModuleSpec, read_folder
from airvec.tokenizer import open_tokenizer
from airvec_exporter.texts import Offsets
from airvec_exporter.verify.answers import Trial, answers, inputs_of, prompt_of
from airvec_exporter.verify.measured import Measured, worst
from airvec_exporter.verify.settings import Checks
from airvec_exporter.verify.speed import graph_bytes
from airvec_exporter.verify.verification import CLASSES, Opened, measure

TEXTS = 60
LIMITS = Checks(accept_worse=True, speed=False)


def compare(home: Path, kind: str, place: str, variant: str) -> dict[Path, Measured]:
    """Measure a graph that lies beside the float32 graph of each body, on 60 texts of 1 to 600 tokens.

    Args:
        home: the model's folder.
        kind: the class that opens it.
        place: the graph, below the folder of a body.
        variant: whose bounds say what counts as a miss.

    Returns:
        By the body's folder: those that a query, a document or a text without a task comes to.

    Raises:
        VerificationError: an answer is not a number.
    """
    folder = read_folder(home, kind)
    exact = Opened.of(home, kind, "fp32")
    backend = OPENVINO if Path(place).parent.name == OPENVINO else "onnx"
    opened = Opened(folder, variant, CLASSES[kind](str(home), backend=backend, model_kwargs={"file_name": place}))
    found: dict[Path, Measured] = {}
    for task, spec in _ways(folder):
        if (spec.path / place).is_file():
            one = measure(_trial(exact, task, spec), opened, LIMITS)
            one = replace(one, megabytes=graph_bytes(spec.path / place) / 1e6)
            found[spec.path] = worst([*([found[spec.path]] if spec.path in found else []), one])
    return found


def _ways(folder: ModelFolder) -> Iterator[tuple[str | None, ModuleSpec]]:
    """Tasks, and the body that reads their texts."""
    for task in ("query", "document", None) if folder.has_routes else (None,):
        try:
            yield task, folder.chain(task)[0]
        except ArgumentError:  # no route for it
            continue


def _trial(exact: Opened, task: str | None, spec: ModuleSpec) -> Trial:
    """What is asked, and what the float32 graph answers."""
    kind = exact.model.kind
    inputs, counts = inputs_of(kind, _offsets(exact.folder, spec), None, TEXTS)
    width = 0 if kind == "CrossEncoder" else exact.model.get_embedding_dimension()
    trial = Trial(
        exact.folder.name, kind, task, inputs, counts, prompt_of(exact.folder), np.empty((0, width), np.float32)
    )
    return replace(trial, wanted=answers(trial, exact.model))


def _offsets(folder: ModelFolder, spec: ModuleSpec) -> Offsets:
    tokenizer = open_tokenizer(folder.tokenizer_of(spec)).backend
    return lambda text: tokenizer.encode(text, add_special_tokens=False).offsets
