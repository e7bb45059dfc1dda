"""Models with code of their own are refused by name, by the exporter and by the runtime."""

from pathlib import Path

import pytest

from airvec import SentenceTransformer
from airvec.errors import ModelFolderError
from tests.parity.matrix import REFUSED
from tests.parity.refusals import refusal
from tests.tiny.remote_families import REMOTE, jina_v3_remote

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("name", REMOTE)
def test_the_exporter_refuses_and_names_the_code(name: str, tmp_path: Path):
    outcome = refusal(name, tmp_path)
    assert outcome.status == REFUSED, outcome.reason


def test_the_runtime_refuses_a_module_of_its_own(tmp_path: Path):
    with pytest.raises(ModelFolderError, match="custom_st.Transformer"):
        SentenceTransformer(jina_v3_remote(tmp_path / "model"))
