"""Mirrors exporter/airvec_exporter/card.py: front matter completed, or a new card with what was measured."""

from pathlib import Path

import pytest
import yaml

from airvec.errors import ModelFolderError
from airvec.manifest import GraphRecord, Manifest, write_manifest
from airvec_exporter.card import make_card
from tests.folders import word_model, write_json

OWN = """---
license: apache-2.0
tags:
- feature-extraction
- airvec
pipeline_tag: feature-extraction
model-index:
- name: words
  results: []
---
# Words

Their own text, with --- in it.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = word_model(tmp_path / "words")
    graphs = {
        "onnx/model.onnx": GraphRecord(
            "", 2_000_000, outputs=("last_hidden_state",), max_delta=1.25e-7, min_cosine=1.0
        ),
        "onnx/model.onnx.data": GraphRecord("", 88_000_000),
        "onnx/model_int8.onnx": GraphRecord(
            "", 1_000_000, outputs=("x",), measured={"mean_cosine": 0.9968, "megabytes": 23.0}
        ),
        "openvino/openvino_model.xml": GraphRecord("", 200_000, outputs=("x",)),
        "openvino/openvino_model.bin": GraphRecord("", 90_300_000),
        "openvino/openvino_model_qint8_quantized.xml": GraphRecord("", 400_000, outputs=("x",)),
    }
    write_manifest(found, Manifest(source="org/words", graphs=graphs))
    return found


def front(text: str) -> dict[str, object]:
    return yaml.safe_load(text.split("---\n")[1])


def test_a_card_of_its_own_is_kept_and_its_front_matter_completed(folder: Path):
    (folder / "README.md").write_text(OWN)
    text = make_card(folder, "me/words-onnx")
    assert text.endswith("---\n# Words\n\nTheir own text, with --- in it.\n")
    assert front(text) == {
        "license": "apache-2.0", "tags": ["feature-extraction", "airvec", "onnx"], "library_name":
        "sentence-transformers", "pipeline_tag": "feature-extraction", "base_model": "org/words",
        "model-index": [{"name": "words", "results": []}],
    }  # fmt: skip
    assert (folder / "README.md").read_text() == OWN


def test_a_card_without_front_matter_gets_one(folder: Path):
    (folder / "README.md").write_text("# Words\n")
    text = make_card(folder, "org/words")
    assert text.endswith("---\n# Words\n")
    assert front(text) == {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["airvec", "onnx"],
    }  # fmt: skip  (no base_model: it is pushed to where it came from)


def test_without_a_card_one_is_made_with_the_measured_numbers(folder: Path):
    text = make_card(folder, "me/words-onnx")
    assert front(text)["base_model"] == "org/words"
    assert "# words-onnx\n" in text
    assert 'from airvec import SentenceTransformer\nmodel = SentenceTransformer("me/words-onnx")\n' in text
    assert text.endswith(
        "| graph | MB | max \\|Δ\\| | cosine | cos min |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| `onnx/model.onnx` | 90.0 | 1.2e-07 | – | 1.0000 |\n"
        "| `onnx/model_int8.onnx` | 23.0 | – | 0.9968 | – |\n"
        "| `openvino/openvino_model.xml` | 90.5 | – | – | – |\n"
        "| `openvino/openvino_model_qint8_quantized.xml` | 0.4 | – | – | – |\n"
    )


@pytest.mark.parametrize(
    ("kind", "tag", "call"),
    [
        ("CrossEncoder", "text-ranking", "scores = model.predict([("),
        ("SparseEncoder", "feature-extraction", "encode(["),
    ],
)
def test_other_classes_have_their_own_call_and_tag(folder: Path, kind: str, tag: str, call: str):
    write_json(folder / "config_sentence_transformers.json", {"model_type": kind})
    text = make_card(folder, "me/words")
    assert front(text)["pipeline_tag"] == tag
    assert f"from airvec import {kind}" in text
    assert call in text


@pytest.mark.parametrize("content", ["a: [", "- only\n- a list"])
def test_front_matter_that_is_damaged_is_named(folder: Path, content: str):
    (folder / "README.md").write_text(f"---\n{content}\n---\n# Words\n")
    with pytest.raises(ModelFolderError, match=r"words/README.md: its front matter is not YAML \("):
        make_card(folder, "me/words")
