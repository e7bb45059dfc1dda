"""`airvec.serverless` in processes of its own, as Lambda imports it: what it finds, opens, imports and leaves alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import airvec
from airvec import SentenceTransformer
from airvec.search import Retriever
from tests.folders import reranker, word_model
from tests.runtime.serving.kinds import url
from tests.sparse_folders import splade_model

CALL = """
import importlib, json, sys
name, events = json.loads(sys.argv[1])
handler = getattr(importlib.import_module("airvec.serverless"), name)
answers = [handler(event, None) for event in events]
print("\\n" + json.dumps(answers))
"""
ENCODE = {"texts": ["a b c", "j"]}
# What nobody needs to answer a request, and what costs a function milliseconds at its start.
NEEDLESS = {
    "argparse", "asyncio", "concurrent.futures", "http.client", "huggingface_hub", "importlib.metadata",
    "multiprocessing", "onnxruntime", "ssl", "subprocess", "tempfile", "tqdm", "traceback", "unittest",
    "urllib.request", "uuid", "zipfile",
}  # fmt: skip


def run(code: str, *arguments: str, path: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these variables of ours and no others; `path` is where it finds airvec."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRVEC_")}
    if path is not None:
        kept["PYTHONPATH"] = str(path)
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=kept | environment, check=False)


def call(name: str, *events: Any, path: Path | None = None, **environment: str) -> list[dict[str, Any]]:
    """What a handler answers to events, in a fresh process."""
    done = run(CALL, json.dumps([name, events]), path=path, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def modules(code: str, **environment: str) -> set[str]:
    done = run(f"{code}\nimport sys\nprint()\nprint(*sys.modules)", **environment)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.fixture
def layer(tmp_path) -> Path:
    """A folder laid out as an unzipped layer, airvec in it and nothing else."""
    (tmp_path / "opt" / "python").mkdir(parents=True)
    (tmp_path / "opt" / "python" / "airvec").symlink_to(Path(airvec.__file__).parent)
    return tmp_path / "opt"


def test_without_a_model_the_one_inside_airvec_answers():
    direct, over_http, health = call("handler", ENCODE, url("POST", "/encode", json.dumps(ENCODE)), {"path": "/health"})
    np.testing.assert_allclose(direct["embeddings"], SentenceTransformer().encode(ENCODE["texts"]), atol=1e-7)
    assert json.loads(over_http["body"]) == direct
    assert (health["model"], health["tasks"]) == ("static-en", ["encode", "similarity"])


def test_the_folders_of_a_layer_are_found_beside_python(layer):
    word_model(layer / "model")
    reranker(layer / "reranker")
    retriever = Retriever(SentenceTransformer(layer / "model"), bm25=True)
    retriever.index(["a b c", "d e f"])
    retriever.save(layer / "index")
    asked = [
        ENCODE, {"path": "/rerank", "query": "a", "documents": ["b", "c"]}, {"path": "/search", "query": "a b"},
        {"path": "/similarity", "texts": ["a", "b"]}, {"path": "/health"},
    ]  # fmt: skip
    encoded, reranked, found, similar, health = call("handler", *asked, path=layer / "python")
    np.testing.assert_allclose(
        encoded["embeddings"], SentenceTransformer(layer / "model").encode(ENCODE["texts"]), atol=1e-6
    )
    assert (len(reranked["results"]), np.shape(similar["similarities"])) == (2, (2, 2))
    assert [hit["corpus_id"] for hit in found["hits"]] == [1, 0]  # as the reranker has it: it likes late words
    assert health["tasks"] == ["encode", "similarity", "rerank", "search"]


@pytest.mark.parametrize(
    ("name", "make", "event", "key"),
    [("encode", word_model, ENCODE, "embeddings"), ("sparse", splade_model, ENCODE, "embeddings"),
     ("similarity", splade_model, ENCODE, "similarities"),
     ("rerank", reranker, {"query": "a", "documents": ["b"]}, "results")],
)  # fmt: skip
def test_a_handler_of_one_task_serves_the_model_that_the_environment_names(name, make, event, key, tmp_path):
    good, bad, again = call(name, event, {"query": []}, event, AIRVEC_MODEL=str(make(tmp_path / "model")))
    assert bad["error"]["status"] == 422
    assert good[key]
    assert again == good


def test_an_index_that_the_environment_names_is_searched(tmp_path):
    retriever = Retriever(bm25=True)
    retriever.index({"x": "a b c", "y": "d e f"})
    retriever.save(tmp_path / "index")
    (found,) = call("search", {"query": "d", "return_documents": True}, AIRVEC_INDEX=str(tmp_path / "index"))
    assert [hit["corpus_id"] for hit in found["hits"]] == ["y"]


@pytest.mark.parametrize(
    ("environment", "message"),
    [({"AIRVEC_MODEL": "ORG/model"}, "ModelNotFoundError: AIRVEC_MODEL: 'ORG/model' is no folder, expected one that"),
     ({"AIRVEC_MODEL": "."}, "ModelNotFoundError: "),
     ({"AIRVEC_INDEX": "."}, "is no index (no retriever.json in it)"),
     ({"AIRVEC_LOG": "loud"}, "ArgumentError: AIRVEC_LOG: 'loud', expected on or off"),
     ({"AIRVEC_MAX_TEXTS": "0"}, "ArgumentError: AIRVEC_MAX_TEXTS: '0', expected a whole number")],
)  # fmt: skip
def test_an_import_that_cannot_serve_fails_with_a_message(environment, message, tmp_path):
    done = run("import os; os.chdir(os.environ['HERE']); import airvec.serverless", HERE=str(tmp_path), **environment)
    assert done.returncode == 1
    assert message in done.stderr.splitlines()[-1]


def test_the_environment_sets_limits_and_the_log():
    limits = {"AIRVEC_MAX_TEXTS": "1", "AIRVEC_MAX_TOKENS": "3", "AIRVEC_MAX_BODY_BYTES": "60"}
    texts, tokens, body = call("handler", ENCODE, {"texts": "a b c d e"}, {"texts": "a" * 99}, **limits)
    assert [one["error"]["status"] for one in (texts, tokens, body)] == [413] * 3
    assert [one["error"]["message"].partition(":")[0] for one in (texts, tokens, body)] == ["texts", "texts", "body"]
    loud, quiet = (run(CALL, json.dumps(["handler", [ENCODE]]), AIRVEC_LOG=log).stdout for log in ("on", "off"))
    assert [len(loud.splitlines()), len(quiet.splitlines())] == [3, 2]
    assert json.loads(loud.splitlines()[0])["task"] == "encode"


def test_a_static_model_imports_nothing_needless():
    """The standard library's own parts are counted too: a function pays for them at each start."""
    model = modules("from airvec import SentenceTransformer; SentenceTransformer().encode('warm')")
    served = modules("import airvec.serverless")
    added = {name for name in served - model if not name.startswith("airvec.serv")}
    added -= modules("import pathlib")
    assert added <= {"binascii", "copy", "dataclasses", "time"}, added
    assert served & NEEDLESS <= model & NEEDLESS


