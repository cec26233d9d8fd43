"""The columns and tables of a contract in people's words: what each may hold, and what is released of it."""

from collections.abc import Iterator

from exchange.codes import Labels
from exchange.contract.clause import Clause as Place
from exchange.contract.model import DataContract, Dimension, DominanceRule, Table
from exchange.sdmx.structures_labels import column_labels

Pair = tuple[str, str]


def column_clauses(contract: DataContract, columns: Place) -> Iterator[Pair]:
    """One line a column, in the order of data.csv: its list and the list's digest, its total, whether it sums."""
    names = column_labels(contract)
    dimensions = {dimension.id: dimension for dimension in contract.dimensions}
    for column in columns.items():
        name = column.text("name")
        english, russian = _named(name, names[name])
        if name in dimensions:
            parts = [*_list(column.custom("codelist")), *_dimension(dimensions[name], contract)]
        elif name in contract.attributes:
            parts = list(_list(column.custom("codelist")))
        elif name == "OBS_VALUE":
            parts = [_measure(contract)]
        else:
            parts = [_sums(name, contract)]
        yield (
            "; ".join([english, *(part[0] for part in parts)]),
            "; ".join([russian, *(part[1] for part in parts)]),
        )


def _named(name: str, labels: Labels) -> Pair:
    english = labels["en"]
    return f"{name}: {english}", f"{name}: {labels.get('ru', f'{english} (по-английски)')}"


def _list(pinned: Place) -> Iterator[Pair]:
    name, digest = pinned.text("id"), pinned.digest("sha256")
    yield f"list {name}, {digest}", f"справочник {name}, {digest}"
    first, last = pinned.text("validFrom"), pinned.optional_text("validTo")
    yield f"used from {first} to {last or 'further notice'}", f"применяется с {first} до {last or 'отмены'}"


def _dimension(dimension: Dimension, contract: DataContract) -> Iterator[Pair]:
    yield ("has a total", "есть итог") if dimension.has_total else ("no total", "без итога")
    yield _sums(dimension.id, contract)
    if dimension.scope is not None:
        yield "only codes of the provider's own country", "только коды своей страны поставщика"
    if dimension.codes is not None:
        shown = ", ".join(dimension.codes)
        yield f"only {shown}", f"только {shown}"


def _sums(name: str, contract: DataContract) -> Pair:
    sums = name in contract.disclosure.additive_over
    return ("the measure sums along it", "показатель складывается") if sums else ("never sums", "не складывается")


def _measure(contract: DataContract) -> Pair:
    places = contract.decimals
    measure, unit = contract.measure, contract.unit
    return f"{measure} in {unit}, decimals: {places}", f"{measure}, единица {unit}, знаков после запятой: {places}"


def table_clause(contract: DataContract, table: Table) -> Pair:
    """What a table crosses: each dimension with the codes of its level; `–` marks one without a total."""
    english, russian = [], []
    for part in table.dimensions:
        dimension = contract.dimension(part.dimension)
        star = "*" if dimension.scope is not None else ""
        mark = "" if dimension.has_total else " –"
        rest = (
            f"; rest: {part.residual}" if part.residual else "",
            f"; прочие: {part.residual}" if part.residual else "",
        )
        if part.level == "codes":
            shown = (", ".join(part.codes),) * 2
        else:
            count = len(part.codes)
            shown = (f"all {count} finest codes", f"все {count} кодов нижнего уровня")
        english.append(f"{part.dimension}{star} [{shown[0]}{rest[0]}]{mark}")
        russian.append(f"{part.dimension}{star} [{shown[1]}{rest[1]}]{mark}")
    starred = any(contract.dimension(part.dimension).scope is not None for part in table.dimensions)
    return (
        f"{table.id}: {' × '.join(english)}" + ("; * only the provider's own" if starred else ""),
        f"{table.id}: {' × '.join(russian)}" + ("; * только своей страны" if starred else ""),
    )


def dominance_clause(table: Table, rule: DominanceRule, profile: str) -> Pair:
    """When a cell is withheld because few contributors are nearly all of it."""
    largest, most, least = rule.n, f"{rule.k_percent_max:g}", f"{rule.p_percent_min:g}"
    width = f"{rule.width_rel_min * 100:g}"
    english = (
        f"{table.id} ({profile}): by {rule.contributor}: the {largest} largest at most {most} % of a cell, nobody "
        f"estimated closer than {least} %, at least {rule.contributors_min} of them; else withheld, known to no closer "
        f"than {width} % of its value"
    )
    russian = (
        f"{table.id} ({profile}): по {rule.contributor}: крупнейшие {largest} дают не более {most} % ячейки, никого не "
        f"оценить точнее {least} %, их не меньше {rule.contributors_min}; иначе скрыта, и не вычислить точнее "
        f"{width} % значения"
    )
    return english, russian
