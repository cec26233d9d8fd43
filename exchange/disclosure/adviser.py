"""What each breakdown costs: every coarser table is protected for the trial, and the options are ranked.

It is asked before anything is withheld. It knows options only as tables that can be made, so that a contract and an
instance of statisticians are advised alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from exchange.disclosure.optimise import UnprotectableError
from exchange.disclosure.problem import Problem, Suppressed
from exchange.errors import Language


class Coarsening(StrEnum):
    """What is left out of the table."""

    NOTHING = "nothing"
    DIMENSION = "dimension"
    LEVEL = "level"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Option:
    """A coarser table that could be released instead.

    Attributes:
        coarsening: What kind of thing is left out.
        subject: Which: the name of a dimension, of a dimension whose lowest level goes, or of a table.
        problems: Makes the coarser table, with the primary rules applied to it anew: one problem, or several that one
            pattern must satisfy.
    """

    coarsening: Coarsening
    subject: str
    problems: Callable[[], Sequence[Problem]]


@dataclass(frozen=True, slots=True)
class Cost:
    """What protecting one table costs.

    Attributes:
        coarsening: What was left out.
        subject: Which.
        cells: How many the table has.
        withheld: How many of them must be withheld; all of them where nothing protects one.
        protectable: Whether some pattern protects it.
    """

    coarsening: Coarsening
    subject: str
    cells: int
    withheld: int
    protectable: bool

    @property
    def share(self) -> float:
        """The share of the cells that is withheld, 0 to 1."""
        return self.withheld / self.cells if self.cells else 0.0

    @property
    def published(self) -> int:
        """How many cells can be published."""
        return self.cells - self.withheld


@dataclass(frozen=True, slots=True)
class Advice:
    """The table as it is asked for, and what each option would give instead, the best first."""

    now: Cost
    options: tuple[Cost, ...]


def advise(
    now: Option,
    options: Sequence[Option],
    *,
    protect: Callable[[Sequence[Problem]], Suppressed],
    progress: Callable[[float], None],
) -> Advice:
    """Protect the table and every coarser one, and rank these by the share of cells that stay withheld.

    Args:
        now: The table as it is asked for.
        options: What could be released instead.
        protect: A fast safe stage of the suppression; the trial is not audited and nothing of it is released.
        progress: Told the share of the trials that are done.
    """
    trials = [now, *options]
    costs = []
    for number, option in enumerate(trials):
        costs.append(_cost(option, protect))
        progress((number + 1) / len(trials))
    ranked = sorted(costs[1:], key=lambda cost: (not cost.protectable, round(cost.share, 4), -cost.published))
    return Advice(costs[0], tuple(ranked))


def sentence(advice: Advice, option: Cost, language: Language = "en") -> str:
    """One option in plain words, with its figures."""
    words = _RU if language == "ru" else _EN
    if not option.protectable:
        return words["never"].format(what=words[option.coarsening].format(subject=option.subject))
    before, after = advice.now.share, option.share
    verb = "falls" if round(after, 2) < round(before, 2) else "rises" if round(after, 2) > round(before, 2) else "stays"
    return words[verb].format(
        what=words[option.coarsening].format(subject=option.subject),
        before=f"{before:.0%}",
        after=f"{after:.0%}",
        published=option.published,
        now=advice.now.published,
    )


_EN = {
    Coarsening.NOTHING: "leave the table as it is",
    Coarsening.DIMENSION: "drop {subject}",
    Coarsening.LEVEL: "drop the lowest level of {subject}",
    Coarsening.TABLE: "drop the table {subject}",
    "falls": "{what}: withheld cells fall from {before} to {after}; {published} cells are published instead of {now}",
    "rises": "{what}: withheld cells rise from {before} to {after}; {published} cells are published instead of {now}",
    "stays": "{what}: withheld cells stay at {after}; {published} cells are published instead of {now}",
    "never": "{what}: no set of withheld cells would protect the table",
}
_RU = {
    Coarsening.NOTHING: "оставить таблицу как есть",
    Coarsening.DIMENSION: "убрать {subject}",
    Coarsening.LEVEL: "убрать нижний уровень {subject}",
    Coarsening.TABLE: "убрать таблицу {subject}",
    "falls": "{what}: доля скрытых ячеек снизится с {before} до {after}; публикуется {published} ячеек вместо {now}",
    "rises": "{what}: доля скрытых ячеек вырастет с {before} до {after}; публикуется {published} ячеек вместо {now}",
    "stays": "{what}: доля скрытых ячеек останется {after}; публикуется {published} ячеек вместо {now}",
    "never": "{what}: никакой набор скрытых ячеек не защитит таблицу",
}


def _cost(option: Option, protect: Callable[[Sequence[Problem]], Suppressed]) -> Cost:
    problems = option.problems()
    size = problems[0].size
    try:
        withheld, protectable = int(protect(problems).withheld.sum()), True
    except UnprotectableError:
        withheld, protectable = size, False
    return Cost(option.coarsening, option.subject, size, withheld, protectable)
