"""docs/api.md says what the docstrings say."""

import runpy

from tests.house.sources import ROOT

MAKER = runpy.run_path(str(ROOT / "docs" / "make_api.py"), run_name="make_api")


def test_the_page_is_as_new_as_the_docstrings():
    found = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert found == MAKER["page"](), "docs/api.md is out of date: run python docs/make_api.py"


def test_the_page_has_every_public_name_and_method():
    page = MAKER["page"]()
    for name in ("## airvec.SentenceTransformer", "### .encode_stream", "## airvec.chunk", "## airvec.util.cos_sim"):
        assert f"\n{name}\n" in page
