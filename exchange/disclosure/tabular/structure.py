"""`instance.json`: dimensions with their hierarchies, tables, further equations; read strictly."""

from collections.abc import Mapping
from itertools import chain

from exchange.disclosure.tabular.model import Structure, TabularDimension
from exchange.encoding import Json, JsonObject, parse_json_object
from exchange.errors.encoding import JsonError
from exchange.errors.tabular import HierarchyCycleError, InstanceFieldError

INSTANCE = "instance.json"
_MEMBERS = frozenset({"name", "dims", "integer", "tables", "equations"})
_SIGNS = {"+": 1, "-": -1}
COEFFICIENT_MAX = 2**31 - 1
"""Largest coefficient of a further equation."""


def parse_structure(raw: bytes) -> Structure:
    """Read `instance.json`.

    Raises:
        InstanceFieldError: It is no JSON object of this form.
        HierarchyCycleError: A code lies below itself.
    """
    try:
        document = parse_json_object(raw, subject=INSTANCE)
    except JsonError as error:
        raise _refused("(file)", "a JSON object", str(error.facts["reason"])) from error
    for member in sorted(document.keys() - _MEMBERS):
        raise _refused(member, "one of " + ", ".join(sorted(_MEMBERS)), "an unknown member")
    name, whole = document.get("name"), document.get("integer", False)
    if not isinstance(name, str) or not name:
        raise _refused("name", "a text that is not empty", _kind(name))
    if not isinstance(whole, bool):
        raise _refused("integer", "true or false", _kind(whole))
    dims = tuple(_dimension(name, found) for name, found in _object(document, "dims").items())
    if not dims:
        raise _refused("dims", "at least one dimension", "none")
    return Structure(name, whole, dims, _tables(document, dims), _equations(document))


def _dimension(name: str, found: Json) -> TabularDimension:
    where = f"dims.{name}"
    if not isinstance(found, dict) or found.keys() - {"total", "children"} or "total" not in found:
        raise _refused(where, "an object of total and children", _kind(found))
    total = found["total"]
    if not isinstance(total, str) or not total:
        raise _refused(f"{where}.total", "a code", _kind(total))
    children = {
        parent: _codes(listed, f"{where}.children.{parent}")
        for parent, listed in _object(found, "children", where=f"{where}.").items()
    }
    _refuse_cycles(name, children)
    if any(total in codes for codes in children.values()):
        raise HierarchyCycleError(file=INSTANCE, dimension=name, cell=total)
    for parent in sorted(children.keys() - {total, *chain.from_iterable(children.values())}):
        raise _refused(f"{where}.children.{parent}", "a code below the total", "a code below none")
    return TabularDimension(name, total, children)


def _codes(listed: Json, where: str) -> tuple[str, ...]:
    if not isinstance(listed, list) or not listed:
        raise _refused(where, "a list of codes", _kind(listed))
    codes: list[str] = []
    for code in listed:
        if not isinstance(code, str) or not code:
            raise _refused(where, "codes as texts", _kind(code))
        if code in codes:
            raise _refused(where, "each code once", f"{code} twice")
        codes.append(code)
    return tuple(codes)


def _refuse_cycles(dimension: str, children: Mapping[str, tuple[str, ...]]) -> None:
    done: set[str] = set()
    for start in children:
        path: list[str] = []
        stack = [(start, iter(children[start]))] if start not in done else []
        while stack:
            code, rest = stack[-1]
            if len(path) < len(stack):
                path.append(code)
            child = next(rest, None)
            if child is None:
                done.add(code)
                stack.pop()
                path.pop()
            elif child in path:
                raise HierarchyCycleError(file=INSTANCE, dimension=dimension, cell=child)
            elif child in children and child not in done:
                stack.append((child, iter(children[child])))


def _tables(document: JsonObject, dims: tuple[TabularDimension, ...]) -> tuple[tuple[int, ...], ...]:
    listed = document.get("tables")
    if listed is None:
        return (tuple(range(len(dims))),)
    place = {dimension.name: number for number, dimension in enumerate(dims)}
    if not isinstance(listed, list) or not listed:
        raise _refused("tables", "a list of lists of dimensions", _kind(listed))
    tables = []
    for number, names in enumerate(listed):
        where = f"tables[{number}]"
        if not isinstance(names, list):
            raise _refused(where, "a list of dimensions", _kind(names))
        for name in names:
            if not isinstance(name, str) or name not in place:
                raise _refused(where, "dimensions of dims", name if isinstance(name, str) else _kind(name))
        if len(set(map(str, names))) != len(names):
            raise _refused(where, "each dimension once", "one twice")
        tables.append(tuple(sorted(place[str(name)] for name in names)))
    return tuple(tables)


def _equations(document: JsonObject) -> tuple[tuple[tuple[int, int], ...], ...]:
    listed = document.get("equations", [])
    if not isinstance(listed, list):
        raise _refused("equations", "a list of equations", _kind(listed))
    return tuple(_equation(found, f"equations[{number}]") for number, found in enumerate(listed))


def _equation(found: Json, where: str) -> tuple[tuple[int, int], ...]:
    if not isinstance(found, list) or not found:
        raise _refused(where, "a list of [coefficient, row]", _kind(found))
    terms = []
    for term in found:
        if not isinstance(term, list) or len(term) != len(("coefficient", "row")):
            raise _refused(where, "pairs of coefficient and row", _kind(term))
        row = term[1]
        if not isinstance(row, int) or isinstance(row, bool) or row < 0:
            raise _refused(where, "rows of cells.csv counted from 0", _kind(row))
        terms.append((_coefficient(term[0], where), row))
    if len({row for _, row in terms}) != len(terms):
        raise _refused(where, "each row once", "one twice")
    return tuple(terms)


def _coefficient(found: Json, where: str) -> int:
    if isinstance(found, str) and found in _SIGNS:
        return _SIGNS[found]
    if isinstance(found, int | float) and not isinstance(found, bool):
        number = int(found)
        if number == found and 0 < abs(number) <= COEFFICIENT_MAX:
            return number
    raise _refused(where, f"a coefficient: +, - or a whole number up to {COEFFICIENT_MAX}, not 0", _kind(found))


def _object(document: JsonObject, member: str, *, where: str = "") -> JsonObject:
    found = document.get(member, {} if where else None)
    if not isinstance(found, dict):
        raise _refused(f"{where}{member}", "an object", _kind(found))
    return found


def _kind(found: Json) -> str:
    names = {type(None): "nothing", bool: "true or false", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(found), "a number")


def _refused(field: str, expected: str, found: str) -> InstanceFieldError:
    return InstanceFieldError(file=INSTANCE, field=field, expected=expected, found=found)
