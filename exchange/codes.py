"""Codes and periods: code lists read from pinned CSV bytes, and the SDMX time periods the exchange releases."""

from dataclasses import dataclass, field

from exchange.encoding import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code with its labels by language and its parent in the tree."""

    id: str
    labels: dict[str, str]
    parent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList:
    """A code list: a strict tree, pinned by the SHA-256 of its file's bytes."""

    id: str
    digest: Digest
    codes: tuple[Code, ...] = field(repr=False)
