"""Files of two-sided flows that mirror statistics cannot be made of; a sentence never names a figure."""

from exchange.errors import ExchangeError, ExitCode


class MirrorError(ExchangeError):
    """The branch of everything that mirror statistics are refused for."""

    exit_code = ExitCode.USAGE


class FlowFieldError(MirrorError):
    """A file of two-sided flows is no CSV in UTF-8, lacks a column, or says what the column cannot say."""

    code = "flow-field-malformed"
    en = "{file}, line {line}, column {column}: expected {expected}, found {found}"
    ru = "{file}, строка {line}, столбец {column}: ожидалось {expected}, найдено {found}"
    mend_en = "correct the file; its form is described in docs/MIRROR.md"
    mend_ru = "исправьте файл; его форма описана в docs/MIRROR.md"


class FlowsTooFewError(MirrorError):
    """No flow up to the year asked for was reported by both sides, so there is nothing to learn a ratio from."""

    code = "flows-too-few"
    en = "{file}: flows up to {until} that both sides report, each at least {least}: expected 1 or more, found {found}"
    ru = "{file}: потоки до {until} с данными обеих сторон, каждое не менее {least}: ожидалось от 1, найдено {found}"
    mend_en = "name a later year with --until, or a file with earlier years"
    mend_ru = "укажите более поздний год через --until или файл с более ранними годами"
