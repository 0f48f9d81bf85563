"""Blocks taken apart and put together: secrets wherever they stand, other blocks by name or inline."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretBytes, SecretStr, field_serializer

from towpath.blocks.core import Block, SecretDict
from towpath.blocks.documents import Document, build_document, merge_secrets, resolve
from towpath.blocks.registry import get_class
from towpath.errors import BlockError


class Lockkeeper(Block):
    """Somebody with a key."""

    name: str = "Ada"
    key: SecretStr


class Mooring(BaseModel):
    """A place with a code."""

    code: SecretStr | None = None
    length: int = 1


@dataclasses.dataclass
class Buoy:
    """A dataclass with a secret."""

    code: SecretStr


class Barge(Block):
    """Secrets in every corner."""

    name: str = "Otter"
    seal: SecretBytes = SecretBytes(b"wax")
    papers: SecretDict = SecretDict({})
    codes: list[SecretStr] = []
    moorings: dict[str, Mooring] = {}
    buoy: Buoy | None = None
    keeper: Lockkeeper | None = None
    crew: list[Lockkeeper] = []
    any: Any = None


def build(block: Block, **names: str) -> Document:
    """The document of a block; `names` are the full names of blocks it holds, by their `name`."""
    return build_document(block, Block, lambda held: names.get(getattr(held, "name", "")))


def rebuild(document: Document, loaded: dict[str, Block] | None = None) -> Barge:
    merged = merge_secrets(document.config, document.secrets)
    config = resolve(merged, (loaded or {}).__getitem__, lambda slug, fields: get_class(slug)(**fields))
    return Barge.model_validate(config)


def make_barge(**fields: Any) -> Barge:
    given: dict[str, Any] = {
        "seal": SecretBytes(b"\xff\x00"),
        "papers": SecretDict({"flag": "NL", "deep": {"x": [1]}}),
        "codes": [SecretStr("hush-one"), SecretStr("hush-two")],
        "moorings": {"north": Mooring(code=SecretStr("hush-three"), length=5), "south": Mooring()},
        "buoy": Buoy(SecretStr("hush-four")),
        "keeper": Lockkeeper(key=SecretStr("hush-five")),
        "crew": [Lockkeeper(name="Bo", key=SecretStr("hush-six"))],
    }
    return Barge(**(given | fields))


def test_secrets_are_found_wherever_they_stand() -> None:
    document = build(make_barge())
    assert document.secrets == {
        "seal": b"\xff\x00",
        "papers": b'{"flag":"NL","deep":{"x":[1]}}',
        "codes.0": b"hush-one",
        "codes.1": b"hush-two",
        "moorings.north.code": b"hush-three",
        "buoy.code": b"hush-four",
        "keeper.key": b"hush-five",
        "crew.0.key": b"hush-six",
    }


def test_what_is_left_has_no_trace_of_them() -> None:
    document = build(make_barge())
    text = json.dumps(document.config)
    for secret in ("hush", "NL", "*"):
        assert secret not in text
    assert document.config["moorings"] == {"north": {"length": 5}, "south": {"code": None, "length": 1}}
    assert document.config["codes"] == [None, None]


def test_a_block_is_put_together_again() -> None:
    barge = make_barge()
    again = rebuild(build(barge))
    assert build(again) == build(barge)
    assert isinstance(again.keeper, Lockkeeper)
    assert again.papers.get_secret_value() == {"flag": "NL", "deep": {"x": [1]}}


def test_a_block_with_a_name_is_kept_as_its_name() -> None:
    document = build(make_barge(), Ada="lockkeeper/ada")
    assert document.config["keeper"] == {"$ref": {"block": "lockkeeper/ada"}}
    assert "keeper.key" not in document.secrets
    ada = Lockkeeper(key=SecretStr("other"))
    assert rebuild(document, {"lockkeeper/ada": ada}).keeper is ada


def test_a_block_inline_keeps_its_type_and_is_of_it_again() -> None:
    class Captain(Lockkeeper):
        """More than a lockkeeper."""

        medals: int = 0

    document = build(make_barge(keeper=Captain(key=SecretStr("k"), medals=3)))
    assert document.config["keeper"] == {"block_type_slug": "captain", "name": "Ada", "medals": 3}
    keeper = rebuild(document).keeper
    assert isinstance(keeper, Captain)
    assert (keeper.medals, keeper.key.get_secret_value()) == (3, "k")


def test_secrets_that_are_not_set_are_not_kept() -> None:
    assert build(Barge(moorings={"a": Mooring()})).secrets == {"seal": b"wax", "papers": b"{}"}


@pytest.mark.parametrize("key", ["a.b", "a/b", "", "ü", "a b"])
def test_keys_that_make_no_file_name_are_refused(key: str) -> None:
    with pytest.raises(BlockError, match="SecretDict"):
        build(Barge(moorings={key: Mooring(code=SecretStr("x"))}))


def test_a_set_of_secrets_is_refused() -> None:
    with pytest.raises(BlockError, match="list"):
        build(Barge(any={SecretStr("x")}))


def test_a_serializer_may_not_show_a_secret_elsewhere() -> None:
    class Leaky(Block):
        """Renames what is secret."""

        inner: Mooring

        @field_serializer("inner")
        def _rename(self, value: Mooring) -> dict[str, Any]:
            return {"other": value.code.get_secret_value() if value.code else None}

    with pytest.raises(BlockError, match=r"inner\.code"):
        build(Leaky(inner=Mooring(code=SecretStr("x"))))


def test_a_serializer_that_shows_a_secret_in_its_place_does_not_leak_it() -> None:
    class Shown(Block):
        """Serializes its secret in the clear, as some code for Prefect does."""

        token: SecretStr

        @field_serializer("token")
        def _show(self, value: SecretStr) -> str:
            return value.get_secret_value()

    document = build(Shown(token=SecretStr("hush")))
    assert document == Document({}, {"token": b"hush"})


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(BlockError, match="Barge"):
        build(Barge(any=object()))


def test_nothing_shows_a_secret() -> None:
    barge = make_barge()
    shown = f"{barge!r} {barge} {build(barge)!r} {barge.model_dump_json()}"
    assert "hush" not in shown
    assert "NL" not in shown


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc_", min_size=1), inner, max_size=4),
    )
)
def test_plain_configuration_survives(value: Any) -> None:
    document = build(Barge(any=value))
    assert rebuild(document).any == value
