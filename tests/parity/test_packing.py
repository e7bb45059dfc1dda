"""Every architecture, exported and then packed: the same numbers, bit for bit, opened with optimisation off."""

from pathlib import Path

import numpy as np
import pytest

from airvec import CrossEncoder, SentenceTransformer, SparseEncoder
from airvec.backends.external_data import operators
from airvec.deploy.model import pack_model
from airvec.folder import read_folder, variants_of
from airvec.manifest import read_manifest
from tests import tiny
from tests.parity.subjects import BODIES, DENSE, RERANK, SPARSE, Subject, prepare, prepare_all

pytestmark = [pytest.mark.parity, pytest.mark.slow]

SUBJECTS = tuple(
    Subject(name, task) for name, chosen in tiny.ARCHITECTURES.items() for task, body in BODIES.items()
    if body in chosen.tasks
)  # fmt: skip
OPENED = {DENSE: SentenceTransformer, SPARSE: SparseEncoder, RERANK: CrossEncoder}


@pytest.fixture(scope="module", autouse=True)
def exports(request: pytest.FixtureRequest):
    """All that the chosen tests need, a process a CPU; what is in the cache is not made again."""
    chosen = [item.callspec.params.get("subject") for item in request.session.items if hasattr(item, "callspec")]
    prepare_all(tuple(dict.fromkeys(subject for subject in chosen if isinstance(subject, Subject))))


def answers(folder: Path, task: str, variant: str) -> np.ndarray:
    model = OPENED[task](folder, variant=variant, threads=1)
    if isinstance(model, CrossEncoder):
        return model.predict(tiny.pairs())
    found = model.encode(tiny.texts())
    return found if isinstance(found, np.ndarray) else found.to_dense()


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.slug)
def test_a_packed_graph_gives_the_numbers_of_the_original(subject: Subject, tmp_path: Path):
    exported = prepare(subject).exported
    made = [name for name, file in variants_of(read_folder(exported)).items() if file.endswith(".onnx")]
    assert "fp32" in made
    for variant in made:
        if variant == "int8-arm64":
            continue
        expected = answers(exported, subject.task, variant)
        packed = pack_model(exported, tmp_path / variant, variant=variant)
        assert packed.variant == variant
        (graph,) = packed.path.rglob("*.onnx")
        assert read_manifest(packed.path).graphs[graph.relative_to(packed.path).as_posix()].optimized
        assert {domain for domain, _ in operators(graph)} <= {"", "com.microsoft"}
        moved = np.abs(answers(packed.path, subject.task, "auto") - expected).max()
        assert moved == 0 if variant.startswith("int8") else moved <= 1e-6 * max(1, np.abs(expected).max())
        assert np.ptp(expected, axis=0).max() > 0.05, "a model that gives the same for every text proves nothing"
