"""The libraries that are compared, each with the settings that suit it best.

Knows nothing of how they are measured.
"""

from dataclasses import dataclass, field
from typing import Any

from measure.cpu import int8_file

F32 = {"INFERENCE_PRECISION_HINT": "f32"}
FASTEMBED_NAME = {"model_name": "sentence-transformers/all-MiniLM-L6-v2"}
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
ST5, ST6 = "sentence-transformers-onnx-openvino", "sentence-transformers"
REFERENCE = "torch"
OURS = "airvec"
CT2_SETTINGS = {"threads": 2, "dim": 384}
BUDGETS = (256, 512, 1024, 2048)


@dataclass(frozen=True)
class Peer:
    """A library (FILE.NAME of libraries/), its environment (`environments/NAME.txt`), and a model by its name.

    The fastest of `batch_sizes` counts, for each kind of texts; None = as the library chooses. `whole`: so fast that
    all lines of a file are timed; `part`: so slow that one of so many texts is. `other_model`: its vectors are not to
    be compared; `int8`: they are beside the table's others, and its speed counts among int8 only. `driven`: the
    batches around it are ours, so it is no library's speed. `start`: measure process start and memory (False where a
    row differs from another only in what they do not depend on). `note`: how it is run, where the label leaves it open.
    """

    key: str
    label: str
    library: str
    environment: str
    model: str | None
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    batch_sizes: tuple[int | None, ...] = (16, 32, 64)
    whole: bool = False
    part: int = 1
    other_model: bool = False
    int8: bool = False
    driven: bool = False
    start: bool = True
    note: str = ""


def _st5(key: str, label: str, model: str, settings: dict[str, Any], *, int8: bool = False, note: str = "") -> Peer:
    name = f"sentence-transformers 5.7, {label}"
    return Peer(key, name, "dense.sentence_transformers", ST5, model, settings, int8=int8, start=False, note=note)


def _onnx(file: str) -> dict[str, Any]:
    return {"backend": "onnx", "model_kwargs": {"file_name": f"onnx/{file}"}}


def _openvino(**config: Any) -> dict[str, Any]:
    return {"backend": "openvino", "model_kwargs": config}


def _ctranslate2(key: str, label: str, model: str, kind: str) -> Peer:
    return Peer(
        key,
        f"CTranslate2 4.8, {label}, our batching",
        "batched.ctranslate2",
        "ctranslate2",
        model,
        {**CT2_SETTINGS, "compute_type": kind},
        BUDGETS,
        int8=kind != "float32",
        driven=True,
        start=False,
        note="its own converter; sorted by length and cut by tokens (the batch column), two batches side by side on "
        "one thread each, one text on one or two threads, whichever is faster, mean in NumPy",
    )


def _fastembed(key: str, label: str, limit: int, *, start: bool, note: str) -> Peer:
    name = f"fastembed-{limit}"
    return Peer(key, label, "dense.fastembed", "fastembed", name, FASTEMBED_NAME, (16, 64, 256), start=start, note=note)


def _embed_anything(key: str, label: str, graph: str | None, part: int = 1) -> Peer:
    return Peer(
        key,
        f"EmbedAnything 0.7, {label}",
        "dense.embed_anything",
        "embed-anything",
        "embed-anything",
        {"name": HUB_NAME, "graph": graph},
        part=part,
        start=False,
        note="takes a name on the Hub and no path: its cache is filled by hand" + "; a tenth of the texts" * (part > 1),
    )


