"""Makes model folders as fastembed and model2vec have them, and writes what those libraries answer from them.

Runs in the environment `fastembed`: `make_with_fastembed.py SOURCE OUT`; SOURCE is a folder with `model.onnx` at the
top, as optimum writes it. Each folder's answers are `OUT/answers/NAME.npy`.
Knows nothing of airvec.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType
from model2vec import StaticModel
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

SOURCE, OUT = Path(sys.argv[1]), Path(sys.argv[2])
TEXTS = json.loads((OUT / "texts.json").read_text(encoding="utf-8"))
LIMIT = 64
# What fastembed asks a repository for besides the graph.
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def with_fastembed(name: str, graph: str) -> None:
    """A folder of fastembed's four files, with the graph where one of its models has it."""
    folder = OUT / name
    (folder / graph).parent.mkdir(parents=True)
    for file in FILES:
        shutil.copy(SOURCE / file, folder / file)
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings["model_max_length"] = LIMIT  # fastembed has no other place for the limit
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    shutil.copy(SOURCE / "model.onnx", folder / graph)
    TextEmbedding.add_custom_model(
        model=f"tiny/{name}", pooling=PoolingType.MEAN, normalization=True, sources=ModelSource(hf=f"tiny/{name}"),
        dim=32, model_file=graph,
    )  # fmt: skip
    model = TextEmbedding(f"tiny/{name}", specific_model_path=str(folder), threads=1)
    np.save(OUT / "answers" / f"{name}.npy", np.array(list(model.embed(TEXTS))))


def with_model2vec(name: str, dtype: str, *, shared: bool) -> None:
    """A static model; `shared`: fewer rows than tokens, and a weight a token.

    Every word has a row: model2vec leaves unknown words out of the mean, sentence-transformers does not.
    """
    words = sorted({word for text in TEXTS for word in text.lower().split()})
    tokenizer = Tokenizer(models.WordLevel({word: row for row, word in enumerate(["[UNK]", *words])}, "[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.WhitespaceSplit()
    random, count = np.random.default_rng(0), len(words) + 1
    vectors = (random.normal(size=(64 if shared else count, 16)) * 40).astype(dtype)
    more = {"weights": random.random(count), "token_mapping": random.integers(0, 64, count)} if shared else {}
    model = StaticModel(vectors, tokenizer, {"normalize": not shared}, normalize=not shared, **more)
    model.save_pretrained(str(OUT / name))
    loaded = StaticModel.from_pretrained(str(OUT / name))
    np.save(OUT / "answers" / f"{name}.npy", loaded.encode(TEXTS).astype(np.float32))


if __name__ == "__main__":
    (OUT / "answers").mkdir()
    with_fastembed("fastembed-optimized", "model_optimized.onnx")
    with_fastembed("fastembed-plain", "model.onnx")
    with_fastembed("fastembed-onnx", "onnx/model.onnx")
    with_model2vec("model2vec-float16", "float16", shared=False)
    with_model2vec("model2vec-int8", "int8", shared=False)
    with_model2vec("model2vec-shared", "float32", shared=True)
