"""Errors of airvec.serverless: of its import, as the function's log shows them, and what callers are answered.

Knows nothing of the page.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airvec import SparseEncoder
from airvec.search import Retriever
from airvec.serving.limits import Limits
from airvec.serving.log import wants_log
from airvec.serving.opened import Opened, Places, open_places
from airvec.serving.service import Service
from tests.errors.cases import Case, Topic
from tests.folders import word_model
from tests.sparse_folders import splade_model


def sparse_index(home: Path) -> Path:
    retriever = Retriever(sparse=SparseEncoder(splade_model(home / "splade")))
    retriever.index(["a b", "c"])
    retriever.save(home / "index")
    return home / "index"


def opened(home: Path, settings: Mapping[str, Any]) -> Opened:
    return open_places(Places(word_model(home / "model", settings=settings)))


def answered(event: object) -> str:
    """What the model inside airvec answers, without a line in the log."""
    return json.dumps(Service(open_places(Places()), Limits(), log=False).answer(event))


CASES = (
    Case("A variable that names no folder", "`AIRVEC_MODEL=ORG/model`; so too `AIRVEC_INDEX` and `AIRVEC_RERANKER`.",
         lambda home: Places.of({"AIRVEC_MODEL": "ORG/model"}, home)),
    Case("A limit that is no number", "`AIRVEC_MAX_TEXTS=many`; so too the other limits.",
         lambda _: Limits.of({"AIRVEC_MAX_TEXTS": "many"})),
    Case("A log that is neither on nor off", "`AIRVEC_LOG=debug`.",
         lambda _: wants_log({"AIRVEC_LOG": "debug"})),
    Case("A packed model of an unknown class", "`config_sentence_transformers.json` names one that airvec has not.",
         lambda home: opened(home, {"model_type": "Other"})),
    Case("A packed index of another model's", "The index was made with a sparse model, and the packed one is dense.",
         lambda home: open_places(Places(index=sparse_index(home)))),
    Case("A request with an unknown key", 'The answer to `{"text": "a"}`; by HTTP the status is in the response.',
         lambda _: answered({"text": "a"})),
    Case("A request with a wrong value", 'The answer to `{"texts": ["a", 5]}`.',
         lambda _: answered({"texts": ["a", 5]})),
    Case("A request for what the model cannot do", 'The answer to `{"path": "/rerank", "query": …}`.',
         lambda _: answered({"path": "/rerank", "query": "a", "documents": ["b"]})),
    Case("An event that nobody waits for an answer to", "A message of a queue. The handler raises, so AWS keeps it.",
         lambda _: answered({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]})),
    Case("A request with too many texts", "The answer to 513 of them.",
         lambda _: answered({"texts": ["a"] * 513})),
)  # fmt: skip
TOPIC = Topic(
    "On AWS Lambda",
    "What the import of `airvec.serverless` raises is in the function's log. What a request raises is its answer:"
    " docs/lambda.md has all statuses.",
    CASES,
)
