"""What the watches missed is found by comparing and made up for; a watch that misses changes twice in a row is reported."""

from tests.support.api_server import ApiServer, Guillotine, MemoryKube
from towpath_operator.domain.jobs import JobView, view_job
from towpath_operator.kube.client import Object
from towpath_operator.kube.resources import JOBS
from towpath_operator.reconcilers.heartbeats import Heartbeats
from towpath_operator.reconcilers.index import Index
from towpath_operator.reconcilers.metrics import OperatorMetrics
from towpath_operator.reconcilers.resync import Resync, Watched

PATH = JOBS.path("team")


class Scene:
    """An API server with Jobs, and the index of a watch that sees nothing by itself."""

    def __init__(self) -> None:
        self.server = ApiServer()
        self.index = Index[JobView]()
        self.reconciled: list[str] = []
        self.heartbeats = Heartbeats()
        watched = Watched("jobs", JOBS, "", self.index.versions, self.put, self.remove)
        kube = MemoryKube(self.server, Guillotine())
        self.resync = Resync(kube, [watched], ("team",), self.heartbeats, OperatorMetrics(), lag=0)

    def put(self, body: Object) -> None:
        view = view_job(body)
        if self.index.put(view):
            self.reconciled.append(view.name)

    def remove(self, uid: str) -> None:
        self.index.remove(uid)
        self.reconciled.append(uid)

    def make(self, name: str) -> Object:
        return self.server.create(PATH, {"metadata": {"namespace": "team", "name": name}})


async def test_the_index_is_filled_before_anything_is_decided() -> None:
    scene = Scene()
    scene.make("a")
    await scene.resync.fill()
    assert [view.name for view in scene.index] == ["a"]


async def test_nothing_is_done_where_nothing_was_missed() -> None:
    scene = Scene()
    scene.put(scene.make("a"))
    scene.reconciled.clear()
    await scene.resync.compare_all()
    assert scene.reconciled == []
    assert scene.heartbeats.problems() == []


async def test_a_missed_object_and_a_missed_change_are_taken_in() -> None:
    scene = Scene()
    scene.put(scene.make("a"))
    scene.server.patch(f"{PATH}/a", {"metadata": {"labels": {"x": "y"}}})
    scene.make("b")
    scene.reconciled.clear()
    await scene.resync.compare_all()
    assert sorted(scene.reconciled) == ["a", "b"]


async def test_a_missed_deletion_is_taken_in() -> None:
    scene = Scene()
    made = scene.make("a")
    scene.put(made)
    scene.server.delete(f"{PATH}/a")
    await scene.resync.compare_all()
    assert list(scene.index) == []
    assert scene.reconciled[-1] == made["metadata"]["uid"]


async def test_a_watch_is_stalled_when_it_misses_changes_twice_in_a_row() -> None:
    scene = Scene()
    scene.make("a")
    await scene.resync.compare_all()
    assert scene.heartbeats.problems() == []
    scene.make("b")
    await scene.resync.compare_all()
    assert scene.heartbeats.problems() == ["The watch of jobs misses changes."]
    await scene.resync.compare_all()
    assert scene.heartbeats.problems() == []


def test_a_loop_that_does_not_turn_is_a_problem() -> None:
    heartbeats = Heartbeats()
    heartbeats.expect("claims", -1)
    heartbeats.expect("changes", 60)
    (problem,) = heartbeats.problems()
    assert "'claims'" in problem
