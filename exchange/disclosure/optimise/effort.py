"""How much work a suppression may take: counted in programmes, never in time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Limits that make the same table give the same pattern on any machine.

    Attributes:
        vicinity: How many cells a programme looks at first; more where that is not enough.
        clean_up: Programmes to publish cells again that are not needed.
        improve: Programmes to replace dear cells by cheaper ones.
    """

    vicinity: int = 400
    clean_up: int = 100_000
    improve: int = 0
