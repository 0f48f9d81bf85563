"""Results of task runs of the flow run's earlier attempts, which other processes executed.

Made by the runner from what the API knows; used by `tasks` when a flow that begins again comes to the same task run.
"""

from typing import Final

from towpath.states import StoredResult

RUN_KEY: Final = "run_key"
"""In a completed state's details: the task run's name in its flow, as `clean-0`, whatever people call it."""
RESULT_KEY: Final = "result_key"
"""In a completed state's details: under which key its result is kept, where that is not the task run's id."""


class EarlierResult(StoredResult):
    """A result that an earlier attempt has kept.

    Attributes:
        key: where it lies in the storage that its task and flow name.
    """

    __slots__ = ("key",)

    def __init__(self, address: str, key: str) -> None:
        super().__init__(address)
        self.key = key
