"""Methods of sentence-transformers' classes: here, too, or named in docs/training.md as what is not the same."""

from importlib import import_module
from pathlib import Path

import pytest

import airvec_trainer

pytestmark = pytest.mark.parity
DOCS = Path(__file__).parents[3] / "docs" / "training.md"
# Which sentence-transformers' own classes call, and no user.
INNER = {
    "check_peft_compatible_model", "clear_placement_cache", "default_huggingface_organization",
    "has_peft_compatible_model", "is_singular_input", "model_card_data_class",
}  # fmt: skip


def own_names(kind: type) -> set[str]:
    """Public names of a class and of its bases in sentence-transformers."""
    bases = [base for base in kind.__mro__ if base.__module__.startswith("sentence_transformers")]
    return {name for base in bases for name in vars(base) if not name.startswith("_")}


@pytest.mark.parametrize("name", ["SentenceTransformer", "SparseEncoder", "CrossEncoder"])
def test_what_a_class_lacks_is_told(name: str) -> None:
    import sentence_transformers

    names = own_names(getattr(sentence_transformers, name))
    assert len(names) > 30
    missing = names - set(dir(getattr(airvec_trainer, name))) - INNER
    table = DOCS.read_text(encoding="utf-8").partition("## Coming from sentence-transformers")[2]
    assert {one for one in missing if f"`{one}`" not in table} == set()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("sentence_transformer.losses", "losses"), ("sentence_transformer.readers", "readers"),
        ("sentence_transformer.datasets", "datasets"), ("sparse_encoder.losses", "losses"),
        ("cross_encoder.losses", "losses.rerank"), ("sentence_transformer.evaluation", "evaluation"),
        ("sparse_encoder.evaluation", "evaluation"), ("cross_encoder.evaluation", "evaluation"),
        ("base.evaluation", "evaluation"),
    ],
)  # fmt: skip
def test_rooms_have_the_names_of_theirs(theirs: str, ours: str) -> None:
    names = set(import_module(f"sentence_transformers.{theirs}").__all__)
    assert names
    assert names <= set(dir(import_module(f"airvec_trainer.{ours}")))
