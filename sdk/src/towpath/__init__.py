"""Towpath: Python flows on Kubernetes."""

__version__ = "0.1.0"
