"""What the columns and the parties of a contract are called, in all languages that there are words for.

A contract names both in English, and that is what is signed. A translation belongs to those very words: where a
contract words a column otherwise, its English name stands alone.
"""

from collections.abc import Iterator, Mapping
from typing import cast

from exchange.codes import CodeList, Labels
from exchange.contract.model import DataContract
from exchange.encoding import Json, JsonObject

RELEASE_SALT = "RELEASE_SALT"

_RUSSIAN: Mapping[str, str] = {
    "Age group": "Возрастная группа",
    "Arrival or departure": "Прибытие или убытие",
    "Border crossings": "Пересечения границы",
    "Channel": "Канал",
    "Channel of evidence": "Источник сведений",
    "Citizenship": "Гражданство",
    "Confidentiality": "Конфиденциальность",
    "Country across the border, or of the next or previous airport": (
        "Страна по ту сторону границы либо следующего или предыдущего аэропорта"
    ),
    "Country at the other end": "Страна на другом конце",
    "Country of destination": "Страна назначения",
    "Country of next residence": "Страна следующего проживания",
    "Country of previous residence": "Страна предыдущего проживания",
    "Country returned from": "Страна, из которой вернулись",
    "Decision": "Решение",
    "Direction": "Направление",
    "Economic activity of the employer, ISIC Rev. 4 section": "Вид деятельности работодателя, секция МСОК, ред. 4",
    "Form of exploitation": "Вид эксплуатации",
    "Ground of refusal": "Основание отказа",
    "How the status was lost": "Как утрачен статус",
    "Intended duration": "Предполагаемая продолжительность",
    "Length of the ban": "Срок запрета",
    "Means of transport at the border": "Вид транспорта на границе",
    "Measure": "Показатель",
    "Mode of transport": "Вид транспорта",
    "Month": "Месяц",
    "Oblast of detection": "Область выявления",
    "Oblast of last residence": "Область последнего проживания",
    "Oblast of origin": "Область происхождения",
    "Oblast of registration": "Область регистрации",
    "Oblast of settlement": "Область расселения",
    "Oblast of the checkpoint": "Область пункта пропуска",
    "Oblast of the person": "Область проживания",
    "Oblast of the work place": "Область места работы",
    "Occupation, ISCO-08 major group": "Занятие, основная группа МСКЗ-08",
    "Outcome of the decision": "Исход решения",
    "Permits decided": "Решения о разрешениях",
    "Permitted duration": "Разрешённая продолжительность",
    "Persons": "Лица",
    "Persons de-registered": "Снятые с учёта",
    "Persons found": "Выявленные лица",
    "Persons leaving for work": "Выехавшие на работу",
    "Persons refused entry": "Лица, которым отказано во въезде",
    "Persons registered": "Поставленные на учёт",
    "Persons returned": "Вернувшиеся лица",
    "Place of detection": "Место выявления",
    "Purpose": "Цель",
    "Quarter": "Квартал",
    "Sex": "Пол",
    "Stage of the decision": "Стадия решения",
    "Status of the observation": "Статус наблюдения",
    "Transfers, in the unit of the measure": "Переводы, в единицах показателя",
    "Transfers, USD million": "Переводы, млн долл. США",
    "Type of return": "Вид возвращения",
    "Victims identified": "Выявленные жертвы",
    "Year": "Год",
}
_SALT: Labels = {
    "en": "Constant of the release that keeps its digest from being guessed",
    "ru": "Постоянная выпуска, не дающая подобрать таблицу по её дайджесту",
}


def column_labels(contract: DataContract) -> dict[str, Labels]:
    """The names of every column of data.csv after ACTION, by its id, in the order of the file."""
    columns = _objects(contract.document, "schema", 0, "properties")
    named = {str(column["name"]): str(column["businessName"]) for column in columns}
    labels: dict[str, Labels] = {
        column: {"en": name, "ru": _RUSSIAN[name]} if name in _RUSSIAN else {"en": name}
        for column, name in named.items()
    }
    return {**labels, RELEASE_SALT: _SALT}


def party_labels(contract: DataContract) -> dict[str, Labels]:
    """The name that the contract gives each party, in all languages in which a pinned list has that very name."""
    members = _objects(contract.document, "team", "members")
    lists = [dimension.codelist for dimension in contract.dimensions]
    return {
        str(member["username"]): _translated(str(member["username"]), str(member["name"]), lists) for member in members
    }


def _translated(member: str, name: str, lists: list[CodeList]) -> Labels:
    for codelist in lists:
        if member in codelist and codelist.code(member).labels["en"] == name:
            return codelist.code(member).labels
    return {"en": name}


def _objects(document: JsonObject, *steps: str | int) -> Iterator[JsonObject]:
    """The objects of a list that many steps inside a document, which the schema has already checked."""
    value: Json = document
    for step in steps:
        value = cast("JsonObject", value)[step] if isinstance(step, str) else cast("list[Json]", value)[step]
    return (cast("JsonObject", item) for item in cast("list[Json]", value))
