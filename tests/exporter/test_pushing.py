"""Mirrors exporter/airvec_exporter/pushing.py: model folders pushed with the real client to a small hub."""

import hashlib
import signal
import time
from pathlib import Path

import pytest
from huggingface_hub import constants

from airvec.errors import ArgumentError, ModelNotFoundError
from airvec_exporter.errors import PushError
from airvec_exporter.pushing import push
from tests.folders import word_model
from tests.hub_process import NO_WAITING, Client
from tests.hub_push_server import PushHub, taking

PUSH = """from airvec_exporter.pushing import push
        result = push({}, {})"""
ENCODE = """from airvec import SentenceTransformer
        result = SentenceTransformer('org/words').encode('a b').tolist()"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = word_model(tmp_path / "words")
    (found / "model.safetensors").write_bytes(b"weights")
    (found / ".cache").mkdir()
    (found / ".cache" / "note").write_text("of this machine")
    return found


@pytest.fixture
def hub(tmp_path: Path):
    (tmp_path / "repositories").mkdir()
    with taking(PushHub(root=tmp_path / "repositories")) as running:
        yield running


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def pushed(hub: PushHub, folder: Path, arguments: str = "'org/words'", **environment: str):
    client = Client(folder.parent / "home", hub.address)
    return client.attempt(PUSH.format(repr(str(folder)), arguments), NO_WAITING, **({"HF_TOKEN": "hf_x"} | environment))


def test_what_was_pushed_is_fetched_and_loaded_from_the_same_hub(hub: PushHub, folder: Path):
    before = digests(folder)
    outcome = pushed(hub, folder)
    assert outcome.problem is None
    assert outcome.result.startswith(f"{hub.address}/org/words/commit/")
    there = digests(hub.root / "org" / "words")
    assert there.pop("README.md")
    assert there == {path: digest for path, digest in before.items() if not path.startswith(".cache")}
    assert digests(folder) == before
    client = Client(folder.parent / "other", hub.address)
    assert client.attempt(ENCODE).result == client.attempt(ENCODE.replace("org/words", str(folder))).result


def test_all_of_it_is_one_commit_with_its_message(hub: PushHub, folder: Path):
    pushed(hub, folder, "'org/words', commit_message='Second try', private=True")
    (found,) = hub.commits
    assert (found["summary"], found["revision"]) == ("Second try", "main")
    assert {"README.md", "modules.json", "model.safetensors", "onnx/model.onnx"} < set(found["files"])
    assert hub.made[0]["visibility"] == "private"


def test_what_is_in_the_repository_already_and_not_in_the_folder_stays(hub: PushHub, folder: Path):
    there = hub.repositories.setdefault("org/words", hub.root / "org" / "words")
    there.mkdir(parents=True)
    (there / "LICENSE").write_text("free")
    assert pushed(hub, folder).problem is None
    assert (there / "LICENSE").read_text() == "free"
    assert digests(there)["onnx/model.onnx"] == digests(folder)["onnx/model.onnx"]


def test_a_branch_is_made_and_a_pull_request_gives_its_address(hub: PushHub, folder: Path):
    again = f"'org/words', revision='v2'), push({str(folder)!r}, 'org/words', create_pr=True"
    outcome = pushed(hub, folder, again)
    assert outcome.result[1] == f"{hub.address}/org/words/discussions/1"
    assert [one["revision"] for one in hub.commits] == ["v2", "pr-1"]
    assert not list((hub.root / "org" / "words").iterdir())


@pytest.mark.parametrize(
    ("place", "status", "told"),
    [("/repos/create", 401, "the Hub answers 401: no token, or one that it does not know"),
     ("/repos/create", 403, "the Hub answers 403: this token may not write there"),
     ("/preupload/", 404, "the Hub answers 404: no such repository, owner or branch"),
     ("/info/lfs/", 403, "the Hub answers 403: this token may not write there"),
     ("/objects/", 413, "the Hub answers 413: too large"),
     ("/commit/", 409, "the Hub answers 409: someone else changes it at this moment, or it holds no models"),
     ("/commit/", 400, "the Hub answers 400: it does not take the commit"),
     ("/commit/", 503, "the Hub answers 503: it is down")],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client to the library below it
def test_a_refusal_says_what_to_do_and_leaves_both_sides_as_they_were(
    hub: PushHub, folder: Path, place: str, status: int, told: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(constants, "ENDPOINT", hub.address)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # the client waits before it tries again
    before = digests(folder)
    hub.refused_uploads, hub.message = {place: status}, "its terms"
    with pytest.raises(PushError) as caught:
        push(folder, "org/words", token="hf_x")
    assert str(caught.value).startswith(f"org/words: {told} (its terms). ")
    assert str(caught.value).endswith("The folder here is as it was: push it again.")
    assert (digests(folder), hub.commits) == (before, [])


def test_without_network_the_hub_s_address_is_named(folder: Path):
    outcome = pushed(PushHub(address="http://127.0.0.1:9"), folder)
    assert outcome.problem[0] == "PushError"
    assert "org/words: the Hub cannot be reached at http://127.0.0.1:9 (ConnectError: " in outcome.message
    assert "HF_HUB_OFFLINE is set" in pushed(PushHub(address="http://127.0.0.1:9"), folder, HF_HUB_OFFLINE="1").message


def test_a_push_that_is_interrupted_commits_nothing_and_can_be_done_again(hub: PushHub, folder: Path):
    before, running = digests(folder), []

    def interrupt() -> None:
        running[0].send_signal(signal.SIGINT)
        running[0].wait()

    hub.cut_commit = interrupt
    client = Client(folder.parent / "home", hub.address)
    code = f"from airvec_exporter.pushing import push; push({str(folder)!r}, 'org/words')"
    running.append(client.start(code, HF_TOKEN="hf_x"))
    assert "KeyboardInterrupt" in running[0].communicate()[1]
    assert (hub.commits, digests(folder)) == ([], before)
    hub.cut_commit = None
    assert pushed(hub, folder).problem is None
    assert (hub.root / "org" / "words" / "model.safetensors").read_bytes() == b"weights"


def test_links_that_lead_nowhere_are_left_out(hub: PushHub, folder: Path):
    (folder / "onnx" / "gone.onnx").symlink_to(folder / "nowhere")
    assert pushed(hub, folder).problem is None
    assert "onnx/gone.onnx" not in hub.commits[0]["files"]


def test_folders_and_names_that_are_none_are_refused_before_anything_is_sent(tmp_path: Path, folder: Path):
    with pytest.raises(ModelNotFoundError, match="holds neither modules.json nor config.json, so it is no model"):
        push(tmp_path, "org/words")
    for name in ("", "a/b/c", "./words", "org/", 3):
        with pytest.raises(ArgumentError, match="expected the name of a repository"):
            push(folder, name)
    with pytest.raises(ArgumentError, match="org/wo rds: not a name that a repository can have"):
        push(folder, "org/wo rds", token="hf_x")
