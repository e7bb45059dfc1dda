"""Checkpoints that are not exported, and targets that would destroy something. Everything of torch is imported late."""

import contextlib
import io
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import onnx
from onnx import numpy_helper

from airvec.cli.main import main
from tests.errors.cases import Case, Topic
from tests.errors.models import OLD, change
from tests.folders import SPECIAL, WORDS, static_model, write_json, write_modules, write_tensors

TEXTS = ["a text", "a text"]


def export(home: Path, checkpoint: object = None, **options: Any) -> None:
    from airvec_exporter import export as run

    given = {"texts": TEXTS, "show_progress_bar": False} | options
    run(tiny(home) if checkpoint is None else checkpoint, home / "out", **given)


def tiny(home: Path, **settings: Any) -> Path:
    """A dense checkpoint of sentence-transformers."""
    from tests import tiny as small

    return small.tiny_checkpoint(home / "checkpoint", **settings)


def static(home: Path) -> Path:
    """A table of token vectors."""
    return static_model(home / "checkpoint", {"embedding.weight": np.ones((len(SPECIAL + WORDS), 4), np.float32)})


def splade(home: Path) -> Path:
    from tests import tiny as small

    return small.sparse_checkpoint(home / "checkpoint")


def plain(home: Path, task: str = "feature-extraction", **config: Any) -> Path:
    """A transformers checkpoint, without anything of sentence-transformers."""
    from tests import tiny as small
    from tests.tiny.checkpoints import write_body

    folder = write_body(home / "checkpoint", small.tiny_model("bert", task), "bert", padding_side="right", limit=64)
    return change(folder / "config.json", **config)


def after(home: Path, harm: Callable[[Path], object]) -> None:
    """Export a checkpoint to which something happened."""
    harm(tiny(home))
    export(home, home / "checkpoint")


def without(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def cut_weights(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:20_000])


def drop_weights(folder: Path, named: str) -> Path:
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in state.items() if named not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    return folder


def without_padding(home: Path) -> None:
    folder = tiny(home, architecture="modernbert")
    file = folder / "tokenizer_config.json"
    write_json(file, {key: value for key, value in json.loads(file.read_text()).items() if key != "pad_token"})
    export(home, folder)


def own_code(folder: Path) -> None:
    change(folder / "config.json", model_type="mine", auto_map={"AutoConfig": "mine.Config", "AutoModel": "mine.Model"})


def headless(home: Path) -> None:
    folder = tiny(home)
    write_modules(folder, [OLD + "Transformer"])
    change(folder / "config_sentence_transformers.json", model_type="CrossEncoder")
    export(home, folder)


def table_without_weight(home: Path) -> None:
    from tests.exporter.shapes import inference_free

    folder = inference_free(home / "checkpoint")
    write_tensors(folder / "query_0_SparseStaticEmbedding" / "model.safetensors", {"idf": np.ones(3, np.float32)})
    export(home, folder)


def word_without_weight(home: Path) -> None:
    from tests.exporter.shapes import inference_free

    folder = inference_free(home / "checkpoint", as_json=True)
    change(folder / "query_0_SparseStaticEmbedding" / "idf.json", the="high")
    export(home, folder)


def wrong_graph(home: Path) -> None:
    """The graph that was traced is not the checkpoint's."""
    from airvec_exporter import pipeline

    traced = pipeline.write_portable

    def wrong(body: Any, folder: Path) -> Any:
        made = traced(body, folder)
        graph = onnx.load(folder / "model.onnx")
        table = max(graph.graph.initializer, key=lambda tensor: np.prod(tensor.dims))
        table.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(table)[::-1].copy(), table.name))
        onnx.save(graph, folder / "model.onnx")
        return made

    with mock.patch.object(pipeline, "write_portable", wrong):
        export(home)


def full_target(home: Path, **options: Any) -> None:
    (home / "out").mkdir()
    (home / "out" / "to-ada.txt").write_text("Dear Ada")
    export(home, **options)


def file_as_target(home: Path) -> None:
    (home / "out").write_text("Dear Ada")
    export(home)


def into_itself(home: Path) -> None:
    from airvec_exporter import export as run

    run(tiny(home), home / "checkpoint")


def command(home: Path, line: str) -> str:
    """What `airvec export` writes to stderr, and its exit code."""
    said = io.StringIO()
    with contextlib.chdir(home), contextlib.redirect_stderr(said):
        code = main(shlex.split(line))
    return f"$ airvec {line}\n{said.getvalue().strip()}\n(exit code {code})"


