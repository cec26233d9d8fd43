"""A contract in people's words, in English or Russian: what page, command and print show a signer.

Every field that the closed schema lets vary is in some line, so that nobody signs what was not shown (decision 47).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from exchange.contract.clause import Clause as Place
from exchange.contract.model import Calendar, DataContract, DisclosureRules, Exclusion, Mirror, Role
from exchange.contract.text import ContractText
from exchange.encoding import Digest
from exchange.errors import Language
from nodes.desk.contract_columns import column_clauses, dominance_clause, table_clause
from nodes.desk.contract_russian import both

DESCRIPTIONS_KEPT_MAX = 64
"""Of contracts, in each language."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One line of the rendering: what it is about, and what was agreed."""

    about: str
    agreed: str


_ABOUT: Mapping[str, tuple[str, str]] = {
    "contract": ("contract", "договор"),
    "titles": ("titles", "названия"),
    "language": ("texts", "тексты"),
    "purpose": ("what it is for", "для чего"),
    "usage": ("how it works", "как это происходит"),
    "digest": ("digest signed", "подписываемый дайджест"),
    "counted": ("what is counted", "что считается"),
    "unit": ("unit", "единица"),
    "rows": ("rows", "строки"),
    "duration": ("counted how often", "как часто считается"),
    "direction": ("direction", "направление"),
    "source": ("source register", "регистр-источник"),
    "standard": ("standard term", "термин стандарта"),
    "limits": ("to keep in mind", "следует помнить"),
    "parties": ("parties", "стороны"),
    "column": ("column", "столбец"),
    "table": ("table", "таблица"),
    "additive": ("sums along", "складывается по"),
    "protection": ("protection", "защита"),
    "contributors": ("who is counted for it", "кого при этом считают"),
    "dominance": ("dominance", "доминирование"),
    "sensitive": ("sensitive dimensions", "чувствительные измерения"),
    "linkage": ("shares cells with", "общие ячейки с"),
    "calendar": ("calendar", "сроки"),
    "use": ("may be used for", "можно использовать для"),
    "not": ("never for", "никогда не для"),
    "exclusion": ("barred", "исключено"),
    "onward": ("passing on", "передача дальше"),
    "publication": ("publication", "публикация"),
    "keep": ("kept for", "хранится"),
    "revisions": ("revisions", "пересмотр"),
    "approvals": ("leaves only after", "выходит только после"),
    "force": ("in force from", "действует с"),
    "mirror": ("mirror", "зеркальный показатель"),
}
_WORDS: Mapping[str, str] = {
    "provider": "поставщик",
    "recipient": "получатель",
    "auditor": "аудитор",
    "month": "месяц",
    "quarter": "квартал",
    "year": "год",
    "flow": "поток",
    "stock": "численность на дату",
    "both": "поток и численность на дату",
    "event": "событие",
    "person": "человек",
    "permit": "разрешение",
    "amount": "сумма",
    "in": "въезд",
    "out": "выезд",
    "clearing": "согласующий",
    "data": "по данным",
    "contract": "по договорам",
    "suppression": "скрытие ячеек",
    "prohibited": "запрещена",
    "with_consent": "только с согласия поставщика",
    "official_statistics": "официальная статистика",
    "policy_planning": "планирование политики",
    "reconciliation_with_mirror": "сверка с зеркальными данными",
    "infrastructure_planning": "планирование инфраструктуры",
    "consular_protection_planning": "планирование консульской защиты",
    "reintegration_planning": "планирование реинтеграции",
    "identification_of_persons": "установление личности",
    "enforcement_against_individuals": "меры против отдельных лиц",
    "onward_release_without_consent": "передача без согласия",
    "profiling_by_ethnicity": "профилирование по этническому признаку",
}


_LANGUAGE = (
    "signed as they stand here, in English",
    "подписан английский текст; русский — перевод для чтения",
)
_ENGLISH: Mapping[str, str] = {"both": "flow and stock"}
"""Words of the profile that English readers need spelled out; all others stand as they are."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """A contract as a key: the same digest is the same contract."""

    digest: Digest
    contract: DataContract = field(compare=False, repr=False)

    @classmethod
    def of(cls, contract: DataContract) -> "Agreed":
        """This contract's."""
        return cls(contract.digest, contract)


def describe(contract: DataContract, language: Language = "en") -> tuple[Clause, ...]:
    """Every clause that a signer answers for, one line each."""
    return _described(Agreed.of(contract), language)


