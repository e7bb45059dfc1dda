"""The model card, README.md: the checkpoint's own with its front matter completed, or a new one with what was measured.

Knows nothing of the Hub.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

from airvec.errors import ModelFolderError
from airvec.folder import DENSE, RERANKER, SPARSE, ModelFolder, read_folder
from airvec.manifest import GraphRecord, Manifest

CARD = "README.md"
LIBRARY, TAGS = "sentence-transformers", ("airvec", "onnx")
PIPELINES = {DENSE: "sentence-similarity", SPARSE: "feature-extraction", RERANKER: "text-ranking"}
QUERY, DOCUMENT = "How many people live in Berlin?", "Berlin has 3.7 million inhabitants."
CALLS = {
    DENSE: f'embeddings = model.encode(["{QUERY}", "{DOCUMENT}"])',
    SPARSE: f'embeddings = model.encode(["{QUERY}", "{DOCUMENT}"])',
    RERANKER: f'scores = model.predict([("{QUERY}", "{DOCUMENT}")])',
}
BAR = r"\|"  # in a cell of Markdown's tables; a bare one would begin the next cell
DESCRIPTIONS = {
    DENSE: "sentence embeddings",
    SPARSE: "sparse embeddings",
    RERANKER: "scores of pairs of texts",
}
# Columns: what a graph was measured at, in this order, where any graph was.
HEADINGS = {
    "max_delta": "max |Δ|", "mean_cosine": "mean cosine", "min_cosine": "min cosine",
    "rank_correlation": "rank correlation", "top10_overlap": "top-10 overlap", "batch_delta": "neighbours move it by",
    "sts": "STS", "ndcg": "NDCG@10", "load_ms": "load, ms", "one_text_ms": "one text, ms",
    "texts_per_second": "texts a second",
}  # fmt: skip


def make_card(folder: Path, name: str) -> str:
    """The card of a model folder, as it is pushed; nothing on disk changes.

    Args:
        folder: a model folder, whose README.md is kept if it has one.
        name: what the model is called on the Hub.

    Raises:
        ModelFolderError: a damaged file, or a README.md whose front matter is not YAML.
    """
    model = read_folder(folder)
    path = folder / CARD
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else _new(model, name)
    return _completed(text, model, name)


def _completed(text: str, model: ModelFolder, name: str) -> str:
    """Keys that the front matter lacks, and our tags after its own."""
    from huggingface_hub import RepoCard

    try:
        card: Any = RepoCard(text if text.lstrip("\ufeff").startswith("---") else f"---\n{{}}\n---\n{text}")
    except Exception as error:  # YAML's, from a module that the Hub's client does not show
        reason = " ".join(str(error).split())
        raise ModelFolderError(
            f"{model.name}/{CARD}: its front matter is not YAML ({reason}), expected keys and values between two "
            "lines of ---. Correct it."
        ) from error
    data = card.data
    stated = data.get("tags") or []
    tags = [stated] if isinstance(stated, str) else list(stated)
    wanted: dict[str, object] = {"library_name": LIBRARY, "pipeline_tag": PIPELINES.get(model.model_type)}
    source = model.manifest.source if model.manifest else ""
    if "/" in source and source != name:
        wanted["base_model"] = source
    for key, value in wanted.items():
        if data.get(key) is None and value is not None:
            data[key] = value
    data["tags"] = [*tags, *(tag for tag in TAGS if tag not in tags)]
    return str(card)


def _new(model: ModelFolder, name: str) -> str:
    source = model.manifest.source if model.manifest else ""
    origin = f" Made by `airvec export` from {source}." if source else ""
    kind, call = model.model_type, CALLS.get(model.model_type, "")
    parts = [
        f"# {name.rpartition('/')[2]}",
        f"A model for {DESCRIPTIONS.get(kind, 'texts')}, which runs without torch.{origin}",
        "\n".join(("```python", f"from airvec import {kind}", f'model = {kind}("{name}")', call, "```")),
    ]
    if model.manifest and model.manifest.graphs:
        parts += ["Each graph against torch in float32, on real texts:", _table(model.manifest)]
    return "\n\n".join(parts) + "\n"


def _table(manifest: Manifest) -> str:
    graphs = {path: record for path, record in sorted(manifest.graphs.items()) if record.outputs}
    found = {path: _numbers(record) for path, record in graphs.items()}
    columns = [name for name in HEADINGS if any(name in numbers for numbers in found.values())]
    lines = [["graph", "MB", *(HEADINGS[name] for name in columns)], ["---"] * (2 + len(columns))]
    for path in graphs:
        cells = [f"{found[path][name]:.4g}" if name in found[path] else "" for name in columns]
        lines.append([f"`{path}`", f"{_megabytes(manifest, path):.1f}", *cells])
    return "\n".join(f"| {' | '.join(cell.replace('|', BAR) for cell in line)} |" for line in lines)


def _megabytes(manifest: Manifest, graph: str) -> float:
    """A graph's size with its weights: as measured, else those of its name, `model.onnx_data` or `….bin` of `….xml`."""
    name = graph.removesuffix("xml")
    size = sum(record.size for path, record in manifest.graphs.items() if path.startswith(name))
    return manifest.graphs[graph].measured.get("megabytes", size / 1e6)


def _numbers(record: GraphRecord) -> dict[str, float]:
    own = {entry.name: getattr(record, entry.name) for entry in fields(record) if entry.name in HEADINGS}
    return {**record.measured, **{name: value for name, value in own.items() if value is not None}}
