"""Which commands there are, where they live, and what they do in a line. Called by `application`. Loads none of them.

Further commands come from other distributions through the entry point group `towpath.commands`: each entry is a typer app or
a command of typer's.
"""

from typing import Final, NamedTuple

GROUP: Final = "towpath.commands"


class Entry(NamedTuple):
    """A command of ours: `module:attribute` is its typer app or function."""

    module: str
    attribute: str
    help: str


COMMANDS: Final = {
    "agent": Entry("towpath.cli.agent", "app", "Launch flow runs on this machine."),
    "artifact": Entry("towpath.cli.artifacts", "app", "Look at what runs show to people: tables, texts, progress."),
    "automation": Entry("towpath.cli.automations", "app", "Do something when runs enter certain states, or do not."),
    "block": Entry("towpath.cli.blocks", "app", "Keep configuration and credentials that flows load by name."),
    "concurrency-limit": Entry(
        "towpath.cli.concurrency_limits", "app", "Limit what runs at once; see and free who holds a slot."
    ),
    "config": Entry("towpath.cli.config", "app", "Show and change settings."),
    "deployment": Entry("towpath.cli.deployments", "app", "Build, apply, schedule, run and look at deployments."),
    "flow": Entry("towpath.cli.flows", "app", "Look at flows."),
    "flow-run": Entry(
        "towpath.cli.flow_runs", "app", "Look at flow runs and their logs; pause, resume, retry, cancel them."
    ),
    "login": Entry("towpath.cli.login", "login_app", "Get a token for a cluster's API and keep it."),
    "logout": Entry("towpath.cli.login", "logout_app", "Forget the token that login got."),
    "migrate": Entry("towpath.cli.migrate", "app", "Rewrite flows and deployment files of Prefect 2."),
    "notification": Entry("towpath.cli.notifications", "app", "Tell people when runs enter certain states."),
    "profile": Entry("towpath.cli.profiles", "app", "Keep several sets of settings and choose one."),
    "task-run": Entry("towpath.cli.task_runs", "app", "Look at task runs."),
    "version": Entry("towpath.cli.version", "app", "Show the versions of what runs here."),
    "work-queue": Entry("towpath.cli.work_queues", "app", "Look at work queues."),
}

EXTRAS: Final = {"server": "server"}
"""Commands that come with an extra of the distribution `towpath`, and that extra's name."""
