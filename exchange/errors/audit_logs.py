"""What an audit finds about a log as such: rewritten, forked, rolled back, truncated, stale, or not to be had.

Each sentence says what the member's own signatures show; that something was *not* shown is the auditor's word.
"""

from exchange.errors import ExitCode, Side
from exchange.errors.audit import FindingError


class LogUnreachableError(FindingError):
    """A log that could not be collected this time; no fault by itself, and no verdict on its pulls."""

    code = "log-unreachable"
    side = Side.PARTNER
    exit_code = ExitCode.UNREACHABLE
    en = "log of {party}: could not be collected: {reason}"
    ru = "журнал {party}: не удалось получить: {reason}"
    mend_en = "start the node of {party} and run the audit again; what it shows later is checked against what was seen"
    mend_ru = "запустите узел {party} и повторите аудит; показанное позже сверяется с увиденным ранее"


class LogMalformedError(FindingError):
    """A log whose files or entries are not what the formats allow."""

    code = "log-malformed"
    en = "log of {party}: {part}: {reason}"
    ru = "журнал {party}: {part}: {reason}"


class LogRewrittenError(FindingError):
    """A log that is no continuation of what its own member signed before."""

    code = "log-rewritten"
    en = "log of {party} at size {size}: checkpoint seen before has root {seen}, its entries now give {computed}"
    ru = "журнал {party} размера {size}: у прежней контрольной точки корень {seen}, записи теперь дают {computed}"


class LogRolledBackError(FindingError):
    """A log that is shorter than one its own member signed before."""

    code = "log-rolled-back"
    en = "log of {party}: a checkpoint it signed has size {seen}, now it shows size {size}"
    ru = "журнал {party}: подписанная им контрольная точка имеет размер {seen}, теперь показан размер {size}"


class LogUnwitnessedError(FindingError):
    """A log whose newest checkpoint no quorum of its witnesses has cosigned."""

    code = "log-unwitnessed"
    en = "log of {party} at size {size}: its quorum of witnesses has not cosigned it: {reason}"
    ru = "журнал {party} размера {size}: кворум свидетелей его не подписал: {reason}"
    mend_en = "see whether the witnesses of {party} can reach it, then run the audit again"
    mend_ru = "проверьте, доступен ли узел {party} свидетелям, и повторите аудит"


class LogForkedError(FindingError):
    """Two histories of one log, both signed by its member: a split view."""

    code = "log-forked"
    en = "log of {party} at size {size}: it signed two histories, one with root {first}, one with root {second}"
    ru = "журнал {party} размера {size}: подписаны две истории, одна с корнем {first}, другая с корнем {second}"


class LogContinuedError(FindingError):
    """A log that its member signed on after it had ended, and another had taken its place."""

    code = "log-continued"
    en = "log of {party}: {origin} ended at size {end}, and a checkpoint of it is signed at size {seen}"
    ru = "журнал {party}: {origin} завершён при размере {end}, но подписана его контрольная точка размера {seen}"


class LogCutError(FindingError):
    """Entries of a log that were signed and are in no log any more: it was cut, and its next one begins before them."""

    code = "log-cut"
    en = "log of {party}: {origin} goes on elsewhere from size {end}; it had signed {seen} entries, the rest is lost"
    ru = "журнал {party}: {origin} продолжен в другом журнале с размера {end}; подписано было {seen}, прочее утрачено"
    mend_en = "{party} says what was lost, and publishes again what is missing; the finding stays"
    mend_ru = "{party} сообщает, что утрачено, и публикует недостающее снова; замечание остаётся"


class LogSuccessionError(FindingError):
    """A log that took another's place without the entries that say so."""

    code = "log-succession"
    en = "log of {party}, entry {index}, where another log continues {origin}: expected {expected}, found {found}"
    ru = "журнал {party}, запись {index}, где другой журнал продолжает {origin}: ожидалось {expected}, найдено {found}"


class LogTruncatedError(FindingError):
    """A log whose member refuses to show entries that its own checkpoint signs."""

    code = "log-truncated"
    en = "log of {party}: its checkpoint signs {size} entries, it does not show {missing}: {reason}"
    ru = "журнал {party}: контрольная точка подписывает записей {size}, не показано {missing}: {reason}"
    mend_en = "{party} shows them; if they are lost: exchange --node {party} log recover"
    mend_ru = "{party} показывает их; если они утрачены: exchange --node {party} log recover"


class LogStaleError(FindingError):
    """A log whose newest cosigned checkpoint is older than heartbeats allow: frozen, or its newer part is withheld."""

    code = "log-stale"
    en = "log of {party} at size {size}: its newest cosigned checkpoint is of {cosigned}, {hours} hours old"
    ru = "журнал {party} размера {size}: новейшая заверенная контрольная точка от {cosigned}, ей часов: {hours}"
    mend_en = "{party} shows its newest checkpoint; every log has a heartbeat at least every hour"
    mend_ru = "{party} показывает новейшую контрольную точку; в журнале есть запись не реже раза в час"


class RegistryForkedError(FindingError):
    """Two states of the registry, both signed by registrars, where there may be one: the registry was split in two."""

    code = "registry-forked"
    en = (
        "log of {member}, entry {index}: under registry version {version} as {named}, which a registrar signed; "
        "the registry, now at version {newest}, has {held}; at fault: {party}"
    )
    ru = (
        "журнал {member}, запись {index}: по реестру версии {version} со снимком {named}, подписанным регистратором; "
        "в реестре, ныне версии {newest}, это {held}; виновная сторона: {party}"
    )
    mend_en = "the members compare both snapshots aloud; the majority publishes the next version (docs/ceremony.md)"
    mend_ru = "участники сверяют оба снимка вслух; большинство публикует следующую версию (docs/ceremony.md)"


class RegistryInventedError(FindingError):
    """An entry under a state of the registry of which its member shows nothing that a registrar signed."""

    code = "registry-invented"
    en = (
        "log of {party}, entry {index}: under registry version {version} as {named}; the registry, now at version "
        "{newest}, has {held}; {party} shows no such snapshot signed by a registrar"
    )
    ru = (
        "журнал {party}, запись {index}: по реестру версии {version} со снимком {named}; в реестре, ныне версии "
        "{newest}, это {held}; {party} не показывает такого снимка, подписанного регистратором"
    )
    mend_en = "{party} serves that snapshot at /trust/metadata/{version}.snapshot.json, or says what it acted under"
    mend_ru = "{party} отдаёт этот снимок по /trust/metadata/{version}.snapshot.json или объясняет, по чему действовал"


class ClockSkewError(FindingError):
    """An entry dated later than witnesses had already seen it."""

    code = "clock-skew"
    en = "log of {party}, entry {index}: says {stated}, but witnesses cosigned it at {cosigned}"
    ru = "журнал {party}, запись {index}: указано {stated}, но свидетели подписали её в {cosigned}"


class ClockSetBackError(FindingError):
    """An entry dated before witnesses had cosigned the log without it."""

    code = "clock-set-back"
    en = "log of {party}, entry {index}: says {stated}, but witnesses cosigned the log without it at {cosigned}"
    ru = "журнал {party}, запись {index}: указано {stated}, но в {cosigned} свидетели подписали журнал без неё"
