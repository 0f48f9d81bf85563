"""An Azure Blob Storage server for tests: Azurite over a folder, on loopback. npm installs it, once per machine."""

import base64
import contextlib
import fcntl
import hashlib
import hmac
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.support.programs import running_program
from tests.support.server_process import free_port

VERSION = "3.35.0"
ACCOUNT = "flows"
KEY = base64.b64encode(b"the key of a test's own account.").decode()
INSTALL_SECONDS = 600
_API_VERSION = "2021-08-06"
_WITH_NODE = Path(__file__).parents[2] / "ui" / "scripts" / "with-node.sh"


@dataclass(frozen=True)
class AzureServer:
    """A server that runs.

    Attributes:
        url: its address, with the account.
    """

    url: str

    @property
    def connection_string(self) -> str:
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={self.url};"

    def make_container(self, name: str) -> str:
        """A new container. Returns its name."""
        now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        resource = f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
        text = "PUT" + "\n" * 12 + f"x-ms-date:{now}\nx-ms-version:{_API_VERSION}\n{resource}"
        signature = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
        headers = {
            "x-ms-date": now,
            "x-ms-version": _API_VERSION,
            "Authorization": f"SharedKey {ACCOUNT}:{signature}",
            "Content-Length": "0",
        }
        httpx.put(f"{self.url}/{name}?restype=container", headers=headers, timeout=30).raise_for_status()
        return name


@contextlib.contextmanager
def run_azure_server() -> Generator[AzureServer]:
    """A started server, ended and removed at the end."""
    program = install_azurite()
    root = Path(tempfile.mkdtemp(prefix="towpath-azure-"))
    try:
        port = free_port()
        command = [str(_WITH_NODE), "node", str(program), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
        options = ["--location", str(root / "data"), "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        environment = os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
        with running_program([*command, *options], port, root / "log", environment):
            yield AzureServer(f"http://127.0.0.1:{port}/{ACCOUNT}")
    finally:
        shutil.rmtree(root, ignore_errors=True)


def install_azurite() -> Path:
    """Azurite's program for blobs; installed when the cache lacks it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "towpath-dev" / "test-servers"
    folder = cache / f"azurite-{VERSION}"
    program = folder / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    with (cache / ".azurite.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test processes must not install the same at once
        if not program.exists():
            partial = folder / ".partial"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            words = [
                str(_WITH_NODE),
                "npm",
                "install",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                "--prefix",
                str(partial),
            ]
            done = subprocess.run(
                [*words, f"azurite@{VERSION}"],
                cwd=partial,
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
            if done.returncode != 0:
                raise RuntimeError(f"Installing azurite failed:\n{done.stderr[-2000:]}")
            (partial / "node_modules").rename(folder / "node_modules")
    return program
