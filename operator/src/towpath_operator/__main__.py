"""`python -m towpath_operator {api|operator|uninstall}`: the mains of the control plane's pods and of the chart's last hook."""

import sys
from collections.abc import Callable
from importlib import import_module

USAGE = "usage: python -m towpath_operator {api|operator|uninstall}"
MAINS = {
    "api": "towpath_operator.wiring.cluster_api",
    "operator": "towpath_operator.wiring.operator",
    "uninstall": "towpath_operator.wiring.uninstall",
}
"""Each pod imports only its own half: the API needs no kopf, the operator no web framework."""


def main(arguments: list[str]) -> int:
    """Runs the named half until it is told to stop. Returns the exit code."""
    if len(arguments) != 1 or arguments[0] not in MAINS:
        print(USAGE, file=sys.stderr)
        return 2
    run: Callable[[], int | None] = import_module(MAINS[arguments[0]]).main
    return run() or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
