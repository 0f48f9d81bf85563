"""State types as the tables hold them: small numbers in an order that makes ranges of them mean something.

SCHEDULED is 0, what holds infrastructure is 1 to 4, what has ended is 5 and above. Never renumber: databases hold them.
"""

from collections.abc import Mapping
from typing import Final

from towpath.contract.states import NAMES, StateType, default_name

CODES: Final[Mapping[StateType, int]] = {
    StateType.SCHEDULED: 0,
    StateType.PENDING: 1,
    StateType.RUNNING: 2,
    StateType.PAUSED: 3,
    StateType.CANCELLING: 4,
    StateType.COMPLETED: 5,
    StateType.FAILED: 6,
    StateType.CRASHED: 7,
    StateType.CANCELLED: 8,
}
TYPES: Final[Mapping[int, StateType]] = {code: state_type for state_type, code in CODES.items()}

SCHEDULED: Final = CODES[StateType.SCHEDULED]
FIRST_ENDED: Final = CODES[StateType.COMPLETED]
"""State types of this number and above have ended."""

TYPES_BY_TEXT: Final[Mapping[str, StateType]] = {state_type.value: state_type for state_type in StateType}
_DEFAULT_NAMES: Final[Mapping[int, str]] = {code: default_name(state_type) for state_type, code in CODES.items()}
_KNOWN_NAMES: Final[Mapping[str, StateType]] = {
    name.lower(): state_type for state_type, names in NAMES.items() for name in names
}


def kept_name(code: int, name: str) -> str | None:
    """`name` as a row holds it: None when it is the type's default, which most are."""
    return None if name == _DEFAULT_NAMES[code] else name


def shown_name(code: int, kept: str | None) -> str:
    """The name that a row's `kept` stands for."""
    return _DEFAULT_NAMES[code] if kept is None else kept


def parse_state_filter(text: str) -> tuple[int | None, str | None]:
    """What `state=<text>` in a list asks for, as (type code, name): a type in any case, or a state's name.

    A name that its type is known by also fixes the type, which lets the database use its index.
    """
    if (state_type := TYPES_BY_TEXT.get(text.upper())) and text.upper() == text:
        return CODES[state_type], None
    known = _KNOWN_NAMES.get(text.lower())
    if known is None:
        return None, text
    return CODES[known], next(name for name in NAMES[known] if name.lower() == text.lower())
