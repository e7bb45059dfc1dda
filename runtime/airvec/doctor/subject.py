"""What the doctor looks at: a model, opened, with some texts and what it gives for them.

Knows nothing of what is right or wrong.
"""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from airvec.arrays import Floats, Integers
from airvec.doctor.families import Family, recognise
from airvec.errors import AirvecWarning, ModelNotFoundError
from airvec.folder import DENSE, RERANKER, ModelFolder, read_folder
from airvec.json_file import read_object_if_there
from airvec.model import Model
from airvec.sentence_transformer import SentenceTransformer

# Sixteen sentences that have nothing to do with one another.
SAMPLE = (
    "The ferry leaves at six.", "Her violin needs a new string.", "Basil grows best in the sun.",
    "The court postponed the hearing.", "A comet was seen last night.", "My password has expired.",
    "They painted the kitchen yellow.", "Inflation fell to two per cent.", "The goalkeeper broke his wrist.",
    "Fold the egg whites in gently.", "The bridge is closed to lorries.", "He never learned to swim.",
    "Our flight was cancelled by fog.", "The printer is out of toner.", "Wolves returned to the valley.",
    "The museum opens on Tuesdays.",
)  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """A model and its answers.

    `texts` are the user's, or none; `probes` are those, or sentences of our own where there are fewer than 16.
    `vectors` is float32 (probes, dim) as the model gives them, empty for a model that gives no dense vectors;
    `lengths` the tokens of each of `texts`, uncut, special tokens included.
    """

    folder: ModelFolder
    family: Family | None
    texts: tuple[str, ...]
    probes: tuple[str, ...]
    vectors: Floats
    lengths: Integers
    limit: int | None
    seconds_to_open: float

    @property
    def is_dense(self) -> bool:
        """Whether the model gives dense vectors."""
        return self.folder.model_type == DENSE


def open_subject(path: Path, texts: Sequence[str]) -> Subject:
    """Open a model folder and run it on texts.

    Raises:
        ModelNotFoundError: no such folder.
        ModelFolderError: it cannot be opened.
    """
    if not path.is_dir():
        raise ModelNotFoundError(
            f"{path}: no such folder. Give a model folder's path; one from the Hub is found with hf download NAME."
        )
    folder = read_folder(path)
    start = time.perf_counter()
    model = _open(folder)
    seconds = time.perf_counter() - start
    probes = tuple(texts) if len(texts) >= len(SAMPLE) else SAMPLE
    vectors = np.zeros((0, 0), np.float32)
    if isinstance(model, SentenceTransformer):
        vectors = model.encode_document(list(probes))
    lengths = np.array([len(model.tokenizer.encode(text)) for text in texts], np.int64)
    return Subject(
        folder, recognise(_names(folder)), tuple(texts), probes, vectors, lengths, model.max_seq_length, seconds
    )


def _open(folder: ModelFolder) -> Model:
    if folder.model_type == DENSE:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AirvecWarning)  # of a pooling that is assumed: a finding of ours says it
            return SentenceTransformer(folder.path)
    if folder.model_type == RERANKER:
        from airvec.cross_encoder import CrossEncoder

        return CrossEncoder(folder.path)
    from airvec.sparse_encoder import SparseEncoder

    return SparseEncoder(folder.path)


def _names(folder: ModelFolder) -> list[str]:
    """What the model is called: its folder, its source, and the name that transformers keeps in config.json."""
    config = read_object_if_there(folder.path / "config.json")
    source = folder.manifest.source if folder.manifest else ""
    return [folder.name, source, config.text("_name_or_path", "") or ""]
