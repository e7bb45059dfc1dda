"""Static models, a table and a mean; read by worker.py inside the libraries' environments.

Knows nothing of what is measured.
"""

from collections.abc import Callable
from typing import Any

Encode = Callable[[list[str], int | None], Any]


def open_model2vec(model: str | None, settings: dict[str, Any]) -> Encode:
    """`model` is a folder with config.json, model.safetensors and tokenizer.json. It starts processes for nobody."""
    from model2vec import StaticModel

    opened = StaticModel.from_pretrained(model)
    return lambda texts, batch_size: opened.encode(texts, batch_size=batch_size or 1024, **settings)


def open_wordllama_table(model: str | None, settings: dict[str, Any]) -> Encode:
    """WordLlama's own inference on the table, with its weights multiplied in, and the tokenizer of `model`."""
    import numpy as np
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer
    from wordllama.inference import WordLlamaInference

    tensors = load_file(f"{model}/model.safetensors")
    table = tensors["embeddings"].astype(np.float32) * tensors["weights"][:, None]
    opened = WordLlamaInference(table, Tokenizer.from_file(f"{model}/tokenizer.json"))
    return lambda texts, batch_size: opened.embed(texts, norm=True, batch_size=batch_size or 64, **settings)


def open_wordllama(_: str | None, settings: dict[str, Any]) -> Encode:
    """The model that lies in WordLlama's wheel, by `load`.

    It looks for the tokenizer in a folder of another name than the wheel's, so a copy is put into its cache.
    """
    import shutil
    import tempfile
    from pathlib import Path

    import wordllama

    wheel = Path(wordllama.__file__).parent / "tokenizers"
    with tempfile.TemporaryDirectory() as cache:
        shutil.copytree(wheel, Path(cache) / "tokenizer")
        shutil.copytree(wheel, Path(cache) / "tokenizers")
        opened = wordllama.WordLlama.load(cache_dir=Path(cache), disable_download=True)
    return lambda texts, batch_size: opened.embed(texts, norm=True, batch_size=batch_size or 64, **settings)


LIBRARIES = {"model2vec": open_model2vec, "wordllama_table": open_wordllama_table, "wordllama": open_wordllama}
