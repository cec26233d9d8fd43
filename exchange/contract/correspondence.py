"""From one version of a code list to the next: which codes became which, and which figures can still be compared.

A correspondence is a CSV file of the columns `before`, `after` and `note`: one row for each code of the old list and
each code of the new one that has a part of it. A code that stands in no row means the same in both.

Source: UN Expert Group on International Statistical Classifications, Best Practice Guidelines for Developing
International Statistical Classifications (2013), on correspondence tables; SDMX 3.0 section 2, RepresentationMap.
"""

from dataclasses import dataclass

from exchange.codes import CodeList, read_rows
from exchange.errors.contract import CodeListError

_HEADER = ["before", "after", "note"]


@dataclass(frozen=True, slots=True)
class Comparable:
    """Codes of both lists that together mean the same; their sums are one figure."""

    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondence:
    """Which leaf of one list became which of another."""

    before: CodeList
    after: CodeList
    pairs: tuple[tuple[str, str], ...]

    def comparable(self) -> tuple[Comparable, ...]:
        """The smallest sets of leaves that can be compared, in the old list's order."""
        linked: dict[str, set[str]] = {}
        for old, new in self.pairs:
            linked.setdefault(old, set()).add(new)
        groups: list[tuple[set[str], set[str]]] = []
        for old in self.before.leaves():
            olds, news = {old}, set(linked[old])
            for group in [group for group in groups if group[1] & news]:
                groups.remove(group)
                olds, news = olds | group[0], news | group[1]
            groups.append((olds, news))
        return tuple(
            Comparable(
                tuple(code for code in self.before.leaves() if code in olds),
                tuple(code for code in self.after.leaves() if code in news),
            )
            for olds, news in groups
        )


def parse_correspondence(raw: bytes, *, before: CodeList, after: CodeList) -> Correspondence:
    """Read a correspondence between two versions of a list.

    Raises:
        CodeListError: Not such a file; a pair twice, or one whose code is no leaf of its list; a leaf of either list
            that corresponds to nothing.
    """
    name = f"{before.id} to {after.id}"
    pairs: list[tuple[str, str]] = []
    (_, header), *rows = read_rows(raw, name)
    if header != _HEADER:
        raise CodeListError(list=name, line=1, expected=", ".join(_HEADER), found="other columns")
    for line, row in rows:
        for code, codelist in zip(row, (before, after), strict=False):
            if code not in codelist.leaves():
                raise CodeListError(list=name, line=line, expected=f"a finest code of {codelist.id}", found=code[:40])
        if (row[0], row[1]) in pairs:
            raise CodeListError(list=name, line=line, expected="each pair once", found=f"{row[0]}, {row[1]} again")
        pairs.append((row[0], row[1]))
    named = {old for old, _ in pairs}
    kept = [(code, code) for code in before.leaves() if code in after.leaves() and code not in named]
    for place, codelist in enumerate((before, after)):
        reached = {pair[place] for pair in (*pairs, *kept)}
        if lost := [code for code in codelist.leaves() if code not in reached]:
            raise CodeListError(list=name, line=1, expected=f"a row for {lost[0]} of {codelist.id}", found="none")
    return Correspondence(before=before, after=after, pairs=tuple(sorted((*pairs, *kept))))
