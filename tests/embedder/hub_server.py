"""A Hugging Face hub on the loopback: the few paths that a pull asks for, and ways to go wrong."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubServer(ThreadingHTTPServer):
    """One repository, `someone/encoder`; what it was asked stands in `sent` (bytes) and `ranges`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Paths)
        self.files: dict[str, bytes] = {}
        self.digests: dict[str, str] = {}
        """What the hub claims of a file, where that is to be wrong or missing."""
        self.sizes: dict[str, int] = {}
        self.licence = "openrail"
        self.failure: tuple[int, str] | None = None
        """(status, X-Error-Code) of every answer."""
        self.cuts: dict[str, list[int]] = {}
        """By file: after how many bytes each of the next answers breaks off."""
        self.elsewhere = False
        """Whether the large files lie with another host, as they do on the real hub."""
        self.sent: Counter[str] = Counter()
        self.ranges: list[str] = []
        self.tokens: dict[str, set[str | None]] = {"hub": set(), "elsewhere": set()}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def digest(self, file: str) -> str:
        content = self.files[file]
        if file.endswith((".json", ".md")):
            return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        return hashlib.sha256(content).hexdigest()


class Paths(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        hub, path = self.server, unquote(urlsplit(self.path).path)
        elsewhere = path.startswith("/elsewhere/")
        hub.tokens["elsewhere" if elsewhere else "hub"].add(self.headers.get("Authorization"))
        path = path.removeprefix("/elsewhere")
        if hub.failure:
            return self._plain(hub.failure[0], b"{}", {"X-Error-Code": hub.failure[1]})
        if path.startswith("/api/models/someone/encoder"):
            revision = path.partition("/revision/")[2] or "main"
            if revision not in ("main", "v1", COMMIT):
                return self._plain(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            siblings = [{"rfilename": file} for file in hub.files]
            told = {"id": "someone/encoder", "sha": COMMIT, "siblings": siblings, "cardData": {"license": hub.licence}}
            return self._plain(200, json.dumps(told).encode(), {"Content-Type": "application/json"})
        start = f"/someone/encoder/resolve/{COMMIT}/"
        file = path.removeprefix(start)
        if not path.startswith(start) or file not in hub.files:
            return self._plain(404, b"{}", {"X-Error-Code": "RepoNotFound" if file == path else "EntryNotFound"})
        content, digest = hub.files[file], hub.digests.get(file, hub.digest(file))
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{digest}"', "Accept-Ranges": "bytes"}
        if len(digest) == 64:
            headers |= {
                "X-Linked-Etag": f'"{digest}"',
                "X-Linked-Size": str(hub.sizes.get(file, len(content))),
                "ETag": '"of the pointer"',
            }
        if len(digest) == 64 and hub.elsewhere and not elsewhere:
            port = hub.server_address[1]
            return self._plain(302, b"", headers | {"Location": f"http://localhost:{port}/elsewhere{path}"})
        if not body:
            return self._plain(200, content, headers, head=True)
        first = 0
        if wanted := self.headers.get("Range"):
            hub.ranges.append(wanted)
            first = int(wanted.removeprefix("bytes=").rstrip("-"))
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        rest = content[first:]
        cuts = hub.cuts.get(file, [])
        sent = rest[: cuts.pop(0)] if cuts else rest
        hub.sent[file] += len(sent)
        self.send_response(206 if first else 200)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(sent)
        if len(sent) < len(rest):
            self.close_connection = True

    def _plain(self, status: int, content: bytes, headers: dict[str, str], head: bool = False) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not head and self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def serve() -> Iterator[HubServer]:
    server = HubServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
