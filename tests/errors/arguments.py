"""What the three classes share: constructor arguments, texts and calls."""

import os
from pathlib import Path
from unittest import mock

from airvec import SentenceTransformer
from tests.errors.cases import Case, Topic
from tests.errors.models import change, dense
from tests.folders import static_model, table, word_model

LEFT = {"padding_side": "left"}


def static(home: Path) -> Path:
    return static_model(home / "static", {"embedding.weight": table()})


def opened(home: Path, **arguments: object) -> None:
    SentenceTransformer(word_model(home / "words"), **arguments)


def threads(home: Path, count: str) -> None:
    with mock.patch.dict(os.environ, {"AIRVEC_THREADS": count}):
        opened(home)


def changed_limit(home: Path) -> None:
    model = SentenceTransformer(static(home))
    model.max_seq_length = 0


def few_positions(home: Path) -> None:
    change(word_model(home / "words") / "config.json", max_position_embeddings=16)
    SentenceTransformer(home / "words", max_seq_length=512)


def copied_into_itself(home: Path) -> None:
    dense(home).save_pretrained(home / "words" / "copy")


def copied_over_something_else(home: Path) -> None:
    (home / "letters").mkdir()
    (home / "letters" / "to-ada.txt").write_text("Dear Ada")
    dense(home).save_pretrained(home / "letters")


def without_cuda(home: Path) -> None:
    """onnxruntime's package for GPUs then opens a session on the CPU."""
    on_cpu = mock.Mock(get_providers=lambda: ["CPUExecutionProvider"])
    with (
        mock.patch("onnxruntime.get_available_providers", return_value=["CUDAExecutionProvider"]),
        mock.patch("onnxruntime.InferenceSession", return_value=on_cpu),
    ):
        opened(home, device="cuda")


