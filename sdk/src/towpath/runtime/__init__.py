"""What runs now, by attribute: `towpath.runtime.flow_run.id`, `.task_run.name`, `.deployment.id`.

Outside runs an attribute is None, a list or dict empty. For trying things out, an environment variable as
TOWPATH__RUNTIME__FLOW_RUN__ID gives an attribute its value; flows should not rely on that.
"""

from towpath.runtime import deployment, flow_run, task_run

__all__ = ["deployment", "flow_run", "task_run"]
