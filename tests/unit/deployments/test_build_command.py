"""`towpath deployment build`: what it prints and writes, and that what is wrong leaves nothing behind."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from towpath.cli import run_guarded
from towpath.cli.schedule_options import parse_schedule
from towpath.deployments.documents import read_documents
from towpath.errors import ScheduleError
from towpath.filesystems.ignoring import DEFAULT_IGNORES
from towpath.settings import forget_settings

FLOWS = '''
from towpath import flow

@flow(name="etl-web-to-gcs")
def etl_web_to_gcs(month: int = 1, colors: list[str] = ["green"]) -> None:
    """Loads.

    Args:
        month: Which month.
    """

@flow
def other(): ...

not_a_flow = 7
'''
Build = Callable[..., str]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A folder with flows in it, which is the current one."""
    folder = tmp_path / "project"
    (folder / "flows").mkdir(parents=True)
    (folder / "two_of_build_test.py").write_text(FLOWS)
    (folder / "one_of_build_test.py").write_text("from towpath import flow\n@flow\ndef alone(): ...\n")
    (folder / "flows" / "deep_of_build_test.py").write_text("from towpath import flow\n@flow\ndef deep(): ...\n")
    (folder / "none_of_build_test.py").write_text("x = 1\n")
    (folder / "raises_of_build_test.py").write_text("import nonexistent_library\n")
    (folder / "exits_of_build_test.py").write_text("raise SystemExit(3)\n")
    (folder / "syntax_of_build_test.py").write_text("def (:\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TOWPATH_LOCAL_SERVER", "false")
    monkeypatch.delenv("TOWPATH_API_URL", raising=False)
    forget_settings()
    yield folder
    forget_settings()


@pytest.fixture
def build(capsys: pytest.CaptureFixture[str]) -> Build:
    def build(*arguments: str, code: int = 0) -> str:
        assert run_guarded(["deployment", "build", *arguments]) == code
        captured = capsys.readouterr()
        return captured.out + captured.err

    return build


def files_of(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != "__pycache__"}


