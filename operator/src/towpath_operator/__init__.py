"""Towpath's control plane: the API server and the Kubernetes operator."""
