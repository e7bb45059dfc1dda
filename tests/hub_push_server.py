"""The hub on the loopback address, with what the real client asks for when it uploads: one commit of many files.

A commit lands in the repository's folder as a whole, or not at all. Knows nothing of airvec.
"""

import base64
import json
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.hub_server import Hub, _Handler, answering, commit

LARGE = (".onnx", ".safetensors", ".onnx_data", ".bin")


@dataclass
class PushHub(Hub):
    """A hub that takes commits.

    Args:
        root: where repositories are made.
        refused_uploads: answers that status to a request whose path holds the key.
        message: what it says of why.
        cut_commit: called when a commit has come in, which is then neither taken nor answered.
    """

    root: Path = Path()
    refused_uploads: dict[str, int] = field(default_factory=dict)
    message: str = ""
    made: list[dict[str, Any]] = field(default_factory=list)
    commits: list[dict[str, Any]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    cut_commit: Callable[[], object] | None = None

    def take(self, name: str, revision: str, lines: list[dict[str, Any]]) -> None:
        """One commit: its files in the folder of a branch."""
        folder = self.repositories[name]
        if revision != "main":
            folder = self.repositories.setdefault(f"{name}@{revision}", self.root / f"{name}@{revision}")
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.commits.append({"name": name, "revision": revision, **value, "files": []})
                continue
            file = folder / value["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            whole = line["key"] == "file"
            file.write_bytes(base64.b64decode(value["content"]) if whole else self.objects[value["oid"]])
            self.commits[-1]["files"].append(value["path"])


@contextmanager
def taking(hub: PushHub) -> Generator[PushHub]:
    """Serve the hub; its `address` is the endpoint."""
    with answering(type("Handler", (_PushHandler,), {"hub": hub})) as hub.address:
        yield hub


class _PushHandler(_Handler):
    hub: PushHub

    def do_PUT(self) -> None:  # noqa: N802  (http.server's name)
        content = self._content_sent()
        if not self._refuses():
            self.hub.objects[self.path.rpartition("/")[2]] = content
            self._send(200, b"", {}, True)

    def do_POST(self) -> None:  # noqa: N802  (http.server's name)
        sent = self._content_sent()
        path = self.path.partition("?")[0]
        self.hub.note(f"POST {path}")
        if self._refuses():
            return
        if path == "/api/repos/create":
            self._create(json.loads(sent))
        elif path == "/api/validate-yaml":
            self._answer_json({"errors": [], "warnings": []})
        elif path.endswith("/info/lfs/objects/batch"):
            self._batch(json.loads(sent)["objects"])
        else:
            _, _, _, organisation, model, what, revision = path.split("/")
            {"branch": self._branch, "preupload": self._modes, "commit": self._commit}[what](
                f"{organisation}/{model}", revision, sent
            )

    def _branch(self, name: str, revision: str, _: bytes) -> None:
        folder = self.hub.root / f"{name}@{revision}"
        shutil.copytree(self.hub.repositories[name], folder, dirs_exist_ok=True)
        self.hub.repositories[f"{name}@{revision}"] = folder
        self._answer_json({})

    def _modes(self, _: str, __: str, sent: bytes) -> None:
        paths = [file["path"] for file in json.loads(sent)["files"]]
        modes = [(path, "lfs" if path.endswith(LARGE) else "regular") for path in paths]
        self._answer_json(
            {"files": [{"path": path, "uploadMode": mode, "shouldIgnore": False} for path, mode in modes]}
        )

    def _commit(self, name: str, revision: str, sent: bytes) -> None:
        if self.hub.cut_commit:
            self.hub.cut_commit()
            self.close_connection = True
            return
        branch = "pr-1" if "create_pr" in self.path else revision
        self.hub.take(name, branch, [json.loads(row) for row in sent.splitlines()])
        about = {"commitUrl": f"{self.hub.address}/{name}/commit/{commit(name)}", "commitOid": commit(name)}
        self._answer_json({**about, "pullRequestUrl": f"{self.hub.address}/{name}/discussions/1"})

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization'] or 'me'}/{asked['name']}"
        self.hub.made.append(asked)
        if name in self.hub.repositories:
            about = json.dumps({"url": f"{self.hub.address}/{name}", "error": "You already created this model repo"})
            self._send(409, about.encode(), {}, True)
            return
        self.hub.repositories[name] = self.hub.root / name
        self.hub.repositories[name].mkdir(parents=True)
        self._answer_json({"url": f"{self.hub.address}/{name}", "name": name, "id": name})

    def _batch(self, objects: list[dict[str, Any]]) -> None:
        url = f"{self.hub.address}/objects/"
        uploads = [{**one, "actions": {"upload": {"href": url + one["oid"]}}} for one in objects]
        self._answer_json({"transfer": "basic", "objects": uploads})

    def _refuses(self) -> bool:
        """Answer what is planned for this request, if anything is."""
        status = next((code for part, code in self.hub.refused_uploads.items() if part in self.path), None)
        if self.hub.token is not None and self.headers["Authorization"] != f"Bearer {self.hub.token}":
            status = 401
        if status is None:
            return False
        told = {"X-Error-Message": self.hub.message} if self.hub.message else {}
        self._send(status, json.dumps({"error": self.hub.message}).encode(), {"Retry-After": "0", **told}, True)
        return True

    def _content_sent(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _answer_json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"}, True)
