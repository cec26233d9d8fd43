"""Every setting of the node with its value and where that comes from."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; `named` is whether node.toml names it, else the value is the program's default."""

    name: str
    value: str
    named: bool

    @property
    def origin(self) -> str:
        """Where the value comes from, as files say it."""
        return "node.toml" if self.named else "default"


def settings_of(section: BaseModel, prefix: str = "") -> Iterator[Setting]:
    """The settings of a section and of those in it, in the order of their definition."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        named = name in section.model_fields_set
        if isinstance(value, BaseModel):
            yield from settings_of(value, f"{prefix}{name}.")
        else:
            yield Setting(prefix + name, _shown(value), named)


def _shown(value: object) -> str:
    if value is None or value == ():
        return "–"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
