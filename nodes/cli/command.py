"""One command of the program, as a row of the table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table."""

    words: str
    target: str
    en: str
    ru: str
