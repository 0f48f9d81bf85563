"""Programs written in Go that tests need as real peers: built from the pinned modules in tests/support/go, once per machine.

They lie in the cache outside the checkout, in a folder named by what the module pins, so any checkout that pins the same
shares them. Called by s3_server and gcs_server.
"""

import fcntl
import os
import subprocess
from pathlib import Path

from dev.cluster.hashing import content_hash

MODULES = Path(__file__).parent / "go"
BUILD_SECONDS = 900
"""The longest that a build may take; on two free cores each takes about two minutes."""


def build_go_tool(module: str, package: str) -> Path:
    """The program that `package` is, as the Go module of that name pins it; built when the cache lacks it.

    Raises:
        RuntimeError: with the compiler's last lines, when the build fails.
    """
    folder = MODULES / module
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "towpath-dev" / "test-servers"
    target = cache / content_hash(folder, [folder / "go.mod", folder / "go.sum"]) / package.rsplit("/", 1)[-1]
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test processes must not build the same at once
        if not target.exists():
            _build(folder, package, target)
    return target


def _build(folder: Path, package: str, target: Path) -> None:
    partial = target.with_name(f".partial-{target.name}")
    command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", str(partial), package]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=BUILD_SECONDS)
    if built.returncode != 0:
        raise RuntimeError(f"Building {package} failed:\n{built.stderr[-2000:]}")
    partial.rename(target)
