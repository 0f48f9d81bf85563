"""Python files of Prefect 2: what is rewritten, what is left as it was, and what is named."""

import textwrap

import pytest

from towpath.migrating.code import migrate_code
from towpath.migrating.names import EXTRAS, MODULES, find_module, find_name


def migrate(source: str) -> tuple[str, list[str]]:
    text = textwrap.dedent(source)
    migrated = migrate_code(text.encode())
    return migrated.text if migrated.text is not None else text, [
        f"{note.line}: {note.text}" for note in migrated.notes
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from prefect import flow, task", "from towpath import flow, task"),
        ("from prefect import flow as f  # the basics", "from towpath import flow as f  # the basics"),
        ("from prefect.tasks import task_input_hash", "from towpath.tasks import task_input_hash"),
        ("from prefect.task_runners import (\n    SequentialTaskRunner,\n)", "from towpath.task_runners import (\n    SequentialTaskRunner,\n)"),
        ("from prefect.filesystems import GitHub, S3", "from towpath.filesystems import GitHub, S3"),
        ("from prefect.blocks.system import Secret, JSON", "from towpath.blocks.system import Secret, JSON"),
        ("from prefect.deployments import Deployment", "from towpath.deployments import Deployment"),
        ("from prefect.orion.schemas.schedules import CronSchedule", "from towpath.schedules import CronSchedule"),
        ("from prefect.server.schemas.states import Completed", "from towpath.states import Completed"),
        ("from prefect.client.schemas.objects import StateType", "from towpath.states import StateType"),
        ("from prefect import runtime", "from towpath import runtime"),
        ("import prefect.runtime as rt", "import towpath.runtime as rt"),
        ("import os, prefect", "import os, towpath"),
        ("from prefect_dask import DaskTaskRunner", "from towpath.dask import DaskTaskRunner"),
        (
            "from prefect_github.repository import GitHubRepository",
            "from towpath.filesystems import GitHub as GitHubRepository",
        ),
        ("try:\n    from prefect import flow\nexcept ImportError: ...", "try:\n    from towpath import flow\nexcept ImportError: ..."),
    ],
)  # fmt: skip
def test_imports_are_rewritten_and_nothing_around_them(before: str, after: str) -> None:
    assert migrate(before)[0] == after


def test_names_that_are_here_and_names_that_are_not_get_a_line_each() -> None:
    text, notes = migrate("""
        x = 1
        # both
        from prefect import flow, variables as v, task  # of Prefect
        y = 2
    """)
    assert text == textwrap.dedent("""
        x = 1
        # both
        from towpath import flow, task
        from prefect import variables as v  # of Prefect
        y = 2
    """)
    assert len(notes) == 1


def test_what_is_reached_through_the_module_follows_it() -> None:
    text, notes = migrate("""
        import prefect

        @prefect.flow(name="Etl")
        def etl():
            prefect.get_run_logger().info(prefect.runtime.flow_run.name)
            with prefect.tags("a"):
                pass
    """)
    assert "prefect" not in text
    assert '@towpath.flow(name="Etl")' in text and "towpath.runtime.flow_run.name" in text
    assert notes == []


def test_a_name_of_ones_own_that_is_called_prefect_stays() -> None:
    source = "from prefect import flow\nprefect = object()\nprefect.flow\n"
    assert migrate(source)[0] == "from towpath import flow\nprefect = object()\nprefect.flow\n"


def test_what_is_not_here_is_named_with_its_line_and_what_to_do() -> None:
    text, notes = migrate("""\
        from prefect import flow, variables
        from prefect.client import get_client
        from prefect.infrastructure.docker import DockerContainer
        from prefect_shell import shell_run_command
        from prefect.tasks import *
        import prefect.server.api
    """)
    assert "from prefect import variables\nfrom towpath import flow" in text.replace(
        "from towpath import flow\nfrom prefect import variables",
        "from prefect import variables\nfrom towpath import flow",
    )
    assert "from prefect.client import get_client" in text, "what is not here is left as it was"
    said = "\n".join(notes)
    for part in (
        "1: `variables` of prefect is not in Towpath: there are no variables: use a block",
        "2: `get_client` of prefect.client is not in Towpath: ask the API over HTTP",
        "3: `DockerContainer` of prefect.infrastructure.docker is not in Towpath: containers are the cluster's",
        "4: `shell_run_command` of prefect_shell is not in Towpath: use the standard library's subprocess",
        "5: `from prefect.tasks import *` is left to you",
        "6: prefect.server.api is not in Towpath: the server's modules are not for flows",
    ):
        assert part in said


