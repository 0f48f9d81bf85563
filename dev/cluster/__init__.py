"""The development cluster: `python -m dev.cluster up|start|down|status|build-images|load-images|kubeconfig`.

Tests and benchmarks import `environment` from here and nothing else: it gives access to a started cluster. It starts
nothing; `python -m dev.cluster start` does, and `make test` calls that first.
"""

from dev.cluster.access import Environment, environment
from dev.cluster.errors import ClusterError

__all__ = ["ClusterError", "Environment", "environment"]
