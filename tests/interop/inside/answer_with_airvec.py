"""Answers of airvec itself, with other versions of what it needs.

Runs in the environment `onnxruntime-1.23`, where the runtime's sources are on the path:
`answer_with_airvec.py FOLDERS OUT`. `OUT/cases.json` is a list of [folder, variant]; `OUT/texts.json` and
`OUT/pairs.json` are there. Answers are `OUT/answers/VARIANT FOLDER.npy`, or `.txt` with airvec's error; prints the
version of ONNX Runtime.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

from airvec import AirvecError, CrossEncoder, SentenceTransformer, SparseEncoder

FOLDERS, OUT = Path(sys.argv[1]), Path(sys.argv[2])
TEXTS = json.loads((OUT / "texts.json").read_text(encoding="utf-8"))
PAIRS = [tuple(pair) for pair in json.loads((OUT / "pairs.json").read_text(encoding="utf-8"))]


def answers(folder: Path, variant: str) -> np.ndarray:
    """Embeddings or scores."""
    kind = folder.name.partition("-")[0]
    if kind == "rerank":
        return CrossEncoder(folder, variant=variant, threads=1).predict(PAIRS)
    if kind == "sparse":
        return SparseEncoder(folder, variant=variant, threads=1).encode(TEXTS).to_dense()
    return SentenceTransformer(folder, variant=variant, threads=1).encode(TEXTS)


if __name__ == "__main__":
    (OUT / "answers").mkdir()
    for name, chosen in json.loads((OUT / "cases.json").read_text(encoding="utf-8")):
        place = OUT / "answers" / f"{chosen} {name}"
        try:
            np.save(f"{place}.npy", answers(FOLDERS / name, chosen))
        except AirvecError as error:
            Path(f"{place}.txt").write_text(str(error), encoding="utf-8")
    print(onnxruntime.__version__)
