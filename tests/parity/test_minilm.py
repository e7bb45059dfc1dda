"""The real all-MiniLM-L6-v2: our exported folder without torch against sentence-transformers 6.2 on torch."""

import json
import shutil
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer as Reference

from airvec import SentenceTransformer

pytestmark = pytest.mark.parity

BOUND = 1e-5
BATCH_INVARIANCE = 1e-6
LENGTHS = (0, 1, 100, 130, 200, 300, 600)
ODD_TEXTS = [
    "", " ", "\n\t  ", "\0", "a\0b", "\0\0\0", "😀", "🏳️‍🌈👩‍👩‍👧‍👦 families", "naïve café ÅNGSTRÖM",
    "你好，世界", "مرحبا بالعالم",
    "[SEP] [CLS] [PAD] [MASK]", "x" * 5000, "a" * 99 + " b", "\u200b\ufeff", "e\u0301", "ﬁne ligature", "1,234.56 €",
    "<script>alert(1)</script>", "don't can't won't", "UPPER lower MiXeD", "-" * 300,
]  # fmt: skip


@cache
def reference(path):
    """The oracle, loaded once."""
    return Reference(str(path), device="cpu")


def text_of(length):
    """A text of exactly so many tokens, special ones not counted: each of these words is one."""
    words = [
        "the",
        "cat",
        "sat",
        "on",
        "a",
        "red",
        "mat",
        "and",
        "saw",
        "two",
        "old",
        "dogs",
        "run",
        "to",
        "the",
        "sea",
    ]
    return " ".join(words[place % len(words)] for place in range(length))


@pytest.fixture(scope="module")
def model(minilm):
    """Ours."""
    return SentenceTransformer(minilm)


def assert_same(found, expected, bound=BOUND):
    """Within the bound, and different texts have different vectors: else the comparison could not fail."""
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert len(expected) < 3 or np.ptp(expected, axis=0).max() > 0.01
    assert np.abs(found - expected).max() <= bound


@pytest.mark.parametrize("batch_size", [1, 7, 32, None])
def test_texts_of_every_length_in_every_batch_size(model, checkpoint, batch_size):
    texts = [text_of(length) for length in LENGTHS] * 2
    expected = reference(checkpoint).encode(texts, batch_size=batch_size or len(texts))
    assert_same(model.encode(texts, batch_size=batch_size), expected)


def test_the_lengths_are_what_they_say(model):
    assert [len(model.tokenizer.encode(text_of(length)).ids) - 2 for length in LENGTHS] == list(LENGTHS)
    assert model.max_seq_length == 256


@pytest.mark.slow
def test_a_thousand_real_texts_in_every_batch_size(model, checkpoint, shared):
    texts = [text_of(length) for length in LENGTHS]
    for name in ("short", "long"):
        texts += (shared / "bench" / f"debian_{name}.txt").read_text(encoding="utf-8").splitlines()[:500]
    expected = reference(checkpoint).encode(texts)
    found = [model.encode(texts, batch_size=size) for size in (1, 7, 32, None)]
    for vectors in found:
        assert_same(vectors, expected)
        assert np.abs(vectors - found[0]).max() <= BATCH_INVARIANCE


def test_odd_texts_are_valid_and_read_as_the_reference_reads_them(model, checkpoint):
    expected = reference(checkpoint).encode(ODD_TEXTS)
    assert_same(model.encode(ODD_TEXTS), expected)
    for place, text in enumerate(ODD_TEXTS):
        assert_same(model.encode([text]), expected[place : place + 1])


@pytest.mark.slow
def test_a_text_of_ten_megabytes(model, checkpoint):
    text = text_of(5000) + " "
    text *= 10_000_000 // len(text) + 1
    assert len(text) >= 10_000_000
    assert_same(model.encode([text]), reference(checkpoint).encode([text]))


def test_containers_give_what_the_reference_gives(model, checkpoint):
    theirs = reference(checkpoint)
    for inputs in (("a cat", "a dog"), np.array(["a cat", "a dog"]), np.array(["a cat"], dtype=object)):
        assert_same(model.encode(inputs), theirs.encode(inputs))
    assert model.encode("a cat").shape == theirs.encode("a cat").shape == (384,)
    assert np.abs(model.encode("a cat") - theirs.encode("a cat")).max() <= BOUND


@pytest.mark.parametrize("arguments", [{"truncate_dim": 100}, {"truncate_dim": 100, "normalize_embeddings": True}])
def test_truncation_and_normalisation_in_the_references_order(model, checkpoint, arguments):
    texts = ["a cat", "a dog sleeps", "rain"]
    assert_same(model.encode(texts, **arguments), reference(checkpoint).encode(texts, **arguments))