PEERS = (
    Peer(OURS, "airvec", "dense.airvec", "airvec", "airvec", batch_sizes=(None,)),
    Peer(REFERENCE, "sentence-transformers 6.2, torch", "dense.sentence_transformers", ST6, "checkpoint"),
    Peer(
        "onnx",
        "sentence-transformers 5.7, onnx",
        "dense.sentence_transformers",
        ST5,
        "onnx",
        _onnx("model.onnx"),
        note="its own export",
    ),
    _st5("onnx-O3", "onnx O3", "onnx-O3", _onnx("model_O3.onnx"), note="optimised by its own function"),
    Peer(
        "openvino-f32",
        "sentence-transformers 5.7, openvino, f32",
        "dense.sentence_transformers",
        ST5,
        "openvino",
        _openvino(ov_config=F32),
        note="INFERENCE_PRECISION_HINT=f32",
    ),
    # On CPUs with bf16 units OpenVINO computes in bf16 unless told not to: vectors are off by 1e-3.
    _st5("openvino", "openvino", "openvino", _openvino(), note="in bf16 where the CPU has it"),
    # As it comes it cuts at 128 tokens, by the limit in the tokenizer files that it fetches.
    _fastembed("fastembed", "fastembed 0.9.1", 128, start=False, note="as it comes: it cuts at 128 tokens"),
    _fastembed("fastembed-256", "fastembed 0.9.1, its limit set to 256", 256, start=True, note="the model's own limit"),
    _embed_anything("embed-anything", "candle", None, part=10),
    _embed_anything("embed-anything-onnx", "onnx", "onnx/model.onnx"),
    Peer(
        "fixed-256",
        "every text padded to 256, 32 a batch",
        "dense.fixed_length",
        "fastembed",
        "fastembed-256",
        {"length": 256},
        (32,),
        part=10,
        start=False,
        note="what Chroma's default function does; a tenth of the texts",
    ),
    _ctranslate2("ctranslate2", "fp32", "ctranslate2", "float32"),
    Peer(
        "airvec-int8",
        "airvec, int8",
        "dense.airvec",
        "airvec",
        "airvec",
        {"variant": "int8"},
        (None,),
        int8=True,
        start=False,
        note="the int8 graph that suits the CPU",
    ),
    _ctranslate2("ctranslate2-int8", "int8", "ctranslate2-int8", "int8_float32"),
    _st5(
        "onnx-int8",
        "onnx int8",
        "onnx-int8",
        _onnx(f"model_{int8_file()}.onnx"),
        int8=True,
        note=f"dynamic, for this CPU ({int8_file()}), by its own function",
    ),
    _st5(
        "openvino-int8",
        "openvino int8",
        "openvino-int8",
        _openvino(file_name="openvino/openvino_model_qint8_quantized.xml"),
        int8=True,
        note="static, by its own function, calibrated on 300 of the long texts",
    ),
    Peer(
        "embedded",
        "airvec, embedded static model",
        "dense.airvec",
        "airvec",
        None,
        batch_sizes=(None,),
        whole=True,
        other_model=True,
    ),
)

QUERY = "which program shows how much memory a process uses?"
RERANKERS = (
    Peer(OURS, "airvec", "rerank.airvec", "airvec", "reranker", {"query": QUERY}, (None,)),
    Peer(
        REFERENCE,
        "sentence-transformers 6.2, torch",
        "rerank.sentence_transformers",
        ST6,
        "reranker-checkpoint",
        {"query": QUERY},
        (16, 32, 100),
    ),
    Peer(
        "onnx",
        "sentence-transformers 5.7, onnx",
        "rerank.sentence_transformers",
        ST5,
        "reranker-onnx",
        {"query": QUERY, **_onnx("model.onnx")},
        (16, 32, 100),
        note="its own export",
    ),
    Peer(
        "one-batch",
        "onnxruntime, all pairs in one batch",
        "rerank.one_batch",
        "fastembed",
        "reranker-onnx",
        {"query": QUERY, "length": 512},
        (None,),
        note="FlashRank's way, on sentence-transformers' export",
    ),
)

SPARSE = (
    Peer(OURS, "airvec, pooling inside the graph", "sparse.airvec", "airvec", "splade", {"variant": "auto"}, (None,)),
    Peer("numpy", "airvec, pooling in NumPy", "sparse.airvec", "airvec", "splade", {"variant": "fp32"}, (None,)),
    Peer(
        "whole-logits",
        "onnxruntime and NumPy, whole logits",
        "sparse.whole_logits",
        "fastembed",
        "splade",
        {"length": 256},
        (8, 32),
        note="as most programs are written, on airvec's graph",
    ),
    Peer(
        REFERENCE,
        "sentence-transformers 6.2, torch",
        "sparse.sentence_transformers",
        ST6,
        "splade-checkpoint",
        batch_sizes=(8, 32),
    ),
)

STATIC = (
    Peer(OURS, "airvec", "dense.airvec", "airvec", "static", batch_sizes=(None,)),
    Peer(
        "model2vec",
        "model2vec 0.10",
        "static.model2vec",
        "model2vec",
        "static",
        {"max_length": None},
        (256, 1024, 4096),
        note="on airvec's folder",
    ),
    Peer(
        "wordllama-table",
        "WordLlama 0.4, airvec's table",
        "static.wordllama_table",
        "wordllama",
        "static",
        batch_sizes=(64, 256, 1024),
        note="its inference class on the same table and tokenizer",
    ),
    Peer(
        "wordllama",
        "WordLlama 0.4, its own model",
        "static.wordllama",
        "wordllama",
        None,
        batch_sizes=(64, 256, 1024),
        other_model=True,
        note="the 256 dimensions that lie in its wheel",
    ),
    Peer(
        REFERENCE,
        "sentence-transformers 6.2, torch",
        "dense.sentence_transformers",
        ST6,
        "static",
        batch_sizes=(32, 256, 1024),
    ),
)
