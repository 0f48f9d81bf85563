"""Deployments: a flow made ready to run, from Python or from manifests.

    parameters   a flow's parameter schema, from its signature and docstring
    building     `Deployment`: from a flow to resource specs
    documents    manifests as text: written so that every YAML reader reads the same, and read back
    manifests    checks documents and orders them
    applying     tells the API

Called by users (`Deployment`) and by the command line. Runs nothing: launchers do.
"""

from towpath.deployments.building import Deployment

__all__ = ["Deployment"]
