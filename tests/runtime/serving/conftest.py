"""Services over small models, opened once."""

import pytest

from airvec import SentenceTransformer
from airvec.search import Retriever
from airvec.serving.limits import Limits
from airvec.serving.opened import Places, open_places
from airvec.serving.service import Service
from tests.folders import reranker, word_model
from tests.multi_folders import multi_model
from tests.sparse_folders import splade_model

PROMPTS = {"query": "a ", "document": "b b ", "other": "j "}
CORPUS = {"one": "a b c", "two": "d e f", "three": 'g "h"', "four": "i j"}


def service(places: Places) -> Service:
    """A service as airvec.serverless makes it, without log lines."""
    made = Service(open_places(places), Limits(), log=False)
    made.warm()
    return made


@pytest.fixture(scope="session")
def static():
    """The model inside airvec."""
    return service(Places())


@pytest.fixture(scope="session")
def dense(tmp_path_factory):
    """A SentenceTransformer that can be worked out by hand, with prompts."""
    folder = word_model(tmp_path_factory.mktemp("serving") / "words", settings={"prompts": PROMPTS})
    return service(Places(folder))


@pytest.fixture(scope="session")
def sparse(tmp_path_factory):
    """A SparseEncoder."""
    return service(Places(splade_model(tmp_path_factory.mktemp("serving") / "splade")))


@pytest.fixture(scope="session")
def multi(tmp_path_factory):
    """A MultiEncoder."""
    return service(Places(multi_model(tmp_path_factory.mktemp("serving") / "m3")))


@pytest.fixture(scope="session")
def ranker(tmp_path_factory):
    """A CrossEncoder."""
    return service(Places(reranker(tmp_path_factory.mktemp("serving") / "ranker")))


@pytest.fixture(scope="session")
def index(tmp_path_factory):
    """The folder of a Retriever by the static model and by words."""
    retriever = Retriever(SentenceTransformer(), bm25=True)
    retriever.index(CORPUS)
    folder = tmp_path_factory.mktemp("serving") / "index"
    retriever.save(folder)
    return folder


@pytest.fixture(scope="session")
def search(index):
    """The model inside airvec over an index."""
    return service(Places(index=index))


@pytest.fixture(scope="session")
def everything(index, tmp_path_factory):
    """The model inside airvec, an index and a reranker."""
    return service(Places(index=index, reranker=reranker(tmp_path_factory.mktemp("serving") / "ranker")))
