"""Every module in NumPy against its twin in torch, and both against sentence-transformers, on random features."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sentence_transformers.sentence_transformer import modules as reference
from sentence_transformers.sparse_encoder import modules as sparse_reference

import airvec.modules
import airvec_exporter.modules
from airvec.folder import ModuleSpec
from airvec.json_file import JsonObject
from tests import tiny

pytestmark = pytest.mark.parity

BATCH, TOKENS, WIDTH, PROMPT = 5, 9, tiny.HIDDEN, 3
RUNTIME, EXPORTER = (Path(package.__file__).parent for package in (airvec.modules, airvec_exporter.modules))
MODES = tuple(tiny.FLAGS)

# Type → the configs that it is tried with.
CONFIGS: dict[str, list[dict[str, Any]]] = {
    "Pooling": [
        *(tiny.pooling_config([mode], prompt) for mode in MODES for prompt in (True, False)),
        *(tiny.pooling_config([mode], True, "new") for mode in MODES),
        tiny.pooling_config(["cls", "mean", "max"]),
        tiny.pooling_config(MODES, include_prompt=False),
        tiny.pooling_config(["mean", "cls"], True, "new"),
        {"word_embedding_dimension": WIDTH},
        {"word_embedding_dimension": WIDTH, "pooling_mode_max_tokens": True},
    ],
    "Dense": [
        *(tiny.dense_config(WIDTH, 24, name) for name in ("Identity", "Tanh", "ReLU", "GELU", "Sigmoid", "SiLU")),
        tiny.dense_config(WIDTH, 24, "Tanh", bias=False),
        tiny.dense_config(WIDTH, WIDTH, "GELU", use_residual=True),
        tiny.dense_config(WIDTH, 24, "ReLU", use_residual=True),
        tiny.dense_config(WIDTH, 24, "Identity", module_input_name="token_embeddings"),
        tiny.dense_config(
            WIDTH, 24, "Tanh", module_input_name="sentence_embedding", module_output_name="token_embeddings"
        ),
        {"in_features": WIDTH, "out_features": 24},
    ],
    "LayerNorm": [{"dimension": WIDTH}],
    "Normalize": [{}, {"module_input_name": "token_embeddings"}],
    "Dropout": [{"dropout": 0.5}, {}],
    "SpladePooling": [
        {"pooling_strategy": strategy, "activation_function": activation, "word_embedding_dimension": WIDTH}
        for strategy in ("max", "sum")
        for activation in ("relu", "log1p_relu")
    ],
    "SparseAutoEncoder": [
        {"input_dim": WIDTH, "hidden_dim": 64, "k": 8, "k_aux": 8, "normalize": normalize, "dead_threshold": 30}
        for normalize in (False, True)
    ],
}
CASES = [(kind, config) for kind, configs in CONFIGS.items() for config in configs]


def module_files(folder: Path) -> set[str]:
    return {file.name for file in folder.glob("*.py")}


def name_of(case: tuple[str, dict[str, Any]] | str) -> str | None:
    if isinstance(case, str):
        return None
    kind, config = case
    said = (str(value).rpartition(".")[2] for key, value in config.items() if value not in (False, WIDTH))
    flags = (key.removeprefix("pooling_mode_") for key, value in config.items() if value is True)
    return "-".join((kind, *flags, *(word for word in said if word != "True")))


def state_of(kind: str, config: dict[str, Any]) -> dict[str, torch.Tensor]:
    if kind == "Dense":
        return tiny.random_dense({"bias": True, **config})
    if kind == "LayerNorm":
        generator = torch.Generator().manual_seed(2)
        return {name: torch.randn(WIDTH, generator=generator) for name in ("norm.weight", "norm.bias")}
    if kind == "SparseAutoEncoder":  # the encoder's weight under the name that the reference saves it by
        generator = torch.Generator().manual_seed(2)
        shapes = {"pre_bias": (WIDTH,), "latent_bias": (64,), "decoder.linear.weight": (64, WIDTH)}
        made = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
        return made | {"stats_last_nonzero": torch.zeros(64, dtype=torch.long)}
    return {}


@pytest.fixture(params=CASES, ids=name_of)
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> ModuleSpec:
    kind, config = request.param
    (tmp_path / "config.json").write_text(json.dumps(config))
    if state := state_of(kind, config):
        save_file(state, tmp_path / "model.safetensors")
    return ModuleSpec(kind, tmp_path, JsonObject("config.json", config))


def left() -> np.ndarray:
    return right()[:, ::-1].copy()


def right() -> np.ndarray:
    lengths = np.array([TOKENS, PROMPT + 1, PROMPT, 1, 6])
    return (np.arange(TOKENS) < lengths[:, None]).astype(np.int64)


def full() -> np.ndarray:
    return np.ones((BATCH, TOKENS), np.int64)


def features(mask: np.ndarray, dim: int = WIDTH) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    return {
        "token_embeddings": random.standard_normal((BATCH, TOKENS, WIDTH)).astype(np.float32),
        "sentence_embedding": random.standard_normal((BATCH, dim)).astype(np.float32),
        "attention_mask": mask,
    }


def as_tensors(made: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: torch.from_numpy(array.copy()) for name, array in made.items()}


def pairs(found: dict[str, Any], wanted: dict[str, Any]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for name in {"token_embeddings", "sentence_embedding"} & found.keys():  # SPLADE pooling drops its logits
        yield np.asarray(found[name]), wanted[name].detach().numpy()


def test_both_packages_have_the_same_module_files():
    assert module_files(RUNTIME) == module_files(EXPORTER)
    assert len(module_files(RUNTIME)) > 5


def test_both_packages_have_the_same_module_types_and_each_is_tried():
    assert set(airvec.modules.MODULES) == set(airvec_exporter.modules.TWINS) == set(CONFIGS)


@pytest.mark.parametrize("mask", [right, left, full])
@pytest.mark.parametrize("prompt", [0, PROMPT])
def test_numpy_and_both_torch_modules_agree(spec: ModuleSpec, mask: Callable[[], np.ndarray], prompt: int):
    given = features(mask())
    tensors = as_tensors(given)
    if prompt:
        given["prompt_length"], tensors["prompt_length"] = np.array([prompt]), prompt
    found = airvec.modules.open_module(spec)(dict(given))
    with torch.no_grad():
        twin = airvec_exporter.modules.build([spec], "here")(dict(tensors))
        home = reference if hasattr(reference, spec.type) else sparse_reference
        wanted = getattr(home, spec.type).load(str(spec.path)).eval()(dict(tensors))
    for ours, theirs in (*pairs(found, wanted), *pairs(twin, wanted)):
        assert ours.shape == theirs.shape
        assert np.allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    changes = not np.array_equal(wanted["sentence_embedding"].numpy(), given["sentence_embedding"])
    assert changes or spec.type == "Dropout" or "token_embeddings" in spec.config.values.values()


def test_what_a_twin_writes_is_read_back_as_the_same_module(spec: ModuleSpec, tmp_path: Path):
    twin = airvec_exporter.modules.build([spec], "here")[0]
    again = ModuleSpec(spec.type, tmp_path, JsonObject("config.json", twin.config() or {}))
    with torch.no_grad():
        first, second = (
            module(as_tensors(features(left()))) for module in (twin, airvec_exporter.modules.build([again], ""))
        )
    assert torch.equal(first["sentence_embedding"], second["sentence_embedding"])
    assert torch.equal(first["token_embeddings"], second["token_embeddings"])


def test_a_text_without_any_token_pools_to_zeros():
    config = tiny.pooling_config(["mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"])
    spec = ModuleSpec("Pooling", Path(), JsonObject("config.json", config))
    given = features(np.zeros((BATCH, TOKENS), np.int64))
    assert not airvec.modules.open_module(spec)(dict(given))["sentence_embedding"].any()
    assert not airvec_exporter.modules.build([spec], "here")(as_tensors(given))["sentence_embedding"].any()
