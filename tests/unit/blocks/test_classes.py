"""What classes of blocks say of themselves, how they are found, and how their methods are called."""

import asyncio
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest
from pydantic import Field, SecretStr, ValidationError

from dev.generate.block_types import build_block_type_files
from towpath.blocks import notifications, registry, schemas
from towpath.blocks.abstract import NotificationBlock
from towpath.blocks.calling import async_compatible
from towpath.blocks.core import Block, SecretDict
from towpath.blocks.system import JSON, DateTime, Secret, String
from towpath.contract.channels import TYPES
from towpath.errors import BlockError, BlockNotFound


class Towline(Block):
    """Draws barges.

    Strong ones.

    Example:
        ```python
        Towline.load("x")
        ```
    """

    _block_type_name = "Tow Line"
    _logo_url = "https://example.com/line.png"
    _block_schema_capabilities = ["draw"]

    length: int = Field(description="In metres.")
    code: SecretStr
    spare: SecretStr | None = None
    papers: SecretDict = SecretDict({"a": 1})
    secret: Secret | None = None


def test_a_class_says_what_it_is() -> None:
    assert Towline.get_block_type_name() == "Tow Line"
    assert Towline.get_block_type_slug() == "tow-line"
    assert Towline.get_description() == "Draws barges.\n\nStrong ones."
    assert 'Towline.load("x")' in str(Towline.get_code_example())
    assert Towline.get_logo_url() == "https://example.com/line.png"
    assert Towline.get_documentation_url() is None
    assert Towline.get_block_capabilities() == {"draw"}
    assert "tow-line" in Towline.get_block_placeholder()
    assert Block.is_block_class(Towline)
    assert not Block.is_block_class(Towline(length=1, code=SecretStr("x")))


def test_attributes_that_are_set_count_before_docstrings() -> None:
    class Described(Block):
        """Not this."""

        _description = "This."
        _code_example = "x = 1"
        _block_type_slug = "a-slug-of-its-own"

    described: Any = Described
    assert (described.get_description(), described.get_code_example()) == ("This.", "x = 1")
    assert described.get_block_type_slug() == "a-slug-of-its-own"


def test_a_subclass_is_a_type_of_its_own() -> None:
    class Chain(Towline):
        """Heavier."""

    assert Chain.get_block_type_slug() == "chain"
    assert Chain.get_logo_url() == Towline.get_logo_url()
    assert Chain.get_block_capabilities() == {"draw"}
    assert registry.get_class("tow-line") is Towline


def test_a_types_schema_names_secrets_and_shows_none() -> None:
    facts = schemas.describe(Towline)
    assert facts.secret_fields == ["code", "spare", "papers", "secret.value"]
    assert list(facts.fields["properties"]) == ["length", "code", "spare", "papers", "secret"]
    assert facts.fields["required"] == ["length", "code"]
    assert facts.fields["$defs"]["Secret"][schemas.TYPE_KEYWORD] == "secret"
    assert "default" not in facts.fields["properties"]["papers"]
    assert "*" not in str(facts.fields)


def test_a_field_that_json_cannot_say_is_refused() -> None:
    class Odd(Block):
        """Holds a function."""

        call: Callable[[], int] = int

    with pytest.raises(BlockError, match="Odd"):
        schemas.describe(Odd)


def test_what_is_misspelt_is_refused_without_its_value() -> None:
    with pytest.raises(ValidationError) as caught:
        Secret(vlaue="hush")  # type: ignore[call-arg]
    assert "hush" not in str(caught.value)


def test_system_blocks_hold_their_values() -> None:
    assert Secret(value=SecretStr("hush")).get() == "hush"
    assert String(value="x").value == "x"
    assert JSON(value=[1, None]).value == [1, None]
    assert DateTime.model_validate({"value": "2026-11-24T12:00:00Z"}).value.year == 2026
    slugs = [found.get_block_type_slug() for found in (Secret, String, JSON, DateTime)]
    assert slugs == ["secret", "string", "json", "date-time"]


def test_bases_cannot_be_saved() -> None:
    assert Block.is_abstract_block()
    assert NotificationBlock.is_abstract_block()
    with pytest.raises(BlockError, match="type/name"):
        Block.load("x")
    with pytest.raises(BlockError, match="derived from"):
        Block().save("x")
    with pytest.raises(BlockError, match="derived from"):
        NotificationBlock.register_type_and_schema()


def test_a_block_without_a_name_asks_for_one() -> None:
    with pytest.raises(BlockError, match="no name yet"):
        String(value="x").save()


@pytest.mark.parametrize("name", ["", "a/b/c", "x\n", "x" * 201, "\0"])
def test_names_are_checked(name: str) -> None:
    with pytest.raises(BlockError):
        String.load(f"string/{name}")


def test_initialization_is_called_with_the_fields() -> None:
    seen: list[int] = []

    class Ready(Block):
        """Prepares something."""

        number: int

        def block_initialization(self) -> None:
            seen.append(self.number)

    Ready(number=4)
    assert seen == [4]


def test_the_classes_of_other_distributions_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("foreign_blocks")
    monkeypatch.setitem(sys.modules, "foreign_blocks", module)

    def find(*, group: str) -> list[EntryPoint]:
        assert group == "towpath.blocks"
        return [EntryPoint("broken", "nowhere_at_all", group), EntryPoint("foreign", "foreign_blocks", group)]

    monkeypatch.setattr(registry, "entry_points", find)
    with pytest.warns(UserWarning, match="'broken'"), pytest.raises(BlockNotFound, match="'foreign-block'"):
        registry.get_class("foreign-block")
    exec(  # noqa: S102 a module as another distribution has it
        "from towpath.blocks.core import Block\nclass ForeignBlock(Block):\n    _block_type_name = 'Foreign Block'\n",
        module.__dict__,
    )
    assert registry.get_class("foreign-block").__name__ == "ForeignBlock"


def test_every_built_in_module_is_listed_and_its_file_fresh() -> None:
    slugs = [found.get_block_type_slug() for found in registry.import_builtins()]
    assert len(slugs) == len(set(slugs))
    assert set(TYPES) <= set(slugs)
    (text,) = build_block_type_files().values()
    assert all(f'"{slug}"' in text for slug in slugs)


def test_every_channel_of_the_contract_is_a_block() -> None:
    channels = {
        found.get_block_type_slug() for found in registry.import_builtins() if issubclass(found, NotificationBlock)
    }
    assert channels == set(TYPES)
    assert all(hasattr(notifications, name) for name in notifications.__all__)


@async_compatible
def double(number: int) -> int:
    """Twice the number."""
    return number * 2


def test_outside_coroutines_values_come_at_once() -> None:
    assert double(2) == 4
    assert [double(n) for n in (1, 2)] == [2, 4]


async def test_in_coroutines_they_are_awaited() -> None:
    assert await double(2) == 4  # type: ignore[misc]
    assert await asyncio.gather(double(1), double(2)) == [2, 4]  # type: ignore[arg-type]


async def test_plain_functions_that_coroutines_call_get_values() -> None:
    def helper() -> int:
        return double(3) + 1

    assert helper() == 7
