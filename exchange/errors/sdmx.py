"""Contracts that go out to other standards, or come in from them."""

from exchange.errors import ExchangeError, ExitCode, Side


class SdmxError(ExchangeError):
    """The branch of contracts going out to, and coming in from, other standards."""

    side = Side.NODE


class StructuresInvalidError(SdmxError):
    """The official schema refuses a structure message."""

    code = "sdmx-structures-invalid"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "structures as {format}: {place}: the official schema refuses it: {reason}"
    ru = "структуры в формате {format}: {place}: официальная схема не принимает: {reason}"
    mend_en = "nothing was written; the contract itself may be fine: report this with its id and version"
    mend_ru = "ничего не записано; сам договор может быть верным: сообщите об этом, назвав его id и версию"


class OdcsObjectError(SdmxError):
    """The file describes several tables; a contract of ours is about one."""

    code = "odcs-object-not-chosen"
    side = Side.CALLER
    exit_code = ExitCode.USAGE
    en = "schema objects of the file: expected one of {names}, found {found}"
    ru = "объекты схемы в файле: ожидался один из {names}, найдено {found}"
    mend_en = "say which with --object; make a draft for each if the parties want each"
    mend_ru = "назовите его через --object; если сторонам нужны все, сделайте черновик для каждого"
