"""The ten checks, one function each: a `Subject` → a `Finding`.

Knows nothing of how a model is run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from os import PathLike
from pathlib import Path

import numpy as np

from airvec.arrays import Floats
from airvec.doctor.subject import Subject, open_subject
from airvec.folder import RERANKER, ModuleSpec
from airvec.modules.normalize import unit

OK, WARN, FIX = "ok", "warn", "fix"
TEXTS_AT_MOST = 2000  # of the user's texts; more would take minutes and change no finding
QUERY_TOKENS = 16  # of a question, which shares a reranker's limit with the document
DILUTED = 512  # tokens; above, one vector averages too many topics
UNRELATED_HIGH = 0.6  # a cosine that people take for "related", and that unrelated texts should not reach
LENGTH_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Finding:
    """The result of one check: `state` is `"ok"`, `"warn"` or `"fix"`; `advice` may be empty where all is well."""

    check: str
    state: str
    found: str
    advice: str = ""


def examine(folder: str | PathLike[str], texts: Sequence[str] = ()) -> list[Finding]:
    """Look for the ten pitfalls in a model folder.

    Args:
        folder: a model folder.
        texts: some of the texts it is used on, which several checks need; at most 2,000 are looked at.

    Returns:
        A finding a check, in the order of `CHECKS`.

    Raises:
        ModelNotFoundError: no such folder.
        ModelFolderError: it cannot be opened at all.
    """
    subject = open_subject(Path(folder), list(texts)[:TEXTS_AT_MOST])
    return [check(subject) for check in CHECKS]


def missing_prefix(subject: Subject) -> Finding:
    """Families that were trained with a prefix lose quality without it, and nothing says so."""
    name, family = "prefix", subject.family
    if family is None or not (family.query or family.document):
        known = "the model's name is of no family that needs one" if family is None else f"{family.name} needs none"
        return Finding(name, OK, known, "If its card names a prefix, pass it as prompts={'query': …}.")
    missing = [
        (key, wanted)
        for key, wanted in (("query", family.query), ("document", family.document))
        if wanted and not subject.folder.prompts.get(key)
    ]
    if not missing:
        return Finding(name, OK, f"{family.name}: its prefixes are saved with the model", "Use encode_query.")
    wanted = ", ".join(f"{key!r}: {text!r}" for key, text in missing)
    return Finding(
        name, FIX, f"{family.name} was trained with prefixes that this folder does not have",
        f"Open it with prompts={{{wanted}}} and use encode_query and encode_document.",
    )  # fmt: skip


def unnormalised_with_dot(subject: Subject) -> Finding:
    """A dot product of vectors that are not of length 1 is not their cosine."""
    name = "length of vectors"
    if not subject.is_dense:
        return Finding(name, OK, f"a {subject.folder.model_type} gives no dense vectors")
    lengths = np.linalg.norm(subject.vectors, axis=1)
    if np.abs(lengths - 1).max() <= LENGTH_TOLERANCE:
        return Finding(name, OK, "every vector has length 1: dot product and cosine are the same")
    found = f"lengths from {lengths.min():.2f} to {lengths.max():.2f}"
    if subject.folder.similarity_fn_name == "dot":
        return Finding(
            name, OK, f"{found}, and the model is made for the dot product",
            "Do not normalise, and do not read its scores as cosines.",
        )  # fmt: skip
    return Finding(
        name, WARN, f"{found}: a dot product of them is not the cosine",
        "Pass normalize_embeddings=True, to texts and queries alike, before a dot-product index.",
    )  # fmt: skip


def truncation(subject: Subject) -> Finding:
    """What lies behind the limit is not in the vector."""
    name, limit = "truncation", subject.limit
    if limit is None:
        return Finding(name, OK, "the model has no length limit")
    if not subject.texts:
        return Finding(name, WARN, f"the model reads {limit} tokens; no texts were given to check", "Give some texts.")
    if subject.folder.model_type == RERANKER:
        return _truncated_pairs(name, subject, limit)
    over = int((subject.lengths > limit).sum())
    if not over:
        return Finding(name, OK, f"all {len(subject.texts)} texts fit: {subject.lengths.max()} of {limit} tokens")
    return Finding(
        name, FIX, f"{over} of {len(subject.texts)} texts have more than {limit} tokens, up to {subject.lengths.max()}",
        'Cut them with airvec.chunk, or pass on_truncate="chunk" (or "error", to be told).',
    )  # fmt: skip


def _truncated_pairs(name: str, subject: Subject, limit: int) -> Finding:
    """A reranker's limit is that of query and document together."""
    room = limit - QUERY_TOKENS
    over = int((subject.lengths > room).sum())
    found = f"{over} of {len(subject.texts)} texts leave no room for a query of {QUERY_TOKENS} of the {limit} tokens"
    if not over:
        return Finding(name, OK, f"{found}: the longest has {subject.lengths.max()}")
    return Finding(name, FIX, found, f"Cut them to {room} tokens with airvec.chunk, and take the best chunk's score.")


def mixed_normalisation(subject: Subject) -> Finding:
    """Queries of length 1 against documents of other lengths: the ranking is that of the lengths."""
    name = "both sides alike"
    ends = {task: any(spec.type == "Normalize" for spec in subject.folder.chain(task)) for task in _tasks(subject)}
    if len(set(ends.values())) > 1:
        plain = ", ".join(repr(task) for task, normalises in ends.items() if not normalises)
        return Finding(
            name, FIX, f"the route {plain} does not normalise, another one does",
            "Pass normalize_embeddings=True on both sides.",
        )  # fmt: skip
    return Finding(
        name, OK, "queries and documents pass the same normalisation",
        "Pass normalize_embeddings on both sides or on neither.",
    )  # fmt: skip


