"""A small Hugging Face hub on the loopback address: what the real client asks for when it fetches a model.

It can be as bad as the real one: refuse, break off in the middle, or send other bytes than it announces.
Knows nothing of airvec.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread

API = "/api/models/"
PATIENCE = 60  # seconds until a test that waits for a request gives up


@dataclass
class Hub:
    """Repositories by "ORG/MODEL@REVISION" (main where none is named), and what was fetched from them.

    Args:
        repositories: their folders.
        status: answers every request with that error.
        token: the one that every request must carry.
        busy: errors for the next requests, one each; they ask to be tried again at once.
        refused: errors by file, for every request.
        cuts: by file, after how many bytes the next answers break off.
        spoiled: by file, what is sent in place of its content.
        commit: the one that answers name, in place of that asked for.
        midway: by file, what is called when half of it has been sent.
    """

    repositories: dict[str, Path] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    status: int | None = None
    token: str | None = None
    address: str = ""
    busy: list[int] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    spoiled: dict[str, bytes] = field(default_factory=dict)
    commit: str | None = None
    midway: dict[str, Callable[[], object]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    changed: Condition = field(default_factory=Condition)

    def files(self, name: str) -> dict[str, Path] | None:
        """The files of `ORG/MODEL@REVISION` or `ORG/MODEL@COMMIT` by their paths; None = no such repository."""
        known = {f"{key.partition('@')[0]}@{commit(key)}": folder for key, folder in self.repositories.items()}
        folder = (self.repositories | known).get(name.removesuffix("@main"), known.get(name))
        if folder is None:
            return None
        return {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}

    def note(self, request: str) -> None:
        """Remember a request, such as "HEAD onnx/model.onnx"."""
        with self.changed:
            self.asked.append(request)
            self.changed.notify_all()

    def wait_for(self, request: str, count: int = 1) -> None:
        """Return when that request has come `count` times."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.asked.count(request) >= count, PATIENCE), self.asked


def commit(name: str) -> str:
    """The commit that a repository's revision stands for."""
    return hashlib.sha1(name.removesuffix("@main").encode(), usedforsecurity=False).hexdigest()


@contextmanager
def serving(hub: Hub) -> Generator[Hub]:
    """Serve the hub; its `address` is the endpoint."""
    with answering(type("Handler", (_Handler,), {"hub": hub})) as hub.address:
        yield hub


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Generator[str]:
    """A server on the loopback address; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def _answer(self, body: bool) -> None:
        path = self.path.partition("?")[0]
        self.hub.note(f"{self.command} {path.partition('/resolve/')[2].partition('/')[2] or path}")
        if self.hub.status is not None:
            return self._send(self.hub.status, b"{}", {"Retry-After": "0"}, body)
        if self.hub.busy:
            return self._send(self.hub.busy.pop(0), b"{}", {"Retry-After": "0"}, body)
        if self.hub.token is not None and self.headers["Authorization"] != f"Bearer {self.hub.token}":
            return self._send(401, b'{"error": "Invalid username or password."}', {}, body)
        if path.startswith(API):
            return self._about(path.removeprefix(API).split("/"), body)
        if "/resolve/" in path:
            return self._file(path[1:].split("/"), body)
        return self._send(404, b"{}", {}, body)  # the client asks for more than files; it does without

    def _about(self, parts: list[str], body: bool) -> None:
        organisation, model, what, revision = (*parts, "", "main")[:4] if len(parts) == 2 else parts[:4]
        name = f"{organisation}/{model}"
        files = self.hub.files(f"{name}@{revision}")
        if files is None:
            known = self.hub.files(f"{name}@main") is not None
            missing = "RevisionNotFound" if known else "RepoNotFound"
            return self._send(404, b"{}", {"X-Error-Code": missing, "X-Error-Message": "not found"}, body)
        listed = [{"rfilename": path, "path": path, "type": "file", **_facts(file)} for path, file in files.items()]
        sha = revision if len(revision) == 40 else commit(name if revision == "main" else f"{name}@{revision}")
        about = {"id": name, "sha": sha, "siblings": listed}
        return self._send(200, json.dumps(listed if what == "tree" else about).encode(), {}, body)

    def _file(self, parts: list[str], body: bool) -> None:
        organisation, model, _, revision, *rest = parts
        path = "/".join(rest)
        file = (self.hub.files(f"{organisation}/{model}@{revision}") or {}).get(path)
        if file is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Error-Message": "not found"}, body)
        if path in self.hub.refused:
            return self._send(self.hub.refused[path], b"{}", {"X-Error-Code": "GatedRepo"}, body)
        headers = {"ETag": f'"{_etag(file)}"', "X-Repo-Commit": self.hub.commit or revision, "Accept-Ranges": "bytes"}
        if not body:
            return self._send(200, file.read_bytes(), headers, body)
        self.hub.fetched.append(path)
        return self._content(path, self.hub.spoiled.get(path, file.read_bytes()), headers)

    def _content(self, path: str, content: bytes, headers: dict[str, str]) -> None:
        """The bytes of a file, all or from where the client wants to go on; broken off where that is planned."""
        start = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if start:
            headers |= {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        end = self.hub.cuts[path].pop(0) if self.hub.cuts.get(path) else len(content)
        self._send(206 if start else 200, content[start:], headers, body=False)
        half = (start + end) // 2
        self.wfile.write(content[start:half])
        if path in self.hub.midway:
            self.wfile.flush()
            self.hub.midway[path]()
        self.wfile.write(content[half:end])
        self.hub.sent[path] += end - start
        self.close_connection = end < len(content)

    def _send(self, status: int, content: bytes, headers: dict[str, str], body: bool) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)


def _facts(file: Path) -> dict[str, object]:
    """What the Hub states of a file: the SHA-256 only of large ones, which are those that are no text."""
    size, etag = file.stat().st_size, _etag(file)
    lfs = {"lfs": {"size": size, "sha256": etag, "oid": etag, "pointerSize": 130}} if len(etag) == 64 else {}
    return {"size": size, "oid": etag, **lfs}


def _etag(file: Path) -> str:
    """As on the Hub: SHA-256 of large files, something shorter for the others."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return digest[:40] if file.suffix in (".json", ".md", ".txt") else digest
