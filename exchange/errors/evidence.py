"""What an evidence file of an audit can be refused for: it must convince somebody who trusts nobody."""

from exchange.errors import ExchangeError, ExitCode


class EvidenceError(ExchangeError):
    """The branch of evidence files that prove nothing."""

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
    en = "evidence file: log of {party}: expected the entries of a checkpoint of size {expected}, found {found} entries"
    ru = "файл доказательства: журнал {party}: ожидались записи контрольной точки размера {expected}, найдено {found}"


class EvidenceIncompleteError(EvidenceError):
    """An evidence file that leaves out what could speak for the accused."""

    code = "evidence-incomplete"
    en = "evidence file: log of {party} names {missing} {what} that are not in it"
    ru = "файл доказательства: журнал {party} называет отсутствующие в нём документы ({what}): {missing}"
