"""Mirrors trainer/airvec_trainer/pushing.py: a stand-in for a model, pushed with the real client to a small hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from airvec.errors import ArgumentError, ModelNotFoundError
from airvec_exporter.errors import PushError
from airvec_trainer.pushing import Pushing
from tests.hub_push_server import PushHub, taking


class Saved(Pushing):
    """A model that saves two files, a card and a hidden one."""

    kind = "SparseEncoder"

    def save_pretrained(self, path: Path) -> None:
        (path / "1_Dense").mkdir(parents=True)
        (path / "modules.json").write_text("[]")
        (path / "1_Dense" / "model.safetensors").write_bytes(b"weights")
        (path / "README.md").write_text("# New")
        (path / ".cache").write_text("of this machine")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PushHub]:
    (tmp_path / "repositories").mkdir()
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with taking(PushHub(root=tmp_path / "repositories")) as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.address)
        yield running


def repository(hub: PushHub, name: str, **files: str) -> Path:
    home = hub.repositories.setdefault(name, hub.root / name)
    home.mkdir(parents=True)
    for file, text in files.items():
        (home / file.replace("_", ".")).write_text(text)
    return home


pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client to the library below it


def test_a_model_is_one_commit_in_a_new_repository(hub: PushHub):
    address = Saved().push_to_hub("org/model", token="hf_x", private=True)
    assert address.startswith(f"{hub.address}/org/model/commit/")
    (found,) = hub.commits
    assert found["summary"] == "Add new SparseEncoder model"
    assert set(found["files"]) == {"1_Dense/model.safetensors", "modules.json", "README.md"}
    assert (hub.root / "org/model/1_Dense/model.safetensors").read_bytes() == b"weights"
    assert hub.made[0]["visibility"] == "private"


def test_a_repository_that_holds_files_is_left_alone_unless_the_caller_says_so(hub: PushHub):
    home = repository(hub, "org/model", README_md="# Old")
    with pytest.raises(PushError, match=r"org/model: is there already, with 1 files.*exist_ok=True"):
        Saved().push_to_hub("org/model", token="hf_x")
    assert hub.commits == []
    Saved().push_to_hub("org/model", token="hf_x", exist_ok=True, commit_message="Second")
    assert hub.commits[0]["summary"] == "Second"
    assert (home / "README.md").read_text() == "# Old"


def test_the_card_is_replaced_where_the_caller_says_so(hub: PushHub):
    home = repository(hub, "org/model", README_md="# Old")
    Saved().push_to_hub("org/model", token="hf_x", exist_ok=True, replace_model_card=True)
    assert (home / "README.md").read_text() == "# New"


def test_branches_and_pull_requests_go_beside_what_is_there(hub: PushHub):
    home = repository(hub, "org/model", README_md="# Old")
    Saved().push_to_hub("org/model", token="hf_x", exist_ok=True, revision="v2")
    address = Saved().push_to_hub("org/model", token="hf_x", create_pr=True)
    assert address == f"{hub.address}/org/model/discussions/1"
    assert [one["revision"] for one in hub.commits] == ["v2", "pr-1"]
    assert [path.name for path in home.iterdir()] == ["README.md"]


def test_a_folder_goes_up_as_it_is(hub: PushHub, tmp_path: Path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "README.md").write_text("# Mine")
    Saved().push_to_hub("org/model", token="hf_x", local_model_path=tmp_path / "own")
    assert hub.commits[0]["files"] == ["README.md"]
    assert (hub.root / "org/model/README.md").read_text() == "# Mine"


@pytest.mark.parametrize(("arguments", "message"), [
    ({"repo_id": "../model"}, r"push: '\.\./model', expected the name of a repository"),
    ({"repo_id": "org/model", "safe_serialization": False}, "safe_serialization: False, expected True"),
])  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_is_asked(hub: PushHub, arguments: dict[str, object], message: str):
    with pytest.raises(ArgumentError, match=message):
        Saved().push_to_hub(**arguments)
    assert (hub.made, hub.commits) == ([], [])


def test_a_folder_that_is_not_there_is_named(hub: PushHub, tmp_path: Path):
    with pytest.raises(ModelNotFoundError, match="local_model_path: .*gone', no such folder"):
        Saved().push_to_hub("org/model", token="hf_x", local_model_path=tmp_path / "gone")
    assert hub.commits == []


def test_a_refusal_of_the_hub_is_told_and_nothing_is_committed(hub: PushHub):
    hub.refused_uploads = {"/repos/create": 403}
    with pytest.raises(PushError, match="org/model: the Hub answers 403"):
        Saved().push_to_hub("org/model", token="hf_x")
    assert hub.commits == []
