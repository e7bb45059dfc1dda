"""The libraries that are compared, each with the settings that suit it best.

Knows nothing of how they are measured.
"""

from dataclasses import dataclass, field
from typing import Any

F32 = {"INFERENCE_PRECISION_HINT": "f32"}
FASTEMBED_NAME = {"model_name": "sentence-transformers/all-MiniLM-L6-v2"}
REFERENCE = "torch"
OURS = "airvec"


@dataclass(frozen=True)
class Peer:
    """A library, its environment (`environments/NAME.txt`), and a model folder by its name in `models.py`.

    The fastest of `batch_sizes` counts, for short and for long texts each; None = as the library chooses. `whole`:
    so fast that all lines of a file are timed. `other_model`: its vectors are not to be compared. `start`: measure
    process start and memory (False where a row differs from another only in what they do not depend on).
    """

    key: str
    label: str
    library: str
    environment: str
    model: str | None
    settings: dict[str, Any] = field(default_factory=dict)
    batch_sizes: tuple[int | None, ...] = (16, 32, 64)
    whole: bool = False
    other_model: bool = False
    start: bool = True


PEERS = (
    Peer(OURS, "airvec", "airvec", "airvec", "airvec", batch_sizes=(None,)),
    Peer(
        REFERENCE,
        "sentence-transformers 6.2, torch",
        "sentence_transformers",
        "sentence-transformers",
        "checkpoint",
    ),
    # Of its own export, that export optimised by its function ("O2") and airvec's graph, all within 10 % of each
    # other, its own was the fastest.
    Peer(
        "onnx",
        "sentence-transformers 5.7, onnx",
        "sentence_transformers",
        "sentence-transformers-onnx-openvino",
        "onnx",
        {"backend": "onnx", "model_kwargs": {"file_name": "onnx/model.onnx"}},
    ),
    # On CPUs with bf16 units OpenVINO computes in bf16 unless told not to: vectors are off by 1e-3.
    Peer(
        "openvino-f32",
        "sentence-transformers 5.7, openvino, f32",
        "sentence_transformers",
        "sentence-transformers-onnx-openvino",
        "openvino",
        {"backend": "openvino", "model_kwargs": {"ov_config": F32}},
    ),
    Peer(
        "openvino",
        "sentence-transformers 5.7, openvino",
        "sentence_transformers",
        "sentence-transformers-onnx-openvino",
        "openvino",
        {"backend": "openvino"},
        start=False,
    ),
    # As it comes it cuts at 128 tokens, by the limit in the tokenizer files that it fetches.
    Peer(
        "fastembed",
        "fastembed 0.9.1",
        "fastembed",
        "fastembed",
        "fastembed-128",
        FASTEMBED_NAME,
        (16, 64, 256),
        start=False,
    ),
    Peer(
        "fastembed-256",
        "fastembed 0.9.1, its limit set to 256",
        "fastembed",
        "fastembed",
        "fastembed-256",
        FASTEMBED_NAME,
        (16, 64, 256),
    ),
    Peer(
        "embedded",
        "airvec, embedded static model",
        "airvec",
        "airvec",
        None,
        batch_sizes=(None,),
        whole=True,
        other_model=True,
    ),
)
