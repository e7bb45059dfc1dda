"""CTranslate2 driven as airvec drives its graphs: it brings the encoder, this file the batches around it.

Texts sorted by token count and cut by a token budget, two batches side by side on one thread each; a call with one
batch on one or on two threads, whichever is faster for a short text; mean pooling in NumPy. Read by worker.py inside
CTranslate2's environment.
Knows nothing of what is measured.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Encode = Callable[[list[str], int | None], Any]
LIMIT = 256  # tokens that all-MiniLM-L6-v2 reads of a text


def open_ctranslate2(model: str | None, settings: dict[str, Any]) -> Encode:
    """`model` is a converted folder with tokenizer.json; the batch size counts tokens."""
    import ctranslate2
    import numpy as np
    from tokenizers import Tokenizer

    threads = settings["threads"]
    kind = {"device": "cpu", "compute_type": settings["compute_type"]}
    beside = ctranslate2.Encoder(model, inter_threads=threads, intra_threads=1, **kind)
    singles = [ctranslate2.Encoder(model, inter_threads=1, intra_threads=count, **kind) for count in (1, threads)]
    tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
    tokenizer.enable_truncation(LIMIT)
    tokenizer.no_padding()
    pool = ThreadPoolExecutor(threads)

    def embed(encoder: Any, rows: list[list[int]]) -> Any:
        lengths = np.array([len(row) for row in rows], np.int32)
        mask = np.arange(lengths.max()) < lengths[:, None]  # (batch, tokens)
        ids = np.zeros(mask.shape, np.int32)
        ids[mask] = np.concatenate(rows)
        view = ctranslate2.StorageView.from_array
        found = np.array(encoder.forward_batch(view(ids), view(lengths)).last_hidden_state)
        mean = np.einsum("bth,bt->bh", found, mask.astype(np.float32) / lengths[:, None])
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    ids = tokenizer.encode("one short text, as long as those of the benchmark").ids
    alone = min(singles, key=lambda encoder: typical_seconds(lambda: embed(encoder, [ids])))

    def encode(texts: list[str], batch_size: int | None) -> Any:
        ids = [found.ids for found in tokenizer.encode_batch(texts)]
        batches = cut([len(row) for row in ids], batch_size or 512)
        result = np.empty((len(texts), settings["dim"]), np.float32)

        def run(rows: list[int]) -> None:
            result[rows] = embed(beside if len(batches) > 1 else alone, [ids[row] for row in rows])

        list(pool.map(run, batches)) if len(batches) > 1 else run(batches[0])
        return result

    return encode


def typical_seconds(work: Callable[[], Any]) -> float:
    """The median of some calls, after some that are not counted."""
    seconds: list[float] = []
    for _ in range(40):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds[20:])[10]


def cut(lengths: list[int], budget: int) -> list[list[int]]:
    """Rows sorted by length, longest first, in batches of so many tokens at most, padding included."""
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    batches: list[list[int]] = []
    while order:
        count = max(1, budget // max(1, lengths[order[0]]))
        batches.append(order[:count])
        order = order[count:]
    return batches


LIBRARIES = {"ctranslate2": open_ctranslate2}
