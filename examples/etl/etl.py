"""Hourly temperatures of two cities, from CSV to Parquet: read, clean with pandas, write, and count the rows at each step.

The data are 17,518 rows that the package vega_datasets ships. The two files differ as real ones do: other columns first,
another format of times, and one hour missing in each, where the clocks went forward.
"""

from pathlib import Path

import pandas as pd
from vega_datasets import local_data

from towpath import flow, get_run_logger, task

SOURCES = {"san-francisco": local_data.sf_temps, "seattle": local_data.seattle_temps}


@task(retries=1)
def read(city: str) -> pd.DataFrame:
    """The rows as they come."""
    frame = pd.read_csv(SOURCES[city].filepath)
    get_run_logger().info("%s: %d rows read", city, len(frame))
    return frame


@task
def clean(city: str, raw: pd.DataFrame) -> pd.DataFrame:
    """One row for each hour of the year, in Celsius; hours that are missing are interpolated, and marked."""
    hourly = raw.assign(time=pd.to_datetime(raw["date"], format="mixed")).drop_duplicates("time").set_index("time")
    fahrenheit = pd.Series(hourly["temp"]).sort_index().asfreq("h")
    missing = fahrenheit.isna()
    celsius = ((fahrenheit.interpolate() - 32) * 5 / 9).round(2)
    frame = pd.DataFrame({"city": city, "celsius": celsius, "is_interpolated": missing}).reset_index()
    if not frame["celsius"].between(-60, 60).all():
        raise ValueError(f"{city}: there are temperatures that are none on earth")
    get_run_logger().info("%s: %d rows after cleaning, %d of them interpolated", city, len(frame), missing.sum())
    return frame


@task
def write(city: str, frame: pd.DataFrame, folder: str) -> int:
    """Writes the rows as Parquet, and reads back how many there are."""
    path = Path(folder) / f"{city}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False)
    rows = len(pd.read_parquet(path))
    get_run_logger().info("%s: %d rows in %s", city, rows, path)
    return rows


@task
def summarise(folder: str, cities: list[str]) -> dict[str, float]:
    """The mean temperature of each city, from what was written."""
    written = {city: pd.read_parquet(Path(folder) / f"{city}.parquet") for city in cities}
    return {city: round(float(frame["celsius"].to_numpy().mean()), 2) for city, frame in written.items()}


@flow
def etl(folder: str = "temperatures") -> dict[str, int]:
    """From CSV to Parquet.

    Args:
        folder: where the Parquet files go.

    Returns:
        The rows written, by city.
    """
    cities = list(SOURCES)
    raws = read.map(cities)
    frames = clean.map(cities, raws)
    rows = [write(city, frame.result(), folder) for city, frame in zip(cities, frames, strict=True)]
    means = summarise(folder, cities)
    get_run_logger().info("%d rows written; means in Celsius: %s", sum(rows), means)
    return dict(zip(cities, rows, strict=True))


if __name__ == "__main__":
    etl()
