"""Local mode, for machines that can run no cluster: the server as one background process. Called by __main__.

The same flows run against the same API, launched as processes. Works wherever Python does, so the process is found again
by its pid file and its command line instead of /proc.
"""

import http.client
import os
import signal
import subprocess

from dev.cluster.commands import run, tail_of, wait_until
from dev.cluster.errors import ClusterError
from dev.cluster.images import find_uv
from dev.cluster.layout import CHECKOUT, Layout
from dev.cluster.progress import say, step

HOST, PORT = "127.0.0.1", 4200
URL = f"http://{HOST}:{PORT}"
_COMMAND = ["towpath", "server", "start", "--host", HOST, "--port", str(PORT)]
_HELLO = CHECKOUT / "examples" / "hello" / "hello.py"


def up(layout: Layout) -> None:
    """Start the server and run the first example against it."""
    start(layout)
    uv, env = find_uv(layout), _variables(layout)
    if _HELLO.exists():
        with step("running examples/hello as a process"):
            done = run([uv, "run", "--frozen", "python", _HELLO], env=env, cwd=CHECKOUT)
        print(done.stdout + done.stderr)
        for noun in ("flow-run", "task-run"):
            print(run([uv, "run", "--frozen", "towpath", noun, "ls"], env=env, cwd=CHECKOUT).stdout)
    print(f"API and UI: {URL}\n\n    export TOWPATH_API_URL={URL}/api")


def start(layout: Layout) -> None:
    """Start the server if it does not run.

    Raises:
        ClusterError: It did not answer; shows the last lines of its log.
    """
    if _find_pid(layout) and _answers():
        say(f"the server is up already: {URL}")
        return
    down(layout)
    folder = layout.cache / "local"
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    with step(f"starting `{' '.join(_COMMAND)}`"), log.open("ab") as output:
        process = subprocess.Popen(
            [find_uv(layout), "run", "--frozen", *_COMMAND],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **_variables(layout)},
            cwd=CHECKOUT,
        )
        (folder / "server.pid").write_text(str(process.pid))
        if not wait_until(lambda: _answers() or process.poll() is not None, timeout=60) or not _answers():
            raise ClusterError(f"the server did not answer on {URL}; its log {log} ends with:\n{tail_of(log)}")


def down(layout: Layout) -> None:
    """End the server, if it runs."""
    pid = _find_pid(layout)
    if pid:
        os.killpg(pid, signal.SIGTERM)
        wait_until(lambda: _find_pid(layout) is None, timeout=10)
    (layout.cache / "local" / "server.pid").unlink(missing_ok=True)


def is_up(layout: Layout) -> bool:
    """Whether the server runs and answers."""
    return _find_pid(layout) is not None and _answers()


def _variables(layout: Layout) -> dict[str, str]:
    # A home of its own: trying the project out must not fill the developer's.
    return {"TOWPATH_HOME": str(layout.cache / "local" / "home"), "TOWPATH_API_URL": f"{URL}/api"}


def _find_pid(layout: Layout) -> int | None:
    written = layout.cache / "local" / "server.pid"
    if not written.exists():
        return None
    pid = written.read_text().strip()
    command = run(["ps", "-p", pid, "-o", "stat=,command="], check=False).stdout
    return int(pid) if " ".join(_COMMAND) in command and not command.startswith("Z") else None


def _answers() -> bool:
    connection = http.client.HTTPConnection(HOST, PORT, timeout=2)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
