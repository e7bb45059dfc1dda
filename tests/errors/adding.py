"""Adapters, what a caller changes, graphs that are added, and pushes. Everything of torch is imported late."""

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from tests.errors.cases import Case, Topic
from tests.errors.exporting import export, tiny
from tests.errors.models import change
from tests.folders import word_model
from tests.hub_push_server import PushHub, taking

NOBODY_LISTENS = "http://127.0.0.1:9"


def adapter(home: Path, **stated: object) -> Path:
    """A LoRA adapter as peft saves it, with other settings stated."""
    from tests.tiny.adapters import plain_adapter

    folder = plain_adapter(home / "adapter", tiny(home))
    change(folder / "adapter_config.json", **stated)
    return folder


def other_model(home: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = adapter(home) / "adapter_model.safetensors"
    state = load_file(file)
    save_file({name.replace("layer.1", "layer.7"): tensor for name, tensor in state.items()}, file)
    export(home, home / "adapter", base=home / "checkpoint")


def without_weights(home: Path) -> None:
    (adapter(home) / "adapter_model.safetensors").unlink()
    export(home, home / "adapter")


def without_peft(home: Path) -> None:
    folder = adapter(home)
    with mock.patch("importlib.util.find_spec", lambda name: None if name == "peft" else True):
        export(home, folder)


def push(home: Path, endpoint: str = NOBODY_LISTENS, name: str = "org/words") -> None:
    from huggingface_hub import constants

    from airvec_exporter import push as run

    changed = {"ENDPOINT": endpoint, "HF_HUB_DISABLE_XET": True}
    with mock.patch.multiple(constants, **changed), mock.patch("time.sleep"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the client's, of the library below it
        run(word_model(home / "words"), name, token="hf_x")


def refused(place: str, status: int) -> Callable[[Path], object]:
    def fails(home: Path) -> None:
        with taking(PushHub(root=home / "hub", refused_uploads={place: status})) as hub:
            push(home, hub.address)

    return fails


def add(home: Path, config: object = "O2", target: str = "new") -> None:
    import airvec

    airvec.export_optimized_onnx_model(airvec.SentenceTransformer(word_model(home / "words")), config, home / target)


def into_another(home: Path) -> None:
    other = word_model(home / "words")
    shutil.copytree(other, home / "other")
    graph = home / "other" / "onnx" / "model.onnx"
    graph.write_bytes(graph.read_bytes() + b"\n\x00")
    add(home, target="other")


def part_of_a_data_set(home: Path) -> None:
    import airvec

    model = airvec.SentenceTransformer(word_model(home / "words"))
    airvec.export_static_quantized_openvino_model(model, None, home / "new", dataset_name="nyu-mll/glue")


CASES = (
    Case("An adapter without peft", "The checkpoint holds `adapter_config.json`.", without_peft),
    Case("An adapter without its weights", "No `adapter_model.safetensors`.", without_weights),
    Case("An adapter whose base model is not there", "It was trained on a folder of another machine.",
         lambda home: export(home, adapter(home, base_model_name_or_path="./models/base"))),
    Case("An adapter of another model", "Its weights have names that the base model has not.", other_model),
    Case("A length above the model's positions", "`max_seq_length=512`, or `--max-seq-length 512`.",
         lambda home: export(home, max_seq_length=512)),
    Case("A dtype that is none", '`dtype="int8"`.', lambda home: export(home, dtype="int8")),
    Case("A level that is none", '`export_optimized_onnx_model(model, "O5", "new")`.', lambda home: add(home, "O5")),
    Case("A graph for another model's folder", '`export_optimized_onnx_model(model, "O2", "other")`.', into_another),
    Case("Half of a data set's name", 'Only `dataset_name="nyu-mll/glue"`.', part_of_a_data_set),
    Case("A push to what is no name", '`push(folder, "a/b/c")`, or `--push a/b/c`.',
         lambda home: push(home, name="a/b/c")),
    Case("A push without a token", "`HF_TOKEN` is not set, or wrong.", refused("/repos/create", 401)),
    Case("A push to somebody else's repository", "The token may not write there.", refused("/commit/", 403)),
    Case("A push without network", "Nobody answers.", push),
)  # fmt: skip
TOPIC = Topic(
    "Adapters, further graphs and pushes",
    "What `airvec export` does besides, and the reference's export functions. Folders are as they were afterwards.",
    CASES,
    slow=True,
)
