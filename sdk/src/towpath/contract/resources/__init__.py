"""The eight kinds of `towpath.dev/v1alpha1`, one module each. A new kind is a module and a line in KINDS."""

from towpath.contract.resources.automation import AUTOMATION
from towpath.contract.resources.base import Kind
from towpath.contract.resources.block import BLOCK
from towpath.contract.resources.concurrency_limit import CONCURRENCY_LIMIT
from towpath.contract.resources.deployment import DEPLOYMENT
from towpath.contract.resources.flow import FLOW
from towpath.contract.resources.flow_run import FLOW_RUN
from towpath.contract.resources.notification import NOTIFICATION
from towpath.contract.resources.work_queue import WORK_QUEUE

KINDS: tuple[Kind, ...] = (FLOW, DEPLOYMENT, WORK_QUEUE, BLOCK, FLOW_RUN, NOTIFICATION, AUTOMATION, CONCURRENCY_LIMIT)