CASES = (
    Case("An unknown device", '`device="mars"`; `"mps"` and `"npu"` get the same.',
         lambda home: opened(home, device="mars")),
    Case("A device that this onnxruntime does not have", '`device="cuda"` with the package for CPUs.',
         lambda home: opened(home, device="cuda")),
    Case("A provider that this onnxruntime does not have", '`model_kwargs={"provider": "QNNExecutionProvider"}`.',
         lambda home: opened(home, model_kwargs={"provider": "QNNExecutionProvider"})),
    Case("A provider that cannot start", '`device="cuda"` with the package for GPUs, but without CUDA.', without_cuda),
    Case("Another device for one call", '`encode(texts, device="cuda")` of a model on the CPU.',
         lambda home: dense(home).encode("a", device="cuda")),
    Case("An unknown backend", "`backend=\"torch\"`, the reference's default.",
         lambda home: opened(home, backend="torch")),
    Case("An argument of torch's models", '`model_kwargs={"torch_dtype": "float16"}`.',
         lambda home: opened(home, model_kwargs={"torch_dtype": "float16"})),
    Case("Options that are none of ONNX Runtime's", '`model_kwargs={"session_options": 4}`.',
         lambda home: opened(home, model_kwargs={"session_options": 4})),
    Case("An old and a new name at once", "`tokenizer_kwargs` is the old name of `processor_kwargs`.",
         lambda home: opened(home, tokenizer_kwargs=LEFT, processor_kwargs=LEFT)),
    Case("Arguments that are no dict", '`model_kwargs="provider"`.',
         lambda home: opened(home, model_kwargs="provider")),
    Case("Options of a provider that is not named", '`model_kwargs={"provider_options": {"gpu_mem_limit": 1}}`.',
         lambda home: opened(home, model_kwargs={"provider_options": {"gpu_mem_limit": 1}})),
    Case("A provider's options that are no dict",
         '`model_kwargs={"provider": "CPUExecutionProvider", "provider_options": 7}`.',
         lambda home: opened(home, model_kwargs={"provider": "CPUExecutionProvider", "provider_options": 7})),
    Case("A device and another's provider",
         '`device="cpu", model_kwargs={"provider": "CUDAExecutionProvider"}`.',
         lambda home: opened(home, device="cpu", model_kwargs={"provider": "CUDAExecutionProvider"})),
    Case("A file name that is none", '`model_kwargs={"file_name": 8}`.',
         lambda home: opened(home, model_kwargs={"file_name": 8})),
    Case("A padding side that is none", '`processor_kwargs={"padding_side": "top"}`.',
         lambda home: opened(home, processor_kwargs={"padding_side": "top"})),
    Case("A variant of a static model", '`variant="int8"`, and the model is a table, not a graph.',
         lambda home: SentenceTransformer(static(home), variant="int8")),
    Case("A number of threads that is none", "The environment has `AIRVEC_THREADS=all`.",
         lambda home: threads(home, "all")),
    Case("A limit below 1", "`model.max_seq_length = 0`.", changed_limit),
    Case("A limit above the model's positions", "`max_seq_length=512` of a model that was trained with 16.",
         few_positions),
    Case("Prompts that are no dict", '`prompts="query: "`.', lambda home: opened(home, prompts="query: ")),
    Case("An unknown prompt", '`encode(texts, prompt_name="poem")`.',
         lambda home: dense(home).encode("a", prompt_name="poem")),
    Case("An unknown default prompt", '`default_prompt_name="poem"`.',
         lambda home: opened(home, default_prompt_name="poem")),
    Case("A prompt that is no text", "`encode(texts, prompt=3)`.", lambda home: dense(home).encode("a", prompt=3)),
    Case("A prompt that fills the limit", '`encode(texts, prompt=…, on_truncate="chunk")`: no room for the text.',
         lambda home: dense(home).encode("a", prompt="a b c d e f g h", on_truncate="chunk")),
    Case("An unknown precision", '`encode(texts, precision="int4")`.',
         lambda home: dense(home).encode("a", precision="int4")),
    Case("int8 without ranges", '`encode("a", precision="int8")`: one vector has no smallest and largest.',
         lambda home: dense(home).encode("a", precision="int8")),
    Case("An unknown output", '`encode(texts, output_value="hidden")`.',
         lambda home: dense(home).encode("a", output_value="hidden")),
    Case("An unknown way to cut", '`encode(texts, on_truncate="split")`.',
         lambda home: dense(home).encode("a", on_truncate="split")),
    Case("Something that is no text", "`encode(None)`; numbers and bytes get the same.",
         lambda home: dense(home).encode(None)),
    Case("Something that is no text in a list", '`encode(["a", None])`, as from a table with gaps.',
         lambda home: dense(home).encode(["a", None])),
    Case("Texts without a length", "`encode(line for line in file)`.",
         lambda home: dense(home).encode(text for text in "ab")),
    Case("Half a surrogate pair", "A text that was cut in the middle of an emoji, and can be written in no encoding.",
         lambda home: dense(home).encode("a \ud83d b")),
    Case("Texts by several tasks", '`encode([{"query": "a"}, {"document": "b"}])`.',
         lambda home: dense(home).encode([{"query": "a"}, {"document": "b"}])),
    Case("Texts under two names", '`encode("a", sentences="b")`; `sentences` is the old name of `inputs`.',
         lambda home: dense(home).encode("a", sentences="b")),
    Case("A batch of no texts", "`encode(texts, batch_size=0)`.", lambda home: dense(home).encode("a", batch_size=0)),
    Case("A text over the limit", '`on_truncate="error"`; the default is to cut, as the reference does.',
         lambda home: dense(home).encode("a b c d e f g h i j", on_truncate="error")),
    Case("Embeddings of two models", "`model.similarity(x, y)` of another number of dimensions.",
         lambda home: dense(home).similarity([[1.0, 0.0, 0.0, 0.0]], [[1.0, 0.0]])),
    Case("An unknown similarity", '`similarity_fn_name="jaccard"`.',
         lambda home: opened(home, similarity_fn_name="jaccard")),
    Case("A copy inside its original", "`model.save_pretrained(folder)` below the model's own.", copied_into_itself),
    Case("A copy over something else", "`model.save_pretrained(folder)`, and the folder holds other files.",
         copied_over_something_else),
)  # fmt: skip
TOPIC = Topic(
    "Arguments and texts, in all classes", "Shown with `SentenceTransformer`; the others say the same.", CASES
)
