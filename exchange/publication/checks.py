"""The named checks of a bundle, in the order in which they are made, and one sentence of result for each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from exchange.errors import ExchangeError, Fact, Language


class CheckName(StrEnum):
    """The checks; the order here is the order in which they are made and printed."""

    ZIP_FORM = "zip-form"
    FILES = "files"
    TRUST = "registry"
    MANIFEST = "manifest"
    RESOURCES = "resource-digests"
    SIGNATURES = "signatures"
    LOG_ENTRY = "log-entry"
    COSIGNATURES = "cosignatures"
    INCLUSION = "inclusion"
    KEYS = "keys"
    CONTRACT = "contract"
    IN_FORCE = "in-force"
    RECIPIENTS = "recipients"
    CLEARANCE = "clearance"
    DISCLOSURE = "disclosure-report"
    PATTERN = "pattern"
    DATA = "data"
    WITHHELD = "withheld-keys"
    ADDITIVITY = "additivity"
    FLOOR = "interval-floor"


class Standing(StrEnum):
    """What became of a check."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_CHECKED = "not-checked"
    NOTICE = "notice"


class _Sentences(NamedTuple):
    label_ru: str
    en: str
    ru: str


_SENTENCES: Mapping[CheckName, _Sentences] = {
    CheckName.FILES: _Sentences(
        "файлы", "{found} files, no more and no fewer", "файлов: {found}, ни больше, ни меньше"
    ),
    CheckName.ZIP_FORM: _Sentences(
        "форма ZIP", "the one legal form, {size_bytes} bytes", "единственная допустимая форма, байт: {size_bytes}"
    ),
    CheckName.TRUST: _Sentences(
        "реестр", "version {version}, {members} members", "версия {version}, участников: {members}"
    ),
    CheckName.MANIFEST: _Sentences("манифест", "{name}, bundle {digest}", "{name}, набор {digest}"),
    CheckName.RESOURCES: _Sentences(
        "дайджесты файлов", "{files} are the bytes that the manifest names", "{files}: те самые байты, что в манифесте"
    ),
    CheckName.SIGNATURES: _Sentences(
        "подписи",
        "{algorithms}, both by bundle keys of {provider}",
        "{algorithms}, обе — ключами наборов {provider}",
    ),
    CheckName.LOG_ENTRY: _Sentences(
        "запись журнала",
        "{node} logged the publication of this bundle at {at}",
        "{node} внёс публикацию этого набора в журнал {at}",
    ),
    CheckName.COSIGNATURES: _Sentences(
        "заверения",
        "{origin} at size {size}: witnessed by a quorum ({witnesses}) at {at}, the cosigned time",
        "{origin} при размере {size}: заверено кворумом свидетелей ({witnesses}) {at}, это время заверения",
    ),
    CheckName.INCLUSION: _Sentences(
        "включение", "entry {index} is in the tree of size {size}", "запись {index} входит в дерево размера {size}"
    ),
    CheckName.KEYS: _Sentences(
        "ключи", "both signing keys counted at the cosigned time", "оба ключа подписи действовали во время заверения"
    ),
    CheckName.CONTRACT: _Sentences("договор", "{contract} {version}, {digest}", "{contract} {version}, {digest}"),
    CheckName.IN_FORCE: _Sentences(
        "действие договора", "in force for {provider} at {at}", "действует для {provider} на {at}"
    ),
    CheckName.RECIPIENTS: _Sentences(
        "получатели", "{recipients}: recipients under the contract", "{recipients}: получатели по договору"
    ),
    CheckName.CLEARANCE: _Sentences(
        "согласование",
        "officers {officers} approved exactly these bytes, valid until {valid_until}",
        "{officers} одобрили именно эти байты, действует до {valid_until}",
    ),
    CheckName.DISCLOSURE: _Sentences(
        "отчёт о раскрытии",
        "{withheld} of {cells} cells withheld; audited as safe against {attacker}",
        "скрыто ячеек: {withheld} из {cells}; аудит: безопасно против модели {attacker}",
    ),
    CheckName.PATTERN: _Sentences(
        "узор скрытия",
        "none of the {withheld} withheld cells follows from sums alone",
        "ни одна из скрытых ячеек ({withheld}) не следует из одних лишь сумм",
    ),
    CheckName.DATA: _Sentences(
        "данные",
        "{rows} rows of the contract's tables, sorted, each key once",
        "строк таблиц договора: {rows}, упорядочены, без повторов ключей",
    ),
    CheckName.WITHHELD: _Sentences(
        "скрытые ключи",
        "the {withheld} withheld keys of data.csv are those of disclosure.json",
        "скрытые ключи data.csv ({withheld}) — те же, что в disclosure.json",
    ),
    CheckName.ADDITIVITY: _Sentences(
        "аддитивность", "{sums} published sums add up", "опубликованные суммы сходятся: {sums}"
    ),
    CheckName.FLOOR: _Sentences(
        "порог интервала",
        "all {checked} withheld cells keep the contract's floor",
        "все скрытые ячейки ({checked}) соблюдают порог договора",
    ),
}

