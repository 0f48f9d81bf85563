"""The option `-o`. Apart from `output`, so that commands which show no models load no pydantic."""

from enum import StrEnum
from typing import Annotated

import typer


class Format(StrEnum):
    """What `-o` takes."""

    TABLE = "table"
    JSON = "json"


Output = Annotated[Format, typer.Option("-o", "--output", help="table, or json for programs.")]
