"""What `from towpath import flow, task` loads, and what is offered under which name."""

import subprocess
import sys

import pytest

import towpath

HEAVY = (
    "pydantic",
    "httpx",
    "typer",
    "rich",
    "anyio",
    "asyncio",
    "orjson",
    "cloudpickle",
    "coolname",
    "inspect",
    "logging",
)


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_flow_and_task_load_nothing_heavy() -> None:
    loaded = modules_after("from towpath import flow, task\n@task\ndef t(x: int): ...\n@flow\ndef f(x: int): ...")
    assert loaded.isdisjoint(HEAVY)
    assert not [name for name in loaded if name.startswith(("towpath.client", "towpath.settings"))]


def test_a_run_with_plain_arguments_needs_no_pydantic() -> None:
    statement = (
        "from towpath import flow, task\n@task\ndef t(x: int): return x\n@flow\ndef f(x: int): return t(x)\nf(1)"
    )
    assert modules_after(statement).isdisjoint({"pydantic", "httpx", "asyncio", "anyio"})


def test_every_name_that_is_offered_is_there() -> None:
    for name in towpath.__all__:
        assert getattr(towpath, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        towpath.nothing  # noqa: B018 # pyright: ignore[reportAttributeAccessIssue]


def test_the_public_surface_is_this() -> None:
    assert set(towpath.__all__) >= {
        "Flow",
        "Future",
        "State",
        "Task",
        "allow_failure",
        "flow",
        "get_run_logger",
        "quote",
        "tags",
        "task",
        "unmapped",
    }
