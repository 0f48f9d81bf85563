"""A month of rides, from the bucket into a table of PostgreSQL. Run again, it replaces the month and doubles nothing."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from towpath import flow, task
from towpath.contrib.gcp import GcsBucket
from towpath.contrib.sqlalchemy import SqlAlchemyConnector

CREATE = """
    CREATE TABLE IF NOT EXISTS rides (
        name text NOT NULL, pickup timestamp NOT NULL, dropoff timestamp NOT NULL, passengers integer NOT NULL, miles double precision
    )
"""
INSERT = "INSERT INTO rides (name, pickup, dropoff, passengers, miles) VALUES (:name, :pickup, :dropoff, :passengers, :miles)"


@task(retries=3, retry_delay_seconds=1)
def read(path: str) -> pd.DataFrame:
    """The rides as they are in the bucket."""
    with TemporaryDirectory() as folder:
        GcsBucket.load("lake").get_directory(from_path=path, local_path=folder)
        return pd.read_parquet(Path(folder) / path)


@task(log_prints=True)
def load(rides: pd.DataFrame, name: str) -> int:
    """Replaces the month's rows. Returns how many there are then."""
    rows = [{"name": name, **row} for row in rides.to_dict("records")]
    with SqlAlchemyConnector.load("warehouse") as warehouse:
        warehouse.execute(CREATE)
        warehouse.execute("DELETE FROM rides WHERE name = :name", {"name": name})
        warehouse.execute_many(INSERT, rows)
        (count,) = warehouse.fetch_one("SELECT count(*) FROM rides WHERE name = :name", {"name": name})
    print(f"{count} rows of {name} are in the warehouse")
    return count


@flow
def bucket_to_warehouse(color: str = "green", year: int = 2021, month: int = 1) -> int:
    """One month of rides into the warehouse.

    Args:
        color: which taxis, `green` or `yellow`.
        year: of the rides.
        month: of the rides, from 1 to 12.
    """
    name = f"{color}-{year}-{month:02}"
    return load(read(f"rides/{name}.parquet"), name)


if __name__ == "__main__":
    bucket_to_warehouse()
