"""What the clearing desk refuses before any rule of clearance is asked."""

from exchange.errors import ExchangeError, ExitCode, Side


class CaseNotFoundError(ExchangeError):
    """There is no such candidate at this desk."""

    code = "case-not-found"
    exit_code = ExitCode.USAGE
    en = "no candidate {asked} at the desk of {member}"
    ru = "на рабочем месте {member} нет кандидата {asked}"
    mend_en = "exchange --node {member} clearance list shows what is there; exchange bundle build makes one"
    mend_ru = "exchange --node {member} clearance list покажет, что есть; exchange bundle build создаст нового"


class CaseAmbiguousError(ExchangeError):
    """Recipients of one release get different bundles, and none of them was named."""

    code = "case-ambiguous"
    exit_code = ExitCode.USAGE
    en = "{contract} {period}: these recipients get a bundle each: {sets}; none is named"
    ru = "{contract} {period}: у каждого из этих получателей свой набор: {sets}; получатель не указан"
    mend_en = "name one of them after the period"
    mend_ru = "укажите одного из них после периода"


class CandidateFolderError(ExchangeError):
    """A folder that is not a candidate's."""

    code = "candidate-folder"
    exit_code = ExitCode.USAGE
    en = "{folder} is no candidate: {reason}"
    ru = "{folder} не кандидат: {reason}"
    mend_en = "name the folder that exchange bundle build wrote"
    mend_ru = "укажите папку, которую создала команда exchange bundle build"


class OfficerKeyError(ExchangeError):
    """A key that is not the registered key of the officer who is named."""

    code = "officer-key-not-registered"
    exit_code = ExitCode.NOT_AUTHORISED
    en = "the key of {officer} is not the one in the registry: expected {expected}, found {found}"
    ru = "ключ {officer} не совпадает с реестром: ожидался {expected}, найден {found}"
    mend_en = "use the officer's own registered key (--key FILE), or register the new one"
    mend_ru = "используйте зарегистрированный ключ этого лица (--key ФАЙЛ) или зарегистрируйте новый"


class CaseOpenError(ExchangeError):
    """Another candidate of the same release is before the officers."""

    code = "case-open"
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "{candidate}: another candidate of this release is {state}"
    ru = "{candidate}: другой кандидат этого выпуска в состоянии {state}"
    mend_en = "have it returned first (exchange clearance return), or release it"
    mend_ru = "сначала верните его (exchange clearance return) или выпустите"


class CaseAlteredError(ExchangeError):
    """The desk's copy of a candidate is not what was submitted."""

    code = "case-altered"
    side = Side.NODE
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "{candidate}: the files at the desk are not those that were submitted: {field}: {expected}, found {found}"
    ru = "{candidate}: файлы на рабочем месте не те, что были поданы: {field}: {expected}, найдено {found}"
    mend_en = "restore the desk's copy from the folder that was submitted, and find out who can write to it"
    mend_ru = "восстановите копию из поданной папки и выясните, кто имеет к ней доступ на запись"


class NotClearedError(ExchangeError):
    """A release of something that officers have not cleared."""

    code = "case-not-cleared"
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "{candidate} is {state}: the contract asks for {expected} approvals, found {found}"
    ru = "{candidate} в состоянии {state}: по договору нужно одобрений: {expected}, найдено: {found}"
    mend_en = "another clearing officer approves it: exchange clearance approve"
    mend_ru = "одобрить должно другое уполномоченное лицо: exchange clearance approve"


class WithdrawalNotFoundError(ExchangeError):
    """Nobody has proposed to withdraw this bundle."""

    code = "withdrawal-not-found"
    exit_code = ExitCode.USAGE
    en = "no withdrawal of {candidate} at the desk of {member}"
    ru = "на рабочем месте {member} нет отзыва {candidate}"
    mend_en = "propose it first: exchange withdrawal propose CONTRACT PERIOD --officer ID --reason TEXT"
    mend_ru = "сначала предложите его: exchange withdrawal propose ДОГОВОР ПЕРИОД --officer ID --reason ТЕКСТ"


class WithdrawalOpenError(ExchangeError):
    """A withdrawal of this bundle is before the officers already."""

    code = "withdrawal-open"
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "{candidate}: a withdrawal was proposed already, for this reason: {reason}"
    ru = "{candidate}: отзыв уже предложен, причина: {reason}"
    mend_en = (
        "its state: exchange withdrawal list; while proposed, another officer approves it: exchange withdrawal approve"
    )
    mend_ru = (
        "состояние: exchange withdrawal list; пока он предложен, его одобряет другое уполномоченное лицо: "
        "exchange withdrawal approve"
    )


class NotPublishedError(ExchangeError):
    """Only what has left can be taken back."""

    code = "not-published"
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "{candidate} is {state}: only a published bundle can be withdrawn"
    ru = "{candidate} в состоянии {state}: отозвать можно только опубликованный набор"
    mend_en = "return it instead: exchange clearance return"
    mend_ru = "верните его: exchange clearance return"