def written(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    flow, deployment = read_documents(file)
    return flow["spec"], deployment["spec"]


def test_it_says_what_it_found_and_wrote(build: Build, project: Path) -> None:
    said = build("two_of_build_test.py:etl_web_to_gcs", "-n", "ETL", "-q", "test")
    assert said == (
        "Found flow 'etl-web-to-gcs'\n"
        f"Default '.towpathignore' file written to {project}/.towpathignore\n"
        "Deployment storage None does not have upload capabilities; no files uploaded.  Pass --skip-upload to suppress this "
        "warning.\n"
        f"Deployment YAML created at '{project}/etl_web_to_gcs-deployment.yaml'.\n"
    )
    assert (project / ".towpathignore").read_text() == DEFAULT_IGNORES
    flow, deployment = written(project / "etl_web_to_gcs-deployment.yaml")
    assert (flow["entrypoint"], flow["path"]) == ("two_of_build_test.py:etl_web_to_gcs", str(project))
    assert (deployment["name"], deployment["workQueue"]) == ("ETL", "test")


def test_a_second_time_it_leaves_the_ignore_file_alone(build: Build, project: Path) -> None:
    (project / ".towpathignore").write_text("mine")
    said = build("one_of_build_test.py:alone", "-n", "x", "--skip-upload")
    assert said == f"Found flow 'alone'\nDeployment YAML created at '{project}/alone-deployment.yaml'.\n"
    assert (project / ".towpathignore").read_text() == "mine"


def test_every_option_arrives(build: Build, project: Path) -> None:
    build(
        *("two_of_build_test.py:etl_web_to_gcs", "-n", "x", "-t", "a", "--tag", "b", "-v", "7", "-o", "out.yaml"),
        *("--interval", "600", "--anchor-date", "2026-01-01T00:00", "--timezone", "Europe/Berlin"),
        *("--params", '{"month": 3, "colors": ["yellow"]}', "--param", "month=4", "--image", "example/etl:1"),
    )
    flow, deployment = written(project / "out.yaml")
    assert flow["image"] == "example/etl:1"
    assert flow["parameterSchema"]["properties"]["month"]["description"] == "Which month."
    assert deployment["tags"] == ["a", "b"]
    assert deployment["version"] == "7"
    assert deployment["parameters"] == {"month": 4, "colors": ["yellow"]}
    assert deployment["schedules"] == [
        {"name": "default", "interval": "10m", "anchor": "2026-01-01T00:00:00+01:00", "timezone": "Europe/Berlin"}
    ]


@pytest.mark.parametrize(
    ("given", "path", "entrypoint"),
    [
        (["flows/deep_of_build_test.py:deep"], "", "flows/deep_of_build_test.py:deep"),
        (["flows/deep_of_build_test.py:deep", "--path", "flows"], "flows", "deep_of_build_test.py:deep"),
        (["one_of_build_test.py"], "", "one_of_build_test.py:alone"),
    ],
)
def test_the_entrypoint_is_relative_to_the_path(
    build: Build, project: Path, given: list[str], path: str, entrypoint: str
) -> None:
    build(*given, "-n", "x", "-o", "out.yaml")
    flow, _ = written(project / "out.yaml")
    assert (flow["path"], flow["entrypoint"]) == (str((project / path).resolve()), entrypoint)


def test_a_file_from_elsewhere_runs_in_its_own_folder(build: Build, project: Path, tmp_path: Path) -> None:
    (tmp_path / "away_of_build_test.py").write_text("from towpath import flow\n@flow\ndef away(): ...\n")
    build("../away_of_build_test.py:away", "-n", "x")
    flow, _ = written(project / "away-deployment.yaml")
    assert (flow["path"], flow["entrypoint"]) == (str(tmp_path), "away_of_build_test.py:away")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.py:x"], "There is no file missing.py."),
        (["nonsense"], "'nonsense' is not a flow: write it as FILE.py:FLOW."),
        (
            ["two_of_build_test.py"],
            "two_of_build_test.py holds the flows etl_web_to_gcs, other: say which, as two_of_build_test.py:etl_web_to_gcs.",
        ),
        (["two_of_build_test.py:missing"], "has no 'missing'; it holds the flows etl_web_to_gcs, other."),
        (["two_of_build_test.py:not_a_flow"], "'not_a_flow' in two_of_build_test.py is not a flow but a int"),
        (["two_of_build_test.py:a b"], "is not an entrypoint"),
        (["none_of_build_test.py"], "none_of_build_test.py holds no flow: is @flow missing above the function?"),
        (
            ["raises_of_build_test.py:x"],
            "cannot be imported: ModuleNotFoundError: No module named 'nonexistent_library'",
        ),
        (["exits_of_build_test.py:x"], "cannot be imported: SystemExit: 3"),
        (["syntax_of_build_test.py:x"], "cannot be imported: SyntaxError"),
        (["no_such_module_of_test:x"], "There is no module no_such_module_of_test"),
        (["one_of_build_test.py:alone", "--cron", "x"], "cron: 'x' has 1 field: write five fields"),
        (["one_of_build_test.py:alone", "--cron", "0 0 30 2 *"], "cron: '0 0 30 2 *'"),
        (["one_of_build_test.py:alone", "--rrule", "x"], "rrule: 'x' cannot be read"),
        (["one_of_build_test.py:alone", "--interval", "soon"], "--interval: 'soon' is not a duration"),
        (["one_of_build_test.py:alone", "--cron", "@daily", "--interval", "5"], "Give one of --cron and --interval"),
        (["one_of_build_test.py:alone", "--anchor-date", "2026-01-01"], "--anchor-date belongs to --interval"),
        (["one_of_build_test.py:alone", "--interval", "5", "--anchor-date", "x"], "--anchor-date: 'x' is not a time"),
        (["one_of_build_test.py:alone", "--timezone", "UTC"], "--timezone belongs to a schedule"),
        (
            ["one_of_build_test.py:alone", "--cron", "@daily", "--timezone", "Mars"],
            "timezone: 'Mars' is no IANA time zone",
        ),
        (["one_of_build_test.py:alone", "--param", "x=1"], "The flow 'alone' has no parameter 'x': it takes none."),
        (["two_of_build_test.py:etl_web_to_gcs", "--param", "month=May"], "month: "),
        (["one_of_build_test.py:alone", "--params", "[]"], "--params must be a JSON object"),
        (["one_of_build_test.py:alone", "-o", "out.txt"], "its name must end in .yaml"),
        (["one_of_build_test.py:alone", "-o", "nowhere/out.yaml"], "--output: there is no folder"),
        (["one_of_build_test.py:alone", "--path", "nowhere"], "--path: there is no folder"),
        (["one_of_build_test.py:alone", "--path", "flows"], "one_of_build_test.py is not below"),
        (["one_of_build_test.py:alone", "-t", ""], "tags.0: '' is not right"),
        (["one_of_build_test.py:alone", "-q", "a/b"], "work_queue: 'a/b' is not right"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_leaves_nothing_behind(
    build: Build, project: Path, arguments: list[str], says: str
) -> None:
    before = files_of(project)
    said = build(*arguments, "-n", "x", code=1)
    assert says in said
    assert said.splitlines()[-1].startswith("Error: ")
    assert files_of(project) == before


def test_without_a_name_it_says_so(build: Build) -> None:
    assert "--name" in build("one_of_build_test.py:alone", code=2)


def test_applying_without_an_api_keeps_the_manifest_and_says_what_to_set(build: Build, project: Path) -> None:
    said = build("one_of_build_test.py:alone", "-n", "x", "-a", code=1)
    assert "towpath server start" in said
    assert (project / "alone-deployment.yaml").exists()


def test_a_rule_may_come_as_the_object_that_other_tools_write() -> None:
    schedule = parse_schedule(None, None, None, '{"rrule": "FREQ=DAILY", "timezone": "Europe/Berlin"}', None)
    assert schedule is not None
    assert schedule.to_schedule().timezone == "Europe/Berlin"
    with pytest.raises(ScheduleError, match="has no rule"):
        parse_schedule(None, None, None, "{}", None)
