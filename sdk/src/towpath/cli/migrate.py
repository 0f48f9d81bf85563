"""`towpath migrate`: rewrites files of Prefect 2, and names what is left to do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from towpath.errors import TowpathError

if TYPE_CHECKING:
    from towpath.migrating.files import Plan

app = typer.Typer(add_completion=False)


@app.command()
def migrate(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Python and YAML files; of folders all that are in them.")
    ],
    diff: Annotated[bool, typer.Option("--diff", help="Show what would change, and write nothing.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Name the files that would change, and write nothing.")
    ] = False,
) -> None:
    """Rewrite flows and deployment files of Prefect 2 in place. Nothing is written unless all files can be read."""
    from towpath.migrating.files import find_files, plan_file, show_difference, write_plan  # noqa: PLC0415 - 200 ms of pydantic

    try:
        from towpath.migrating.code import migrate_code  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        if error.name is None or not error.name.startswith("libcst"):
            raise
        raise TowpathError("`towpath migrate` needs more than is installed: pip install 'towpath[migrate]'") from None
    plans = [plan_file(file, migrate_code) for file in find_files(files)]
    changed = [plan for plan in plans if plan.after is not None]
    for plan in changed:
        if diff:
            print(show_difference(plan), end="")
        elif not dry_run:
            write_plan(plan)
    _report(plans, changed, written=not (diff or dry_run))


def _report(plans: "list[Plan]", changed: "list[Plan]", *, written: bool) -> None:
    """Says what changed, then what is left, each with its place."""
    for plan in changed:
        typer.echo(f"{'Migrated' if written else 'Would migrate'} {plan.file}", err=not written)
    for plan in plans:
        for note in plan.notes:
            place = f"{plan.file}:{note.line}" if note.line else str(plan.file)
            typer.echo(f"{place}: {note.text}", err=not written)
    left = sum(len(plan.notes) for plan in plans)
    files = f"{len(changed)} of {len(plans)} files {'changed' if written else 'would change'}"
    typer.echo(f"{files}; {left} {'thing is' if left == 1 else 'things are'} left to look at.", err=not written)
