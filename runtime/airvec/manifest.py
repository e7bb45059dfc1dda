"""`airvec.json`: what a model folder's graphs are, where they came from, and what each was measured at.

The one file of ours in a model folder, which loads without it too. Unknown keys are ignored, so that older
versions read newer files; a newer major format version is refused.
Knows nothing of the other files in the folder.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from airvec.errors import ModelFolderError
from airvec.json_file import JsonObject, read_object, short_name
from airvec.paths import StrPath

FILE_NAME = "airvec.json"
FORMAT_VERSION = "1.0"


class GraphRecord(NamedTuple):
    """One graph file: identity, interface, and its distance from the fp32 checkpoint in torch.

    `max_delta` is the largest |difference| on `quantity` ("unit vectors", "sparse values" or "logits", of which `scale`
    is the largest |value|, or 1) and `min_cosine` the smallest cosine over `texts` texts or pairs in mixed batches;
    None where it was not measured. `measured` holds further numbers by name, such as `batch_delta`.
    `modules` are the types of the modules behind the body that the graph holds; `optimized` graphs need no work when
    they are opened; `family` is that of the CPUs that the graph was made for, None for any; `recipe` says how it was
    quantised.
    """

    sha256: str
    size: int
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    opset: int | None = None
    precision: str = "float32"
    max_delta: float | None = None
    min_cosine: float | None = None
    texts: int | None = None
    quantity: str = "unit vectors"
    scale: float = 1.0
    modules: tuple[str, ...] = ()
    optimized: bool = False
    family: str | None = None
    recipe: Mapping[str, Any] = {}
    measured: Mapping[str, float] = {}


class Manifest(NamedTuple):
    """The whole of `airvec.json`; `graphs` is keyed by path inside the folder, such as `onnx/model.onnx`.

    Folders that were packed for deployment hold one graph: `variant` is what `"auto"` stands for there if that is not
    fp32, and `packed` says what the folder was made for and with (`arch`, `airvec`); None and empty in
    all others.
    """

    source: str = ""
    revision: str | None = None
    versions: Mapping[str, str] = {}
    min_onnxruntime: str = "1.23"
    graphs: Mapping[str, GraphRecord] = {}
    format_version: str = FORMAT_VERSION
    variant: str | None = None
    packed: Mapping[str, str] = {}


def read_manifest(folder: StrPath) -> Manifest | None:
    """The manifest of a model folder; None where the folder has none.

    Raises:
        ModelFolderError: the file is damaged, or its major format version is newer than this airvec reads.
    """
    path = os.path.join(folder, FILE_NAME)
    if not os.path.isfile(path):
        return None
    found = read_object(path)
    version = found.text("format_version", FORMAT_VERSION) or FORMAT_VERSION
    if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise ModelFolderError(
            f"{found.file}: format version {version!r}, expected {FORMAT_VERSION!r}. "
            "Upgrade with: pip install --upgrade airvec"
        )
    graphs = found.section("graphs")
    return Manifest(
        source=found.text("source", "") or "",
        revision=found.text("revision"),
        variant=found.text("variant"),
        packed={name: str(value) for name, value in found.section("packed").values.items()},
        versions={name: str(value) for name, value in found.section("versions").values.items()},
        min_onnxruntime=found.text("min_onnxruntime", "1.23") or "1.23",
        graphs={name: _record(graphs.section(name)) for name in graphs.values},
        format_version=version,
    )


def write_manifest(folder: StrPath, manifest: Manifest) -> None:
    """Write `airvec.json` with sorted keys, so that equal manifests are equal bytes."""
    graphs = {name: record._asdict() for name, record in manifest.graphs.items()}
    text = json.dumps({**manifest._asdict(), "graphs": graphs}, indent=2, sort_keys=True)
    with open(os.path.join(folder, FILE_NAME), "w", encoding="utf-8") as file:
        file.write(text + "\n")


def sha256_of(path: StrPath) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    import hashlib  # 2 ms, and opening a model computes no checksum

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_size(path: StrPath, record: GraphRecord) -> None:
    """Compare a graph's size on disk with the manifest's: cheap, and finds every cut download.

    Raises:
        ModelFolderError: the sizes differ.
    """
    found = os.path.getsize(path)
    if found != record.size:
        raise ModelFolderError(
            f"{short_name(path)}: {found} bytes long, {FILE_NAME} says {record.size}. "
            "The file is damaged or cut short: fetch or export it again."
        )


def _record(found: JsonObject) -> GraphRecord:
    def number(key: str) -> float | None:
        value: Any = found.values.get(key)
        return float(value) if isinstance(value, (int, float)) else None

    return GraphRecord(
        sha256=found.text("sha256", "") or "",
        size=found.need_integer("size"),
        inputs=tuple(str(name) for name in found.items("inputs")),
        outputs=tuple(str(name) for name in found.items("outputs")),
        opset=found.integer("opset"),
        precision=found.text("precision", "float32") or "float32",
        max_delta=number("max_delta"),
        min_cosine=number("min_cosine"),
        texts=found.integer("texts"),
        quantity=found.text("quantity", "unit vectors") or "unit vectors",
        scale=number("scale") or 1.0,
        modules=tuple(str(name) for name in found.items("modules")),
        optimized=found.flag("optimized", False),
        family=found.text("family"),
        recipe=dict(found.section("recipe").values),
        measured=_numbers(found.section("measured")),
    )


def _numbers(found: JsonObject) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in found.values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
