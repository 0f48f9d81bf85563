"""docs/how-to/notifications.md, command by command, with a receiver and a server in terminals of their own."""

from collections.abc import Generator
from pathlib import Path

import pytest
import yaml

from tests.integration.local.test_tutorial import Walk
from tests.support.server_process import free_port
from tests.support.walkthrough import Command, File, read_page
from towpath.contract.resources import KINDS

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "notifications.md"
RECEIVER_PORT = "8765"


@pytest.fixture
def walk(tmp_path: Path) -> Generator[Walk]:
    walk = Walk(tmp_path)
    yield walk
    walk.close_terminals()


def test_the_page_goes_as_it_says(walk: Walk) -> None:
    port = str(free_port())
    for step in read_page(PAGE):
        if isinstance(step, Command):
            text, output = (part.replace(RECEIVER_PORT, port) for part in (step.text, step.output))
            walk.take(Command(text, output, step.goes_on, step.code))
        else:
            assert isinstance(step, File)
            walk.take(step)


def test_its_manifests_are_valid() -> None:
    kinds = {kind.kind: kind for kind in KINDS}
    seen: list[str] = []
    for block in PAGE.read_text().split("```yaml\n")[1:]:
        for document in yaml.safe_load_all(block.partition("```")[0]):
            if document.get("kind") in kinds:
                kinds[document["kind"]].spec.model_validate(document["spec"])
                seen.append(document["kind"])
    assert seen == ["Block", "Notification", "Automation"]
