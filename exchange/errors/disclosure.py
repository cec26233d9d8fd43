"""What cannot be released safely: disclosure control refuses, and says which rule and which cell, never a figure."""

from exchange.errors import ExchangeError, ExitCode, Side

_ADVISE_EN = "What each breakdown costs: exchange bundle advise {contract} {period} --from FILE --mapping MAP.toml"
_ADVISE_RU = "Цена каждого разреза: exchange bundle advise {contract} {period} --from FILE --mapping MAP.toml"


class DisclosureError(ExchangeError):
    """The branch of everything that disclosure control blocks."""

    side = Side.PROVIDER
    exit_code = ExitCode.DISCLOSURE_BLOCKS


class UnsafeTableError(DisclosureError):
    """The audit found a withheld cell that can be computed more closely than the contract permits."""

    code = "table-unsafe"
    en = "{contract} {period}: {exposed} of {withheld} withheld cells are not safe, for example {cell}: {reason}"
    ru = "{contract} {period}: {exposed} из {withheld} скрытых ячеек не защищены, например {cell}: {reason}"
    mend_en = f"Release fewer breakdowns of the table that the cell belongs to. {_ADVISE_EN}"
    mend_ru = f"Выпускайте меньше разрезов таблицы, к которой относится ячейка. {_ADVISE_RU}"


class NoSafePatternError(DisclosureError):
    """Even with everything withheld that may be withheld, the cell could be computed."""

    code = "no-safe-pattern"
    en = "{contract} {period}: no set of withheld cells protects {cell}: {reason}"
    ru = "{contract} {period}: никакой набор скрытых ячеек не защищает {cell}: {reason}"
    mend_en = f"Coarsen a dimension, or hold the revision back until more has changed. {_ADVISE_EN}"
    mend_ru = f"Укрупните измерение или отложите пересмотр, пока изменений не станет больше. {_ADVISE_RU}"


class ParametersTooLooseError(DisclosureError):
    """The secret parameters of the ministry are looser than what all parties signed."""

    code = "parameters-too-loose"
    en = "{contract}: the secret parameter {parameter} is looser than the contract's public minimum"
    ru = "{contract}: секретный параметр {parameter} мягче публичного минимума договора"
    mend_en = "Set {parameter} at least as strict as the contract says."
    mend_ru = "Задайте {parameter} не мягче, чем указано в договоре."


class ParametersMalformedError(DisclosureError):
    """A secret parameter is missing, unknown, or no number in its range."""

    code = "parameters-malformed"
    en = "{contract}: the secret parameter {parameter} must be {expected}"
    ru = "{contract}: секретный параметр {parameter} должен быть: {expected}"


class NotAdditiveError(DisclosureError):
    """The figures of the register contradict each other along a dimension that is additive."""

    code = "table-not-additive"
    en = "{contract} {period}: the parts of {cell} do not agree with it; margins that fail so: {count}"
    ru = "{contract} {period}: части {cell} не сходятся с ней; таких итогов: {count}"
    mend_en = "Aggregate again: every margin is the sum of the codes of its level."
    mend_ru = "Повторите агрегирование: каждый итог есть сумма кодов своего уровня."


class CellOutsideContractError(DisclosureError):
    """The aggregation produced a cell that no table of the contract declares."""

    code = "cell-outside-contract"
    en = "{contract} {period}: {cell} is no cell of the contract's tables"
    ru = "{contract} {period}: {cell} не является ячейкой таблиц договора"


class RequestOutsideContractError(DisclosureError):
    """Somebody asked to withhold a cell that is never released anyway, perhaps by a mistyped code."""

    code = "request-outside-contract"
    en = "{contract}: a request to withhold names what no table of the contract releases: {found}"
    ru = "{contract}: требование скрыть называет то, чего нет ни в одной таблице договора: {found}"
    mend_en = "Name dimensions of the contract and codes that its tables show."
    mend_ru = "Укажите измерения договора и коды, которые показывают его таблицы."


class CellMalformedError(DisclosureError):
    """A cell came with a figure or contributors that cannot be."""

    code = "cell-malformed"
    en = "{contract} {period}: {cell}: {member} must be {expected}"
    ru = "{contract} {period}: {cell}: поле {member} должно быть: {expected}"


class MethodUnsupportedError(DisclosureError):
    """The contract names a method that this program does not have."""

    code = "disclosure-method-unsupported"
    en = "{contract}: the disclosure method {method} is not one this engine offers: {offered}"
    ru = "{contract}: метод защиты {method} не поддерживается, доступны: {offered}"