@lru_cache(maxsize=DESCRIPTIONS_KEPT_MAX)
def _described(agreed: Agreed, language: Language) -> tuple[Clause, ...]:
    """The same contract says the same: pages ask for its forty clauses, twice, whenever somebody looks."""
    index = 1 if language == "ru" else 0
    return tuple(Clause(_ABOUT[about][index], pair[index]) for about, pair in _clauses(agreed.contract))


def _clauses(contract: DataContract) -> Iterator[tuple[str, tuple[str, str]]]:
    top = Place(ContractText(contract.document, {(): 1}))
    yield "contract", tuple_of(f"{contract.id} {contract.version}: {{}}", contract.title)
    yield "digest", same(str(contract.digest))
    titles = "; ".join(f"{language}: {title}" for language, title in sorted(contract.title.items()))
    yield "titles", same(f"{top.text('name')}; {titles}")
    yield "language", _LANGUAGE
    yield "purpose", both(top.at("description").text("purpose"))
    yield "usage", both(top.at("description").text("usage"))
    yield from _counted(contract, top)
    parties = [_party(contract, place) for place in top.at("team", "members").items()]
    yield "parties", ("; ".join(pair[0] for pair in parties), "; ".join(pair[1] for pair in parties))
    for pair in column_clauses(contract, top.at("schema", 0, "properties")):
        yield "column", pair
    for table in contract.tables:
        yield "table", table_clause(contract, table)
    yield "additive", same(", ".join(sorted(contract.disclosure.additive_over)) or "–")
    yield from _disclosure(contract.disclosure)
    for table, place in zip(contract.tables, top.at("schema", 0).custom("tables").items(), strict=True):
        if table.dominance is not None:
            yield "dominance", dominance_clause(table, table.dominance, place.at("dominance").text("profile"))
    yield from _use(contract)
    yield from _life(contract)


def _counted(contract: DataContract, top: Place) -> Iterator[tuple[str, tuple[str, str]]]:
    concept = contract.concept
    yield "counted", both(concept.definition)
    unit, russian_unit = words([concept.counting_unit, concept.flow_or_stock])
    yield "unit", (f"{contract.unit} ({unit})", f"{contract.unit} ({russian_unit})")
    yield "rows", both(top.at("schema", 0).text("dataGranularityDescription"))
    yield "duration", both(concept.duration_rule)
    yield "direction", words([concept.direction])
    yield "source", both(concept.source_register)
    yield "standard", both(concept.standard_term)
    yield "limits", both(contract.limitations)


def _use(contract: DataContract) -> Iterator[tuple[str, tuple[str, str]]]:
    yield "calendar", _calendar(contract.calendar, contract.receipt_days, contract.embargo_days)
    yield "use", words(contract.permitted_purposes)
    yield "not", words(contract.prohibited_purposes)
    for exclusion in contract.exclusions:
        yield "exclusion", _exclusion(contract, exclusion)
    yield "onward", words([contract.onward_sharing])
    published = ("recipients may publish the figures", "получатели могут публиковать данные")
    yield "publication", published if contract.publication_allowed else ("not allowed", "не разрешена")
    months = contract.retention_months
    yield "keep", (f"{months} months", f"{months} мес.")


def _life(contract: DataContract) -> Iterator[tuple[str, tuple[str, str]]]:
    days, months = contract.revisions.provisional_after_days, contract.revisions.final_after_months
    yield (
        "revisions",
        (
            f"provisional figures stand {days} days after the period; final after {months} months",
            f"предварительные данные — через {days} дн. после периода, окончательные — через {months} мес.",
        ),
    )
    rules = contract.approvals
    roles, proofs = words(rules.roles), ", ".join(rules.proofs)
    yield (
        "approvals",
        (
            f"{rules.officers_min} officers ({roles[0]}; proof by {proofs})",
            f"должностных лиц: {rules.officers_min} ({roles[1]}; подтверждение: {proofs})",
        ),
    )
    yield "force", _force(contract)
    yield "mirror", ("none", "нет") if contract.mirror is None else _mirror(contract.mirror)


def _party(contract: DataContract, place: Place) -> tuple[str, str]:
    member = place.text("username")
    party = next(party for party in contract.parties if party.member == member)
    sender = f" {party.sender}" if party.sender is not None else ""
    english, russian = words([role for role in Role if role in party.roles])
    name = place.text("name")
    return f"{member} ({english}){sender} [{name}]", f"{member} ({russian}){sender} [{name}]"


