"""One place in a contract's document, with its path, so that every refusal names its line.

The closed schema has fixed the types before a clause is read; reading asserts them once more for the type checker.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import cast

from exchange.contract.schemas import format_path
from exchange.contract.text import ContractText, Path
from exchange.encoding import Digest, Json, JsonObject
from exchange.errors.contract import ContractRuleError


@dataclass(frozen=True, slots=True)
class Clause:
    """A value of the document and where it stands."""

    source: ContractText
    path: Path = ()

    @property
    def value(self) -> Json:
        """The value here."""
        value: Json = self.source.document
        for step in self.path:
            value = cast("JsonObject", value)[step] if isinstance(step, str) else cast("list[Json]", value)[step]
        return value

    @property
    def line(self) -> int:
        """The line here, from 1."""
        return self.source.line(self.path)

    def at(self, *steps: str | int) -> "Clause":
        """The place that many steps further in."""
        return Clause(self.source, self.path + steps)

    def has(self, name: str) -> bool:
        """Whether a key stands here with a value other than null."""
        return isinstance(self.value, dict) and self.value.get(name) is not None

    def items(self) -> Iterator["Clause"]:
        """The places of a list's items."""
        return (self.at(position) for position in range(len(cast("list[Json]", self.value))))

    def custom(self, name: str) -> "Clause":
        """The value of the custom property of that name, which the schema has put there."""
        for entry in self.at("customProperties").items():
            if entry.text("property") == name:
                return entry.at("value")
        raise KeyError(name)

    def text(self, name: str) -> str:
        """The text under a key."""
        return cast("str", self.at(name).value)

    def optional_text(self, name: str) -> str | None:
        """The text under a key, None where there is none."""
        return self.text(name) if self.has(name) else None

    def texts(self, name: str) -> tuple[str, ...]:
        """The list of texts under a key, empty where there is none."""
        return tuple(cast("list[str]", self.at(name).value)) if self.has(name) else ()

    def labels(self) -> dict[str, str]:
        """The texts by language here."""
        return dict(cast("dict[str, str]", self.value))

    def integer(self, name: str) -> int:
        """The integer under a key."""
        return cast("int", self.at(name).value)

    def number(self, name: str) -> float:
        """The number under a key."""
        return float(cast("float", self.at(name).value))

    def optional_number(self, name: str) -> float | None:
        """The number under a key, None where there is none."""
        return self.number(name) if self.has(name) else None

    def flag(self, name: str) -> bool:
        """The truth value under a key."""
        return cast("bool", self.at(name).value)

    def digest(self, name: str) -> Digest:
        """The digest under a key."""
        return Digest.parse(self.at(name).value, subject=format_path((*self.path, name)))

    def day(self, name: str) -> date:
        """The date under a key; a day that no calendar has is refused with its line."""
        text = self.text(name)
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise self.at(name).broken("a day of the calendar", text) from error

    def optional_day(self, name: str) -> date | None:
        """The date under a key, None where there is none."""
        return self.day(name) if self.has(name) else None

    def broken(self, expected: str, found: str) -> ContractRuleError:
        """The error that says which rule is broken at this place."""
        return ContractRuleError(line=self.line, path=format_path(self.path), expected=expected, found=found)