class PoolError(DisclosureError):
    """The branch of what is safe alone, and not together with what was released before."""

    mend_en = (
        "Withhold a cell of this release that the chain names, coarsen a dimension, or hold the release back. "
        f"{_ADVISE_EN}"
    )
    mend_ru = f"Скройте одну из ячеек этого выпуска в цепочке, укрупните измерение или отложите выпуск. {_ADVISE_RU}"


class PoolComputesError(PoolError):
    """What was released before and this release, taken together, reveal a withheld cell."""

    code = "pool-computes-cell"
    en = "{contract} {period}: together with earlier releases a withheld cell can be computed too closely: {chain}"
    ru = "{contract} {period}: вместе с прежними выпусками скрытая ячейка вычисляется слишком точно: {chain}"


class PoolContributorError(PoolError):
    """What was released before and this release reveal a withheld cell to somebody who knows their own."""

    code = "pool-contributor-computes-cell"
    en = (
        "{contract} {period}: together with earlier releases one of its own contributors can compute a withheld cell "
        "of others too closely: {chain}"
    )
    ru = (
        "{contract} {period}: вместе с прежними выпусками один из респондентов этого выпуска вычисляет скрытую ячейку "
        "других слишком точно: {chain}"
    )


class RecodedExtractError(PoolError):
    """The extract, under an earlier contract's codes, is not what was released under it."""

    code = "recoded-extract-differs"
    en = "{contract} {period}: under the earlier codes this extract differs from {release} in {cells} cells"
    ru = "{contract} {period}: в прежних кодах эта выгрузка расходится с {release}, ячеек: {cells}"
    mend_en = (
        "Use the extract that {release} was built from, or release a revision under the earlier contract first, from "
        "this extract; then build again."
    )
    mend_ru = (
        "Возьмите выгрузку, из которой собран {release}, или сначала выпустите пересмотр по прежнему договору из этой "
        "выгрузки; затем соберите снова."
    )


class PoolShowsError(PoolError):
    """Another release shows the very cell that this one withholds, or the other way round."""

    code = "pool-shows-cell"
    en = "{contract} {period}: what one release withholds another one shows: {chain}"
    ru = "{contract} {period}: то, что скрывает один выпуск, показывает другой: {chain}"


class PoolChangeError(PoolError):
    """The difference to an earlier release is due to too few contributors."""

    code = "pool-shows-small-change"
    en = "{contract} {period}: together with earlier releases a change of too few contributors shows: {chain}"
    ru = "{contract} {period}: вместе с прежними выпусками видно изменение слишком малого числа лиц: {chain}"


class PoolGroupError(PoolError):
    """The difference of two releases is the figure of too few contributors."""

    code = "pool-singles-out-group"
    en = "{contract} {period}: together with earlier releases a group of too few contributors is singled out: {chain}"
    ru = "{contract} {period}: вместе с прежними выпусками выделяется слишком малая группа: {chain}"


class PoolContradictsError(PoolError):
    """This release and earlier ones cannot all be true, so nothing can be proved about them together."""

    code = "pool-contradicts"
    en = "{contract} {period}: the sums of this release contradict each other or earlier ones at {chain}"
    ru = "{contract} {period}: суммы этого выпуска противоречат друг другу или прежним: {chain}"
    mend_en = "Check the register and the earlier release: one of them is wrong."
    mend_ru = "Проверьте реестр и прежний выпуск: один из них неверен."


class PoolUnfinishedError(PoolError):
    """The audit ended at its limit of work without a proof; unproved counts as unsafe."""

    code = "pool-audit-unfinished"
    en = "{contract} {period}: the audit with earlier releases did not end; unproved at {chain}"
    ru = "{contract} {period}: проверка вместе с прежними выпусками не завершена; не доказано: {chain}"


class PoolUnrelatedError(PoolError):
    """Codes of an earlier release have other boundaries, and no file says how the records moved."""

    code = "pool-boundaries-moved"
    en = "{contract} {period}: an earlier release has other boundaries, and only the records tell how: {chain}"
    ru = "{contract} {period}: у прежнего выпуска другие границы, и связь видна только по записям: {chain}"
    mend_en = "Keep the boundaries of the earlier release for this period, or build with the records under both."
    mend_ru = "Сохраните для этого периода прежние границы или соберите выпуск с записями в обеих разбивках."
