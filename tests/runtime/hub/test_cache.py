"""Mirrors runtime/airvec/hub/cache.py: what is in the cache is used, and is what it should be."""

import hashlib
from pathlib import Path

import pytest

from tests.folders import word_model, write_json
from tests.hub_process import FIND, Client
from tests.hub_server import Hub, commit, serving

GRAPH, DATA = "onnx/model.onnx", "onnx/model.onnx_data"
LISTED = "GET /api/models/org/words"
# The files whose checksum is taken.
COUNTED = """
import airvec.hub.cache as cache
seen, taken = [], cache.sha256_of
cache.sha256_of = lambda path: seen.append(path.name) or taken(path)
"""


def test_a_second_start_asks_once_for_a_branch_and_not_at_all_for_a_commit(hub, client):
    assert client.find().result == str(client.snapshot())
    hub.asked.clear()
    assert client.find().result == str(client.snapshot())
    assert hub.asked == [LISTED]
    hub.asked.clear()
    assert client.find(options=f"revision={commit('org/words')!r}").result == str(client.snapshot())
    assert hub.asked == []


def test_a_commit_that_is_not_whole_in_the_cache_is_completed(hub, client):
    client.find()
    (client.snapshot() / GRAPH).unlink()
    found = client.find(options=f"revision={commit('org/words')!r}")
    assert (Path(found.result) / GRAPH).is_file()


def test_without_network_the_copy_in_the_cache_is_used_with_a_warning(words, tmp_path):
    with serving(Hub({"org/words": words})) as hub:
        client = Client(tmp_path / "home", hub.address)
        client.find()
    found = client.find()
    assert found.result == str(client.snapshot())
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith(f"org/words: the Hub cannot be reached at {hub.address} (ConnectError: ")
    assert f"The copy in the cache is used, commit {commit('org/words')[:7]}; local_files_only" in found.warnings[0]
    for options, variables in (("local_files_only=True", {}), ("", {"HF_HUB_OFFLINE": "1"})):
        quiet = client.find(options=options, **variables)
        assert (quiet.result, quiet.warnings) == (found.result, [])


@pytest.mark.parametrize("status", [401, 404, 429, 503])
def test_a_hub_that_refuses_what_it_gave_before_leaves_the_copy_in_the_cache(hub, client, status):
    client.find()
    hub.asked.clear()
    hub.status = status
    found = client.find()
    assert found.result == str(client.snapshot())
    assert found.warnings[0].startswith(f"org/words: the Hub answers {status}")
    assert hub.asked == [LISTED]  # with a copy at hand there is no waiting


def test_a_copy_that_another_program_fetched_is_used(hub, client):
    code = "from huggingface_hub import snapshot_download; snapshot_download('org/words')"
    assert client.run("-c", code).returncode == 0
    assert client.find(options="local_files_only=True").result == str(client.snapshot())
    (client.snapshot() / GRAPH).unlink()
    client.cache.joinpath("models--org--words", "airvec").rename(client.home / "away")
    assert f"org/words: {GRAPH} is not in the cache" in client.find(options="local_files_only=True").message


@pytest.mark.parametrize("source", ["the Hub", "airvec.json"])
def test_a_file_with_the_wrong_checksum_is_an_error_and_leaves_the_cache(hub, client, words, source):
    content = (words / GRAPH).read_bytes()
    if source == "airvec.json":
        sha256 = "0" * 64
        write_json(words / "airvec.json", {"graphs": {GRAPH: {"sha256": sha256, "size": len(content)}}})
    else:
        hub.spoiled[GRAPH] = content[::-1]
    found = client.find()
    assert found.problem[0] == "DownloadError"
    assert found.message.startswith(f"org/words: {GRAPH} has SHA-256 ")
    assert f" as {source} says. The damaged file is deleted: load the model again" in found.message
    assert not (client.snapshot() / GRAPH).exists()
    assert not client.blobs() & {content, content[::-1]}
    if source == "the Hub":
        hub.spoiled.clear()
        assert (Path(client.find().result) / GRAPH).read_bytes() == content


def test_a_file_that_is_fetched_again_is_checked_again(hub, client, words):
    (Path(client.find().result) / GRAPH).resolve().unlink()
    hub.spoiled[GRAPH] = (words / GRAPH).read_bytes()[::-1]
    assert f"{GRAPH} has SHA-256 " in client.find().message


def test_a_file_is_checked_once_and_not_at_every_start(hub, client, words):
    content = (words / GRAPH).read_bytes()
    record = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    write_json(words / "airvec.json", {"graphs": {GRAPH: record}})
    first = client.attempt(f"{FIND.format(repr('org/words'), '')}; result = seen", COUNTED)
    assert first.result == ["model.onnx", "model.onnx"]  # by the Hub and by airvec.json
    for options in ("", "local_files_only=True", f"revision={commit('org/words')!r}"):
        again = client.attempt(f"{FIND.format(repr('org/words'), options)}; result = seen", COUNTED)
        assert (again.result, again.problem) == ([], None)


def test_each_revision_has_a_copy_of_its_own(hub, client, tmp_path):
    client.find()
    hub.repositories["org/words@v2"] = word_model(tmp_path / "v2", normalize=True)
    tagged = client.find(options="revision='v2'").result
    assert tagged == str(client.snapshot().with_name(commit("org/words@v2")))
    assert client.find(options="revision='v2', local_files_only=True").result == tagged
    assert client.find(options="local_files_only=True").result == str(client.snapshot())
