"""Task runs. Columns are as in flow_runs; lists go by id, which is ordered by time.

Those outside any flow have no `flow_run_id`, and `root_id` when a task called them; `teller_namespace` is the namespace of the
process that told of them, those of a flow run have its. One whose state came before its declaration
has an empty `task` and `name` until that comes.
"""

from sqlalchemy import Column, Index, Integer, SmallInteger, Table, Text, text

from towpath.contract.states import StateType
from towpath_operator.domain.codes import CODES
from towpath_operator.store.tables.base import metadata
from towpath_operator.store.types import Id, Json, Micros

NOT_COMPLETED = text(f"state_type <> {CODES[StateType.COMPLETED]}")
"""The partial index of task runs in any other state: nearly all are completed, and whoever lists those needs no index.

Queries repeat it with the table's name in front, so that the planner sees it.
"""

task_runs = Table(
    "task_runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("flow_run_id", Id),
    Column("root_id", Id),
    Column("parent_task_run_id", Id),
    Column("task", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state_id", Id),
    Column("state_type", SmallInteger),
    Column("state_name", Text),
    Column("state_time", Micros),
    Column("tags", Json),
    Column("inputs", Json),
    Column("run_count", Integer, nullable=False),
    Column("created", Micros, nullable=False),
    Column("start_time", Micros),
    Column("end_time", Micros),
    Column("teller_namespace", Text),
    Index(None, "flow_run_id", "id"),
    Index(
        "ix_task_runs_not_completed",
        "state_type",
        "id",
        sqlite_where=NOT_COMPLETED,
        postgresql_where=NOT_COMPLETED,
    ),
    sqlite_with_rowid=False,
)
