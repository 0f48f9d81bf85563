"""A real ssh server (Debian's sshd) on loopback, with keys and a configuration of its own, for the user who runs the tests."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.agent_process import wait_for
from tests.support.server_process import free_port


@dataclass(frozen=True)
class SshServer:
    """Where it listens and what lets one in."""

    host: str
    port: int
    user: str
    key: str
    known_hosts: str

    def url(self, path: Path) -> str:
        """The address of a repository at a path of this machine."""
        return f"ssh://{self.user}@{self.host}:{self.port}{path}"


@contextmanager
def ssh_server(folder: Path, host: str = "127.0.0.1") -> Generator[SshServer]:
    """Serves at an address of this machine until the block ends. sshd's privilege separation folder is made where Debian's service would have made it."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise FileNotFoundError("sshd is not installed: install Debian's openssh-server; its service need not run.")
    folder.mkdir(mode=0o700, parents=True)
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "authorized").write_text((folder / "client.pub").read_text())
    port, user = free_port(), pwd.getpwuid(os.getuid()).pw_name
    (folder / "sshd_config").write_text(
        f"ListenAddress {host}\nPort {port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        f"PidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        f"PermitRootLogin prohibit-password\nAcceptEnv GIT_PROTOCOL\nAllowTcpForwarding no\nX11Forwarding no\n"
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    log = folder / "sshd.log"
    with log.open("wb") as out:
        process = subprocess.Popen([program, "-D", "-e", "-f", str(folder / "sshd_config")], stdout=out, stderr=out)
    try:
        wait_for(lambda: _answers(host, port), log.read_text)
        kind, key = (folder / "host.pub").read_text().split()[:2]
        yield SshServer(host, port, user, (folder / "client").read_text(), f"[{host}]:{port} {kind} {key}\n")
    finally:
        process.terminate()
        process.wait(30)


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=5) as connection:
            return connection.recv(3) == b"SSH"
    except OSError:
        return False
