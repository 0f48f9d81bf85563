"""Asks a web service how warm it will be. The service's address is a parameter, so that a test can stand in for it."""

import json
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from towpath import flow, task


@task(retries=3, retry_delay_seconds=1)
def ask(address: str, latitude: float, longitude: float) -> dict[str, Any]:
    """What the service says of the coming hours."""
    query = urlencode({"latitude": latitude, "longitude": longitude, "hourly": "temperature_2m"})
    if not address.startswith(("https://", "http://")):
        raise ValueError(f"{address!r} is no address of a web service")
    with urlopen(f"{address}?{query}", timeout=30) as answer:  # noqa: S310 - its scheme was checked above
        return json.load(answer)


@task
def find_warmest(forecast: dict[str, Any]) -> tuple[str, float]:
    """The warmest hour and its temperature in Celsius."""
    hourly = forecast["hourly"]
    return max(zip(hourly["time"], hourly["temperature_2m"], strict=True), key=lambda pair: pair[1])


@flow(log_prints=True)
def weather(
    latitude: float = 52.52, longitude: float = 13.41, address: str = "https://api.open-meteo.com/v1/forecast"
) -> float:
    """Says when it will be warmest.

    Args:
        latitude: in degrees.
        longitude: in degrees.
        address: of the service.
    """
    time, celsius = find_warmest(ask(address, latitude, longitude))
    print(f"The warmest hour is {time}, with {celsius} °C.")
    return celsius


if __name__ == "__main__":
    weather()
