"""`towpath version`, with options. Without any, `towpath.cli.main` shows the same and loads less."""

import json

import typer

from towpath.cli.output_format import Format, Output
from towpath.cli.versions import collect_versions, show_versions

app = typer.Typer(add_completion=False)


@app.command()
def version(output: Output = Format.TABLE) -> None:
    """Show the versions of what runs here."""
    if output is Format.JSON:
        print(json.dumps(collect_versions(), indent=2))
    else:
        show_versions()
