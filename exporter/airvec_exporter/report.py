"""What an export leaves to be read: `ExportReport` for people, and the manifest `airvec.json`.

Knows nothing of how a model was loaded, traced and measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from airvec import __version__ as airvec_version
from airvec.manifest import GraphRecord, Manifest, sha256_of
from airvec_exporter.graph import Graph
from airvec_exporter.verify import Measured

PACKAGES = ("torch", "transformers", "onnx", "onnxscript")


@dataclass(frozen=True)
class ExportReport:
    """What was written, and how far airvec is from torch on it: the worst of all graphs and routes.

    `kind` is the class that opens it. `max_delta` is the largest |difference| of any element of `quantity` ("unit
    vectors", "sparse values" or "logits", the largest of which is `scale`) and `min_cosine` the smallest cosine (None
    for logits), over `texts` texts or pairs of `tokens` (shortest, longest) tokens before truncation; `dimension` is
    their width; `bytes` the size of the whole folder; `nodes` counts all graphs' nodes by kind, and is empty where
    there is no graph; `graphs` are the paths of the graphs in the folder.
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

    def __str__(self) -> str:
        """The report as a small table."""
        inputs = "pairs" if self.min_cosine is None else "texts"
        largest = "" if self.quantity == "unit vectors" else f", the largest {self.scale:.3g}"
        rows = {
            "opens with": f"airvec.{self.kind}",
            inputs: f"{self.texts}, of {self.tokens[0]} to {self.tokens[1]} tokens",
            "max |Δ|": f"{self.max_delta:.1e} on {self.quantity} of {self.dimension} dimensions{largest}",
            "min cosine": "" if self.min_cosine is None else f"{self.min_cosine:.8f}",
            "graphs": ", ".join(self.graphs),
            "attention": f"{self.nodes.get('Attention', 0)} nodes of {sum(self.nodes.values())}",
            "size": f"{self.bytes / 1e6:.1f} MB",
            "time": f"{self.seconds:.1f} s",
        }
        lines = (f"  {name:<10}  {value}" for name, value in rows.items() if value)
        return "\n".join((f"{self.source} → {self.path}", *lines))


def make_manifest(
    source: tuple[str, str | None], folder: Path, graphs: Sequence[Graph], measured: Mapping[Path, Measured]
) -> Manifest:
    """The manifest of a written folder.

    Args:
        source: name and revision of the checkpoint.
        folder: what was written.
        graphs: the graphs in it.
        measured: what each was measured at, by its path.
    """
    records: dict[str, GraphRecord] = {}
    for graph in graphs:
        for file in sorted(
            graph.path.parent.glob(f"{graph.path.name}*")
        ):  # the graph, and its weights if they lie beside
            records[file.relative_to(folder).as_posix()] = GraphRecord(sha256_of(file), file.stat().st_size)
        found = measured[graph.path]
        records[graph.path.relative_to(folder).as_posix()] = GraphRecord(
            sha256_of(graph.path), graph.path.stat().st_size, graph.inputs, graph.outputs, graph.opset,
            max_delta=found.max_delta, min_cosine=found.min_cosine, texts=found.texts, quantity=found.quantity,
            scale=found.scale,
        )  # fmt: skip
    versions = {"airvec": airvec_version} | {package: version(package) for package in PACKAGES}
    return Manifest(source=source[0], revision=source[1], versions=versions, graphs=records)


def name_and_revision(path: Path) -> tuple[str, str | None]:
    """Those on the Hub for a folder of its cache, else the folder's own name."""
    parts = path.resolve().parts
    if len(parts) > 3 and parts[-2] == "snapshots" and parts[-3].startswith("models--"):
        return parts[-3].removeprefix("models--").replace("--", "/"), parts[-1]
    return parts[-1], None
