"""What the chart's dashboard and alerts ask for are metrics that the API and the operator have."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import make_template, open_api
from towpath_operator.reconcilers.metrics import OperatorMetrics

CHART = Path(__file__).parents[3] / "charts" / "towpath"
FIXED = re.compile(r"_(bucket|sum|count|total)$")
NAME = re.compile(r"\btowpath_[a-z_]+")


def expressions() -> list[str]:
    """Every PromQL expression of the chart."""
    dashboard: dict[str, Any] = json.loads((CHART / "dashboards" / "towpath.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    return [*asked, (CHART / "templates" / "monitoring.yaml").read_text()]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the newest schema."""
    return asyncio.run(make_template(tmp_path_factory.mktemp("monitoring") / "empty.db"))


async def test_every_metric_that_is_asked_for_exists(template: Path, tmp_path: Path) -> None:
    async with open_api(template, tmp_path) as api:
        known = {metric.name for metric in api.hub.metrics.registry.collect()}
    known |= {metric.name for metric in OperatorMetrics().registry.collect()}
    asked = {name for text in expressions() for name in NAME.findall(text)}
    assert len(asked) > 20
    assert {name for name in asked if name not in known and FIXED.sub("", name) not in known} == set()
