"""Names, labels and paths that more than one part must spell alike.

Kubernetes names are derived from Prefect-style names ("My Flow", `flow/deployment`, `type/name`) here and nowhere else.
"""

import hashlib
import re
import unicodedata
from typing import Final
from uuid import UUID

GROUP: Final = "towpath.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
CATEGORY: Final = "towpath"

LABEL_RUN_ID: Final = f"{GROUP}/run-id"
LABEL_ATTEMPT: Final = f"{GROUP}/attempt"
LABEL_FLOW: Final = f"{GROUP}/flow"
LABEL_DEPLOYMENT: Final = f"{GROUP}/deployment"
LABEL_WORK_QUEUE: Final = f"{GROUP}/work-queue"
FINALIZER: Final = f"{GROUP}/finalizer"
FIELD_MANAGER_API: Final = "towpath-api"
FIELD_MANAGER_OPERATOR: Final = "towpath-operator"

API_AUDIENCE: Final = "towpath-api"
"""The audience that tokens for the API must name; TokenReview asks for it."""

TOKEN_DIR: Final = "/var/run/towpath/token"
BLOCKS_DIR: Final = "/var/run/towpath/blocks"
"""Where a pod finds the Secret keys of its Blocks: `<BLOCKS_DIR>/<block resource name>/<secret ref name>`."""
TERMINATION_LOG: Final = "/dev/termination-log"
FLOW_CONTAINER: Final = "flow"

LOCAL_NAMESPACE: Final = "default"
DEFAULT_WORK_QUEUE: Final = "default"

MAX_RESOURCE_NAME: Final = 253
MAX_LABEL: Final = 63
MAX_JOB_NAME: Final = 52

_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def slug(text: str, limit: int = MAX_LABEL) -> str:
    """`text` as one DNS label: lower-case ASCII letters, digits and single hyphens, at most `limit` characters.

    "My Flow" gives "my-flow". A text without any such character, or one too long, ends in eight hex digits of its hash,
    so that two such texts stay apart.
    """
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    plain = _NOT_SLUG.sub("-", folded).strip("-")
    if plain and len(plain) <= limit:
        return plain
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    kept = plain[: limit - 9].strip("-")
    return f"{kept}-{digest}" if kept else digest


def deployment_resource_name(flow: str, name: str) -> str:
    """metadata.name of a Deployment: `<flow>.<name>`, each part a slug."""
    return f"{slug(flow)}.{slug(name)}"


def block_resource_name(block_type: str, name: str) -> str:
    """metadata.name of a Block: `<type>.<name>`, each part a slug."""
    return f"{slug(block_type)}.{slug(name)}"


def flow_run_resource_name(deployment_resource: str, run_id: UUID) -> str:
    """metadata.name of a FlowRun that began elsewhere: the deployment cut to 40 characters, `-`, the id's last 12 hex digits."""
    return f"{deployment_resource[:40].rstrip('-.')}-{run_id.hex[-12:]}"


def job_name(deployment_resource: str, run_id: UUID, attempt: int) -> str:
    """The Job of one attempt, at most 52 characters: the same for the same run and attempt, whoever computes it.

    Dots become hyphens: pods take the Job's name as their host name, which must be one label.
    """
    tail = f"-{run_id.hex[-12:]}-{attempt}"
    head = deployment_resource.replace(".", "-")[: MAX_JOB_NAME - len(tail)].rstrip("-")
    return f"{head}{tail}"


def label_value(text: str) -> str:
    """`text` as a label's value: as it is where Kubernetes takes it, else its slug."""
    if len(text) <= MAX_LABEL and re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", text):
        return text
    return slug(text)
