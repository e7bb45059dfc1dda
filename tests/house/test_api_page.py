"""docs/api.md and docs/api-trainer.md say what the docstrings say."""

import runpy

import pytest

import airvec_exporter
import airvec_trainer
from airvec_trainer import evaluation, losses
from airvec_trainer.losses import rerank
from tests.house.sources import ROOT

PAGES = runpy.run_path(str(ROOT / "docs" / "make_api.py"), run_name="make_api")["PAGES"]


@pytest.fixture(scope="module", params=PAGES)
def name_and_page(request):
    return request.param, PAGES[request.param]()


def test_a_page_is_as_new_as_the_docstrings(name_and_page):
    name, page = name_and_page
    found = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert found == page, f"docs/{name} is out of date: run python docs/make_api.py"


def test_a_page_is_the_same_in_every_run(name_and_page):
    assert " at 0x" not in name_and_page[1]


def test_the_page_has_every_public_name_and_method():
    page = PAGES["api.md"]()
    for name in ("## airvec.SentenceTransformer", "### .encode_stream", "## airvec.chunk", "## airvec.util.cos_sim"):
        assert f"\n{name}\n" in page


def test_the_trainers_page_has_the_classes_that_users_make():
    page = PAGES["api-trainer.md"]()
    for module in (airvec_exporter, airvec_trainer, evaluation, losses, rerank):
        for name in module.__all__:
            other_name = getattr(getattr(module, name), "__name__", name) != name  # BaseEvaluator, CEF1Evaluator …
            if name[0].isupper() and not other_name:
                assert f".{name}\n\n```text\n" in page, name
    for name in ("### .encode_document", "## airvec_trainer.util.semantic_search", "## airvec_exporter.export"):
        assert f"\n{name}\n" in page