@pytest.mark.parametrize("precision", ["int8", "uint8", "binary", "ubinary"])
def test_codes_of_all_precisions(model, checkpoint, precision):
    texts = [text_of(length) for length in range(1, 121)]
    found, expected = (one.encode(texts, precision=precision) for one in (model, reference(checkpoint)))
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    # The codes are bit-exact on equal vectors (tests/parity/test_util.py); a difference of 1e-7 may cross one level.
    assert (found != expected).mean() < 0.001


def test_token_embeddings(model, checkpoint):
    texts = ["a cat", "", "the quick brown fox jumps"]
    found = model.encode(texts, output_value="token_embeddings")
    expected = reference(checkpoint).encode(texts, output_value="token_embeddings")
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == tuple(theirs.shape)
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)


def test_prompts(checkpoint, minilm):
    prompts = {"query": "query: ", "passage": "passage: "}
    ours = SentenceTransformer(minilm, prompts=prompts, default_prompt_name="passage")
    theirs = Reference(str(checkpoint), device="cpu", prompts=prompts, default_prompt_name="passage")
    texts = ["a cat", "the sea", "rain on the roof"]
    for method in ("encode", "encode_query", "encode_document"):
        assert_same(getattr(ours, method)(texts), getattr(theirs, method)(texts))
    assert_same(ours.encode(texts, prompt_name="query"), theirs.encode(texts, prompt_name="query"))
    assert_same(ours.encode(texts, prompt=""), theirs.encode(texts, prompt=""))


def test_a_shorter_limit(minilm, checkpoint):
    texts = [text_of(length) for length in (3, 50, 100)]
    theirs = Reference(str(checkpoint), device="cpu")
    theirs.max_seq_length = 32
    assert_same(SentenceTransformer(minilm, max_seq_length=32).encode(texts), theirs.encode(texts))


def test_similarities(model, checkpoint):
    vectors = model.encode(["a cat", "a dog", "rain"])
    theirs = reference(checkpoint)
    np.testing.assert_allclose(model.similarity(vectors, vectors), theirs.similarity(vectors, vectors), atol=1e-6)
    pairs = model.similarity_pairwise(vectors, vectors[::-1])
    np.testing.assert_allclose(pairs, theirs.similarity_pairwise(vectors, vectors[::-1].copy()), atol=1e-6)


@pytest.mark.parametrize("keys", [("max_seq_length",), ("max_seq_length", "do_lower_case")])
def test_a_folder_saved_by_the_newest_generation_with_its_limit_only_in_the_tokenizer(
    tmp_path, minilm, checkpoint, keys
):
    Reference(str(checkpoint), device="cpu").save_pretrained(str(tmp_path / "new"))
    saved = json.loads((tmp_path / "new" / "sentence_bert_config.json").read_text())
    assert not set(keys) & saved.keys()
    shutil.copytree(minilm / "onnx", tmp_path / "new" / "onnx")
    texts = [text_of(length) for length in LENGTHS]
    ours = SentenceTransformer(tmp_path / "new")
    assert ours.max_seq_length == 256
    assert_same(ours.encode(texts), reference(checkpoint).encode(texts))


def test_the_original_folder_with_a_graph_put_beside_it(tmp_path, minilm, checkpoint):
    """As on the Hub: tokenizer.json still carries its truncation and padding of 128."""
    shutil.copytree(checkpoint, tmp_path / "hub")
    shutil.copytree(minilm / "onnx", tmp_path / "hub" / "onnx")
    assert json.loads((tmp_path / "hub" / "tokenizer.json").read_text())["truncation"]["max_length"] == 128
    texts = [text_of(length) for length in LENGTHS]
    assert_same(SentenceTransformer(tmp_path / "hub").encode(texts), reference(checkpoint).encode(texts))


def test_our_exported_folder_loads_in_the_reference(minilm, checkpoint):
    texts = ["a cat", "the sea", "rain on the roof"]
    assert_same(reference(minilm).encode(texts), reference(checkpoint).encode(texts))


def test_it_runs_where_torch_cannot_be_imported(minilm, model):
    program = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'scipy', 'huggingface_hub', 'sentence_transformers'):\n"
        "    sys.modules[name] = None\n"
        "from airvec import SentenceTransformer\n"
        "print(SentenceTransformer(sys.argv[1]).encode('a cat').astype('float64').tolist())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(minilm)], capture_output=True, text=True, check=True, timeout=120
    )
    np.testing.assert_allclose(json.loads(done.stdout), model.encode("a cat"), atol=1e-6)


def test_the_embedded_static_model_is_read_as_the_reference_reads_it():
    from airvec.chunking import DEFAULT_MODEL

    texts = ["a cat", "", "The quick brown fox, 1234!", text_of(600), *ODD_TEXTS]
    ours, theirs = SentenceTransformer(), Reference(str(DEFAULT_MODEL), device="cpu")
    assert_same(ours.encode(texts), theirs.encode(texts))
