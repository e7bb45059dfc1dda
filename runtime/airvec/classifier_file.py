"""A classifier's folder: `classifier.json` and `classifier.npz`, beside a copy of its model's files or without one.

    classifier.json   labels, settings of the head, SHA-256 of the arrays
    classifier.npz    the head's arrays, and a known text's vector, to know the model by
    …                 the model folder's own files, so that the folder opens as a model, too

Knows nothing of encoding texts.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from airvec.array_file import new_folder, read_arrays, write_arrays
from airvec.arrays import Floats
from airvec.copying import copy_folder
from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError
from airvec.heads import Head, packed, unpacked
from airvec.json_file import JsonObject, read_object, short_name
from airvec.manifest import sha256_of

FILE_NAME = "classifier.json"
ARRAYS_NAME = "classifier.npz"
FORMAT_VERSION = "1.0"
PROBE = "probe"  # the name of that vector among the arrays


class Stored(NamedTuple):
    """What a classifier's folder says.

    Args:
        head: the head.
        labels: of the head's outputs; plain JSON values.
        normalize: whether vectors are scaled to length 1 before the head.
        prompt: put in front of each text.
        truncate_dim: dimensions of the model's vectors that are kept; None = all.
        max_seq_length: most tokens of a text; None = the model's own.
        probe: float32 (dim,), the vector of a known text, without a prompt.
        classes: what the labels name, the estimator's own classes; None where they are these.
        has_model: whether the model's files are in the folder.
    """

    head: Head
    labels: list[Any]
    normalize: bool
    prompt: str
    truncate_dim: int | None
    max_seq_length: int | None
    probe: Floats
    classes: list[Any] | None = None
    has_model: bool = True


def write_classifier(target: Path, stored: Stored, model: Path | None) -> None:
    """Write the folder, whole or not at all; a classifier that lies there is replaced.

    Args:
        target: the folder.
        stored: what it is to say.
        model: a model folder to copy into it.

    Raises:
        ArgumentError: something other than a classifier lies there, or it and the model's folder lie in one another.
    """
    settings, arrays = packed(stored.head)
    if model is not None:
        _check_apart(target.resolve(), model.resolve())
    with new_folder(target, FILE_NAME) as fresh:
        if model is not None:
            copy_folder(model, fresh)
        probe = {PROBE: stored.probe}
        write_arrays(fresh / ARRAYS_NAME, {**arrays, **probe})
        said = {
            "format_version": FORMAT_VERSION,
            "labels": stored.labels,
            "classes": stored.classes,
            "has_model": model is not None,
            "head": settings,
            "normalize_embeddings": stored.normalize,
            "prompt": stored.prompt,
            "truncate_dim": stored.truncate_dim,
            "max_seq_length": stored.max_seq_length,
            "arrays": sorted([*arrays, *probe]),
            "sha256": sha256_of(fresh / ARRAYS_NAME),
        }
        text = json.dumps(said, indent=2, allow_nan=False)
        (fresh / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def read_classifier(folder: Path) -> Stored:
    """What a classifier's folder says; the head's arrays are as their checksum says.

    Raises:
        ModelNotFoundError: no such folder, or no classifier in it.
        ModelFolderError: a file is damaged, or of a newer version.
    """
    if not (folder / FILE_NAME).is_file():
        raise ModelNotFoundError(
            f"{str(folder)!r}: no {FILE_NAME} there, expected what Classifier.save_pretrained wrote. Correct the path."
        )
    said = read_object(folder / FILE_NAME)
    _check_version(said)
    path = folder / ARRAYS_NAME
    names = [str(name) for name in said.items("arrays")]
    told = said.text("sha256", "") or ""
    if path.is_file() and (found := sha256_of(path)) != told:
        raise ModelFolderError(
            f"{short_name(path)}: SHA-256 {found[:12]}…, {FILE_NAME} says {told[:12]}…. The file is damaged or another "
            "classifier's: copy it again."
        )
    arrays = read_arrays(path, names)
    try:
        head = unpacked(said.section("head").values, arrays)
    except ArgumentError as error:
        raise ModelFolderError(f"{said.file}: {error}") from error
    if PROBE not in arrays:
        raise ModelFolderError(f"{said.file}: 'arrays' holds no {PROBE!r}, expected a text's vector. Write it again.")
    return Stored(
        head, said.items("labels"), said.flag("normalize_embeddings", False), said.text("prompt", "") or "",
        said.integer("truncate_dim"), said.integer("max_seq_length"),
        np.asarray(arrays[PROBE], np.float32), said.items("classes") or None, said.flag("has_model", True),
    )  # fmt: skip


def _check_version(said: JsonObject) -> None:
    version = said.text("format_version", "") or ""
    if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise ModelFolderError(
            f"{said.file}: format version {version!r}, expected {FORMAT_VERSION!r}. "
            "Upgrade with: pip install --upgrade airvec"
        )


def _check_apart(target: Path, model: Path) -> None:
    if target in model.parents or model in target.parents:
        raise ArgumentError(f"path: {str(target)!r} and the model folder {str(model)!r} lie in one another. Move one.")
