"""A pause as a run shows it. Used by `runs` and `run_control`."""

from typing import Any

from pydantic import AwareDatetime, BaseModel


class PauseRead(BaseModel):
    """What a paused run waits for.

    Attributes:
        key: names the pause within its run; None for one that a person asked for.
        until: when the run fails unless it is resumed before; None: it waits for ever.
        suspended: whether its process ends, so that resuming it launches it again.
        input_schema: the JSON schema of the input that resuming it needs; None when it needs none.
        description: for the person who is to give that input, in Markdown.
    """

    key: str | None = None
    until: AwareDatetime | None = None
    suspended: bool = False
    input_schema: dict[str, Any] | None = None
    description: str | None = None
