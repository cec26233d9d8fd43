"""Contracts, code lists, periods and statements that do not hold, and contracts that refuse."""

from exchange.errors import ExchangeError, ExitCode


class ContractError(ExchangeError):
    """The branch of everything a contract can be refused for."""

    exit_code = ExitCode.DOES_NOT_HOLD


class CodeListError(ContractError):
    code = "code-list-malformed"
    en = "code list {list}, line {line}: expected {expected}, found {found}"
    ru = "справочник {list}, строка {line}: ожидалось {expected}, найдено {found}"


class PeriodError(ContractError):
    code = "period-malformed"
    exit_code = ExitCode.USAGE
    en = "period {found}: expected {expected}"
    ru = "период {found}: ожидался {expected}"
    mend_en = "write a month as 2026-09, a quarter as 2018-Q4, a year as 2024"
    mend_ru = "пишите месяц как 2026-09, квартал как 2018-Q4, год как 2024"


class ContractYamlError(ContractError):
    code = "contract-yaml-refused"
    en = "contract, line {line}: {reason}"
    ru = "контракт, строка {line}: {reason}"


class ContractSchemaError(ContractError):
    code = "contract-not-valid"
    en = "contract, line {line}, {path}: expected {expected}, found {found} ({schema})"
    ru = "контракт, строка {line}, {path}: ожидалось {expected}, найдено {found} ({schema})"
    mend_en = "contracts/README.md shows where each clause stands"
    mend_ru = "contracts/README.md показывает, где стоит каждое условие"


class ContractRuleError(ContractError):
    code = "contract-rule-broken"
    en = "contract, line {line}, {path}: expected {expected}, found {found}"
    ru = "контракт, строка {line}, {path}: ожидалось {expected}, найдено {found}"


class CodeListAbsentError(ContractError):
    code = "code-list-absent"
    en = "contract, line {line}: code list {list} is pinned to {digest}, and no file at hand has these bytes"
    ru = "контракт, строка {line}: справочник {list} закреплён за {digest}, и файла с такими байтами нет"
    mend_en = "put the file into contracts/codelists; a code list that was edited needs a new contract version"
    mend_ru = "положите файл в contracts/codelists; изменённому справочнику нужна новая версия контракта"


class StatementError(ContractError):
    code = "statement-malformed"
    en = "statement about {contract} by {party}: expected {expected}, found {found}"
    ru = "заявление о {contract} стороны {party}: ожидалось {expected}, найдено {found}"


class StatementPartyError(ContractError):
    code = "statement-not-by-a-party"
    exit_code = ExitCode.NOT_AUTHORISED
    en = "statement about {contract}: {party} is not a party; the parties are {parties}"
    ru = "заявление о {contract}: {party} не сторона контракта; стороны: {parties}"


class ContractNotInForceError(ContractError):
    """The branch of every reason why a contract is not in force: nothing is built, cleared or published."""

    exit_code = ExitCode.CONTRACT_REFUSES


class ContractNotSignedError(ContractNotInForceError):
    code = "contract-not-signed"
    en = "contract {contract} {version} is not in force: not signed by {missing}"
    ru = "контракт {contract} {version} не действует: не подписан {missing}"
    mend_en = "each of them runs: exchange contract sign {contract} {version}"
    mend_ru = "каждая из этих сторон выполняет: exchange contract sign {contract} {version}"


class ContractNotEffectiveError(ContractNotInForceError):
    code = "contract-not-yet-effective"
    en = "contract {contract} {version} is not in force: it takes effect on {effective}, and it is {now}"
    ru = "контракт {contract} {version} не действует: он вступает в силу {effective}, а сейчас {now}"


class ContractSuspendedError(ContractNotInForceError):
    code = "contract-suspended"
    en = "contract {contract} {version} is suspended by {parties}"
    ru = "контракт {contract} {version} приостановлен: {parties}"
    mend_en = "it resumes when each of them signs contract.resumed"
    mend_ru = "он возобновится, когда каждая из этих сторон подпишет contract.resumed"


class ContractEndedError(ContractNotInForceError):
    code = "contract-ended"
    en = "contract {contract} {version} ended on {ended}, by {parties}"
    ru = "контракт {contract} {version} прекращён {ended}, основание: {parties}"


class ContractSupersededError(ContractNotInForceError):
    code = "contract-superseded"
    en = "contract {contract} {version} is superseded by version {later}"
    ru = "контракт {contract} {version} заменён версией {later}"
    mend_en = "use version {later}"
    mend_ru = "используйте версию {later}"


class ContractUnknownError(ContractError):
    code = "contract-unknown"
    exit_code = ExitCode.USAGE
    en = "contract {found}: no contract at hand has this id; at hand: {known}"
    ru = "контракт {found}: контракта с таким id нет; есть: {known}"


class ContractAmbiguousError(ContractError):
    code = "contract-ambiguous"
    exit_code = ExitCode.USAGE
    en = "contract {found}: this beginning fits {fitting}"
    ru = "контракт {found}: это начало подходит к {fitting}"
    mend_en = "write more of the id, or name the version"
    mend_ru = "напишите id полнее или назовите версию"


class ContractPlaceError(ContractError):
    code = "contract-misplaced"
    en = "contract {id} {version}: lies in {found}, its place is {expected}"
    ru = "контракт {id} {version}: лежит в {found}, его место {expected}"