def wrong_pooling(subject: Subject) -> Finding:
    """A model gives other vectors under another pooling, without any error."""
    name, family = "pooling", subject.family
    specs = [spec for task in _tasks(subject) for spec in subject.folder.chain(task) if spec.type == "Pooling"]
    if not specs:
        return Finding(name, OK, "the model has no pooling module")
    wanted = family.pooling if family else None
    spec = next((spec for spec in specs if wanted and _modes(spec) != [wanted]), specs[0])
    modes = _modes(spec)
    if family is not None and wanted is not None and modes != [wanted]:
        return Finding(
            name, FIX, f"pooling is {'+'.join(modes)}, {family.name} was trained with {wanted}",
            f"Correct {spec.path.name}/config.json, or fetch the model's own modules.json.",
        )  # fmt: skip
    if not (subject.folder.path / "modules.json").is_file():
        return Finding(
            name, WARN, f"no modules.json: {'+'.join(modes)} pooling is assumed", "Look up the pooling on its card."
        )
    return Finding(name, OK, f"{'+'.join(modes)}, as the folder states")


def diluted_chunks(subject: Subject) -> Finding:
    """A vector of a long text is near to everything and to nothing."""
    name = "size of texts"
    if not subject.texts:
        return Finding(name, WARN, "no texts were given to check", "256 to 512 tokens a text is a good size.")
    long = int((subject.lengths > DILUTED).sum())
    if not long:
        return Finding(name, OK, f"the median text has {int(np.median(subject.lengths))} tokens, none over {DILUTED}")
    return Finding(
        name, WARN, f"{long} of {len(subject.texts)} texts have more than {DILUTED} tokens",
        "Cut them into pieces of 256 to 512 tokens: airvec.chunk(text, tokens=254, overlap=32).",
    )  # fmt: skip


def symmetric_for_queries(subject: Subject) -> Finding:
    """A model of paraphrases finds texts that look like the question, not those that answer it."""
    name, family = "queries", subject.family
    if family is None:
        return Finding(
            name, OK, "the model's name does not say what it was trained on",
            "For questions against passages its card should name retrieval, such as MS MARCO.",
        )  # fmt: skip
    if not family.symmetric:
        return Finding(name, OK, f"{family.name} is made for questions against passages")
    return Finding(
        name, WARN, f"{subject.folder.name} is made for texts of one kind: paraphrases, duplicates, FAQ questions",
        "For short questions against long passages try a model of retrieval: E5, BGE, GTE, multi-qa, or a reranker.",
    )  # fmt: skip


def uncalibrated_thresholds(subject: Subject) -> Finding:
    """0.7 is much for one model and nothing for another."""
    name = "thresholds"
    if not subject.is_dense or len(subject.vectors) < 2:
        return Finding(name, OK, f"a {subject.folder.model_type} gives no cosines", "Calibrate its scores on labels.")
    median, high = np.quantile(_cosines(subject.vectors), [0.5, 0.95])
    whose = "of yours" if subject.probes == subject.texts else "that are unrelated"
    found = f"two texts {whose} score {median:.2f} (median), {high:.2f} (95 of 100 pairs are below)"
    advice = "Choose a threshold on labelled pairs of your own, not by its look."
    return Finding(name, WARN if high > UNRELATED_HIGH else OK, found, advice)


def load_a_call(subject: Subject) -> Finding:
    """Opening a model costs what thousands of texts cost."""
    found = f"opening it took {subject.seconds_to_open:.2f} s on this machine"
    return Finding("opening", OK, found, "Open it once, at the top of a module, not in a function that serves calls.")


def onnxruntime_twice(subject: Subject) -> Finding:
    """Two packages of ONNX Runtime overwrite each other's files; OpenVINO, which is an extra, is told beside it."""
    name = "onnxruntime"
    versions = {str(found.metadata["Name"]).lower().replace("_", "-"): found.version for found in distributions()}
    installed = sorted(found for found in versions if found.startswith("onnxruntime") and "extensions" not in found)
    if len(installed) > 1:
        return Finding(
            name, FIX, f"installed side by side: {', '.join(installed)}",
            f"pip uninstall -y {' '.join(installed)} && pip install {installed[-1]}",
        )  # fmt: skip
    once = f"installed once: {installed[0]}" if installed else "not installed: no ONNX graphs"
    other = f"openvino {versions['openvino']}" if "openvino" in versions else "openvino is not installed"
    return Finding(name, OK, f"{once}; {other}")


def _tasks(subject: Subject) -> Sequence[str]:
    """The routes of the model's Router, or the two sides of a search where it has none."""
    router = next((module.router for module in subject.folder.modules if module.router), None)
    return list(router.routes) if router else ("query", "document")


def _modes(spec: ModuleSpec) -> list[str]:
    from airvec.modules.pooling import Pooling

    return list(Pooling.from_spec(spec).modes)


def _cosines(vectors: Floats) -> Floats:
    """The cosine of every pair of rows, each once: (n, dim) -> (n (n - 1) / 2,)."""
    rows = unit(vectors)
    return (rows @ rows.T)[np.triu_indices(len(rows), 1)]


CHECKS: tuple[Callable[[Subject], Finding], ...] = (
    missing_prefix,
    unnormalised_with_dot,
    truncation,
    mixed_normalisation,
    wrong_pooling,
    diluted_chunks,
    symmetric_for_queries,
    uncalibrated_thresholds,
    load_a_call,
    onnxruntime_twice,
)
