"""Entrypoints: what is found, and what is said of what is not."""

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from towpath.errors import MissingFlowError, ScriptError
from towpath.runner.loading import choose_module_name, format_cause, load_flow, parse_entrypoint

FLOW = """
from towpath import flow

@flow
def greet(name: str = "x") -> str:
    return name

class Shop:
    @staticmethod
    @flow
    def open() -> int:
        return 1

def plain() -> None: ...
"""


@pytest.fixture(autouse=True)
def clean_imports() -> Generator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if getattr(sys.modules[name], "__file__", None) and "flows_under_test" in str(sys.modules[name].__file__):
            del sys.modules[name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "flows_under_test"
    folder.mkdir()
    return folder


def write(folder: Path, name: str, content: str = FLOW) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def error_of(entrypoint: str, folder: Path) -> ScriptError:
    with pytest.raises(ScriptError) as raised:
        load_flow(entrypoint, folder)
    return raised.value


def test_a_flow_is_found_by_file_and_by_module(folder: Path) -> None:
    write(folder, "pkg_of_flows/greeting.py")
    assert load_flow("pkg_of_flows/greeting.py:greet", folder).name == "greet"
    assert load_flow("pkg_of_flows.greeting:greet", folder).name == "greet"
    assert load_flow("pkg_of_flows/greeting.py:Shop.open", folder).name == "open"


def test_a_file_can_import_its_neighbours(folder: Path) -> None:
    write(folder, "deep/neighbour_of_flow.py", "VALUE = 3")
    write(folder, "deep/main_flow.py", "from neighbour_of_flow import VALUE\n" + FLOW)
    assert load_flow("deep/main_flow.py:greet", folder).name == "greet"


def test_a_file_named_like_a_module_of_pythons_shadows_nothing(folder: Path) -> None:
    write(folder, "calendar.py")
    before = sys.modules.get("calendar")
    assert load_flow("calendar.py:greet", folder).name == "greet"
    assert sys.modules.get("calendar") is before
    assert choose_module_name("my-flow") == "my_flow"


@pytest.mark.parametrize("text", ["greet", "a.py:", ":x", "a.py:1x", "a.py:x y", "a.py:x()"])
def test_what_is_not_an_entrypoint_is_refused(text: str) -> None:
    with pytest.raises(ScriptError, match=r"path\.py:function"):
        parse_entrypoint(text)


def test_a_missing_file_and_a_missing_module_are_named(folder: Path) -> None:
    assert str(error_of("none.py:x", folder)) == f"There is no file none.py in {folder}."
    assert "There is no module no_such_module" in str(error_of("no_such_module.sub:x", folder))


def test_an_entrypoint_stays_in_its_folder(folder: Path) -> None:
    write(folder.parent, "outside.py")
    assert "leads out of" in str(error_of("../outside.py:greet", folder))


def test_a_name_that_is_not_there_is_told_with_those_that_are(folder: Path) -> None:
    write(folder, "greeting2.py")
    error = error_of("greeting2.py:great", folder)
    assert isinstance(error, MissingFlowError)
    assert str(error) == "greeting2.py has no 'great'; it holds the flows greet."


def test_a_function_without_the_decorator_is_told_so(folder: Path) -> None:
    write(folder, "greeting3.py")
    assert "is @flow missing above it? It holds the flows greet" in str(error_of("greeting3.py:plain", folder))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def f(:", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_what_an_import_raises_is_told_in_a_sentence_and_a_traceback(folder: Path, content: str, said: str) -> None:
    write(folder, "broken_flow.py", content)
    error = error_of("broken_flow.py:x", folder)
    assert said in str(error)
    assert "broken_flow.py" in format_cause(error)
    assert "importlib" not in format_cause(error)
    assert "broken_flow" not in sys.modules
