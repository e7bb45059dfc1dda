"""airvec works where torch, transformers, scipy and huggingface_hub are absent, and imports no more than it needs."""

import sys

import pytest

from tests.house.probe import HEAVY, probe

ENCODE = """
from airvec import SentenceTransformer
model = SentenceTransformer()
vectors = model.encode(["two texts", "one model"])
assert vectors.shape == (2, model.get_embedding_dimension()), vectors.shape
model.similarity(vectors, vectors)
"""
ENCODE_FOLDER = """
from airvec import SentenceTransformer
assert SentenceTransformer(FOLDER).encode(["two texts", "one model"]).shape == (2, 384)
"""


def test_the_default_model_encodes_without_torch():
    seen = probe(ENCODE, absent=HEAVY)
    assert seen.problem is None
    assert not seen.heavy()


@pytest.mark.slow
def test_an_exported_model_encodes_without_torch(minilm):
    seen = probe(f"FOLDER = {str(minilm)!r}\n{ENCODE_FOLDER}", absent=HEAVY)
    assert seen.problem is None
    assert not seen.heavy()
    assert "onnxruntime" in seen.modules


def test_an_import_of_torch_would_be_caught(tmp_path):
    """The tests above can fail: a module that imports torch is seen, also where it hides the failure."""
    (tmp_path / "open_import.py").write_text("import torch\n")
    (tmp_path / "hidden_import.py").write_text("try:\n    import torch.nn\nexcept ImportError:\n    torch = None\n")
    loud = probe("import open_import", absent=HEAVY, path=tmp_path)
    assert loud.problem is not None
    assert loud.problem[0] == "ModuleNotFoundError"
    assert loud.heavy() == {"torch"}
    quiet = probe("import hidden_import", absent=HEAVY, path=tmp_path)
    assert quiet.problem is None
    assert quiet.heavy() == {"torch"}


def test_an_installed_heavy_package_would_be_seen():
    """Where it is not absent but imported, it shows in the modules."""
    assert probe("import scipy").heavy() == {"scipy"}


def test_importing_airvec_does_no_work():
    before = probe("pass").modules
    added = {name.partition(".")[0] for name in probe("import airvec").modules - before} - set(sys.stdlib_module_names)
    assert added == {"airvec"}


def test_a_static_model_does_not_import_onnxruntime():
    seen = probe(ENCODE)
    assert seen.problem is None
    assert not any(name.startswith("onnxruntime") for name in seen.modules)


def test_onnxruntime_in_the_modules_would_be_seen():
    assert "onnxruntime" in probe("import onnxruntime").modules


def test_the_hub_client_is_not_imported_with_the_module_that_uses_it():
    assert not probe("import airvec.hub").heavy()


@pytest.mark.parametrize(
    ("statement", "extra"),
    [("import airvec_exporter", "export"), ("from airvec_trainer import SentenceTransformerTrainer", "train")],
)
def test_what_needs_torch_gives_the_pip_line(statement, extra):
    seen = probe(statement, absent=("torch",))
    assert seen.problem is not None, f"{statement} works without torch"
    name, classes, message = seen.problem
    assert name == "MissingPackageError"
    assert {"AirvecError", "ImportError"} <= set(classes)
    assert "torch" in message
    assert f'pip install "airvec[{extra}]"' in message


def test_the_evaluators_are_imported_without_torch():
    statement = "from airvec_trainer import SimilarityFunction, evaluation; evaluation.EmbeddingSimilarityEvaluator"
    seen = probe(statement, absent=(*HEAVY, "datasets"))
    assert seen.problem is None
    assert not seen.heavy()


@pytest.mark.parametrize("package", ["airvec_exporter", "airvec_trainer"])
def test_a_package_that_needs_torch_imports_where_torch_is(package):
    assert probe(f"import {package}").problem is None