_NOT_CHECKED = {"en": "not checked: {reason}", "ru": "не проверено: {reason}"}
_REASONS_RU = {
    "contract absent": "договора нет",
    "statements absent": "заявлений сторон нет",
    "data.csv absent": "data.csv нет",
    "not asked for": "не запрошено",
}
CONTRACT_ABSENT, STATEMENTS_ABSENT, DATA_ABSENT, NOT_ASKED = _REASONS_RU


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check and its result."""

    name: CheckName
    standing: Standing
    facts: Mapping[str, Fact] = field(default_factory=dict)
    error: ExchangeError | None = None

    def label(self, language: Language = "en") -> str:
        """The check's name for a person."""
        return _SENTENCES[self.name].label_ru if language == "ru" else self.name.value

    def sentence(self, language: Language = "en") -> str:
        """One sentence of result."""
        if self.error is not None:
            return self.error.sentence(language)
        if self.standing is Standing.NOT_CHECKED:
            reason = str(self.facts["reason"])
            return _NOT_CHECKED[language].format(reason=_REASONS_RU[reason] if language == "ru" else reason)
        sentences = _SENTENCES[self.name]
        return (sentences.ru if language == "ru" else sentences.en).format(**self.facts)

    def as_json(self, language: Language = "en") -> dict[str, object]:
        """The same for a program."""
        result: dict[str, object] = {
            "name": self.name.value,
            "standing": self.standing.value,
            "sentence": self.sentence(language),
        }
        return result if self.error is None else {**result, "error": self.error.as_json(language)}


class Checklist:
    """The checks made so far; the last one is the one that failed, if any did."""

    def __init__(self) -> None:
        self._checks: list[Check] = []

    @property
    def checks(self) -> tuple[Check, ...]:
        """What was checked, in order."""
        return tuple(self._checks)

    @property
    def failed(self) -> Check | None:
        """The check that failed; nothing is checked after it."""
        return next((check for check in self._checks if check.standing is Standing.FAILS), None)

    @contextmanager
    def check(self, name: CheckName) -> Iterator[dict[str, Fact]]:
        """Make a check: the block adds its facts to what it gets, or raises, which is recorded and goes on."""
        facts: dict[str, Fact] = {}
        try:
            yield facts
        except ExchangeError as error:
            self.fail(name, error)
            raise
        self._checks.append(Check(name=name, standing=Standing.HOLDS, facts=facts))

    def fail(self, name: CheckName, error: ExchangeError) -> None:
        """Record a check that could not even begin; the caller raises the error."""
        self._checks.append(Check(name=name, standing=Standing.FAILS, error=error))

    def skip(self, name: CheckName, reason: str) -> None:
        """Record that a check could not be made; `reason` is one of the constants of this module."""
        self._checks.append(Check(name=name, standing=Standing.NOT_CHECKED, facts={"reason": reason}))

    def notice(self, name: CheckName, error: ExchangeError) -> None:
        """Record what a verifier should know and what does not decide."""
        self._checks.append(Check(name=name, standing=Standing.NOTICE, error=error))
