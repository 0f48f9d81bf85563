"""Artifacts as the API shows them: what runs show to people. How they are told is in `events`.

Used by the API, the SDK's client and command line, and for the OpenAPI document.
"""

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

ArtifactType = Literal["markdown", "table", "link", "image", "progress"]


class ArtifactRead(BaseModel):
    """An artifact.

    Attributes:
        key: artifacts with the same one, in a namespace, are versions of one thing.
        data: by type: `markdown` a text; `table` {"columns": [names], "rows": [[cells]]}; `link` {"url", "text"}; `image` {"url"};
            `progress` a number from 0 to 100. In lists only data of at most 4,000 bytes is given: ask for the artifact itself.
        size: bytes of the data as JSON.
        is_latest: whether it is the newest of its key; True for one without a key.
        flow_run_id, task_run_id: the runs that made it; None for one that was made outside any.
    """

    id: UUID
    namespace: str
    type: ArtifactType
    key: str | None = None
    description: str | None = None
    data: Any = None
    size: int = 0
    is_latest: bool = True
    flow_run_id: UUID | None = None
    flow_run_name: str | None = None
    task_run_id: UUID | None = None
    task_run_name: str | None = None
    created: AwareDatetime
    updated: AwareDatetime
