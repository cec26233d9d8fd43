"""SDMX structures that would not be valid to others."""

from exchange.errors import ExchangeError, ExitCode


class SdmxError(ExchangeError):
    """The branch of contracts going out to other standards."""


class StructuresInvalidError(SdmxError):
    """The official schema refuses a structure message."""

    code = "sdmx-structures-invalid"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "structures as {format}: {place}: the official schema refuses it: {reason}"
    ru = "структуры в формате {format}: {place}: официальная схема не принимает: {reason}"
    mend_en = "nothing was written; the contract itself may be fine: report this with its id and version"
    mend_ru = "ничего не записано; сам договор может быть верным: сообщите об этом, назвав его id и версию"
