"""Mappings that do not fit, registers that cannot be read, rows that are wrong. No fact holds what a row says."""

from exchange.errors import ExchangeError, ExitCode, Side


class PreparationError(ExchangeError):
    """The branch of everything that stops a build before disclosure control."""

    exit_code = ExitCode.DOES_NOT_HOLD


class MappingSyntaxError(PreparationError):
    """The mapping is not TOML."""

    code = "mapping-not-toml"
    exit_code = ExitCode.USAGE
    en = "{file}: not a TOML file: {reason}"
    ru = "{file}: это не файл TOML: {reason}"


class MappingKeyError(PreparationError):
    """A key that a mapping does not have."""

    code = "mapping-key-unknown"
    exit_code = ExitCode.USAGE
    en = "{file}: unknown key {key}; allowed here: {allowed}"
    ru = "{file}: неизвестный ключ {key}; здесь допустимы: {allowed}"
    mend_en = "correct or remove {key}"
    mend_ru = "исправьте или удалите {key}"


class MappingValueError(PreparationError):
    """A key whose value cannot be used."""

    code = "mapping-value-refused"
    exit_code = ExitCode.USAGE
    en = "{file}: {key}: expected {expected}, found {found}"
    ru = "{file}: {key}: ожидалось {expected}, найдено {found}"


class MappingContractError(PreparationError):
    """The mapping was written for another contract."""

    code = "mapping-of-another-contract"
    exit_code = ExitCode.USAGE
    en = "{file}: written for contract {found}, this build is for {expected}"
    ru = "{file}: написан для договора {found}, а сборка идёт для {expected}"


class RecodedContributorsError(PreparationError):
    """A contributor whom the cells of two codings count in several groups: the groups could not be added."""

    code = "recoded-contributors-spread"
    en = "{contract}: a {unit} has records in several cells; the records do not tell how two codings hang together"
    ru = (
        "{contract}: у одного респондента ({unit}) записи в нескольких ячейках; записи не говорят, как связаны два кода"
    )
    mend_en = "Release this period under the earlier codes only, or begin the new ones with the next period."
    mend_ru = "Выпустите этот период только в прежних кодах, а новые начните со следующего периода."


class MappingDimensionError(PreparationError):
    """A dimension that the contract's tables use has no column and no constant."""

    code = "mapping-dimension-absent"
    exit_code = ExitCode.USAGE
    en = "{file}: dimension {dimension} of {contract} has neither a column nor a constant"
    ru = "{file}: для измерения {dimension} договора {contract} нет ни столбца, ни константы"
    mend_en = "add [dimensions] {dimension} = {{ column = … }}"
    mend_ru = "добавьте [dimensions] {dimension} = {{ column = … }}"


class MappingContributorError(PreparationError):
    """A contributor unit of the contract has no column: thresholds could not be counted."""

    code = "mapping-contributor-absent"
    exit_code = ExitCode.USAGE
    en = "{file}: {contract} counts distinct contributors of the unit {unit}, and the mapping names no column for it"
    ru = "{file}: {contract} считает различных участников единицы {unit}, а в сопоставлении нет столбца для неё"
    mend_en = (
        "add [contributors] {unit} = {{ column = … }}, or {unit} = {{ each_row = true }} if every row is another {unit}"
    )
    mend_ru = (
        "добавьте [contributors] {unit} = {{ column = … }} или {unit} = {{ each_row = true }}, "
        "если каждая строка — другой участник ({unit})"
    )


class MappingCodeError(PreparationError):
    """A code in the mapping that no table of the contract can hold."""

    code = "mapping-code-refused"
    exit_code = ExitCode.USAGE
    en = "{file}: {dimension}: code {found} fits no table of {contract}; allowed: {allowed}"
    ru = "{file}: {dimension}: код {found} не подходит ни к одной таблице {contract}; допустимы: {allowed}"


class RegisterFormatError(PreparationError):
    """A register file of a kind that is not read."""

    code = "register-format-unknown"
    exit_code = ExitCode.USAGE
    en = "{file}: a register is read from .csv, .csv.gz or .parquet"
    ru = "{file}: регистр читается из файлов .csv, .csv.gz или .parquet"


class RegisterUnreadableError(PreparationError):
    """The register file cannot be read as what its name says."""

    code = "register-unreadable"
    en = "{file}: cannot be read as {format}: {reason}"
    ru = "{file}: не читается как {format}: {reason}"


class RegisterColumnError(PreparationError):
    """A column that the mapping names is not in the register, or there twice."""

    code = "register-column-absent"
    exit_code = ExitCode.USAGE
    en = "{file}: column {column} of the mapping occurs {times} times; the file's columns: {found}"
    ru = "{file}: столбец {column} из сопоставления встречается {times} раз; столбцы файла: {found}"
    mend_en = "correct the column's name in the mapping, or export the register again"
    mend_ru = "исправьте имя столбца в сопоставлении или выгрузите регистр заново"


