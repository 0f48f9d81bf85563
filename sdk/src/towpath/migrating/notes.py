"""What a migration could not do, each with where and what to do about it. Called by the other modules of this package."""

from typing import NamedTuple


class Note(NamedTuple):
    """One thing that is left to people.

    Attributes:
        line: in the file as it was; 0 for the file as a whole.
        text: what it is and what to do, as a sentence.
    """

    line: int
    text: str


class Migrated(NamedTuple):
    """What became of one file. `text` is None when it is none of Prefect's."""

    text: str | None
    notes: tuple[Note, ...] = ()