def test_no_request_imports_anything_that_the_import_has_not(tmp_path):
    """A module that is first imported by a request would make that request slow, after a snapshot as well."""
    retriever = Retriever(SentenceTransformer(), bm25=True)
    retriever.index(["a", "b"])
    retriever.save(tmp_path / "index")
    asked = [
        {"texts": "a", "precision": "binary", "encoding_format": "base64", "normalize_embeddings": True},
        {"path": "/similarity", "texts": ["a", "b"]}, {"path": "/search", "query": "a", "return_documents": True},
        {"path": "/rerank", "query": "a", "documents": ["b"]}, {"path": "/health"}, {"texts": 5}, {"warmup": True},
        url("POST", "/encode", json.dumps(ENCODE)),
    ]  # fmt: skip
    code = f"""
import json, sys
from airvec.serverless import handler
before = set(sys.modules)
for event in json.loads({json.dumps(json.dumps(asked))}):
    handler(event)
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    folders = {"AIRVEC_INDEX": str(tmp_path / "index"), "AIRVEC_RERANKER": str(reranker(tmp_path / "ranker"))}
    done = run(code, **folders)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


WATCH = """
import json, os, sys
events = []
def watch(name, arguments):
    if name == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        events.append(f"open {arguments[0]}")
    elif name.startswith(("socket.", "os.mkdir", "os.rename", "os.remove", "tempfile.", "subprocess.")):
        events.append(name)
sys.dont_write_bytecode = True
sys.addaudithook(watch)
from airvec.serverless import handler
handler({"texts": "a"})
if len(sys.argv) > 1:
    open(sys.argv[1], "w").close()
print("\\n" + json.dumps(events))
"""


@pytest.mark.parametrize("make", [None, word_model])
def test_nothing_is_written_and_no_socket_is_opened(make, tmp_path):
    """Lambda's file system cannot be written to, and a snapshot keeps no connection."""
    environment = {} if make is None else {"AIRVEC_MODEL": str(make(tmp_path / "model"))}
    done = run(WATCH, **environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_a_file_that_is_written_would_be_seen(tmp_path):
    assert "written" in run(WATCH, str(tmp_path / "written")).stdout.splitlines()[-1]


def test_two_processes_give_the_same_answers():
    assert call("handler", ENCODE) == call("handler", ENCODE)


@pytest.mark.slow
def test_an_exported_model_gives_the_vectors_of_the_python_calls(minilm):
    texts = ["The cat sleeps.", "Share prices fell."]
    (found,) = call("handler", {"texts": texts}, AIRVEC_MODEL=str(minilm))
    np.testing.assert_allclose(found["embeddings"], SentenceTransformer(minilm).encode(texts), atol=1e-6)
