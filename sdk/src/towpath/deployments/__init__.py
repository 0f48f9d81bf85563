"""Deployments: a flow made ready to run, from Python or from manifests.

    parameters   a flow's parameter schema, from its signature and docstring
    building     `Deployment`: from a flow to resource specs
    storing      its code in a storage block: uploaded, or looked for
    documents    manifests as text: written so that every YAML reader reads the same, and read back
    manifests    checks documents and orders them
    explaining   says what a model did not take, and what would be right
    applying     tells the API
    calling      `run_deployment`: a run of a deployment, waited for

Called by users (`Deployment`, `run_deployment`) and by the command line. Runs nothing: launchers do.
"""

from towpath.deployments.building import Deployment
from towpath.deployments.calling import run_deployment

__all__ = ["Deployment", "run_deployment"]
