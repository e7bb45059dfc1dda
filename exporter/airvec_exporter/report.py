"""What an export leaves to be read: `ExportReport` for people, and the manifest `airvec.json`.

Knows nothing of how a model was loaded, traced and measured.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from airvec import __version__ as airvec_version
from airvec.folder import weights_beside
from airvec.manifest import GraphRecord, Manifest, sha256_of
from airvec_exporter.graph import Graph
from airvec_exporter.verify import Measured, worst
from airvec_exporter.verify.table import table

PACKAGES = ("torch", "transformers", "onnx", "onnxscript", "openvino", "nncf")
OPTIONAL = ("openvino", "nncf")  # said where they made something

# By the body's folder in the checkpoint and by variant.
Graphs = Mapping[tuple[Path, str], Graph]
Measurements = Mapping[tuple[Path, str], Measured]


@dataclass(frozen=True)
class ExportReport:
    """What was written, and how far airvec is from torch on it.

    `kind` is the class that opens it. Of the fp32 graphs of all routes, or of a table: `max_delta` is the largest
    |difference| of any element of `quantity` ("unit vectors", "sparse values" or "logits", the largest of which is
    `scale`) and `min_cosine` the smallest cosine (None for logits), over `texts` texts or pairs of `tokens` (shortest,
    longest) tokens before truncation; `dimension` is their width. `bytes` is the size of the whole folder; `nodes`
    counts the fp32 graphs' nodes by kind, and is empty where there is no graph; `graphs` are the paths of all graphs in
    the folder, `measured` what each variant was measured at, the worst of all routes, and `unseen` the variants that
    this CPU cannot run.
    """

    path: Path
    source: str
    max_delta: float
    min_cosine: float | None
    texts: int
    tokens: tuple[int, int]
    dimension: int
    nodes: dict[str, int]
    seconds: float
    bytes: int
    kind: str = "SentenceTransformer"
    quantity: str = "unit vectors"
    scale: float = 1.0
    graphs: tuple[str, ...] = ()
    measured: dict[str, Measured] = field(default_factory=dict[str, Measured])
    unseen: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The report as a small table, and one of all variants where there are several."""
        inputs = "pairs" if self.min_cosine is None else "texts"
        largest = "" if self.quantity == "unit vectors" else f", the largest {self.scale:.3g}"
        facts = {
            "opens with": f"airvec.{self.kind}",
            inputs: f"{self.texts}, of {self.tokens[0]} to {self.tokens[1]} tokens",
            "max |Δ|": f"{self.max_delta:.1e} on {self.quantity} of {self.dimension} dimensions{largest}",
            "min cosine": "" if self.min_cosine is None else f"{self.min_cosine:.8f}",
            "graphs": ", ".join(self.graphs),
            "attention": f"{self.nodes.get('Attention', 0)} nodes of {sum(self.nodes.values())}",
            "size": f"{self.bytes / 1e6:.1f} MB",
            "time": f"{self.seconds:.1f} s",
        }
        lines = [f"  {name:<10}  {value}" for name, value in facts.items() if value]
        rows = {(self.path, name): one for name, one in self.measured.items()}
        told = len(rows) > 1 or self.unseen or any(one.misses for one in self.measured.values())
        further = ["", table(rows, [(self.path, name) for name in self.unseen])] if told else []
        return "\n".join((f"{self.source} → {self.path}", *lines, *further))


def make_report(
    path: Path, source: str, kind: str, graphs: Graphs, measured: Measurements, seconds: float
) -> ExportReport:
    """The report of a folder in its place.

    Args:
        path: the folder.
        source: name of the checkpoint.
        kind: the class that opens it.
        graphs: those in it, by the body's folder in the checkpoint and by variant; as they were before it was moved.
        measured: what each was measured at; tables have no graph, and are measured as fp32.
        seconds: that it took.
    """
    names = tuple(dict.fromkeys(name for _, name in measured))
    by_variant = {name: worst([one for key, one in measured.items() if key[1] == name]) for name in names}
    found, nodes = by_variant[names[0]], Counter[str]()
    for (_, name), graph in graphs.items():
        nodes.update(graph.nodes if name == names[0] else {})
    files = [file for file in path.rglob("*") if file.is_file()]
    written = {graph.path.name for graph in graphs.values()}
    unseen = tuple(dict.fromkeys(key[1] for key in graphs if key not in measured))
    return ExportReport(
        path, source, found.max_delta, found.min_cosine, found.texts, found.tokens, found.dimension, dict(nodes),
        seconds, sum(file.stat().st_size for file in files), kind, found.quantity, found.scale,
        tuple(sorted(file.relative_to(path).as_posix() for file in files if file.name in written)), by_variant, unseen,
    )  # fmt: skip


def make_manifest(
    source: tuple[str, str | None], folder: Path, graphs: Graphs, measured: Measurements, windows: bool = False
) -> Manifest:
    """The manifest of a written folder.

    Args:
        source: name and revision of the checkpoint.
        folder: what was written.
        graphs: the graphs in it, by the body's folder in the checkpoint and by variant.
        measured: what each was measured at, by the same; may be empty.
        windows: whether a body has sliding windows, behind which ONNX Runtime 1.23 gives NaN for padded texts.
    """
    records: dict[str, GraphRecord] = {}
    for key, graph in graphs.items():
        for file in map(Path, weights_beside(graph.path)):
            records[file.relative_to(folder).as_posix()] = GraphRecord(sha256_of(file), file.stat().st_size)
        records[graph.path.relative_to(folder).as_posix()] = make_record(graph, measured.get(key))
    packages = [package for package in PACKAGES if package not in OPTIONAL or _used(package, graphs)]
    versions = {"airvec": airvec_version} | {package: version(package) for package in packages}
    lowest = "1.24" if windows else Manifest().min_onnxruntime
    return Manifest(source[0], source[1], versions, lowest, records)


def make_record(graph: Graph, measured: Measured | None) -> GraphRecord:
    """What the manifest says of one graph; without its numbers where it was not measured."""
    record = GraphRecord(
        sha256_of(graph.path), graph.path.stat().st_size, graph.inputs, graph.outputs, graph.opset, graph.precision,
        modules=graph.modules, optimized=graph.optimized, family=graph.family, recipe=graph.recipe,
    )  # fmt: skip
    if measured is None:
        return record
    return record._replace(
        max_delta=measured.max_delta, min_cosine=measured.min_cosine, texts=measured.texts,
        quantity=measured.quantity, scale=measured.scale, measured=measured.numbers(),
    )  # fmt: skip


def _used(package: str, graphs: Graphs) -> bool:
    return any(graph.path.suffix == ".xml" and (package == "openvino" or graph.recipe) for graph in graphs.values())


def name_and_revision(path: Path) -> tuple[str, str | None]:
    """Those on the Hub for a folder of its cache, else the folder's own name."""
    parts = path.resolve().parts
    if len(parts) > 3 and parts[-2] == "snapshots" and parts[-3].startswith("models--"):
        return parts[-3].removeprefix("models--").replace("--", "/"), parts[-1]
    return parts[-1], None
