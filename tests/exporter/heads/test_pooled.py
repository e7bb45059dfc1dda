"""Pooling and what follows it inside a graph, against the modules of torch and of the runtime."""

import numpy as np
import onnxruntime
import pytest
import torch
from onnxscript import ir
from torch import nn

from airvec.modules.pooling import Pooling as RuntimePooling
from airvec_exporter.errors import ExportError
from airvec_exporter.heads.pooled import add_head
from airvec_exporter.heads.tape import Tape
from airvec_exporter.modules import Dense, Dropout, LayerNorm, Normalize, Pooling, SparseAutoEncoder, SpladePooling
from airvec_exporter.modules.dense import ACTIVATIONS
from airvec_exporter.modules.pooling import FLAGS

WORDS, WIDTH = 40, 12
TABLE = np.random.default_rng(0).standard_normal((WORDS, WIDTH)).astype(np.float32)
LENGTHS = np.array([1, 9, 4, 7])[:, None]


def body() -> ir.Model:
    """A graph whose hidden states are rows of a table."""
    size = ir.Shape(["batch", "sequence"])
    inputs = [
        ir.Value(name=name, type=ir.TensorType(ir.DataType.INT64), shape=size)
        for name in ("input_ids", "attention_mask")
    ]
    graph = ir.Graph(inputs, [], nodes=[], opset_imports={"": 23}, name="body")
    tape = Tape(graph, "body")
    states = tape("Gather", tape.constant(TABLE, np.float32), inputs[0])
    states.name, states.type = "last_hidden_state", ir.TensorType(ir.DataType.FLOAT)
    states.shape = ir.Shape(["batch", "sequence", WIDTH])
    graph.outputs.append(states)
    return ir.Model(graph, ir_version=10)


def padded(side: str) -> np.ndarray:
    places = np.arange(LENGTHS.max())
    return (places < LENGTHS if side == "right" else places >= LENGTHS.max() - LENGTHS).astype(np.int64)


def inside(modules: list[nn.Module], mask: np.ndarray) -> np.ndarray:
    """What a graph with these modules gives; its output is checked on the way."""
    model = body()
    assert add_head(model, modules) == tuple(type(module).__name__ for module in modules)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        ir.to_proto(model).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (result,) = session.run(None, {"input_ids": ids(mask), "attention_mask": mask})
    (output,) = session.get_outputs()
    assert (output.name, output.type, output.shape) == (
        "sentence_embedding",
        "tensor(float)",
        ["batch", result.shape[1]],
    )
    return result


def in_torch(modules: list[nn.Module], mask: np.ndarray) -> np.ndarray:
    features = {"token_embeddings": torch.from_numpy(TABLE[ids(mask)]), "attention_mask": torch.from_numpy(mask)}
    with torch.no_grad():
        return nn.Sequential(*modules).eval()(features)["sentence_embedding"].numpy()


def ids(mask: np.ndarray) -> np.ndarray:
    return np.random.default_rng(1).integers(0, WORDS, mask.shape)


def _layer(width: int, out: int, **settings: object) -> Dense:
    torch.manual_seed(0)
    return Dense(width, out, **settings)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("modes", [*((mode,) for mode in FLAGS), tuple(FLAGS), ("lasttoken", "mean")])
def test_pooling_is_that_of_torch(modes: tuple[str, ...], side: str):
    mask, modules = padded(side), [Pooling(WIDTH, modes)]
    wanted = in_torch(modules, mask)
    assert wanted.shape == (4, WIDTH * len(modes))
    assert wanted.std(axis=0).mean() > 0.3
    assert np.abs(inside(modules, mask) - wanted).max() <= 1e-6


@pytest.mark.parametrize("mode", FLAGS)
def test_a_text_without_any_token_gives_what_the_runtime_gives(mode: str):
    mask = padded("right")
    mask[2] = 0
    features = {"token_embeddings": TABLE[ids(mask)], "attention_mask": mask}
    wanted = RuntimePooling(WIDTH, (mode,))(features)["sentence_embedding"]
    found = inside([Pooling(WIDTH, (mode,))], mask)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("out", "settings"), [
    (20, {}), (20, {"bias": False}), (WIDTH, {"use_residual": True}), (20, {"use_residual": True}),
])  # fmt: skip
def test_dense_is_that_of_torch(activation: str, out: int, settings: dict[str, bool]):
    modules = [Pooling(WIDTH), _layer(WIDTH, out, activation_function=ACTIVATIONS[activation](), **settings)]
    mask = padded("right")
    assert np.abs(inside(modules, mask) - in_torch(modules, mask)).max() <= 1e-6


def test_a_whole_chain_is_that_of_torch():
    norm = LayerNorm(20)
    with torch.no_grad():
        norm.norm.weight.copy_(torch.linspace(0.5, 2, 20))
        norm.norm.bias.copy_(torch.linspace(-1, 1, 20))
    modules = [Pooling(WIDTH, ("cls", "mean")), _layer(2 * WIDTH, 20), Dropout(0.5), norm, Normalize()]
    mask = padded("left")
    assert np.abs(inside(modules, mask) - in_torch(modules, mask)).max() <= 1e-6


def test_dense_over_the_tokens_comes_before_pooling():
    modules = [_layer(WIDTH, 5, module_input_name="token_embeddings"), Pooling(5, ("max",))]
    mask = padded("right")
    assert np.abs(inside(modules, mask) - in_torch(modules, mask)).max() <= 1e-6


def test_the_zero_vector_stays_zero():
    mask = padded("right")
    mask[1] = 0
    found = inside([Pooling(WIDTH), Normalize()], mask)
    assert not found[1].any()
    assert np.abs(np.linalg.norm(found[[0, 2, 3]], axis=1) - 1).max() <= 1e-6


@pytest.mark.parametrize(("modules", "message"), [
    ([Pooling(WIDTH, include_prompt=False)], "Pooling with include_prompt False, expected True"),
    ([SpladePooling()], "SpladePooling behind the body, expected one of Pooling, Dense"),
    ([Pooling(WIDTH), SparseAutoEncoder(WIDTH, 30, k=2)], "SparseAutoEncoder behind the body, expected one of"),
    ([Normalize(), Pooling(WIDTH)], "Normalize reads 'sentence_embedding', expected one of token_embeddings"),
    ([], "no module behind the body, expected Pooling among them"),
    ([Pooling(WIDTH), _layer(WIDTH, 1, module_output_name="scores")], "Dense gives 'scores', expected"),
])  # fmt: skip
def test_what_cannot_be_inside_is_refused(modules: list[nn.Module], message: str):
    with pytest.raises(ExportError, match=message):
        add_head(body(), modules)


def test_a_graph_without_hidden_states_is_refused():
    model = body()
    model.graph.outputs[0].name = "logits"
    with pytest.raises(ExportError, match="the graph gives logits, expected last_hidden_state"):
        add_head(model, [Pooling(WIDTH)])
