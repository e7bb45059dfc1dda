"""Handlers for AWS Lambda: importing this module opens the packed model, so that requests find it open.

The model is the folder that `AIRVEC_MODEL` names, else the folder `model` beside the folder `python` of a layer, else
the model inside airvec; likewise `AIRVEC_INDEX` and `index`, `AIRVEC_RERANKER` and `reranker`. docs/lambda.md says what
events look like, and what they are answered. Nothing here needs a file system that can be written to, and nothing that
is opened depends on the time, on chance or on the network: a snapshot may be taken after the import.
Knows nothing of how a request is answered.
"""

import os
from pathlib import Path
from typing import Any

from airvec.blas import IN_A_FUNCTION, wait_awake

wait_awake(IN_A_FUNCTION)

# isort: split
# ruff: noqa: E402 - they import NumPy, which is told by then
from airvec.serving.limits import Limits
from airvec.serving.log import wants_log
from airvec.serving.opened import Places, open_places
from airvec.serving.service import Service

__all__ = ["encode", "handler", "rerank", "search", "similarity", "sparse"]


def handler(event: object, context: object = None) -> dict[str, Any]:
    """Whatever the deployment can do: by the last part of the path, or by what the model is where there is none."""
    return _SERVICE.answer(event, context)


def encode(event: object, context: object = None) -> dict[str, Any]:
    """Dense embeddings, whatever the path."""
    return _SERVICE.answer(event, context, "encode")


def sparse(event: object, context: object = None) -> dict[str, Any]:
    """Sparse embeddings, whatever the path."""
    return _SERVICE.answer(event, context, "sparse")


def rerank(event: object, context: object = None) -> dict[str, Any]:
    """Documents in the order of their scores with a query, whatever the path."""
    return _SERVICE.answer(event, context, "rerank")


def similarity(event: object, context: object = None) -> dict[str, Any]:
    """Similarities of texts, whatever the path."""
    return _SERVICE.answer(event, context, "similarity")


def search(event: object, context: object = None) -> dict[str, Any]:
    """The best documents of the packed index, whatever the path."""
    return _SERVICE.answer(event, context, "search")


def _open() -> Service:
    """Open what the environment and the folders say, and warm it up."""
    home = Path(__file__).parents[2]  # /opt, of /opt/python/airvec/serverless.py
    service = Service(open_places(Places.of(os.environ, home)), Limits.of(os.environ), wants_log(os.environ))
    service.warm()
    return service


_SERVICE = _open()