def _disclosure(rules: DisclosureRules) -> Iterator[tuple[str, tuple[str, str]]]:
    least, width, reach = rules.contributors_min, rules.interval.width_abs, rules.interval.must_reach
    share = rules.interval.width_rel
    closer = (f" or {share * 100:g} %", f" или {share * 100:g} %") if share else ("", "")
    zeros = rules.zeros == "published"
    english = (
        f"{rules.method}, profile {rules.profile}: cells of fewer than {least} contributors are withheld, with others "
        f"so that nobody computes them closer than {width}{closer[0]} or knows them below {reach}; "
        f"zeros are {'published' if zeros else 'withheld alike'}"
    )
    russian = (
        f"{words([rules.method])[1]}, профиль {rules.profile}: ячейки, где меньше {least} единиц, скрываются, "
        f"и с ними другие, чтобы их нельзя было вычислить точнее чем до {width}{closer[1]} или узнать, что они "
        f"ниже {reach}; нули {'публикуются' if zeros else 'скрываются так же'}"
    )
    yield "protection", (english, russian)
    units = zip(rules.contributors, rules.contributor_definitions, strict=True)
    told = [(unit, both(definition)) for unit, definition in units]
    yield (
        "contributors",
        (
            "; ".join(f"{unit}: {definition[0]}" for unit, definition in told),
            "; ".join(f"{unit}: {definition[1]}" for unit, definition in told),
        ),
    )
    sensitive, k = ", ".join(rules.sensitive_dimensions), rules.group_disclosure_k
    yield "sensitive", same(f"{sensitive or '–'} (k = {'–' if k is None else k})")
    group = rules.linkage_group
    yield "linkage", (f"every contract of the group {group}", f"всеми договорами группы {group}")


def _exclusion(contract: DataContract, exclusion: Exclusion) -> tuple[str, str]:
    barred = [member for member in contract.members(Role.RECIPIENT) if exclusion.dimension in contract.barred(member)]
    name, shown = exclusion.dimension, ", ".join(barred)
    english = (
        f"nobody receives a cell whose {name} is the recipient ({shown}), zeros included, nor can compute it from "
        f"others; bundles for different recipients must not be pooled: {exclusion.reason}"
    )
    russian = (
        f"никто не получает ячейку, где {name} — сам получатель ({shown}), включая нули, и не может вычислить её по "
        f"другим; наборы разных получателей объединять нельзя: {both(exclusion.reason)[1]}"
    )
    return english, russian


def _calendar(calendar: Calendar, receipt_days: int, embargo_days: int) -> tuple[str, str]:
    due, late = calendar.due_days, calendar.late_days
    overdue, delinquent = calendar.overdue_days, calendar.delinquent_days
    english = (
        f"each {calendar.frequency}, due {due} days after it ends; late {late}, overdue {overdue} and delinquent "
        f"{delinquent} days after that; embargo {embargo_days} days; receipt within {receipt_days} days"
    )
    russian = (
        f"период: {_WORDS[calendar.frequency]}, срок {due} дн. после его конца; опоздание через {late} дн., "
        f"просрочка через {overdue} дн., злостная просрочка через {delinquent} дн. после срока; "
        f"эмбарго {embargo_days} дн.; квитанция за {receipt_days} дн."
    )
    return english, russian


def _force(contract: DataContract) -> tuple[str, str]:
    first, notice = contract.effective.isoformat(), contract.notice_days
    last = contract.ends.isoformat() if contract.ends is not None else None
    return (
        f"{first} to {last or 'further notice'}, once all have signed; notice {notice} days",
        f"{first} до {last or 'прекращения'}, когда подпишут все; уведомление за {notice} дн.",
    )


def _mirror(mirror: Mirror) -> tuple[str, str]:
    bounds = f" {mirror.ratio_min:g}–{mirror.ratio_max:g}" if mirror.ratio_min is not None else ""
    name = f"{mirror.contract_id} {mirror.major_version}.x"
    return (
        f"{name}, {'same concept' if mirror.exact_concept else 'another concept'}{bounds}: {mirror.rule}",
        f"{name}, {'то же понятие' if mirror.exact_concept else 'другое понятие'}{bounds}: {both(mirror.rule)[1]}",
    )


def same(text: str) -> tuple[str, str]:
    """Text of the contract itself, which has one language."""
    return text, text


def words(found: Iterable[str]) -> tuple[str, str]:
    """Words of the profile; a purpose that has no Russian word here stands as it is in the contract."""
    listed = list(found)
    english = [_ENGLISH.get(word, word.replace("_", " ")) for word in listed]
    return ", ".join(english), ", ".join(_WORDS.get(word, word) for word in listed)


def tuple_of(form: str, labels: Mapping[str, str]) -> tuple[str, str]:
    """A text with the label of each language in it."""
    return form.format(labels["en"]), form.format(labels["ru"])
