"""Contracts, code lists, periods and statements that do not hold, and contracts that refuse."""

from exchange.errors import ExchangeError, ExitCode, Side


class ContractError(ExchangeError):
    """The branch of everything a contract can be refused for."""

    side = Side.AUTHOR
    exit_code = ExitCode.DOES_NOT_HOLD


class CodeListError(ContractError):
    """A code list is not a strict CSV tree of codes."""

    code = "code-list-malformed"
    en = "code list {list}, line {line}: expected {expected}, found {found}"
    ru = "справочник {list}, строка {line}: ожидалось {expected}, найдено {found}"


class PeriodError(ContractError):
    """A period is not spelled as SDMX spells it, or is of another frequency."""

    code = "period-malformed"
    side = Side.CALLER
    exit_code = ExitCode.USAGE
    en = "period {found}: expected {expected}"
    ru = "период {found}: ожидался {expected}"
    mend_en = "write a month as 2026-09, a quarter as 2018-Q4, a year as 2024"
    mend_ru = "пишите месяц как 2026-09, квартал как 2018-Q4, год как 2024"


class ContractYamlError(ContractError):
    """The contract's text can be read in more than one way, or in none."""

    code = "contract-yaml-refused"
    en = "contract, line {line}: {reason}"
    ru = "договор, строка {line}: {reason}"


class ContractSchemaError(ContractError):
    """The contract breaks ODCS 3.1.0 or the closed profile."""

    code = "contract-not-valid"
    en = "contract, line {line}, {path}: expected {expected}, found {found} ({schema})"
    ru = "договор, строка {line}, {path}: ожидалось {expected}, найдено {found} ({schema})"
    mend_en = "contracts/README.md shows where each clause stands"
    mend_ru = "contracts/README.md показывает, где стоит каждое условие"


class ContractRuleError(ContractError):
    """Two clauses contradict each other, or a code is not in its list."""

    code = "contract-rule-broken"
    en = "contract, line {line}, {path}: expected {expected}, found {found}"
    ru = "договор, строка {line}, {path}: ожидалось {expected}, найдено {found}"


class CodeListAbsentError(ContractError):
    """The file that a contract pins is not at hand."""

    code = "code-list-absent"
    en = "contract, line {line}: code list {list} is pinned to {digest}, and no file at hand has these bytes"
    ru = "договор, строка {line}: справочник {list} закреплён за {digest}, и файла с такими байтами нет"
    mend_en = "put the file into contracts/codelists; a code list that was edited needs a new contract version"
    mend_ru = "положите файл в contracts/codelists; изменённому справочнику нужна новая версия договора"


class CodeListNotAtHandError(ContractError):
    """No code list at hand has this name."""

    code = "code-list-not-at-hand"
    side = Side.CALLER
    exit_code = ExitCode.USAGE
    en = "code list {found}: none at hand has this name; at hand: {known}"
    ru = "справочник {found}: такого нет; есть: {known}"


class StatementError(ContractError):
    """A statement does not say what a statement may say."""

    code = "statement-malformed"
    en = "statement about {contract} by {party}: expected {expected}, found {found}"
    ru = "заявление о {contract} стороны {party}: ожидалось {expected}, найдено {found}"


class StatementPartyError(ContractError):
    """Only parties speak about a contract."""

    code = "statement-not-by-a-party"
    side = Side.CALLER
    exit_code = ExitCode.NOT_AUTHORISED
    en = "statement about {contract}: {party} is not a party; the parties are {parties}"
    ru = "заявление о {contract}: {party} не сторона договора; стороны: {parties}"


class RecipientUnknownError(ContractError):
    """Somebody who receives nothing of this provider under the contract."""

    code = "contract-recipient-unknown"
    side = Side.CALLER
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "contract {contract}: {found} is not among the recipients {known}"
    ru = "договор {contract}: {found} нет среди получателей {known}"


class ContractNotInForceError(ContractError):
    """The branch of every reason why a contract is not in force: nothing is built, cleared or published."""

    side = Side.PARTIES
    exit_code = ExitCode.CONTRACT_REFUSES


class ContractNotSignedError(ContractNotInForceError):
    """Some party has not signed."""

    code = "contract-not-signed"
    en = "contract {contract} {version} is not in force: not signed by {missing}"
    ru = "договор {contract} {version} не действует: не подписан {missing}"
    mend_en = "each of them runs: exchange contract sign {contract} {version}"
    mend_ru = "каждая из этих сторон выполняет: exchange contract sign {contract} {version}"


