"""A contract in people's words, in English or Russian: what `exchange contract show` prints."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from exchange.contract.model import Calendar, DataContract, DisclosureRules, Exclusion, Mirror, Role, Table
from exchange.errors import Language


@dataclass(frozen=True, slots=True)
class Clause:
    """One line of the rendering: what it is about, and what was agreed."""

    about: str
    agreed: str


_ABOUT: Mapping[str, tuple[str, str]] = {
    "contract": ("contract", "договор"),
    "digest": ("digest signed", "подписываемый дайджест"),
    "counted": ("what is counted", "что считается"),
    "unit": ("unit", "единица"),
    "source": ("source register", "регистр-источник"),
    "standard": ("standard term", "термин стандарта"),
    "limits": ("to keep in mind", "следует помнить"),
    "parties": ("parties", "стороны"),
    "table": ("table", "таблица"),
    "additive": ("sums along", "складывается по"),
    "protection": ("protection", "защита"),
    "contributors": ("who is counted for it", "кого при этом считают"),
    "dominance": ("dominance", "доминирование"),
    "sensitive": ("sensitive dimensions", "чувствительные измерения"),
    "calendar": ("calendar", "сроки"),
    "use": ("may be used for", "можно использовать для"),
    "not": ("never for", "никогда не для"),
    "exclusion": ("barred", "исключено"),
    "onward": ("passing on", "передача дальше"),
    "keep": ("kept for", "хранится"),
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


_ENGLISH: Mapping[str, str] = {"both": "flow and stock"}
"""Words of the profile that English readers need spelled out; all others stand as they are."""


def describe(contract: DataContract, language: Language = "en") -> tuple[Clause, ...]:
    """Every clause that a signer answers for, one line each."""
    index = 1 if language == "ru" else 0
    return tuple(Clause(_ABOUT[about][index], pair[index]) for about, pair in _clauses(contract))


def _clauses(contract: DataContract) -> Iterator[tuple[str, tuple[str, str]]]:
    concept = contract.concept
    yield "contract", tuple_of(f"{contract.id} {contract.version}: {{}}", contract.title)
    yield "digest", same(str(contract.digest))
    yield "counted", same(concept.definition)
    unit, russian_unit = words([concept.counting_unit, concept.flow_or_stock])
    yield "unit", (f"{contract.unit} ({unit})", f"{contract.unit} ({russian_unit})")
    yield "source", same(concept.source_register)
    yield "standard", same(concept.standard_term)
    yield "limits", same(contract.limitations)
    parties = [_party(contract, member) for member in contract.members()]
    yield "parties", ("; ".join(pair[0] for pair in parties), "; ".join(pair[1] for pair in parties))
    for table in contract.tables:
        yield "table", _table(contract, table)
    yield "additive", same(", ".join(sorted(contract.disclosure.additive_over)))
    yield from _disclosure(contract.disclosure)
    for table in contract.tables:
        if (rule := table.dominance) is not None:
            shares = f"{rule.n} ≤ {rule.k_percent_max:g} %, p {rule.p_percent_min:g} %, ≥ {rule.contributors_min}"
            yield "dominance", same(f"{table.id}: {rule.contributor}, {shares}")
    yield "calendar", _calendar(contract.calendar, contract.receipt_days, contract.embargo_days)
    yield "use", words(contract.permitted_purposes)
    yield "not", words(contract.prohibited_purposes)
    for exclusion in contract.exclusions:
        yield "exclusion", _exclusion(contract, exclusion)
    yield "onward", words([contract.onward_sharing])
    months = contract.retention_months
    yield "keep", (f"{months} months", f"{months} мес.")
    proofs = ", ".join(contract.approvals.proofs)
    officers = contract.approvals.officers_min
    yield (
        "approvals",
        (f"{officers} clearing officers ({proofs})", f"{officers} согласующих должностных лица ({proofs})"),
    )
    yield "force", _force(contract)
    if contract.mirror is not None:
        yield "mirror", _mirror(contract.mirror)


def _party(contract: DataContract, member: str) -> tuple[str, str]:
    party = next(party for party in contract.parties if party.member == member)
    sender = f" {party.sender}" if party.sender is not None else ""
    english, russian = words([role for role in Role if role in party.roles])
    return f"{member} ({english}){sender}", f"{member} ({russian}){sender}"


def _table(contract: DataContract, table: Table) -> tuple[str, str]:
    parts = []
    for part in table.dimensions:
        dimension = contract.dimension(part.dimension)
        shown = ", ".join(part.codes) if len(part.codes) <= 4 else f"{len(part.codes)}"  # noqa: PLR2004 # fits a line
        scope = "*" if dimension.scope is not None else ""
        parts.append(f"{part.dimension}{scope} [{shown}]" + ("" if dimension.has_total else " –"))
    crossed = " × ".join(parts)
    starred = "*" in crossed
    return (
        f"{table.id}: {crossed}" + ("; * only the provider's own" if starred else ""),
        f"{table.id}: {crossed}" + ("; * только своей страны" if starred else ""),
    )


def _disclosure(rules: DisclosureRules) -> Iterator[tuple[str, tuple[str, str]]]:
    least, width, reach = rules.contributors_min, rules.interval.width_abs, rules.interval.must_reach
    zeros = rules.zeros == "published"
    english = (
        f"{rules.method}, profile {rules.profile}: cells of fewer than {least} contributors are withheld, with others "
        f"so that nobody computes them closer than {width} or knows them below {reach}; "
        f"zeros are {'published' if zeros else 'withheld alike'}"
    )
    russian = (
        f"{rules.method}, профиль {rules.profile}: ячейки, где меньше {least} единиц, скрываются, и с ними другие, "
        f"чтобы их нельзя было вычислить точнее чем до {width} или узнать, что они ниже {reach}; "
        f"нули {'публикуются' if zeros else 'скрываются так же'}"
    )
    yield "protection", (english, russian)
    units = zip(rules.contributors, rules.contributor_definitions, strict=True)
    yield "contributors", same("; ".join(f"{unit}: {definition}" for unit, definition in units))
    if rules.sensitive_dimensions:
        shown = f"{', '.join(rules.sensitive_dimensions)} (k = {rules.group_disclosure_k})"
        yield "sensitive", same(shown)


def _exclusion(contract: DataContract, exclusion: Exclusion) -> tuple[str, str]:
    barred = [member for member in contract.members(Role.RECIPIENT) if exclusion.dimension in contract.barred(member)]
    name, shown = exclusion.dimension, ", ".join(barred)
    english = (
        f"nobody receives a cell whose {name} is the recipient ({shown}), zeros included, nor can compute it from "
        f"others; bundles for different recipients must not be pooled: {exclusion.reason}"
    )
    russian = (
        f"никто не получает ячейку, где {name} — сам получатель ({shown}), включая нули, и не может вычислить её по "
        f"другим; наборы разных получателей объединять нельзя: {exclusion.reason}"
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
        f"{name}, {'то же понятие' if mirror.exact_concept else 'другое понятие'}{bounds}: {mirror.rule}",
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
