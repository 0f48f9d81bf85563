"""A real S3 server for tests: versitygw over a folder, on loopback, with one account."""

import contextlib
import shutil
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from tests.support.go_tools import build_go_tool
from tests.support.programs import running_program
from tests.support.server_process import free_port

ACCESS_KEY = "towpath-test"
SECRET_KEY = "towpath-test-secret"
REGION = "us-east-1"


@dataclass(frozen=True)
class S3Server:
    """A server that runs. A bucket is a folder in `folder`, an object a file in it.

    Attributes:
        url: its address, the `endpoint_url` of clients. Buckets are addressed by path.
    """

    url: str
    folder: Path
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    region: str = REGION

    def make_bucket(self, name: str) -> str:
        """A new bucket. Returns its name."""
        (self.folder / name).mkdir()
        return name


@contextlib.contextmanager
def run_s3_server() -> Generator[S3Server]:
    """A started server, ended and removed at the end."""
    program = build_go_tool("s3", "github.com/versity/versitygw/cmd/versitygw")
    root = Path(tempfile.mkdtemp(prefix="towpath-s3-"))
    try:
        folder, meta = root / "buckets", root / "meta"
        folder.mkdir()
        meta.mkdir()
        port = free_port()
        account = ["--access", ACCESS_KEY, "--secret", SECRET_KEY, "--region", REGION]
        # The sidecar keeps objects' metadata in files: not every file system of a test machine has extended attributes.
        backend = ["posix", "--sidecar", str(meta), str(folder)]
        command = [str(program), "--port", f"127.0.0.1:{port}", "--quiet", *account, *backend]
        with running_program(command, port, root / "log"):
            yield S3Server(f"http://127.0.0.1:{port}", folder)
    finally:
        shutil.rmtree(root, ignore_errors=True)
