"""What the unit tests say of the API on SQLite holds on PostgreSQL too: the same tests, with this folder's `api`."""

from tests.unit.api.test_artifacts import *  # noqa: F403
from tests.unit.api.test_attempts_life import *  # noqa: F403
from tests.unit.api.test_automating import *  # noqa: F403
from tests.unit.api.test_backfills import *  # noqa: F403
from tests.unit.api.test_block_types import *  # noqa: F403
from tests.unit.api.test_claiming import *  # noqa: F403
from tests.unit.api.test_declared import *  # noqa: F403
from tests.unit.api.test_flow_runs import *  # noqa: F403
from tests.unit.api.test_ingest import *  # noqa: F403
from tests.unit.api.test_lateness import *  # noqa: F403
from tests.unit.api.test_metrics import *  # noqa: F403
from tests.unit.api.test_notifying import *  # noqa: F403
from tests.unit.api.test_overviews import *  # noqa: F403
from tests.unit.api.test_results import *  # noqa: F403
from tests.unit.api.test_retention import *  # noqa: F403
from tests.unit.api.test_run_control import *  # noqa: F403
from tests.unit.api.test_scheduling import *  # noqa: F403
from tests.unit.api.test_slots import *  # noqa: F403