def test_options_that_are_not_here_are_named() -> None:
    _, notes = migrate("""\
        from prefect import flow as f, task
        from prefect.deployments import Deployment

        @task(retries=3, viz_return_value=1)
        def t(): ...

        @f(name="x", nonsense=True)
        def etl(): ...

        etl.serve(name="x")
        Deployment.build_from_flow(flow=etl, name="dev", work_pool_name="p")
    """)
    assert [note.partition(" is")[0] for note in notes] == [
        "4: `viz_return_value` of task",
        "7: `nonsense` of f",
        "10: flows have no `serve`: apply a deployment and start `towpath agent start`.",
        "11: `work_pool_name` of Deployment.build_from_flow",
    ]


def test_a_storage_block_gets_its_scheme_and_a_folder_does_not() -> None:
    text, _ = migrate("""\
        from prefect import task
        @task(result_storage="gcs/dev")
        def a(): ...
        @task(result_storage="results")
        def b(): ...
        other(result_storage='gcs/dev')
    """)
    assert text.count('result_storage="block://gcs/dev"') == 1
    assert 'result_storage="results"' in text and "other(result_storage='gcs/dev')" in text


def test_settings_have_other_names() -> None:
    text, notes = migrate("""\
        import os
        os.environ["PREFECT_API_URL"] = "http://127.0.0.1:4200/api"
        os.environ['PREFECT_API_KEY']
        os.environ["PREFECT_ORION_DATABASE"]
    """)
    assert 'os.environ["TOWPATH_API_URL"]' in text and "os.environ['TOWPATH_API_TOKEN']" in text
    assert notes == ["4: the setting PREFECT_ORION_DATABASE is not in Towpath: see `towpath config view`."]


def test_comments_docstrings_and_line_ends_stay() -> None:
    source = b'"""Made with prefect."""\r\nfrom prefect import flow\t# prefect\r\n\r\nx = "about prefect"\r\n'
    migrated = migrate_code(source)
    assert migrated.text is not None
    assert migrated.text.encode() == source.replace(b"from prefect", b"from towpath")


@pytest.mark.parametrize("source", ["", "import os\n", "prefecture = 1\n", "from .prefect import x\n"])
def test_a_file_without_prefect_is_not_touched(source: str) -> None:
    migrated = migrate_code(source.encode())
    assert (migrated.text, migrated.notes) == (None, ())


def test_a_file_that_was_migrated_stays_as_it_is() -> None:
    once = migrate_code(b"import prefect\nfrom prefect import flow\n@prefect.task\ndef t(): ...\n").text or ""
    assert migrate_code(once.encode()).text is None


def test_what_is_no_python_says_where() -> None:
    with pytest.raises(SyntaxError) as caught:
        migrate_code(b"from prefect import flow\ndef (:\n")
    assert caught.value.lineno == 2


def test_every_module_in_the_tables_is_there() -> None:
    for module in MODULES:
        assert find_module(module) is not None, module
    assert set(EXTRAS) <= set(MODULES.values())


@pytest.mark.parametrize(
    ("module", "name"),
    [
        *(
            ("prefect", name)
            for name in ("flow", "task", "get_run_logger", "unmapped", "allow_failure", "tags", "Task")
        ),
        *(("prefect.tasks", name) for name in ("task_input_hash", "exponential_backoff")),
        *(("prefect.task_runners", name) for name in ("ConcurrentTaskRunner", "SequentialTaskRunner")),
        *(("prefect.filesystems", name) for name in ("LocalFileSystem", "RemoteFileSystem", "S3", "GCS", "GitHub")),
        *(("prefect.blocks.system", name) for name in ("Secret", "JSON", "String", "DateTime")),
        *(("prefect.artifacts", f"create_{kind}_artifact") for kind in ("table", "markdown", "link")),
        *(("prefect.deployments", name) for name in ("Deployment", "run_deployment")),
        ("prefect_gcp.cloud_storage", "GcsBucket"),
        ("prefect_gcp", "GcpCredentials"),
        ("prefect_sqlalchemy", "SqlAlchemyConnector"),
        ("prefect_aws.s3", "S3Bucket"),
        ("prefect_aws", "AwsCredentials"),
        ("prefect_dask", "DaskTaskRunner"),
        ("prefect_ray.task_runners", "RayTaskRunner"),
        ("prefect.concurrency.sync", "concurrency"),
        ("prefect.infrastructure", "KubernetesJob"),
        ("prefect.blocks.core", "Block"),
        ("prefect.blocks.notifications", "SlackWebhook"),
        ("prefect.states", "Completed"),
        ("prefect.context", "get_run_context"),
        ("prefect.futures", "PrefectFuture"),
        ("prefect.testing.utilities", "prefect_test_harness"),
    ],
)
def test_what_flows_import_is_found(module: str, name: str) -> None:
    assert find_name(module, name) is not None
