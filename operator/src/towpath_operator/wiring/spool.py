"""Takes in what flows have told while no server ran. Called when a local server starts.

The spool's format is the SDK's: its own command delivers it, as a process beside the server, over HTTP like any client.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Generator

_COMMAND = (sys.executable, "-m", "towpath.client.spooled")


@contextlib.contextmanager
def delivering_spool(port: int, token: str | None) -> Generator[None]:
    """Delivers the spool of TOWPATH_HOME to the server on this machine's `port` while the block runs.

    What is not delivered by the block's end stays in the spool, for the next server.
    """
    env = (
        os.environ
        | {"TOWPATH_API_URL": f"http://127.0.0.1:{port}/api"}
        | ({"TOWPATH_API_TOKEN": token} if token else {})
    )
    process = subprocess.Popen(_COMMAND, env=env, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()