CASES = (
    Case("A checkpoint that is no folder", '`export("./checkpoint", out)`.',
         lambda home: export(home, home / "checkpoint")),
    Case("The same on the command line", "Wrong arguments are exit code 2.",
         lambda home: command(home, "export ./checkpoint ./out")),
    Case("A target that is not empty", "Nothing is overwritten unless you say so.", full_target),
    Case("A target that holds something else", "Not even with `--overwrite`.",
         lambda home: full_target(home, overwrite=True)),
    Case("A target that is a file", '`export(checkpoint, "model.onnx")`.', file_as_target),
    Case("A target that is the checkpoint", "It would be destroyed.", into_itself),
    Case("An unknown kind of model", '`kind="colbert"`.', lambda home: export(home, kind="colbert")),
    Case("A bound that is none", "`max_delta=-1`.", lambda home: export(home, max_delta=-1)),
    Case("Too few texts to verify on", '`texts=["one"]`.', lambda home: export(home, texts=["one"])),
    Case("Texts that are none", '`texts=["one", 2]`.', lambda home: export(home, texts=["one", 2])),
    Case("A path that is none", "`export(5, out)`.", lambda home: export(home, 5)),
    Case("A checkpoint of another class", "`model_type` in `config_sentence_transformers.json`.",
         lambda home: after(home, lambda folder: change(
             folder / "config_sentence_transformers.json", model_type="MultiVectorEncoder"))),
    Case("A checkpoint with a head for something else", "A plain checkpoint that was trained to mark words.",
         lambda home: export(home, plain(home, architectures=["BertForTokenClassification"]))),
    Case("A checkpoint with code of its own", "`auto_map` in `config.json`.", lambda home: after(home, own_code)),
    Case("A checkpoint whose module has code of its own", "In `modules.json`.",
         lambda home: after(home, lambda folder: write_modules(
             folder, [OLD + "Transformer", "custom_st.Pooling"], ["", "1_Pooling"]))),
    Case("A module that is not exported", "One of sentence-transformers' own.",
         lambda home: after(home, lambda folder: write_modules(
             folder, [OLD + "Transformer", OLD + "LSTM"], ["", "1_Pooling"]))),
    Case("A Pooling of an unknown mode, exported", "`pooling_mode` in its `config.json`.",
         lambda home: after(home, lambda folder: write_json(
             folder / "1_Pooling" / "config.json", {"embedding_dimension": 32, "pooling_mode": "median"}))),
    Case("A Dense with an unknown activation, exported", "`activation_function` in its `config.json`.",
         lambda home: export(home, change(
             tiny(home, dense="Tanh") / "2_Dense" / "config.json",
             activation_function="torch.nn.modules.activation.Mish").parent)),
    Case("A Dense whose weights do not fit", "`config.json` states another width.",
         lambda home: export(home, change(
             tiny(home, dense="Tanh") / "2_Dense" / "config.json", out_features=7).parent)),
    Case("SPLADE pooling of an unknown strategy, exported", "`pooling_strategy` in its `config.json`.",
         lambda home: export(home, change(
             splade(home) / "1_SpladePooling" / "config.json", pooling_strategy="mean").parent)),
    Case("A table without its vector, exported", "`weight` is missing in `model.safetensors`.", table_without_weight),
    Case("A weight that is no number, exported", "In `idf.json`.", word_without_weight),
    Case("A body that reads no texts", "An image model, perhaps.",
         lambda home: after(home, lambda folder: write_modules(
             folder, [OLD + "CLIPModel", OLD + "Pooling"], ["", "1_Pooling"]))),
    Case("A dense checkpoint as a sparse model", "`--as sparse`, and the sparse layer would be made up at random.",
         lambda home: export(home, plain(home), kind="sparse")),
    Case("A sparse checkpoint as a reranker", "`--as rerank`, and the folder says what it is.",
         lambda home: export(home, splade(home), kind="rerank")),
    Case("A language model as a reranker", "`--as rerank` of a …ForCausalLM.",
         lambda home: export(home, plain(home, architectures=["Qwen3ForCausalLM"]), kind="rerank")),
    Case("A reranker without its head", "One module, which gives token embeddings.", headless),
    Case("A reranker with an untrained head", "The classifier's weights are not in the file.",
         lambda home: export(home, drop_weights(plain(home, "sequence-classification"), "classifier."))),
    Case("A sparse model with an untrained head", "`--as sparse`, and the MLM head's weights are not in the file.",
         lambda home: export(home, drop_weights(plain(home, "fill-mask"), "cls."), kind="sparse")),
    Case("A body with missing weights", "transformers would make them up at random.",
         lambda home: after(home, lambda folder: drop_weights(folder, "layer.0.attention.self.query"))),
    Case("Weights that are missing", "No `model.safetensors` and no `pytorch_model.bin`.",
         lambda home: after(home, without("model.safetensors"))),
    Case("Weights cut short", "The download broke off.", lambda home: after(home, cut_weights)),
    Case("A checkpoint without a tokenizer", "None of the files that a tokenizer is made from.",
         lambda home: after(home, without("tokenizer.json"))),
    Case("A checkpoint with a damaged tokenizer", "`tokenizer.json` is JSON, but no tokenizer.",
         lambda home: after(home, lambda folder: (folder / "tokenizer.json").write_text("{}"))),
    Case("A tokenizer that cannot pad", "Batches need a padding token.", without_padding),
    Case("A variant that is none", '`variants=["fp32", "int9"]`, or `--variants fp32,int9`.',
         lambda home: export(home, variants=["fp32", "int9"])),
    Case("A head that cannot be inside a graph", '`variants=["fused"]`, where pooling leaves a prompt out.',
         lambda home: export(home, tiny(home, include_prompt=False), variants=["fused"])),
    Case("A variant of a model without graphs", '`variants=["int8-x86"]` of a static model.',
         lambda home: export(home, static(home), variants=["int8-x86"])),
    Case("A graph that is not right", "torch traced something else than it runs. Each export is measured.",
         wrong_graph),
)  # fmt: skip
TOPIC = Topic(
    "Exporter",
    "`airvec export` and `airvec_exporter.export`. A checkpoint is not touched, and unless all went well nothing is"
    " written.",
    CASES,
    slow=True,
)
