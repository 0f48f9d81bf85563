"""Fields of every usual type: kept as JSON, taken by the type's own schema as the API checks it, and the same again when loaded."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AnyUrl, BaseModel, ByteSize, Field, HttpUrl, Json, SecretStr

from towpath.blocks import schemas
from towpath.blocks.core import Block, SecretDict
from towpath.blocks.documents import build_document, merge_secrets, resolve
from towpath.blocks.registry import get_class
from towpath.contrib.aws import AwsCredentials, MinIOCredentials, S3Bucket
from towpath.contrib.gcp import GcpCredentials, GcsBucket
from towpath.contrib.sqlalchemy import ConnectionComponents, DatabaseCredentials, SqlAlchemyConnector
from towpath_operator.domain.block_config import check_config
from towpath_operator.domain.refusals import InvalidRequest


class Cargo(Enum):
    """What is carried."""

    COAL = "coal"
    GRAIN = "grain"


class Hold(BaseModel):
    """A part of a ship."""

    model_config = {"populate_by_name": True}

    size: Annotated[int, Field(alias="Size", gt=0)] = 1
    cargo: Cargo = Cargo.COAL
    code: SecretStr | None = None


class Crane(Block):
    """Has a field of every type."""

    when: datetime = datetime(2026, 11, 24, tzinfo=UTC)
    day: date = date(2026, 11, 24)
    hour: time = time(12, 30)
    span: timedelta = timedelta(days=1, seconds=5)
    weight: Decimal = Decimal("1.50")
    identity: UUID = UUID(int=7)
    path: Path = Path("/quay")
    url: HttpUrl = HttpUrl("https://example.com/x")
    address: AnyUrl | None = AnyUrl("s3://quay/x")
    size: ByteSize = ByteSize(5)
    cargo: Cargo = Cargo.GRAIN
    mode: Literal["up", "down"] = "up"
    raw: bytes = b"text"
    pair: tuple[int, str] = (1, "x")
    many: set[int] = {1, 2}
    frozen: frozenset[str] = frozenset({"a"})
    table: dict[str, list[float]] = {"a": [1.5]}
    numbers: Mapping[str, int] = {"one": 1}
    parsed: Json[list[int]] | None = None
    hold: Hold = Hold.model_validate({"Size": 3, "code": "hush"})
    holds: list[Hold] = [Hold()]
    named: Annotated[str, Field(alias="otherName")] = "x"
    nothing: None = None
    anything: Any = {"a": None}


BLOCKS = [
    Crane(),
    GcpCredentials(service_account_info=SecretDict({"a": 1})),
    GcsBucket(bucket="lake", gcp_credentials=GcpCredentials(service_account_file=Path("/key.json"))),
    S3Bucket(bucket_name="lake", credentials=MinIOCredentials(minio_root_user="u", minio_root_password=SecretStr("p"))),
    S3Bucket(bucket_name="lake", credentials=AwsCredentials(aws_secret_access_key=SecretStr("k"))),
    SqlAlchemyConnector(connection_info=SecretStr("sqlite://")),
    SqlAlchemyConnector(
        connection_info=ConnectionComponents(driver="postgresql+psycopg", database="d", password=SecretStr("p"))
    ),
    SqlAlchemyConnector(connection_info=ConnectionComponents(driver="sqlite", database="d", query={"a": "b"})),
    DatabaseCredentials(url=SecretStr("sqlite://")),
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: type(block).__name__)
def test_what_is_kept_is_what_the_schema_takes_and_what_was_there(block: Block) -> None:
    document = build_document(block, Block, lambda _: None)
    facts = schemas.describe(type(block))
    check_config(facts, document.config, document.secrets)
    config = resolve(
        merge_secrets(document.config, document.secrets), lambda _: None, lambda slug, fields: get_class(slug)(**fields)
    )
    again = type(block).model_validate(config, by_alias=True, by_name=True)
    assert again == block


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mode": "sideways"}, "mode"),
        ({"pair": [1]}, "pair"),
        ({"hold": {"size": "big"}}, "hold"),
        ({"table": {"a": ["x"]}}, "table.a.0"),
        ({"span": 5.5, "cargo": "gold"}, "cargo"),
    ],
)
def test_what_does_not_fit_names_its_place(change: dict[str, Any], field: str) -> None:
    facts = schemas.describe(Crane)
    with pytest.raises(InvalidRequest) as caught:
        check_config(facts, change, [])
    assert field in {error.field.removeprefix("spec.config.") for error in caught.value.errors} | {
        error.field.split(".")[2] for error in caught.value.errors
    }
