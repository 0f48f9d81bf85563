"""The end of `make up`: applies examples/hello, runs it once, and shows what the API knows of the run."""

from dev.cluster.access import Environment


def run_hello(env: Environment) -> None:
    """Placeholder until the example is there."""
