"""The model card, README.md: the checkpoint's own with its front matter completed, or a new one with what was measured.

Knows nothing of the Hub.
"""

from pathlib import Path
from typing import Any

from airvec.cli.measured import columns
from airvec.errors import ModelFolderError
from airvec.folder import DENSE, RERANKER, SPARSE, ModelFolder, read_folder
from airvec.graph_weights import is_weight_of
from airvec.manifest import Manifest

CARD = "README.md"
LIBRARY, TAGS = "sentence-transformers", ("airvec", "onnx")
PIPELINES = {DENSE: "sentence-similarity", SPARSE: "feature-extraction", RERANKER: "text-ranking"}
QUERY, DOCUMENT = "How many people live in Berlin?", "Berlin has 3.7 million inhabitants."
CALLS = {
    DENSE: f'embeddings = model.encode(["{QUERY}", "{DOCUMENT}"])',
    SPARSE: f'embeddings = model.encode(["{QUERY}", "{DOCUMENT}"])',
    RERANKER: f'scores = model.predict([("{QUERY}", "{DOCUMENT}")])',
}
MEASURED = "Each graph against the model in float32, on real texts; times in ms, `top10` in percent:"
BAR = r"\|"  # in a cell of Markdown's tables; a bare one would begin the next cell
DESCRIPTIONS = {
    DENSE: "sentence embeddings",
    SPARSE: "sparse embeddings",
    RERANKER: "scores of pairs of texts",
}


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
        parts += [MEASURED, _table(model.manifest)]
    return "\n\n".join(parts) + "\n"


def _table(manifest: Manifest) -> str:
    graphs = {path: record for path, record in sorted(manifest.graphs.items()) if record.outputs}
    titles, cells = columns([_numbers(manifest, path) for path in graphs])
    lines = [["graph", *titles], ["---"] * (1 + len(titles))]
    lines += [[f"`{path}`", *row] for path, row in zip(graphs, cells, strict=True)]
    return "\n".join(f"| {' | '.join(cell.replace('|', BAR) for cell in line)} |" for line in lines)


def _numbers(manifest: Manifest, graph: str) -> dict[str, float]:
    """What a graph was measured at, and its size with its weights."""
    record = manifest.graphs[graph]
    own = [other.size for path, other in manifest.graphs.items() if path == graph or is_weight_of(path, graph)]
    older = {"max_delta": record.max_delta, "min_cosine": record.min_cosine}
    known = {name: value for name, value in older.items() if value is not None}
    return {"megabytes": sum(own) / 1e6, **known, **record.measured}
