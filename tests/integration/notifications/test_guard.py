"""What the process that apprise runs in cannot do, whichever way a plugin tries."""

import asyncio
import json
import subprocess
import sys

import pytest

from tests.support.webhook import receiving

SCRIPT = """
import json, os, socket, subprocess, sys
import requests
from towpath_operator.notifications.addresses import AddressPolicy, parse_networks
from towpath_operator.notifications.guard import build_hook, readable_folders
sys.addaudithook(build_hook(AddressPolicy(parse_networks("127.0.0.1")), readable_folders(), lambda _: None))
address = sys.argv[2]
try:
    exec(sys.argv[1])
    said = "done"
except Exception as error:
    said = repr(error)
print(json.dumps(said))
"""


def attempt(code: str, address: str = "") -> str:
    """What comes of some code under the guard, which may name an `address`."""
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, code, address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout))


@pytest.mark.parametrize(
    "code",
    [
        "socket.create_connection(('127.0.0.2', 1))",
        "socket.create_connection(('10.0.0.1', 1))",
        "socket.socket(socket.AF_UNIX).connect('/run/x.sock')",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('169.254.169.254', 53))",
        "subprocess.run(['true'])",
        "os.system('true')",
        "os.fork()",
        "open('/etc/passwd').read()",
        "open('/proc/self/environ').read()",
        "open('/etc/ssl/../passwd').read()",
        "open('/tmp/written-by-a-message', 'w')",
        "os.open('/etc/shadow', os.O_RDONLY)",
    ],
)
def test_what_is_barred(code: str) -> None:
    assert "PermissionError" in attempt(code)


@pytest.mark.parametrize(
    "code", ["open('/dev/null', 'w').write('x')", "import ssl; ssl.create_default_context()", "import wave"]
)
def test_what_is_not(code: str) -> None:
    assert attempt(code) == "done"


async def test_a_redirect_is_judged_by_where_it_leads() -> None:
    async with receiving() as outside:
        outside.answers, outside.location = [302], outside.url.replace("127.0.0.1", "127.0.0.2")
        said = await asyncio.to_thread(attempt, "requests.get(address, timeout=30)", outside.url)
        assert len(outside.received) == 1
    assert "127.0.0.2 is not a public address" in said
