"""Makes small model folders whose embeddings can be worked out by hand, in milliseconds and without torch.

The graph is a look-up: token i has the embedding `table[i]`, whatever stands around it. The tokenizer knows whole
words. So the mean of "a b" is the mean of two rows, and every module can be checked on paper.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
WORDS = tuple("abcdefghij")
OLD = "sentence_transformers.models."
MEAN = {"word_embedding_dimension": 4, "pooling_mode_mean_tokens": True}


def table(rows: int = len(SPECIAL) + len(WORDS), dim: int = 4) -> np.ndarray:
    """The embeddings of the vocabulary, float32 (rows, dim), the same in every test."""
    return np.random.default_rng(7).normal(size=(rows, dim)).astype(np.float32)


def word_tokenizer(special: bool = True) -> Tokenizer:
    """Splits at white space; ids follow SPECIAL and WORDS; `[CLS] … [SEP]` around each text with `special`."""
    names = [*SPECIAL, *WORDS]
    tokenizer = Tokenizer(models.WordLevel({name: place for place, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if special:
        ids = [("[CLS]", 2), ("[SEP]", 3)]
        pair = "[CLS] $A [SEP] $B:1 [SEP]:1"
        tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", pair, special_tokens=ids)
    return tokenizer


def lookup_graph(
    output: str = "last_hidden_state",
    inputs: Sequence[str] = ("input_ids", "attention_mask"),
    dim: int = 4,
    external: str | None = None,
) -> onnx.ModelProto:
    """`output` = table[input_ids]; the other inputs are taken and not used. `external` = the weights' file."""
    weights = numpy_helper.from_array(table(dim=dim), "table")
    if external is not None:
        onnx.external_data_helper.set_external_data(weights, external)
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
    shape = ["batch", "sequence"]
    width = [*shape, dim] if output != "sentence_embedding" else ["batch", dim]
    nodes = [helper.make_node("Gather", ["table", "input_ids"], [output if len(width) == 3 else "tokens"])]
    if len(width) == 2:
        nodes.append(helper.make_node("ReduceMax", ["tokens", "axes"], [output], keepdims=0))
    graph = helper.make_graph(
        nodes,
        "lookup",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, width)],
        [weights, numpy_helper.from_array(np.array([1]), "axes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    return model


def pair_graph(labels: int = 1) -> onnx.ModelProto:
    """`logits` (batch, labels): those of `pair_logits`, padding left out by the mask."""
    inputs = ("input_ids", "attention_mask", "token_type_ids")
    weights = np.zeros((2, labels), np.float32)
    weights[:, 0] = (-0.1, 0.1)
    weights[0, 1:], weights[1, 1:] = 0.1, 0.2
    steps = [
        ("Mul", ["input_ids", "attention_mask"], "real"),
        ("Mul", ["real", "token_type_ids"], "second"),
        ("Sub", ["real", "second"], "first"),
        ("ReduceSum", ["first", "one"], "first_sum"),
        ("ReduceSum", ["second", "one"], "second_sum"),
        ("Concat", ["first_sum", "second_sum"], "sums"),  # (batch, 2)
    ]
    more: dict[str, dict[str, int]] = {"Concat": {"axis": 1}, "ReduceSum": {"keepdims": 1}}
    nodes = [helper.make_node(kind, taken, [made], **more.get(kind, {})) for kind, taken, made in steps]
    nodes.append(helper.make_node("Cast", ["sums"], ["floats"], to=TensorProto.FLOAT))
    nodes.append(helper.make_node("MatMul", ["floats", "weights"], ["logits"]))
    graph = helper.make_graph(
        nodes,
        "pair",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"]) for name in inputs],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", labels])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(np.array([1]), "one")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    return model


def pair_logits(first: str, second: str, labels: int = 1) -> list[float]:
    """What `pair_graph` gives: (sum of the second's ids - sum of the first's) / 10, then (first + 2 second) / 10."""
    names = [*SPECIAL, *WORDS]
    sums = [sum(names.index(word) for word in text.split()) for text in (first, second)]
    left, right = sums[0] + 2 + 3, sums[1] + 3  # [CLS] … [SEP] and … [SEP]
    return [(right - left) / 10, *[(left + 2 * right) / 10] * (labels - 1)]


def reranker(folder: Path, labels: int = 1, limit: int = 12, **config: Any) -> Path:
    """A CrossEncoder as transformers lays it out, with `pair_graph`; `config` = more keys of config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    architecture = {"model_type": "bert", "architectures": ["BertForSequenceClassification"], "pad_token_id": 0}
    write_json(folder / "config.json", architecture | config)
    options = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]", "model_max_length": limit}
    names = {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]}
    write_json(folder / "tokenizer_config.json", options | names)
    word_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "onnx").mkdir(exist_ok=True)
    onnx.save(pair_graph(labels), folder / "onnx" / "model.onnx")
    return folder


def write_json(path: Path, value: Any) -> None:
    """Write JSON, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def write_modules(folder: Path, types: Sequence[str], paths: Sequence[str] | None = None) -> None:
    """Write modules.json; a module's folder is its number and class name unless `paths` says otherwise."""
    homes = paths or ["" if place == 0 else f"{place}_{kind.rpartition('.')[2]}" for place, kind in enumerate(types)]
    entries = [
        {"idx": place, "name": str(place), "path": home, "type": kind}
        for place, (kind, home) in enumerate(zip(types, homes, strict=True))
    ]
    write_json(folder / "modules.json", entries)
    for home in homes:
        if ".." not in home:
            (folder / home).mkdir(parents=True, exist_ok=True)


def word_model(
    folder: Path,
    pooling: Mapping[str, Any] = MEAN,
    normalize: bool = False,
    settings: Mapping[str, Any] | None = None,
    limits: Mapping[str, Any] | None = None,
) -> Path:
    """A whole model folder: Transformer (the look-up) → Pooling [→ Normalize]."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = [OLD + "Transformer", OLD + "Pooling", *([OLD + "Normalize"] if normalize else [])]
    write_modules(folder, kinds)
    write_json(folder / "config.json", {"model_type": "bert", "hidden_size": 4, "pad_token_id": 0})
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]"})
    write_json(folder / "1_Pooling" / "config.json", dict(pooling))
    write_json(folder / "sentence_bert_config.json", dict(limits or {"max_seq_length": 8}))
    write_json(folder / "config_sentence_transformers.json", dict(settings or {}))
    word_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "onnx").mkdir(exist_ok=True)
    onnx.save(lookup_graph(), folder / "onnx" / "model.onnx")
    return folder


def static_model(folder: Path, tensors: Mapping[str, np.ndarray], kinds: Sequence[str] = ("StaticEmbedding",)) -> Path:
    """A static model folder with these tensors; the tokenizer knows WORDS and adds no special tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    write_modules(folder, [OLD + kind for kind in kinds])
    word_tokenizer(special=False).save(str(folder / "tokenizer.json"))
    write_tensors(folder / "model.safetensors", tensors)
    return folder


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Write a .safetensors file, by hand: the tests must not depend on the code they check."""
    names = {"f4": "F32", "f2": "F16", "f8": "F64", "i1": "I8", "i4": "I32", "i8": "I64"}
    header: dict[str, Any] = {}
    data = b""
    for name, tensor in tensors.items():
        start, data = len(data), data + tensor.tobytes()
        header[name] = {"dtype": names[tensor.dtype.str[1:]], "shape": tensor.shape, "data_offsets": [start, len(data)]}
    raw = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + data)


def rows_of(*words: str, special: bool = True) -> np.ndarray:
    """The look-up's embeddings of a text's tokens, special ones included: float32 (tokens, 4)."""
    names = [*SPECIAL, *WORDS]
    ids = [names.index(word) for word in words]
    return table()[[2, *ids, 3] if special else ids]
