"""Errors of packing models and indexes for deployment.

Knows nothing of the page.
"""

from pathlib import Path

from airvec.deploy.index import pack_index
from airvec.deploy.model import pack_model
from airvec.search import BM25, Retriever
from tests.errors.cases import Case, Topic
from tests.folders import static_model, table, word_model


def with_vnni(home: Path) -> Path:
    (word_model(home) / "onnx" / "model.onnx").rename(home / "onnx" / "model_int8_vnni.onnx")
    return home


def damaged(home: Path) -> Path:
    (word_model(home) / "onnx" / "model.onnx").write_bytes(b"")
    return home


def weightless(home: Path) -> Path:
    static_model(home, {"embedding.weight": table()})
    return home


def own_split(home: Path) -> Path:
    retriever = Retriever(bm25=BM25(split=str.split))
    retriever.index(["a b", "c"])
    retriever.save(home)
    return home


CASES = (
    Case("A variant for another machine", '`pack_model("FOLDER", "out", variant="fastest")`.',
         lambda home: pack_model(word_model(home / "words"), home / "out", variant="fastest")),
    Case("A variant of OpenVINO", '`pack_model("FOLDER", "out", variant="openvino")`.',
         lambda home: pack_model(word_model(home / "words"), home / "out", variant="openvino")),
    Case("An int8 graph of another processor", '`pack_model("FOLDER", "out", variant="int8-x86", arch="arm64")`.',
         lambda home: pack_model(word_model(home / "words"), home / "out", variant="int8-x86", arch="arm64")),
    Case("An int8 graph that some processors refuse", 'The folder has `int8-vnni` alone; `variant="int8"`.',
         lambda home: pack_model(with_vnni(home / "words"), home / "out", variant="int8")),
    Case("A variant of a table to pack", '`pack_model("STATIC", "out", variant="int8")`.',
         lambda home: pack_model(weightless(home / "static"), home / "out", variant="int8")),
    Case("An unknown processor", '`pack_model("FOLDER", "out", arch="amd64")`.',
         lambda home: pack_model(word_model(home / "words"), home / "out", arch="amd64")),
    Case("A class to pack that is none", '`pack_model("FOLDER", "out", kind="dense")`.',
         lambda home: pack_model(word_model(home / "words"), home / "out", kind="dense")),
    Case("A damaged graph to pack", "`model.onnx` is empty. Nothing is left at `out`.",
         lambda home: pack_model(damaged(home / "words"), home / "out")),
    Case("A folder that is no package", '`pack_model("FOLDER", "OTHER MODEL")`.',
         lambda home: pack_model(word_model(home / "words"), word_model(home / "mine"))),
    Case("A package inside its model", '`pack_model("FOLDER", "FOLDER/packed")`.',
         lambda home: pack_model(word_model(home / "words"), home / "words" / "packed")),
    Case("A package inside its index", '`pack_index("INDEX", "INDEX/packed")`.',
         lambda home: pack_index(own_split(home / "index"), home / "index" / "packed")),
    Case("An index with a function of its own", "Its words were split by a function, which no folder holds.",
         lambda home: pack_index(own_split(home / "index"), home / "out")),
)  # fmt: skip
TOPIC = Topic(
    "Packing models",
    "`airvec package` packs the model, the reranker and the index by these functions: docs/packed-models.md.",
    CASES,
)
