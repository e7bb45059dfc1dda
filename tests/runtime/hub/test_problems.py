"""Mirrors runtime/airvec/hub/problems.py: each failure of Hub, network or disk is one line that says what to do."""

import shutil
from pathlib import Path

import pytest

from tests.hub_process import Client
from tests.hub_server import Hub, serving

GRAPH, DATA = "onnx/model.onnx", "onnx/model.onnx_data"
# Even root loses the right to write where the permissions forbid it.
NO_PRIVILEGES = """
import ctypes, os
if os.geteuid() == 0:
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert ctypes.CDLL(None, use_errno=True).capset(header, sets) == 0
"""
# What is downloaded goes to the device that is always full.
FULL_DISK = """
import pathlib
opened = pathlib.Path.open
def open_full(self, *arguments, **named):
    return opened(pathlib.Path("/dev/full") if self.name.endswith(".incomplete") else self, *arguments, **named)
pathlib.Path.open = open_full
"""


def test_what_is_not_in_the_cache_is_missed_without_network(words, tmp_path):
    with serving(Hub({"org/words": words})) as hub:
        client = Client(tmp_path / "home", hub.address)
        offline = client.find(options="local_files_only=True")
        assert offline.problem == (
            "ModelNotFoundError",
            (
                f"org/words: not in the cache {client.cache}, and no network (local_files_only=True). "
                "Load it once with network, or give a local folder's path."
            ),
        )
        assert "no network (HF_HUB_OFFLINE is set)" in client.find(HF_HUB_OFFLINE="1").message
        assert hub.asked == []
        client.find()
        (client.snapshot() / GRAPH).unlink()
    assert client.find(options="local_files_only=True").message == (
        f"org/words: {GRAPH} is not in the cache {client.cache}, and no network (local_files_only=True). "
        "Load the model once with network."
    )
    unreachable = client.find("org/other")
    assert unreachable.problem[0] == "DownloadError"
    assert unreachable.message.startswith(f"org/other: the Hub cannot be reached at {hub.address} (ConnectError: ")
    assert unreachable.message.endswith("). Check the network, and HTTPS_PROXY and HF_ENDPOINT if you set them; "
                                        "or give a local folder's path.")  # fmt: skip


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (401, "ModelNotFoundError", ("the Hub answers 401: a private or gated model, or no such one. If the name is "
         'right, pass token="hf_…" or set HF_TOKEN, of a user who has access: accept a gated model\'s terms on its '
         "page.")),
        (403, "ModelNotFoundError", "the Hub answers 403: a private or gated model, or no such one."),
        (404, "ModelNotFoundError", ("the Hub answers 404: no such model. Check the name, or give a local folder's "
         'path; for a private model pass token="hf_…" or set HF_TOKEN.')),
        (418, "DownloadError", "the Hub answers 418, expected 200. Check the name and HF_ENDPOINT."),
        (429, "DownloadError", ("the Hub answers 429: too many requests. Wait some minutes; or pass "
         'token="hf_…" or set HF_TOKEN: it allows more.')),
        (500, "DownloadError", ("the Hub answers 500, again and again: it is down. Try later, or give a local "
         "folder's path.")),
    ],
)  # fmt: skip
def test_a_refusal_is_an_error_with_its_status(hub, client, status, kind, message):
    hub.status = status
    found = client.find()
    assert found.problem[0] == kind
    assert found.message.startswith(f"org/words: {message}")
    assert len(hub.asked) == (4 if status in (429, 500) else 1)  # a busy Hub is asked again
    assert not client.cache.exists()


def test_a_repository_or_revision_that_is_not_there(hub, client):
    assert client.find("org/unknown").message.startswith("org/unknown: the Hub answers 404: no such model.")
    found = client.find(options="revision='v3'")
    assert found.problem == (
        "ModelNotFoundError",
        "org/words: no revision 'v3' on the Hub (404), expected a branch, a tag or a commit. Correct revision=….",
    )
    invalid = client.find("org/wo rds")
    assert invalid.problem[0] == "ModelNotFoundError"
    assert invalid.message.startswith("org/wo rds: not a name that a repository can have (")


