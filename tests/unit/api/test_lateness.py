"""Due runs that nobody claims become Late, once."""

from datetime import datetime

from tests.support.api import Api
from towpath.contract.ids import now_us
from towpath_operator.domain.times import SECOND
from towpath_operator.services.lateness import mark_late


async def test_a_run_that_nobody_claims_is_late_after_fifteen_seconds(api: Api) -> None:
    await api.declare()
    run = await api.create_run()
    due = int(datetime.fromisoformat(run["scheduled_time"]).timestamp() * 1e6)
    assert await mark_late(api.hub.database, due + 14 * SECOND) == 0
    assert await mark_late(api.hub.database, due + 16 * SECOND) == 1
    assert await mark_late(api.hub.database, now_us() + 40 * SECOND) == 0
    shown = await api.get(f"/flow-runs/{run['id']}")
    assert (shown["state"]["type"], shown["state"]["name"]) == ("SCHEDULED", "Late")
    assert shown["revision"] > run["revision"]
    assert (await api.get("/flow-runs", state="Late"))["total"] == 1
    assert (await api.get("/flow-runs", state="Scheduled"))["total"] == 0


async def test_a_late_run_is_claimed_like_any_other(api: Api) -> None:
    await api.declare()
    await api.create_run()
    await mark_late(api.hub.database, now_us() + 20 * SECOND)
    assert len(await api.claim()) == 1


async def test_a_run_that_is_not_due_is_not_late(api: Api) -> None:
    await api.declare()
    await api.create_run(scheduled_time="2100-01-01T00:00:00Z")
    assert await mark_late(api.hub.database, now_us() + 20 * SECOND) == 0