class BadRowsError(PreparationError):
    """Rows that the contract or the mapping does not allow; nothing was built."""

    code = "rows-refused"
    en = "{file}: {rows} of {total} rows refused, nothing was built; every one is listed in {report}"
    ru = "{file}: отклонено строк: {rows} из {total}, ничего не собрано; перечень в {report}"
    mend_en = "correct the rows in the register, or the mapping, and build again"
    mend_ru = "исправьте строки в регистре или сопоставление и повторите сборку"


class PeriodRowsError(PreparationError):
    """The register holds no row of the period."""

    code = "period-without-rows"
    en = "{file}: none of {total} rows in scope belongs to {period}"
    ru = "{file}: ни одна из {total} строк в охвате не относится к {period}"
    mend_en = "check the period, the mapping's [period] and its filters"
    mend_ru = "проверьте период, раздел [period] сопоставления и фильтры"


class AggregationResourceError(PreparationError):
    """The database ran out of memory or of disk for spilled pages."""

    code = "aggregation-out-of-resources"
    side = Side.NODE
    exit_code = ExitCode.ERROR
    en = "{file}: aggregation stopped: {reason}; it may use {memory_mb} MB of memory and the disk of {folder}"
    ru = "{file}: агрегирование остановлено: {reason}; доступно {memory_mb} МБ памяти и диск с папкой {folder}"
    mend_en = "free disk space, or raise preparation.memory_mb in node.toml above {memory_mb}"
    mend_ru = "освободите место на диске или увеличьте preparation.memory_mb в node.toml сверх {memory_mb}"


class RegisterChangedError(PreparationError):
    """The register file changed between the check of its rows and their aggregation."""

    code = "register-changed"
    en = "{file}: changed while it was read: {checked} rows were checked, {read} were then read"
    ru = "{file}: изменился во время чтения: проверено строк {checked}, прочитано затем {read}"
    mend_en = "build from a file that nothing writes to"
    mend_ru = "собирайте из файла, в который ничего не пишется"


class NotAProviderError(PreparationError):
    """The member does not provide data under this contract."""

    code = "not-a-provider"
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "{contract}: {member} is not among its providers: {providers}"
    ru = "{contract}: {member} нет среди поставщиков: {providers}"


class OutputRefusedError(PreparationError):
    """The output folder holds something that is no candidate."""

    code = "output-not-a-candidate"
    exit_code = ExitCode.USAGE
    en = "{folder}: holds something that is no candidate; nothing was written"
    ru = "{folder}: содержит не кандидата, а нечто иное; ничего не записано"
    mend_en = "name another folder with --output"
    mend_ru = "укажите другую папку через --output"


class PreparerError(PreparationError):
    """The officer named as preparer belongs to another member."""

    code = "preparer-of-another-member"
    exit_code = ExitCode.NOT_AUTHORISED
    en = "officer {officer} prepares for {expected}, found in the registry under {found}"
    ru = "{officer} готовит данные для {expected}, в реестре числится за {found}"
    mend_en = "name an officer of {expected} with --officer"
    mend_ru = "укажите должностное лицо {expected} через --officer"


class PreparationSecretError(PreparationError):
    """The preparation zone's secret is missing or has the wrong length."""

    code = "preparation-secret-refused"
    side = Side.NODE
    exit_code = ExitCode.ERROR
    en = "{file}: the preparation secret has {bytes_expected} bytes, found {bytes_found}"
    ru = "{file}: секрет зоны подготовки имеет {bytes_expected} байт, найдено {bytes_found}"
    mend_en = "exchange init creates it; a node that lost it takes it from its backup"
    mend_ru = "его создаёт exchange init; утраченный секрет берётся из резервной копии узла"


class LedgerCopyError(PreparationError):
    """The copy of the disclosure ledger cannot be trusted."""

    code = "ledger-copy-refused"
    side = Side.NODE
    en = "{file}: entry {entry}: expected {expected}, found {found}"
    ru = "{file}: запись {entry}: ожидалось {expected}, найдено {found}"
    mend_en = "export the ledger again from the desk"
    mend_ru = "выгрузите журнал раскрытия заново с рабочего места"


class OutsideFigureError(PreparationError):
    """A file of public statistics is not in the form in which they are imported."""

    code = "outside-figure-refused"
    en = "{file}, line {line}: expected {expected}, found {found}"
    ru = "{file}, строка {line}: ожидалось {expected}, найдено {found}"
    mend_en = "One row per cell and period: the contract's dimensions in its order, TIME_PERIOD, OBS_VALUE."
    mend_ru = "По строке на ячейку и период: измерения договора по порядку, TIME_PERIOD, OBS_VALUE."
