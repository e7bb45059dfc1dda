"""Mirrors runtime/airvec/doctor/families.py."""

import pytest

from airvec.doctor.families import FAMILIES, recognise


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("intfloat/e5-base-v2", "E5"),
        ("intfloat/multilingual-e5-small", "E5"),
        ("intfloat/multilingual-e5-large-instruct", "E5 instruct"),
        ("BAAI/bge-small-en-v1.5", "BGE"),
        ("BAAI/bge-base-zh-v1.5", "BGE Chinese"),
        ("BAAI/bge-m3", "BGE-M3"),
        ("nomic-ai/nomic-embed-text-v1.5", "Nomic"),
        ("Snowflake/snowflake-arctic-embed-m-v2.0", "Arctic 2"),
        ("Snowflake/snowflake-arctic-embed-s", "Arctic"),
        ("thenlper/gte-base", "GTE"),
        ("Alibaba-NLP/gte-base-en-v1.5", "GTE 1.5"),
        ("sentence-transformers/LaBSE", "LaBSE"),
        ("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", "paraphrase"),
        ("sentence-transformers/msmarco-distilbert-base-tas-b", "MS MARCO"),
    ],
)
def test_a_family_is_known_by_its_models_names(name, family):
    found = recognise(["a-renamed-folder", name])
    assert found is not None
    assert found.name == family


@pytest.mark.parametrize("name", ["my-model", "base5-model", "forge-bge", "cabbage-5"])
def test_a_name_that_only_contains_the_letters_is_no_family(name):
    assert recognise([name]) is None


def test_every_pattern_can_be_reached():
    reached = {
        recognise([name]).pattern
        for name in (
            "e5-large-instruct", "e5-small", "bge-m3", "bge-large-zh", "bge-base", "mxbai-embed-large",
            "arctic-embed-m-v2", "arctic-embed-m", "nomic-embed-text", "gte-modernbert-base", "gte-small",
            "multi-qa-mpnet", "LaBSE", "all-MiniLM-L6-v2", "paraphrase-mpnet",
        )
    }  # fmt: skip
    assert reached == {family.pattern for family in FAMILIES}
