"""The index of what the watches saw: later versions win, and what is gone stays gone."""

from dataclasses import dataclass

from towpath_operator.domain.objects import RunKey
from towpath_operator.reconcilers.index import Index

RUN = RunKey("team", "run")


@dataclass(frozen=True)
class Thing:
    uid: str
    resource_version: str = "1"
    key: RunKey = RUN
    name: str = "thing"


def test_things_are_found_by_their_run() -> None:
    index = Index[Thing]()
    index.put(Thing("a"))
    index.put(Thing("b", key=RunKey("team", "other")))
    assert index.of(RUN) == [Thing("a")]
    assert len(index) == 2


def test_an_older_event_does_not_undo_the_answer_to_a_write() -> None:
    index = Index[Thing]()
    assert index.put(Thing("a", "10"))
    assert not index.put(Thing("a", "9"))
    assert index.versions() == {"a": "10"}


def test_versions_compare_as_numbers() -> None:
    index = Index[Thing]()
    index.put(Thing("a", "9"))
    assert index.put(Thing("a", "10"))


def test_a_late_event_does_not_bring_back_what_is_gone() -> None:
    index = Index[Thing]()
    index.put(Thing("a", "10"))
    index.remove("a")
    assert not index.put(Thing("a", "11"))
    assert index.of(RUN) == []


def test_a_thing_that_changes_its_run_is_found_there_only() -> None:
    index = Index[Thing]()
    index.put(Thing("a", "1"))
    index.put(Thing("a", "2", key=RunKey("team", "other")))
    assert index.of(RUN) == []
    assert len(index.of(RunKey("team", "other"))) == 1
