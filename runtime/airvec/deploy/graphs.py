"""The graph of each of a model's bodies that goes into a package: chosen, saved, and described in airvec.json.

Knows nothing of the other files of a model folder.
"""

from collections.abc import Sequence
from pathlib import Path

from airvec.deploy.variant import FAMILY, names_for
from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder import (
    FP32_VARIANTS,
    ONNX,
    ModelFolder,
    ModuleSpec,
    graph_files,
    graph_record,
    inside,
    runs_here,
    variant_of,
    variants_of,
)
from airvec.folder.graphs import auto_names, look_up_graph
from airvec.folder.variants import family_of
from airvec.graph_weights import is_weight_of, weights_beside
from airvec.json_file import short_name
from airvec.manifest import FILE_NAME, GraphRecord, Manifest, sha256_of


def choose_graphs(source: ModelFolder, variant: str, arch: str) -> list[Path]:
    """The graph of each body that has one; none in static models.

    Args:
        source: the model.
        variant: as `airvec.deploy.variant.names_for` takes it.
        arch: `"x86_64"` or `"arm64"`.

    Raises:
        ArgumentError: a variant of a model without graphs, or one that cannot be packed for this architecture.
        ModelFolderError: no such graph; the message says which there are.
    """
    names = names_for(variant, arch)
    bodies = [body for body in source.bodies() if body.type == "Transformer"]
    if not bodies and variant not in FP32_VARIANTS:
        raise ArgumentError(f"variant: {variant!r}, but {source.name} has no graph. Leave the argument out.")
    if variant == "int8" and not all(_has_one_of(names, body) for body in bodies):
        raise ModelFolderError(_no_int8(source, names[0], arch))
    for body in bodies:
        packable = [name for name, file in variants_of(source, body).items() if file.endswith(".onnx")]
        if variant != "auto" and packable and not _has_one_of(names, body):
            raise ModelFolderError(
                f"variant: {variant!r}, but {source.name} has no {names[0]}, expected one of {', '.join(packable)}. "
                "Name one of them (--variant); airvec export --variants makes more."
            )
    found = [
        Path(look_up_graph(source, auto_names(source, body) if variant == "auto" else names, body)) for body in bodies
    ]
    for graph in found:  # what "auto" stands for in a folder that was packed may be for other CPUs
        names_for(variant_of(graph.name), arch)
    return found


def check_sums(source: ModelFolder, graphs: Sequence[Path]) -> None:
    """Compare graphs, their weights and whatever else airvec.json states a SHA-256 of, but the other graphs.

    A graph with other bytes of the same length opens, and gives other numbers.

    Raises:
        ModelFolderError: a file is damaged.
    """
    chosen = {graph.relative_to(source.path).as_posix() for graph in graphs}
    others = set(graph_files(source)) - chosen
    for name, said in (source.manifest or Manifest()).graphs.items():
        file = Path(inside(source.home, name, f"{source.name}/{FILE_NAME}"))
        of_another = name in others or any(is_weight_of(name, other) for other in others)
        if said.sha256 and file.is_file() and not of_another:
            _check_sum(file, said.sha256)


def runnable(source: ModelFolder, graphs: Sequence[Path]) -> bool:
    """Whether this machine's CPU gives the right numbers of all of them."""
    records = {graph: graph_record(source, graph) for graph in graphs}
    return all(runs_here((said and said.family) or family_of(graph.name)) for graph, said in records.items())


def save_graphs(source: ModelFolder, graphs: Sequence[Path], fresh: Path, arch: str) -> Manifest:
    """Save graphs at the same places in a new folder.

    Args:
        source: the model.
        graphs: of `choose_graphs`.
        fresh: the new folder.
        arch: what they are to run on.

    Returns:
        airvec.json of the new folder: what the source says of itself and was measured at, with these graphs only.

    Raises:
        ModelFolderError: a graph is damaged.
        OSError: the disk is full, or cannot be written to.
    """
    manifest = source.manifest or Manifest(source.name)
    records: dict[str, GraphRecord] = {}
    lowest = manifest.min_onnxruntime
    for graph in graphs:
        from airvec.backends.onnx_saving import save_graph  # static models need no onnxruntime

        said = graph_record(source, graph)
        target = fresh / graph.relative_to(source.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        saved = save_graph(graph, target, optimized=said is not None and said.optimized, arch=arch)
        lowest = saved.min_onnxruntime or lowest
        for file in (target, *map(Path, weights_beside(target))):
            records[file.relative_to(fresh).as_posix()] = GraphRecord(sha256_of(file), file.stat().st_size)
        name = target.relative_to(fresh).as_posix()
        records[name] = (said or GraphRecord("", 0, precision="unknown"))._replace(
            sha256=records[name].sha256, size=records[name].size,
            inputs=saved.inputs, outputs=saved.outputs, optimized=saved.optimized,
        )  # fmt: skip
    others = {variant_of(graph.name) for graph in graphs} - {"fp32"}
    return manifest._replace(graphs=records, min_onnxruntime=lowest, variant=min(others, default=None))


def _has_one_of(names: Sequence[str], body: ModuleSpec) -> bool:
    return any((place / name).is_file() for place in (body.path, body.path / ONNX) for name in names)


def _check_sum(file: Path, expected: str) -> None:
    found = sha256_of(file)
    if found != expected:
        raise ModelFolderError(
            f"{short_name(file)}: its SHA-256 is {found}, {FILE_NAME} says {expected}. The file is damaged: fetch or "
            "export it again."
        )


def _no_int8(source: ModelFolder, name: str, arch: str) -> str:
    variant = f"int8-{FAMILY[arch]}"
    make = f"Make one with airvec export --variants {variant}"
    if arch == "x86_64" and any(source.path.rglob("model_int8_vnni.onnx")):
        return (
            f"{source.name}: its int8 graph is int8-vnni, which x86 CPUs without VNNI refuse (Intel's before Cascade "
            f"Lake, AMD's before Zen 4), and a package does not choose its CPU; expected {variant}, right on all. "
            f"{make}, or name the variant int8-vnni."
        )
    return f"{source.name}: no {name}, the int8 graph that each {arch} CPU runs right, expected one. {make}."
