"""Models by name: every way in which the Hub, the network or the cache fails.

All run in one process of their own (`python -m tests.errors.hub FOLDER`), since the client reads HF_ENDPOINT when it is
imported, against a hub on the loopback address.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from unittest import mock

from airvec.hub import HubOptions, find_model
from tests.errors.cases import Case, Topic, shown
from tests.folders import word_model, write_json
from tests.hub_process import Client
from tests.hub_server import Hub, serving
from tests.runtime.hub.test_problems import FULL_DISK, GRAPH, NO_PRIVILEGES

ROOT = Path(__file__).resolve().parents[2]
NAME = "org/words"
CONTENT = b"graph" * 100
NOBODY_LISTENS = "http://127.0.0.1:9"
Fails = Callable[[Hub, Path], object]


def fetch(home: Path, name: object = NAME, graph: str = "model.onnx", **options: object) -> Path:
    given = {"cache_folder": str(home / "hub")} | options
    return Path(find_model(name, "sentence-transformers", (graph,), HubOptions(**given)))


def answers(status: int) -> Fails:
    def fails(hub: Hub, home: Path) -> None:
        hub.status = status
        fetch(home)

    return fails


def spoiled(content: bytes) -> Fails:
    def fails(hub: Hub, home: Path) -> None:
        hub.spoiled[GRAPH] = content
        fetch(home)

    return fails


def with_words(change: Callable[[Path], object]) -> Fails:
    """The repository is changed first."""

    def fails(hub: Hub, home: Path) -> None:
        change(hub.repositories[NAME])
        fetch(home)

    return fails


def gated(hub: Hub, home: Path) -> None:
    hub.refused[GRAPH] = 403
    fetch(home)


def cut_each_time(hub: Hub, home: Path) -> None:
    hub.cuts[GRAPH] = [100] * 20
    fetch(home)


def of_another_commit(hub: Hub, home: Path) -> None:
    hub.commit = "f" * 40
    fetch(home)


def offline(_: Hub, home: Path) -> None:
    next((fetch(home) / "onnx").iterdir()).unlink()
    with mock.patch("huggingface_hub.constants.HF_HUB_OFFLINE", new=True):
        fetch(home)


def unreachable(_: Hub, home: Path) -> None:
    with mock.patch("huggingface_hub.constants.ENDPOINT", NOBODY_LISTENS):
        fetch(home)


def cached(_: Hub, home: Path) -> None:
    fetch(home)
    unreachable(_, home)


def without_the_client(_: Hub, home: Path) -> None:
    with mock.patch("importlib.util.find_spec", return_value=None):
        fetch(home)


def full_disk(_: Hub, home: Path) -> None:
    with mock.patch.object(Path, "open", Path.open):  # put back what the code replaces
        exec(FULL_DISK, {})
        fetch(home)


def read_only(_: Hub, home: Path) -> None:
    (home / "hub").mkdir(mode=0o555)
    exec(NO_PRIVILEGES, {})
    fetch(home)


def recorded_otherwise(folder: Path) -> None:
    write_json(folder / "airvec.json", {"graphs": {GRAPH: {"sha256": "0" * 64, "size": len(CONTENT)}}})


def damaged_modules(folder: Path) -> None:
    (folder / "modules.json").write_text("[1, 2")


def without_graphs(folder: Path) -> None:
    for file in (folder / "onnx").iterdir():
        file.unlink()


def without_settings(folder: Path) -> None:
    (folder / "modules.json").unlink()
    (folder / "config.json").unlink()


def without_weights(hub: Hub, _: Path) -> None:
    from airvec_exporter.fetch import find_checkpoint

    for name in ("model.safetensors", "pytorch_model.bin"):
        (hub.repositories[NAME] / name).unlink()
    find_checkpoint(NAME)


def a_file(hub: Hub, home: Path) -> None:
    fetch(home, hub.repositories[NAME] / GRAPH)


# Title -> (when, what fails). The last one gives up the process's rights.
FAILURES: dict[str, tuple[str, Fails]] = {
    "A path that is no folder": ('`SentenceTransformer("./words")`.', lambda _, home: fetch(home, "./words")),
    "A path that is a file": ("The graph's own path in place of the folder's.", a_file),
    "A name that is none": ("`SentenceTransformer(3)`.", lambda _, home: fetch(home, 3)),
    "A name that no repository can have": ('`"org/wo rds"`.', lambda _, home: fetch(home, "org/wo rds")),
    "A revision that is none": ('`revision="../main"`.', lambda _, home: fetch(home, revision="../main")),
    "A revision that is not there": ('`revision="v3"`.', lambda _, home: fetch(home, revision="v3")),
    "A repository that is not there": ("The Hub knows no `org/unknown`.", lambda _, home: fetch(home, "org/unknown")),
    "Status 401": ("No token, or one that is not valid; the Hub says the same of names that it does not know.",
                   answers(401)),
    "Status 403": ("A token without access.", answers(403)),
    "Status 404": ("The repository has gone, or its name has changed.", answers(404)),
    "Status 429": ("Four times, with the waiting times that the Hub asks for.", answers(429)),
    "Status 500": ("Four times, some seconds apart.", answers(500)),
    "Another status": ("As of a proxy in between.", answers(418)),
    "A gated file": ("The list of files is public, the files are not.", gated),
    "No token saved": ("`token=True`.", lambda _, home: fetch(home, token=True)),
    "The Hub cannot be reached": ("No network, and the model is not in the cache.", unreachable),
    "The Hub cannot be reached, and the model is in the cache": ("The call goes on; this is a warning.", cached),
    "Not in the cache": ("`local_files_only=True`.", lambda _, home: fetch(home, local_files_only=True)),
    "Not whole in the cache": ("`HF_HUB_OFFLINE=1`, and the graph was deleted.", offline),
    "A download that breaks off": ("Again and again; once or twice is mended in silence.", cut_each_time),
    "A file that is too short": ("It came with fewer bytes than announced.", spoiled(b"short")),
    "A file with another content": ("Its SHA-256 is not the one that the Hub states.", spoiled(CONTENT[::-1])),
    "A file other than airvec.json says": ("The repository was changed in part.", with_words(recorded_otherwise)),
    "Answers for another commit": ("A mirror that is not up to date.", of_another_commit),
    "A repository without a graph": ("It has torch's weights only, as most have.", with_words(without_graphs)),
    "A repository with other graphs": ('`variant="int4"`, and there are two others.',
                                       lambda _, home: fetch(home, graph="model_int4.onnx")),
    "A repository without a model": ("It has neither settings nor modules: a data set's, perhaps.",
                                     with_words(without_settings)),
    "A repository with a damaged modules.json": ("Found before anything large is fetched.",
                                                 with_words(damaged_modules)),
    "A repository without torch's weights": ("`airvec export org/words ./out`.", without_weights),
    "The Hub's client is not installed": ("A pruned package leaves huggingface_hub out.", without_the_client),
    "No space left": ("In the cache's file system.", full_disk),
    "A cache that cannot be written to": ("Models that are whole in it can still be loaded.", read_only),
}  # fmt: skip


def ours(home: Path) -> Path:
    """A repository with graphs in two variants and torch's weights in two forms."""
    folder = word_model(home / "words")
    for name in ("pytorch_model.bin", "model.safetensors", GRAPH, "onnx/model_O3.onnx"):
        (folder / name).write_bytes(CONTENT)
    return folder


