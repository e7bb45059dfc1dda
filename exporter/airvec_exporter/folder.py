"""Writes a model folder that every generation of sentence-transformers reads, and airvec without torch.

Oldest type names, old Pooling keys, the length limit in `sentence_bert_config.json`. A reranker of one module is
written as transformers' own folder, which is what sentence-transformers up to 5.3 reads.
Knows nothing of graphs' contents and of verification.
"""

from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from airvec.folder import CLASSIFY, DENSE, FILL_MASK, RERANKER, SPARSE, ModelFolder, ModuleSpec
from airvec.json_file import read_object, read_object_if_there
from airvec_exporter.body_folder import copy, write_body, write_json
from airvec_exporter.load import Checkpoint, key

TYPE, SPARSE_TYPE = "sentence_transformers.models.{}", "sentence_transformers.sparse_encoder.models.{}"
SPARSE_TYPES = ("MLMTransformer", "SpladePooling", "SparseAutoEncoder", "SparseStaticEmbedding")
SIMILARITY = {DENSE: "cosine", SPARSE: "dot"}
ROUTER_FILES = ("router_config.json", "config.json")
CARD = ("README.md", "LICENSE", "LICENSE.txt", "LICENSE.md")


def write_folder(checkpoint: Checkpoint, out: Path, *, weights: bool = True) -> None:
    """Write everything but graphs and airvec.json into `out`, which exists.

    Args:
        checkpoint: what to write.
        out: the folder.
        weights: False leaves the torch weights of bodies with a graph out.
    """
    source = checkpoint.folder
    plain = is_plain(checkpoint)
    if not plain:
        entries = [_write_entry(checkpoint, index, spec, out) for index, spec in enumerate(source.modules)]
        write_json(out / "modules.json", entries)
    for body in checkpoint.bodies.values():
        home = body_home(checkpoint, body.spec, out)
        home.mkdir(parents=True, exist_ok=True)
        write_body(body, home, weights=weights, limits=not plain)
    if source.model_type == RERANKER:
        _write_activation(source, out)
    _write_settings(source, out)
    copy(source.path, out, CARD)


def is_plain(checkpoint: Checkpoint) -> bool:
    """Whether transformers' own files say everything: one classifier, and nothing in front of its texts."""
    folder = checkpoint.folder
    return len(folder.modules) == 1 and folder.modules[0].task == CLASSIFY and not any(folder.prompts.values())


def body_home(checkpoint: Checkpoint, spec: ModuleSpec, out: Path) -> Path:
    """Where in `out` a body lies: in the root, or in its own folder of a Router."""
    first = checkpoint.folder.modules[0]
    return out if first.router is None else out / spec.path.name


def _write_entry(checkpoint: Checkpoint, index: int, spec: ModuleSpec, out: Path) -> dict[str, Any]:
    """One module's files; its entry in modules.json."""
    path = "" if index == 0 else f"{index}_{spec.type}"
    if spec.router is not None:
        _write_router(checkpoint, spec, out / path)
    elif index > 0:
        _write_module(checkpoint.modules[key(spec)], out / path)
    return {"idx": index, "name": str(index), "path": path, "type": _type(spec)}


def _write_router(checkpoint: Checkpoint, spec: ModuleSpec, home: Path) -> None:
    """`router_config.json`, and each module of its routes once, in a folder of its old name."""
    routes = spec.router.routes if spec.router else {}
    modules = {one.path.name: one for route in routes.values() for one in route}
    home.mkdir(exist_ok=True)
    for name, one in modules.items():
        if one.tokenizer is None:
            _write_module(checkpoint.modules[key(one)], home / name)
    file = next(spec.path / name for name in ROUTER_FILES if (spec.path / name).is_file())
    settings = {
        "types": {name: _type(one) for name, one in modules.items()},
        "structure": {name: [one.path.name for one in route] for name, route in routes.items()},
        "parameters": read_object(file).section("parameters").values,
    }
    # The first route is the default where none is named.
    write_json(home / ROUTER_FILES[0], settings, sort_keys=False)


def _type(spec: ModuleSpec) -> str:
    name = "MLMTransformer" if spec.type == "Transformer" and spec.task == FILL_MASK else spec.type
    return (SPARSE_TYPE if name in SPARSE_TYPES else TYPE).format(name)


def _write_module(module: Any, home: Path) -> None:
    home.mkdir()
    config, state = module.config(), module.state_dict()
    if config is not None:
        write_json(home / "config.json", config)
    if state:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, home / "model.safetensors")


def _write_activation(source: ModelFolder, out: Path) -> None:
    """A reranker's activation where sentence-transformers 4.0 to 5.3 look for it: in config.json."""
    config = read_object(out / "config.json").values
    if source.activation_fn is None:
        return
    old = config.get("sentence_transformers")
    stated = old if isinstance(old, dict) else {}
    if stated.get("activation_fn") != source.activation_fn:
        write_json(
            out / "config.json", {**config, "sentence_transformers": {**stated, "activation_fn": source.activation_fn}}
        )


def _write_settings(source: ModelFolder, out: Path) -> None:
    """Prompts and defaults; `__version__` is that of the checkpoint, where it says one."""
    saved = read_object_if_there(source.path / "config_sentence_transformers.json").values
    settings: dict[str, Any] = {
        "__version__": saved.get("__version__", {}),
        "model_type": source.model_type,
        "prompts": source.prompts,
        "default_prompt_name": source.default_prompt_name,
    }
    if source.model_type in SIMILARITY:
        settings["similarity_fn_name"] = source.similarity_fn_name or SIMILARITY[source.model_type]
    for name in ("truncate_dim", "max_active_dims", "activation_fn"):
        if getattr(source, name) is not None:
            settings[name] = getattr(source, name)
    write_json(out / "config_sentence_transformers.json", settings)
