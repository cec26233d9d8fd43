"""What a node's web side refuses before any rule of the exchange is asked."""

from exchange.errors import ExchangeError, ExitCode, Side


class WebError(ExchangeError):
    """The branch of everything that is refused for the request's form alone."""

    exit_code = ExitCode.USAGE


class InternalError(WebError):
    """The program failed in a way that nobody foresaw; nothing of it is told to the caller."""

    code = "internal"
    side = Side.NODE
    exit_code = ExitCode.ERROR
    en = "this node failed; its operator can see why"
    ru = "сбой узла; причину видит его оператор"
    mend_en = "ask again later; tell the node's operator when it was"
    mend_ru = "повторите позже; сообщите оператору узла время сбоя"


class NoSuchAddressError(WebError):
    """A path that this interface does not have; each address has exactly one spelling."""

    code = "no-such-address"
    en = "this node has no such address"
    ru = "у этого узла нет такого адреса"


class MethodNotAllowedError(WebError):
    """A method that this address does not answer; the header Allow names those that it does."""

    code = "method-not-allowed"
    en = "this address does not answer this method"
    ru = "этот адрес не отвечает на такой метод"


class AddressTooLongError(WebError):
    """A path or query with more characters than any address here has."""

    code = "address-too-long"
    en = "address of the request: at most {chars_max} characters"
    ru = "адрес запроса: не более символов: {chars_max}"


class FrameworkRefusedError(WebError):
    """The web server refused the request before it reached the exchange."""

    code = "http"
    en = "the request was refused: {phrase}"
    ru = "запрос отклонён: {phrase}"
