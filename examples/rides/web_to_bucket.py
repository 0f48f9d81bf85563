"""A month of rides, from the web through pandas into a bucket as Parquet.

The download is kept for a day, in the bucket too: whoever runs the flow again, on whatever machine, takes it from there.
"""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from towpath import flow, task
from towpath.contrib.gcp import GcsBucket
from towpath.tasks import task_input_hash

LAKE = "lake"


@task(
    retries=3,
    retry_delay_seconds=1,
    cache_key_fn=task_input_hash,
    cache_expiration=timedelta(days=1),
    result_storage=f"block://gcs-bucket/{LAKE}",
    log_prints=True,
)
def fetch(address: str) -> pd.DataFrame:
    """The rides as they come."""
    frame = pd.read_csv(address)
    print(f"{len(frame)} rides read from {address}")
    return frame


@task(log_prints=True)
def clean(rides: pd.DataFrame) -> pd.DataFrame:
    """The rides with times as times, and without those that nobody took."""
    typed = rides.assign(pickup=pd.to_datetime(rides["pickup"]), dropoff=pd.to_datetime(rides["dropoff"]))
    kept = typed.loc[typed["passengers"] > 0].reset_index(drop=True)
    print(f"{len(typed) - len(kept)} of {len(typed)} rides had no passengers")
    return kept


@task
def write(rides: pd.DataFrame, path: str) -> str:
    """Writes the rides into the bucket. Returns where."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / Path(path).name
        rides.to_parquet(file, compression="gzip", index=False)
        return GcsBucket.load(LAKE).upload_from_path(from_path=file, to_path=path)


@flow(log_prints=True)
def web_to_bucket(
    color: str = "green", year: int = 2021, month: int = 1, source: str = "https://example.org/rides"
) -> int:
    """One month of rides into the bucket.

    Args:
        color: which taxis, `green` or `yellow`.
        year: of the rides.
        month: of the rides, from 1 to 12.
        source: the address below which the months are, each as `<color>-<year>-<month>.csv`.
    """
    name = f"{color}-{year}-{month:02}"
    rides = clean(fetch(f"{source}/{name}.csv"))
    where = write(rides, f"rides/{name}.parquet")
    print(f"{len(rides)} rides written to {where}")
    return len(rides)


if __name__ == "__main__":
    web_to_bucket()
