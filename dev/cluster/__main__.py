"""`python -m dev.cluster COMMAND`: what the Makefile calls. Parses, chooses the cluster, prints; the rest is elsewhere."""

import argparse
import os
import sys
from collections.abc import Callable

from dev.cluster import bare, demonstration, kind, local
from dev.cluster.access import Environment, environment
from dev.cluster.choosing import Backend, choose_backend, observe_machine
from dev.cluster.commands import run
from dev.cluster.debian import TEST_PACKAGES, find_missing, install_missing
from dev.cluster.errors import ClusterError
from dev.cluster.images import Images
from dev.cluster.installing import has_chart, install
from dev.cluster.layout import CHECKOUT, Layout, default_layout
from dev.cluster.locking import exclusive
from dev.cluster.progress import say


def main(argv: list[str]) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dev.cluster", description=__doc__)
    parser.add_argument("command", choices=sorted(_COMMANDS))
    command: str = parser.parse_args(argv).command
    layout = default_layout()
    try:
        choice = choose_backend(observe_machine(), os.environ.get("TOWPATH_CLUSTER", ""))
        if command != "kubeconfig":
            say(f"cluster: {choice.backend}, since {choice.why}")
        return _COMMANDS[command](choice.backend, layout)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the next start repairs what is half done", file=sys.stderr)
        return 130


def _up(backend: Backend, layout: Layout) -> int:
    if backend == "none":
        local.up(layout)
        return 0
    _start(backend, layout)
    env = environment(backend)
    if not has_chart():
        say("this checkout has no chart yet: the cluster is up, and nothing is installed in it")
        _print_variables(env)
        return 0
    install(env, env.ensure_image("control-plane"), env.ensure_image("flow"))
    demonstration.run_hello(env)
    address = demonstration.api_address(env)
    print(
        f"\nAPI and UI: {address}" if address else "\nAPI and UI: by kubectl port-forward, see `kubectl get services`"
    )
    _print_variables(env)
    return 0


def _start(backend: Backend, layout: Layout) -> int:
    if backend == "none":
        local.start(layout)
    elif backend == "bare":
        bare.start(layout)
    elif backend == "kind":
        with exclusive(layout.user_lock):
            kind.start(layout)
    else:
        kind.ensure_tools(layout)
        Images(layout, backend, os.environ.get("TOWPATH_REGISTRY", ""))  # says what is missing before anything is done
        context = run(["kubectl", "config", "current-context"]).stdout.strip()
        say(f"using the current kubectl context: {context}")
    return 0


def _down(backend: Backend, layout: Layout) -> int:
    local.down(layout)
    if backend == "bare":
        bare.down(layout)
    elif backend == "kind":
        with exclusive(layout.user_lock):
            kind.down(layout)
    elif backend == "current":
        say("the current context's cluster was not started here and is left as it is")
    return 0


def _status(backend: Backend, layout: Layout) -> int:
    if backend == "none":
        lines = [("server", "ready" if local.is_up(layout) else "not running")]
    elif backend == "bare":
        lines = bare.status(layout)
    else:
        nodes = environment(backend).run_kubectl("get", "nodes", "--no-headers")
        lines = [(words[0], words[1]) for words in map(str.split, nodes.splitlines())]
    for name, state in lines or [("cluster", "not started")]:
        print(f"{name:26} {state}")
    return 0 if lines and all(state in ("ready", "Ready") for _, state in lines) else 1


def _build_images(backend: Backend, layout: Layout) -> int:
    if backend == "none":
        raise ClusterError("local mode uses no images")
    env = environment(backend)
    images = [env.ensure_image(name) for name in ("control-plane", "flow")]
    images += [env.ensure_example_image(path.parent.name) for path in sorted(CHECKOUT.glob("examples/*/Dockerfile"))]
    print("\n".join(images))
    return 0


def _kubeconfig(backend: Backend, layout: Layout) -> int:
    print(environment(backend).kubeconfig)
    return 0


def _test_programs(backend: Backend, layout: Layout) -> int:
    """Installs what tests start by themselves, where this is root on Debian; else says what to install."""
    missing = find_missing(TEST_PACKAGES)
    machine = observe_machine()
    if missing and machine.is_root and machine.has_apt:
        with exclusive(layout.lock):
            install_missing(layout, TEST_PACKAGES)
    elif missing:
        say(f"some tests need programs that are not here; in Debian's packages: {', '.join(missing)}")
    return 0


def _print_variables(env: Environment) -> None:
    print(f"\nfor kubectl and helm:\n\n    export KUBECONFIG={env.kubeconfig}\n    export PATH={env.bin}:$PATH\n")


_COMMANDS: dict[str, Callable[[Backend, Layout], int]] = {
    "up": _up,
    "start": _start,
    "down": _down,
    "status": _status,
    "build-images": _build_images,
    "load-images": _build_images,
    "kubeconfig": _kubeconfig,
    "test-programs": _test_programs,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
