"""Everything known of a model → the text of its README.md: front matter and template.

Knows nothing of how a model is trained and saved.
"""

from collections.abc import Mapping
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Any

from airvec.folder import DENSE, RERANKER, SPARSE
from airvec_trainer.card.architecture import architecture, model_type, similarity_name
from airvec_trainer.card.citations import SENTENCE_BERT
from airvec_trainer.card.data import ModelCardData, begin_card
from airvec_trainer.card.markdown import line, plain
from airvec_trainer.card.results import evaluations, log_table, metric_names, model_index
from airvec_trainer.card.usage import placeholder, usage

__all__ = ["generate_model_card", "write_card"]

TEMPLATE = Path(__file__).with_name("template.md.jinja")
LONG_LOG = 100
# What the template may ask for of a data set, where it is not known.
ENTRY: dict[str, Any] = {
    "name": None, "id": None, "revision": None, "size": None, "columns": [], "statistics": "", "samples": "",
    "loss": None,
}  # fmt: skip
PIPELINES = {DENSE: "sentence-similarity", SPARSE: "feature-extraction"}
PAGES = {DENSE: "sentence_transformer", SPARSE: "sparse_encoder", RERANKER: "cross_encoder"}
LIBRARIES = {
    "airvec": "airvec", "Transformers": "transformers", "PyTorch": "torch", "Accelerate": "accelerate",
    "Datasets": "datasets", "Tokenizers": "tokenizers",
}  # fmt: skip


def write_card(model: Any, folder: str | Path, name: str | None = None) -> None:
    """Write `folder/README.md`; the arguments are those of `generate_model_card`."""
    (Path(folder) / "README.md").write_text(generate_model_card(model, name), encoding="utf-8")


def generate_model_card(model: Any, name: str | None = None) -> str:
    """The text of a model's card.

    A model that came with a card and was not trained since keeps it, word for word.

    Args:
        model: with `model_card_data`, of one of the three kinds.
        name: the title, in place of the card's own.
    """
    data = model.model_card_data or begin_card(model.kind, None)
    if data.text and not data.trained:
        return _with_id(data.text, model.kind, data.model_id)
    title = line(name or data.model_name or _title(model, data))
    text = _template().render(_values(model, data, title))
    return text.encode("utf-8", "replace").decode("utf-8")


def _with_id(text: str, kind: str, model_id: str | None) -> str:
    """A card that was made before the model had a name: it has one now."""
    if model_id is None:
        return text
    return text.replace(f'model = {kind}("{placeholder(kind)}"', f'model = {kind}("{model_id}"')


def _title(model: Any, data: ModelCardData) -> str:
    kind = model_type(model) if model.kind == SPARSE else model.kind
    return f"{kind} based on {data.base_model}" if data.base_model and model.kind != SPARSE else kind


def _template() -> Any:
    from jinja2 import Environment, StrictUndefined

    # The page is Markdown, in which texts are escaped where they are put in: HTML's escapes would be shown.
    rules = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701
    rules.filters |= {"line": line, "plain": plain, "text": lambda value: escape(line(value), quote=False)}
    rules.globals["linked"] = linked
    return rules.from_string(TEMPLATE.read_text(encoding="utf-8"))


def linked(class_name: str, room: str) -> str:
    """A class of ours with the page of sentence-transformers that describes it; another one by its full name."""
    own = class_name.rpartition(".")[2]
    if not class_name.startswith("airvec_trainer."):
        return f"<code>{class_name}</code>"
    sparse = own.startswith(("Sparse", "Splade", "CachedSplade", "CSR", "Flops"))
    rerank = ".rerank" in class_name or own.startswith("CrossEncoder")
    page = PAGES[RERANKER if rerank else SPARSE if sparse else DENSE]
    anchor = f"#{own.lower()}" if room == "losses" else ""
    return f"[<code>{own}</code>](https://www.sbert.net/docs/package_reference/{page}/{room}.html{anchor})"


