"""A Google Cloud Storage server for tests: fake-gcs-server in memory, on loopback. It asks for no credentials."""

import contextlib
import shutil
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.go_tools import build_go_tool
from tests.support.programs import running_program
from tests.support.server_process import free_port


@dataclass(frozen=True)
class GcsServer:
    """A server that runs.

    Attributes:
        url: its address, the `api_endpoint` of clients, or their STORAGE_EMULATOR_HOST.
    """

    url: str

    def make_bucket(self, name: str) -> str:
        """A new bucket. Returns its name."""
        httpx.post(f"{self.url}/storage/v1/b", json={"name": name}, timeout=30).raise_for_status()
        return name


@contextlib.contextmanager
def run_gcs_server(host: str = "127.0.0.1") -> Generator[GcsServer]:
    """A started server, ended and removed at the end. `host` is this machine's address that its clients reach."""
    program = build_go_tool("gcs", "github.com/fsouza/fake-gcs-server")
    root = Path(tempfile.mkdtemp(prefix="towpath-gcs-"))
    try:
        port = free_port()
        url = f"http://{host}:{port}"
        listen = ["-scheme", "http", "-host", host, "-port", str(port)]
        addresses = ["-external-url", url, "-public-host", f"{host}:{port}"]
        storage = ["-backend", "memory"]  # in a file system, objects could not have every name that Google takes
        with running_program([str(program), *listen, *addresses, *storage], port, root / "log", host=host):
            yield GcsServer(url)
    finally:
        shutil.rmtree(root, ignore_errors=True)
