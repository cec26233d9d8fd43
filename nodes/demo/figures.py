"""The published figures that the synthetic registers are calibrated to, each with its source: figures.toml."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

FIGURES = Path(__file__).with_name("figures.toml")


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Figure(_Strict):
    """A published fact: who reported which value of which indicator, and where it was found."""

    id: str
    country: str
    counterpart: str
    indicator: str
    period: str
    value: int = Field(gt=0)
    unit: str
    reporter: str
    source: str


class Weight(_Strict):
    """A share's weight: a figure's value, or a stated parameter without a source."""

    figure: str | None = None
    assumed: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_of_both(self) -> "Weight":
        if (self.figure is None) == (self.assumed is None):
            raise ValueError("a weight is either a figure or assumed")
        return self


Weights = Annotated[dict[str, Weight], Field(min_length=1)]


class MemberWeights(_Strict):
    """One member's corridors and citizenships.

    Attributes:
        arrivals, departures: Of all crossings.
        corridors: By the country on the other side.
        workers: Citizenships of permit holders.
        removed: Citizenships of persons who left following an order.
    """

    arrivals: Weight
    departures: Weight
    corridors: Weights
    workers: Weights
    removed: Weights


class Figures(_Strict):
    """The whole file."""

    v: Literal[1]
    figure: list[Figure]
    members: dict[str, MemberWeights]

    def weight(self, weight: Weight) -> int:
        """The number behind a weight (KeyError: no such figure)."""
        if weight.assumed is not None:
            return weight.assumed
        return {figure.id: figure.value for figure in self.figure}[weight.figure or ""]

    def weights(self, named: dict[str, Weight]) -> dict[str, int]:
        """The numbers behind several weights."""
        return {name: self.weight(weight) for name, weight in named.items()}


def read_figures() -> Figures:
    """The figures as shipped."""
    return Figures.model_validate(tomllib.loads(FIGURES.read_text(encoding="utf-8")))
