"""`import airvec.drop_in`, and KeyBERT and LangChain's HuggingFaceEmbeddings run unchanged, where there is no torch.

    make others

A script of its own, since its environment must not have sentence-transformers; ends with an AssertionError if anything
is not as it should be.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import airvec
import airvec.drop_in  # registers itself

MODEL = str(Path(airvec.__file__).parent / "default_model")
TEXT = (
    "Supervised learning is the machine learning task of learning a function that maps an input to an output. "
    "It infers a function from labelled training data consisting of a set of training examples."
)


def keybert() -> list[str]:
    """Keywords of a text, by a model that KeyBERT opens by name and by one that it is given."""
    from keybert import KeyBERT
    from sentence_transformers import SentenceTransformer

    by_name = KeyBERT(MODEL).extract_keywords(TEXT, top_n=3)
    given = KeyBERT(SentenceTransformer(MODEL)).extract_keywords(TEXT, top_n=3)
    assert by_name == given
    words = [word for word, _ in by_name]
    assert "supervised" in words, words
    return words


def langchain() -> list[float]:
    """LangChain's vectors are airvec's own."""
    from langchain_huggingface import HuggingFaceEmbeddings

    embeddings = HuggingFaceEmbeddings(model_name=MODEL, encode_kwargs={"normalize_embeddings": True})
    own = airvec.SentenceTransformer(MODEL)
    assert np.array_equal(embeddings.embed_query(TEXT), own.encode(TEXT, normalize_embeddings=True).tolist())
    assert len(embeddings.embed_documents(["one", "two"])) == 2
    return embeddings.embed_query(TEXT)


def langchain_processes() -> int:
    """LangChain's own way to several processes: classes of the drop-in travel to them."""
    from langchain_huggingface import HuggingFaceEmbeddings

    embeddings = HuggingFaceEmbeddings(model_name=MODEL, multi_process=True)
    alone = HuggingFaceEmbeddings(model_name=MODEL)
    texts = [f"text number {number}" for number in range(40)]
    assert np.allclose(embeddings.embed_documents(texts), alone.embed_documents(texts), atol=1e-6)
    return len(texts)


def other_imports() -> None:
    """The import paths of the three classes and of util."""
    import sentence_transformers
    from sentence_transformers import CrossEncoder, SparseEncoder, quantize_embeddings, util
    from sentence_transformers.cross_encoder import CrossEncoder as SameCrossEncoder
    from sentence_transformers.sparse_encoder import SparseEncoder as SameSparseEncoder
    from sentence_transformers.util import cos_sim

    assert CrossEncoder is SameCrossEncoder
    assert SparseEncoder is SameSparseEncoder
    assert util.cos_sim is cos_sim
    assert util.quantize_embeddings is quantize_embeddings
    assert find_spec("sentence_transformers") is sentence_transformers.__spec__
    message = ""
    try:
        from sentence_transformers import losses  # noqa: F401
    except ImportError as error:
        message = str(error)
    assert "drop_in.py" in message, f"{message!r} does not say where the name is missing"


def main() -> None:
    """Run all of it and say what was seen."""
    assert find_spec("torch") is None, "torch is installed here, so this shows nothing"
    other_imports()
    print("KeyBERT:", ", ".join(keybert()))
    print("LangChain:", len(langchain()), "dimensions;", langchain_processes(), "texts through several processes")
    assert not {"torch", "transformers"} & set(sys.modules)
    print("torch: not installed, not needed")


if __name__ == "__main__":
    main()
