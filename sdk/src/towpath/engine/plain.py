"""Any value as JSON values, for people who look at a run: bounded in size, and never failing. Called by `telling`."""

from collections.abc import Callable
from enum import Enum
from pathlib import PurePath
from typing import Any, Final

from towpath.contract.limits import MAX_MESSAGE, cut

MAX_CHARACTERS: Final = 200_000
"""About how much of a run's parameters is told in all."""
_MAX_DEPTH: Final = 8
_LEFT_OUT: Final = "…"
HIDDEN: Final = "**********"
"""What is told of a secret."""


class _Budget:
    """How many characters may still be told."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, text: str) -> str:
        kept = cut(text, MAX_MESSAGE)
        self.left -= len(kept) + 4
        return kept if self.left > 0 else _LEFT_OUT


def parameters_as_json(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters as JSON values, which a flow's annotations can read back; what JSON cannot say is given as its repr,
    what is too much is left out with a mark.
    """
    budget = _Budget(MAX_CHARACTERS)
    return {name: _as_json(value, budget, _MAX_DEPTH) for name, value in parameters.items()}


def _as_json(value: Any, budget: _Budget, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _as_json(value.value, budget, depth)
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else budget.take(repr(value))
    if isinstance(value, float):
        return float(value) if value - value == 0 else repr(value)
    if isinstance(value, str):
        return budget.take(str(value))
    if depth == 0 or budget.left <= 0:
        return _LEFT_OUT
    if isinstance(value, dict):
        return _dict_as_json(value, budget, depth)
    if isinstance(value, list | tuple | set | frozenset):
        items: list[Any] = []
        for item in value:
            budget.left -= 4
            if budget.left <= 0:
                items.append(_LEFT_OUT)
                break
            items.append(_as_json(item, budget, depth - 1))
        return items
    if hasattr(type(value), "get_secret_value"):
        return HIDDEN
    dump: Callable[..., Any] | None = getattr(type(value), "model_dump", None)
    if dump is not None and hasattr(type(value), "model_fields"):
        return _or_its_kind(lambda: _as_json(dump(value, mode="json"), budget, depth - 1), value)
    seconds: Callable[[], float] | None = getattr(value, "total_seconds", None)
    if seconds is not None and not isinstance(value, type):
        return _or_its_kind(lambda: _as_json(float(seconds()), budget, depth), value)
    fields: dict[str, Any] | None = getattr(type(value), "__dataclass_fields__", None)
    if fields is not None:
        return _dict_as_json({name: getattr(value, name, None) for name in fields}, budget, depth)
    return _or_its_kind(lambda: budget.take(_as_text(value)), value)


def _as_text(value: Any) -> str:
    """Dates, paths, UUIDs and decimals as pydantic reads them back; all else as its repr."""
    isoformat: Callable[[], Any] | None = getattr(value, "isoformat", None)
    if isoformat is not None and not isinstance(value, type):
        return str(isoformat())
    return str(value) if isinstance(value, PurePath) or type(value).__name__ in _TEXTS else repr(value)


_TEXTS: Final = frozenset({"UUID", "Decimal"})
"""Classes by their names, so that their modules need not be loaded."""


def _dict_as_json(value: dict[Any, Any], budget: _Budget, depth: int) -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for key, item in value.items():
        name = _or_its_kind(lambda key=key: budget.take(str(key)), key)
        if budget.left <= 0:
            pairs[_LEFT_OUT] = _LEFT_OUT
            break
        pairs[name] = _as_json(item, budget, depth - 1)
    return pairs


def _or_its_kind(make: Callable[[], Any], value: Any) -> Any:
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - a value whose repr fails must not fail the run that was given it
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"