def _values(model: Any, data: ModelCardData, title: str) -> dict[str, Any]:
    """What the template may ask for."""
    ir_model(model, data)
    ours = usage(model, data, data.model_id or placeholder(model.kind), "airvec")
    seconds, evaluating = data.training_seconds, data.evaluation_seconds
    return {
        "front_matter": front_matter(model, data, title),
        "title": title,
        "data": data,
        "train": [ENTRY | entry for entry in data.train_datasets],
        "evaluation": [ENTRY | entry for entry in data.eval_datasets],
        "kind": model.kind,
        "model_type": model_type(model),
        "page": PAGES[model.kind],
        "task": plain(data.task_name or _task(model)),
        "max_seq_length": model.max_seq_length,
        "dimension": None if model.kind == RERANKER else model.get_embedding_dimension(),
        "labels": model.num_labels if model.kind == RERANKER else None,
        "similarity": None if model.kind == RERANKER else similarity_name(model),
        "architecture": architecture(model),
        "ours": ours,
        "theirs": ours.replace("from airvec import", "from sentence_transformers import", 1),
        "evaluations": evaluations(data),
        "log": log_table(data),
        "long_log": len(data.training_logs) > LONG_LOG,
        "training_time": None if seconds is None else duration(max(seconds - evaluating, 0.0)),
        "evaluation_time": duration(evaluating) if evaluating else None,
        "total_time": None if seconds is None else duration(seconds),
        "versions": {"Python": python_version(), **{shown: _version(found) for shown, found in LIBRARIES.items()}},
        "citations": _citations(data),
    }


def ir_model(model: Any, data: ModelCardData) -> None:
    """Note whether queries and documents are unlike for the model: it has routes, or prompts for them."""
    names = ("query", "document", "passage", "corpus")
    if data.ir_model is None and (type(model[0]).__name__ == "Router" or any(model.prompts.get(one) for one in names)):
        data.ir_model = True


def _task(model: Any) -> str:
    return "text reranking and semantic search" if model.num_labels == 1 else "text pair classification"


def _pipeline(model: Any) -> str:
    if model.kind == RERANKER:
        return "text-ranking" if model.num_labels == 1 else "text-classification"
    return PIPELINES[model.kind]


def front_matter(model: Any, data: ModelCardData, title: str) -> str:
    """The YAML above the page, as the Hub reads it; keys without a value are left out."""
    from huggingface_hub.utils import yaml_dump

    kinds = [word.lower() for word in model_type(model).removesuffix("Sparse Encoder").split()]
    ids = [entry["id"] for entry in [*data.train_datasets, *data.eval_datasets] if entry.get("id")]
    found = {
        "language": data.language,
        "license": data.license,
        "tags": list(dict.fromkeys([*data.tags, *(kinds if model.kind == SPARSE else [])])),
        "base_model": data.base_model,
        "widget": data.widget,
        "datasets": list(dict.fromkeys(ids)),
        "pipeline_tag": _pipeline(model),
        "library_name": "sentence-transformers",
        "metrics": metric_names(data),
        "co2_eq_emissions": data.emissions,
        "model-index": model_index(data, title),
    }
    kept: Mapping[str, Any] = {key: value for key, value in found.items() if value}
    return yaml_dump(kept, sort_keys=False).strip()


def _citations(data: ModelCardData) -> list[tuple[str, str]]:
    """Who is cited for what: losses of the same paper share an entry."""
    by_text: dict[str, list[str]] = {SENTENCE_BERT: ["Sentence Transformers"]}
    for name, text in data.citations.items():
        by_text.setdefault(text, []).append(name)
    return [(" and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names), text)
            for text, names in by_text.items()]  # fmt: skip


def duration(seconds: float) -> str:
    """A time in words.

    >>> duration(12), duration(90), duration(5400)
    ('12.0 seconds', '1.5 minutes', '1.5 hours')
    """
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} seconds"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
