"""Russian for what contracts say in English: to be read, never signed. A translation belongs to exactly those words."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TEXTS = Path(__file__).parent / "contract_texts.ru.toml"


@cache
def _russian() -> Mapping[str, str]:
    found: Mapping[str, str] = tomllib.loads(TEXTS.read_text(encoding="utf-8"))
    return found


def both(text: str) -> tuple[str, str]:
    """A text of the contract in English and Russian; where there is no translation, the signed words, and said so."""
    return text, _russian().get(text) or f"{text} (по-английски)"