def test_a_gated_file_says_who_may_read_it(hub, client):
    hub.refused[GRAPH] = 403
    found = client.find()
    assert found.problem[0] == "ModelNotFoundError"
    assert found.message.startswith(f"org/words: the Hub answers 403 for {GRAPH}: a private or gated model")


def test_a_token_opens_a_private_model(hub, client):
    hub.token = "hf_right"
    assert client.find().message.startswith("org/words: the Hub answers 401: a private or gated model")
    missing = client.find(options="token=True")
    assert missing.problem == (
        "ArgumentError",
        'org/words: token=True, but no token is saved here. Run hf auth login, or pass token="hf_…" or set HF_TOKEN.',
    )
    assert client.find(HF_TOKEN="hf_right", options="token=False").problem is not None
    for options, variables in (("token='hf_right'", {}), ("token=True", {"HF_TOKEN": "hf_right"})):
        folder = client.find(options=f"{options}, cache_folder={str(client.home / options[6:9])!r}", **variables)
        assert folder.problem is None


def test_an_answer_for_another_commit_is_not_asked_for_again_and_again(hub, client):
    hub.commit = "f" * 40
    found = client.find()
    assert found.problem[0] == "DownloadError"
    assert found.message.endswith(
        f" came for another commit, expected {client.snapshot().name}. Check HF_ENDPOINT, or load the model again."
    )


@pytest.mark.parametrize("case", ["cut each time", "shorter than announced"])
def test_a_download_that_never_ends_whole_leaves_nothing(hub, client, words, case):
    if case == "cut each time":
        hub.cuts[GRAPH] = [100] * 20
    else:
        hub.spoiled[GRAPH] = b"short"
    found = client.find()
    assert found.problem[0] == "DownloadError"
    short = f"{GRAPH} came with 5 bytes, expected {(words / GRAPH).stat().st_size}. "
    assert found.message.startswith(f"org/words: {short if hub.spoiled else f'the download of {GRAPH} broke off ('}")
    assert found.message.endswith(" Load the model again: files that are whole are kept.")
    assert client.leftovers() == []
    assert not (client.snapshot() / GRAPH).exists()
    hub.cuts.clear()
    hub.spoiled.clear()
    hub.fetched.clear()
    assert client.find().problem is None
    assert hub.fetched == [GRAPH]


def test_a_cache_that_cannot_be_written_to_is_named_and_what_it_holds_is_used(hub, client, words):
    readable = client.home / "read-only"
    assert client.find(options=f"cache_folder={str(readable)!r}").problem is None
    for ours in ("airvec", "refs"):  # as another program, or another revision, would have left it
        shutil.rmtree(readable / "models--org--words" / ours)
    for folder in (readable, *readable.rglob("*")):
        if folder.is_dir():
            folder.chmod(0o555)
    found = client.find(options=f"cache_folder={str(readable)!r}", before=NO_PRIVILEGES)
    assert (found.problem, found.warnings) == (None, [])
    hub.repositories["org/other"] = words
    other = client.find("org/other", f"cache_folder={str(readable)!r}", before=NO_PRIVILEGES)
    assert other.problem == (
        "DownloadError",
        (
            f"org/other: cannot write to the cache {readable} (Permission denied). Allow it, or choose another "
            "folder with cache_folder=… or AIRVEC_CACHE."
        ),
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_named_and_nothing_half_is_left(client):
    found = client.find(before=FULL_DISK)
    assert found.problem == (
        "DownloadError",
        (
            f"org/words: no space left in {client.cache} (No space left on device). Free some, or choose another "
            "folder with cache_folder=… or AIRVEC_CACHE."
        ),
    )
    assert client.leftovers() == []
    assert not list(client.snapshot().rglob("*.json"))
    assert client.find().problem is None
