"""What an evidence file of an audit can be refused for: it must convince somebody who trusts nobody."""

from exchange.errors import ExchangeError, ExitCode, Side


class EvidenceError(ExchangeError):
    """The branch of evidence files that prove nothing."""

    side = Side.AUTHOR
    exit_code = ExitCode.DOES_NOT_HOLD


class EvidenceUnprovenError(EvidenceError):
    """An evidence file from which its finding does not follow."""

    code = "evidence-unproven"
    en = "evidence file: {code} of {party} does not follow from what it holds"
    ru = "файл доказательства: {code} участника {party} не следует из его содержимого"
    mend_en = "Do not use it against {party}; ask the auditor for {code} again."
    mend_ru = "Не используйте его против {party}; запросите {code} у аудитора ещё раз."


class EvidenceLogError(EvidenceError):
    """An evidence file with a log that its member's signed checkpoint does not cover."""

    code = "evidence-log"
    en = "evidence file: log of {party}: expected the entries signed at size {expected}, found {found} others"
    ru = "файл доказательства: журнал {party}: ожидались записи, подписанные при размере {expected}; иных: {found}"


class EvidenceIncompleteError(EvidenceError):
    """An evidence file that leaves out what could speak for the accused."""

    code = "evidence-incomplete"
    en = "evidence file: log of {party} names {missing} {what} that are not in it"
    ru = "файл доказательства: журнал {party} называет отсутствующие в нём документы ({what}): {missing}"


class EvidenceWordError(EvidenceError):
    """A finding about what somebody did not show: there is nothing signed that would prove it."""

    code = "evidence-auditor-word"
    en = "{code} of {party}: says what {party} did not show, and rests on the auditor's word; there is nothing to prove"
    ru = "{code} участника {party}: речь о непоказанном, это слово аудитора; доказывать нечем"
    mend_en = "Run the audit again: what {party} shows later is held against what was seen."
    mend_ru = "Повторите аудит: показанное {party} позже сверяется с увиденным."


class EvidenceFileError(EvidenceError):
    """A file that cannot be read, or is neither an evidence file nor a report's folder."""

    code = "evidence-unreadable"
    side = Side.CALLER
    en = "{path}: expected an evidence file, or the folder of an audit report: {reason}"
    ru = "{path}: ожидался файл доказательства или папка отчёта аудита: {reason}"


class ReportPageError(EvidenceError):
    """A page of a report that does not say what its signed JSON says."""

    code = "report-page"
    en = "{page}: expected the page that the signed report gives, digest {expected}, found {found}"
    ru = "{page}: ожидалась страница по подписанному отчёту, дайджест {expected}, найдено {found}"