def provoke_all(home: Path) -> Iterator[tuple[str, str]]:
    """Title and outcome of each failure; in a process that has not yet imported the client."""
    time.sleep = lambda _: None  # the client waits before it asks a busy Hub again
    with serving(Hub()) as hub:
        os.environ["HF_ENDPOINT"] = hub.address
        for place, (title, (when, fails)) in enumerate(FAILURES.items()):
            own = home / str(place)
            vars(hub).update(vars(Hub({NAME: ours(own)}, address=hub.address)))
            yield title, shown(Case(title, when, lambda at, fails=fails: fails(hub, at)), own)


@cache
def outcomes() -> dict[str, str]:
    """What all of them say, from one run of the process."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = Client(home / "client", "").environment(PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        command = [sys.executable, "-m", "tests.errors.hub", folder]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


TOPIC = Topic(
    "Models by name: the Hub",
    "Fetching is described in [hub.md](hub.md). A folder of that name on this disk comes before the Hub. A model that"
    " could not be fetched whole leaves nothing half in the cache.",
    tuple(Case(title, when, lambda _, title=title: outcomes()[title]) for title, (when, _) in FAILURES.items()),
    slow=True,
)

if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        found = dict(provoke_all(Path(sys.argv[1])))
    print(json.dumps(found))