class StatementUnwitnessedError(ContractNotInForceError):
    """A signature that binds nobody: its key did not count any more, and nothing shows that it was made before."""

    code = "statement-unwitnessed"
    en = (
        "contract {contract} {version}: {party} signed it with a key that did not count at {at}, and no proof here "
        "shows that witnesses saw it while it did"
    )
    ru = (
        "договор {contract} {version}: ключ, которым подписала сторона {party}, на {at} не действовал, и нет "
        "доказательства, что свидетели видели подпись раньше"
    )
    mend_en = "lay the statement's tlog-proof beside it: each party's gateway writes one into its contracts folder"
    mend_ru = "положите рядом доказательство tlog-proof: шлюз каждой стороны пишет его в свою папку contracts"


class ContractNotEffectiveError(ContractNotInForceError):
    """All have signed, and the contract begins later."""

    code = "contract-not-yet-effective"
    en = "contract {contract} {version} is not in force: it takes effect on {effective}, and it is {now}"
    ru = "договор {contract} {version} не действует: он вступает в силу {effective}, а сейчас {now}"


class ContractSuspendedError(ContractNotInForceError):
    """At least one party has suspended it."""

    code = "contract-is-suspended"
    en = "contract {contract} {version} is suspended by {parties}"
    ru = "договор {contract} {version} приостановлен: {parties}"
    mend_en = "it resumes when each of them signs contract.resumed"
    mend_ru = "он возобновится, когда каждая из этих сторон подпишет contract.resumed"


class ContractEndedError(ContractNotInForceError):
    """At least one party has ended it."""

    code = "contract-has-ended"
    en = "contract {contract} {version} was ended by {parties} from {ended} on"
    ru = "договор {contract} {version} прекращён: {parties}, с {ended}"


class ContractExpiredError(ContractNotInForceError):
    """The end date written in it has passed."""

    code = "contract-expired"
    en = "contract {contract} {version} ran until {ended}, the end written in it"
    ru = "договор {contract} {version} действовал до {ended}, срока в его тексте"
    mend_en = "the parties sign a new version"
    mend_ru = "стороны подписывают новую версию"


class ContractSupersededError(ContractNotInForceError):
    """A later version with the same provider took its place."""

    code = "contract-superseded"
    en = "contract {contract} {version} is superseded by version {later}"
    ru = "договор {contract} {version} заменён версией {later}"
    mend_en = "use version {later}"
    mend_ru = "используйте версию {later}"


class ContractNotAtHandError(ContractError):
    """No contract at hand fits what was asked for."""

    code = "contract-not-at-hand"
    side = Side.CALLER
    exit_code = ExitCode.USAGE
    en = "contract {found}: no contract at hand has this id; at hand: {known}"
    ru = "договор {found}: договора с таким id нет; есть: {known}"


class ContractAmbiguousError(ContractError):
    """More than one contract fits what was asked for."""

    code = "contract-ambiguous"
    side = Side.CALLER
    exit_code = ExitCode.USAGE
    en = "contract {found}: this beginning fits {fitting}"
    ru = "договор {found}: это начало подходит к {fitting}"
    mend_en = "write more of the id, or name the version"
    mend_ru = "напишите id полнее или назовите версию"


class ContractDigestError(ContractError):
    """The contract at hand is not the one that was agreed on."""

    code = "contract-digest-differs"
    en = "contract {contract} {version}: expected digest {expected}, found {found}"
    ru = "договор {contract} {version}: ожидался дайджест {expected}, найден {found}"
    mend_en = "compare the two files with the other parties before anybody signs"
    mend_ru = "сравните оба файла с другими сторонами, прежде чем подписывать"


class ContractsUnrelatedError(ContractError):
    """Only versions of one contract can be compared."""

    code = "contracts-unrelated"
    side = Side.CALLER
    exit_code = ExitCode.USAGE
    en = "contracts: expected two versions of {expected}, found {found}"
    ru = "договоры: ожидались две версии {expected}, найден {found}"


class ContractVersionError(ContractError):
    """The number of a new version hides what changed in it."""

    code = "contract-version-too-low"
    en = "contract {contract} {found}: expected version {expected}; clauses loosened: {count}; first change: {first}"
    ru = "договор {contract} {found}: ожидалась версия {expected}; смягчено условий: {count}; первое: {first}"
    mend_en = "exchange contract diff shows every change; a loosening needs a new major version, signed by all"
    mend_ru = "exchange contract diff покажет все изменения; смягчению нужна новая старшая версия, подписанная всеми"


class ContractNoticeError(ContractError):
    """A contract cannot be ended sooner than its notice allows."""

    code = "contract-notice-too-short"
    side = Side.CALLER
    en = "contract {contract} {version}: its notice is {days} days; expected {expected} or later, found {found}"
    ru = "договор {contract} {version}: уведомление за {days} дн.; ожидалось {expected} или позже, найдено {found}"
    mend_en = "name a later day, or suspend the contract: that binds at once"
    mend_ru = "назовите более поздний день или приостановите договор: это действует сразу"
