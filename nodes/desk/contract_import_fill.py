"""What somebody's file says in the places where our clauses stand: taken word by word, or accounted for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from exchange.contract.schemas import format_path
from exchange.contract.text import ContractText, Path
from exchange.encoding import Json, JsonObject
from nodes.desk.contract_import_skeleton import Decide, OnlyIfThere, Skeleton, Words

IDENTITIES = ("property", "role", "name")
"""The key that tells an entry of a list from its neighbours, the first of these that it has."""
_NO_CLAUSE = Words("our contract has no such clause", "в нашем договоре нет такого условия")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that the draft does not say as the file does, and why; line 0: the file does not say it either."""

    where: str
    line: int
    reason: Words


@dataclass(slots=True)
class Filling:
    """Fills our clauses from one file, and keeps the account.

    Attributes:
        source: Their file.
        places: By key of a list whose entries ours does not name: the places of theirs that answer to ours, in order.
        taken: By our path: where it stood in theirs.
        refused: By our path: what theirs says there, which cannot stand.
        left_out: What of theirs has no place in ours.
    """

    source: ContractText
    places: Mapping[str, Sequence[int]]
    taken: dict[Path, Path] = field(default_factory=dict)
    refused: dict[Path, Json] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    _open: dict[Path, Decide] = field(default_factory=dict)

    def fill(self, ours: Skeleton, theirs: Json, our: Path = (), their: Path = ()) -> Skeleton:
        """Our clauses with what theirs say in the same places."""
        if isinstance(ours, Decide):
            self.taken[our], self._open[our] = their, ours
            return theirs
        if isinstance(ours, Mapping):
            return self._mapping(ours, theirs, our, their)
        if isinstance(ours, Sequence) and not isinstance(ours, str):
            return self._list(ours, theirs, our, their)
        if theirs != ours:
            self.leave(their, _always(str(ours), str(ours)))
        return cast("Json", ours)

    def put_back(self, filled: Skeleton, path: Path) -> Skeleton:
        """The same with the term at that path open again, as the profile refuses what theirs says."""
        self.refused[path] = self._at(self.taken.pop(path))
        return _replaced(filled, path, self._open[path])

    def _mapping(self, ours: Mapping[str, Skeleton], theirs: Json, our: Path, their: Path) -> Skeleton:
        if not isinstance(theirs, dict):
            self.leave(their, _always("a mapping", "список пар"))
            return self._bare(ours, our)
        if "property" in ours and (differing := _differing(ours, theirs)) is not None:
            # A value belongs to its unit: 3 (years) is not 3 (months), and nobody converts here.
            self.refused[*our, "value"] = theirs
            self.leave((*their, differing), _always(str(ours[differing]), str(ours[differing])))
            return ours
        for name in theirs:
            if name not in ours:
                self.leave((*their, name), _NO_CLAUSE)
        return {
            name: self.fill(value, theirs[name], (*our, name), (*their, name))
            if name in theirs
            else self._bare(value, (*our, name))
            for name, value in ours.items()
        }

    def _list(self, ours: Sequence[Skeleton], theirs: Json, our: Path, their: Path) -> Skeleton:
        if not isinstance(theirs, list):
            self.leave(their, _always("a list", "список"))
            return self._bare(ours, our)
        unnamed = iter(self.places.get(str(our[-1]), ()))
        filled: list[Skeleton] = []
        used: set[int] = set()
        for item in ours:
            clause = item.clause if isinstance(item, OnlyIfThere) else item
            place = _place(clause, theirs, unnamed)
            if place is not None:
                used.add(place)
                filled.append(self.fill(clause, theirs[place], (*our, len(filled)), (*their, place)))
            else:
                filled += self._bare_items([item], our, len(filled))
        for place in range(len(theirs)):
            if place not in used:
                self.leave((*their, place), _NO_CLAUSE)
        return filled

    def _bare(self, ours: Skeleton, our: Path) -> Skeleton:
        """Our clauses where theirs says nothing."""
        if isinstance(ours, Mapping):
            return {name: self._bare(value, (*our, name)) for name, value in ours.items()}
        if isinstance(ours, Sequence) and not isinstance(ours, str):
            return self._bare_items(ours, our, 0)
        return ours

    def _bare_items(self, ours: Sequence[Skeleton], our: Path, first: int) -> list[Skeleton]:
        bare: list[Skeleton] = []
        for item in ours:
            place = first + len(bare)
            if isinstance(item, OnlyIfThere):
                self.left_out.append(LeftOut(f"{format_path(our)}: {item.name}", 0, item.without))
            else:
                bare.append(self._bare(item, (*our, place)))
        return bare

    def leave(self, their: Path, reason: Words) -> None:
        """Say of something in the file that the draft does not have it."""
        self.left_out.append(LeftOut(format_path(their), self.source.line(their), reason))

    def _at(self, path: Path) -> Json:
        value: Json = self.source.document
        for step in path:
            value = cast("JsonObject", value)[step] if isinstance(step, str) else cast("list[Json]", value)[step]
        return value


def _always(english: str, russian: str) -> Words:
    return Words(f"here it is always {english}", f"здесь всегда {russian}")


def _place(clause: Skeleton, theirs: list[Json], unnamed: Iterator[int]) -> int | None:
    """Where in their list the entry stands that answers to one of ours."""
    identity = _identity(clause)
    if identity is None:
        place = next(unnamed, None)
        return place if place is not None and place < len(theirs) else None
    key, name = identity
    found = [place for place, item in enumerate(theirs) if isinstance(item, dict) and item.get(key) == name]
    return found[0] if found else None


def _identity(clause: Skeleton) -> tuple[str, str] | None:
    if not isinstance(clause, Mapping):
        return None
    for key in IDENTITIES:
        if isinstance(name := clause.get(key), str):
            return key, name
    return None


def _differing(ours: Mapping[str, Skeleton], theirs: JsonObject) -> str | None:
    """The first fixed member beside a value that theirs has otherwise, or not at all."""
    fixed = [name for name, value in ours.items() if isinstance(value, str)]
    return next((name for name in fixed if theirs.get(name) != ours[name]), None)


def _replaced(filled: Skeleton, path: Path, term: Decide) -> Skeleton:
    if not path:
        return term
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        members = cast("Mapping[str, Skeleton]", filled)
        return {name: _replaced(value, rest, term) if name == step else value for name, value in members.items()}
    items = cast("Sequence[Skeleton]", filled)
    return [_replaced(item, rest, term) if place == step else item for place, item in enumerate(items)]
