"""Whether an index fits the model that is packed beside it, found out here and not when a function starts elsewhere.

An index keeps how its model encoded one fixed document; the packed model encodes the same, where this CPU opens it.
Knows nothing of how models and indexes are packed.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from airvec.array_file import read_array
from airvec.arrays import Floats
from airvec.deploy.model import Packed
from airvec.errors import AirvecError, AirvecWarning, ArgumentError, ModelNotFoundError
from airvec.folder import DENSE, SPARSE
from airvec.search.corpus_index import SETTINGS_FILE, read_settings
from airvec.search.stages import NEAR, probe_of

STAGE_OF = {DENSE: "dense", SPARSE: "sparse"}
# As a share of the vector's length. Below it, rankings differ in what was a tie but for rounding.
TOLD = 1e-3


def check_index(index: Path, model: Packed | None) -> None:
    """Refuse what is no index, or needs a model that the package does not have.

    A package has one model beside a reranker: the index's queries must be for it to encode, or for BM25.

    Raises:
        ModelNotFoundError: no index there.
        ModelFolderError: its settings are damaged.
        ArgumentError: it was made with another kind of model.
    """
    if not (index / SETTINGS_FILE).is_file():
        found = f"no {SETTINGS_FILE} in it" if index.is_dir() else "a file" if index.exists() else "not there"
        raise ModelNotFoundError(
            f"--index {index}: {found}, expected a folder that Retriever.save wrote. Correct the path, or make the "
            "index again."
        )
    kind = model.kind if model is not None else DENSE
    stages = read_settings(index).section("stages").values
    wanting = [stage for stage in stages if stage in STAGE_OF.values() and stage != STAGE_OF.get(kind)]
    if wanting:
        raise ArgumentError(
            f"--index {index}: its {' and '.join(wanting)} stage needs a model of that kind, and the package's one "
            f"model is a {kind}. Pack the model that made the index, or make the index with one model and BM25."
        )


def measure_fit(index: Path, packed: Packed | None, original: str | None) -> str | None:
    """How far the packed model is from the one that made the index.

    Args:
        index: one that `check_index` passed.
        packed: the model beside it; None = the static one inside of airvec.
        original: what `packed` was made of, which tells the dimensions where this CPU does not open the packed graph.

    Returns:
        A note, or None where there is nothing to say. Above a distance at which results are poor it is a warning, too.

    Raises:
        ArgumentError: the dimensions differ.
        ModelFolderError: the index is damaged.
    """
    stage = STAGE_OF.get(packed.kind if packed is not None else DENSE)
    settings = read_settings(index).section("stages")
    if stage is None or stage not in settings.values:
        return None
    expected = np.asarray(read_array(index / stage / "probe.npy", np.float32), np.float32)
    found, same_graph = _probe(stage, packed, original)
    if found is None:
        return f"--index {index}: whether it fits was not looked at, since this CPU does not open the packed graph"
    if found.shape != expected.shape:
        raise ArgumentError(
            f"--index {index}: made by a model of {len(expected)} dimensions; the packed model has {len(found)}. "
            "Pack the model that made the index."
        )
    if not same_graph:
        return None
    made_by = settings.section(stage).text("model", "") or "another model"
    graph = f" ({packed.variant})" if packed is not None and packed.variant else ""
    return _told(f"--index {index}: made by {made_by}; the packed model{graph}", _distance(found, expected))


def _told(models: str, distance: float) -> str | None:
    if distance <= TOLD:
        return None
    said = f"{models} gives one document a vector {distance:.3f} of its length away from the index's"
    if distance > NEAR:
        warnings.warn(
            f"{said}, expected {NEAR} at most: results will be poor. Pack the model that made the index, or index "
            "again with this one.",
            AirvecWarning,
            stacklevel=5,
        )
        return None
    return f"{said} (0 = the same graph, 1.4 = unrelated)"


def _probe(stage: str, packed: Packed | None, original: str | None) -> tuple[Floats | None, bool]:
    """The fixed document as the packed model encodes it, or else the original; and whether it is the packed one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AirvecWarning)  # of this machine, which is not the one that it is for
        try:
            return probe_of(stage, _opened(stage, None if packed is None else str(packed.path))), True
        except AirvecError:
            if packed is None or packed.max_delta is not None:
                raise
        try:
            return probe_of(stage, _opened(stage, original)), False
        except AirvecError:
            return None, False


def _opened(stage: str, folder: str | None) -> Any:
    if stage == "sparse":
        from airvec.sparse_encoder import SparseEncoder

        return SparseEncoder(folder or "", threads=1)
    from airvec.sentence_transformer import SentenceTransformer

    return SentenceTransformer(folder, threads=1)


def _distance(found: Floats, expected: Floats) -> float:
    """|difference| of two vectors, as a share of the longer; 0 where both are zero."""
    longest = max(float(np.linalg.norm(found)), float(np.linalg.norm(expected)))
    return float(np.linalg.norm(found - expected)) / longest if longest else 0.0
