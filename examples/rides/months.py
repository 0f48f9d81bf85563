"""Several months of rides: the other flows as subflows, and parameters checked before anything runs."""

from typing import Annotated

from bucket_to_warehouse import bucket_to_warehouse
from pydantic import Field
from web_to_bucket import web_to_bucket

from towpath import flow

Month = Annotated[int, Field(ge=1, le=12)]


@flow(log_prints=True)
def months(
    wanted: list[Month],
    color: str = "green",
    year: int = 2021,
    source: str = "https://example.org/rides",
    to_warehouse: bool = True,
) -> dict[str, int]:
    """Brings months of rides into the bucket, and into the warehouse.

    Args:
        wanted: the months, from 1 to 12.
        color: which taxis, `green` or `yellow`.
        year: of the rides.
        source: see `web_to_bucket`.
        to_warehouse: False to stop at the bucket.
    """
    rows: dict[str, int] = {}
    for month in wanted:
        count = web_to_bucket(color, year, month, source)
        rows[f"{year}-{month:02}"] = bucket_to_warehouse(color, year, month) if to_warehouse else count
    print(f"{sum(rows.values())} rides in {len(rows)} months")
    return rows


if __name__ == "__main__":
    months([1, 2])
