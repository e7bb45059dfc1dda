"""A small Hugging Face hub on the loopback address: what the real client asks for when it fetches a model.

Knows nothing of airvec.
"""

import hashlib
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

API = "/api/models/"


@dataclass
class Hub:
    """Repositories by "ORG/MODEL@REVISION" (main where none is named), and what was fetched from them.

    `status` answers every request with that error; `token` = the one that every request must carry.
    """

    repositories: dict[str, Path] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    status: int | None = None
    token: str | None = None
    address: str = ""

    def files(self, name: str) -> dict[str, Path] | None:
        """The files of `ORG/MODEL@REVISION` or `ORG/MODEL@COMMIT` by their paths; None = no such repository."""
        known = {f"{key.partition('@')[0]}@{commit(key)}": folder for key, folder in self.repositories.items()}
        folder = (self.repositories | known).get(name.removesuffix("@main"), known.get(name))
        if folder is None:
            return None
        return {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}


def commit(name: str) -> str:
    """The commit that a repository's revision stands for."""
    return hashlib.sha1(name.removesuffix("@main").encode(), usedforsecurity=False).hexdigest()


@contextmanager
def serving(hub: Hub) -> Generator[Hub]:
    """Serve the hub; its `address` is the endpoint."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
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
        if self.hub.status is not None:
            return self._send(self.hub.status, b"{}", {}, body)
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
        listed = [
            {"type": "file", "path": path, "size": file.stat().st_size, "oid": _etag(file)}
            for path, file in files.items()
        ]
        sha = commit(name if revision == "main" else f"{name}@{revision}")
        about = {"id": name, "sha": sha, "siblings": [{"rfilename": path} for path in files]}
        return self._send(200, json.dumps(listed if what == "tree" else about).encode(), {}, body)

    def _file(self, parts: list[str], body: bool) -> None:
        organisation, model, _, revision, *rest = parts
        files = self.hub.files(f"{organisation}/{model}@{revision}") or {}
        file = files.get("/".join(rest))
        if file is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Error-Message": "not found"}, body)
        if body:
            self.hub.fetched.append("/".join(rest))
        headers = {"ETag": f'"{_etag(file)}"', "X-Repo-Commit": revision, "Accept-Ranges": "bytes"}
        return self._send(200, file.read_bytes(), headers, body)

    def _send(self, status: int, content: bytes, headers: dict[str, str], body: bool) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)


def _etag(file: Path) -> str:
    return hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest()
