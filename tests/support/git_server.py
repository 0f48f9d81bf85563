"""A real git host over HTTP: git's own `http-backend` behind a small server, with basic authentication where a test asks for it.

Also makes repositories, by git itself.
"""

import base64
import os
import subprocess
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

_IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Repository:
    """A bare repository below a server's folder, and a checkout to commit from."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.bare = root / f"{name}.git"
        self.bare.parent.mkdir(parents=True, exist_ok=True)
        self._work = root.parent / f"work-{name.replace('/', '-')}"
        self._git(root, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        self._git(root, "init", "--quiet", "--initial-branch=main", str(self._work))

    def commit(self, files: Mapping[str, str], *, links: Mapping[str, str] | None = None, branch: str = "main") -> str:
        """Commits files (and links, by their targets) on a branch and pushes it. Returns the commit."""
        if branch != self.git("symbolic-ref", "--short", "HEAD"):
            self.git("checkout", "--quiet", "-B", branch)
        for name, text in files.items():
            file = self._work / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        for name, target in (links or {}).items():
            (self._work / name).symlink_to(target)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A change")
        return self.push()

    def push(self) -> str:
        """Pushes all branches and tags. Returns the commit that is checked out."""
        self.git("push", "--quiet", "--force", str(self.bare), "--all")
        self.git("push", "--quiet", "--force", str(self.bare), "--tags")
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str) -> None:
        """Tags what is checked out, and pushes."""
        self.git("tag", name)
        self.push()

    def git(self, *words: str) -> str:
        """Runs git in the checkout."""
        return self._git(self._work, *words)

    @staticmethod
    def _git(folder: Path, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=folder, env={**os.environ, **_IDENTITY}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()


class GitServer:
    """Serves every repository below `root`.

    Attributes:
        token: what must be sent as the password, with any user; None for open repositories.
        requests: the paths asked for.
    """

    def __init__(self, root: Path, host: str = "127.0.0.1") -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.token: str | None = None
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer((host, 0), _make_handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://{self._server.server_address[0]}:{self.port}"

    def make(self, name: str) -> Repository:
        """A new empty repository."""
        return Repository(self.root, name)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(30)


@contextmanager
def git_server(folder: Path, host: str = "127.0.0.1") -> Generator[GitServer]:
    """A git host that keeps its repositories below `folder`."""
    server = GitServer(folder / "repositories", host)
    try:
        yield server
    finally:
        server.close()


def _make_handler(server: GitServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

        def _serve(self) -> None:
            body = self._read_body()
            server.requests.append(self.path)
            if not self._is_allowed():
                self._answer(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
                return
            path, _, query = self.path.partition("?")
            done = subprocess.run(
                ["git", "http-backend"],
                env={
                    **os.environ,
                    **_IDENTITY,
                    "GIT_PROJECT_ROOT": str(server.root),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "REQUEST_METHOD": self.command,
                    "PATH_INFO": unquote(path),
                    "QUERY_STRING": query,
                    "CONTENT_TYPE": self.headers.get("content-type", ""),
                    "CONTENT_LENGTH": str(len(body)),
                    "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
                    "REMOTE_ADDR": self.client_address[0],
                },
                input=body,
                capture_output=True,
                check=False,
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            pairs = [line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line]
            headers = [(name, value) for name, value in pairs if name.lower() != "status"]
            status = next((int(value.split()[0]) for name, value in pairs if name.lower() == "status"), 200)
            self._answer(status, headers, content)

        def _is_allowed(self) -> bool:
            if server.token is None:
                return True
            scheme, _, given = self.headers.get("authorization", "").partition(" ")
            return scheme == "Basic" and base64.b64decode(given).decode().partition(":")[2] == server.token

        def _read_body(self) -> bytes:
            if self.headers.get("transfer-encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            body = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
