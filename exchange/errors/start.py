"""What a node does not start under: it would run, and would not be safe."""

from exchange.errors import ExchangeError, ExitCode, Side


class UnsafeStartError(ExchangeError):
    """The branch of everything that keeps a node from starting though it could."""

    side = Side.NODE
    exit_code = ExitCode.USAGE


class IssuerInClearError(UnsafeStartError):
    """Partners would be told to bring their tokens over http; only a demonstration, on its own machine, may."""

    code = "start-issuer-in-clear"
    en = "{member}: gateway.issuer: outside a demonstration it begins with https://, found {found}"
    ru = "{member}: gateway.issuer: вне демонстрации начинается с https://, найдено {found}"
    mend_en = (
        "give the gateway a certificate (gateway.tls) or a proxy that ends TLS, and change the issuer by a ceremony"
    )
    mend_ru = "дайте шлюзу сертификат (gateway.tls) или прокси с TLS и смените адрес через церемонию"


class DoorInClearError(UnsafeStartError):
    """The port would take connections without TLS from other machines, with no proxy named before it."""

    code = "start-door-in-clear"
    en = (
        "{member}: gateway.host {host}: without gateway.tls or gateway.trusted_proxies it must be of this machine alone"
    )
    ru = "{member}: gateway.host {host}: без gateway.tls и gateway.trusted_proxies доступ только с этой машины"
    mend_en = "set gateway.tls, or name the proxy in gateway.trusted_proxies, or listen at 127.0.0.1"
    mend_ru = "задайте gateway.tls, или прокси в gateway.trusted_proxies, или адрес 127.0.0.1"


class ClockOffError(UnsafeStartError):
    """Most members that answered have another time: expiry, embargo and every signed time would be wrong."""

    code = "start-clock-off"
    en = "{member}: clock of this machine: expected within {allowed_s} s of {members}, found {found_s} s"
    ru = "{member}: часы машины: допустимо отличие {allowed_s} с от {members}, найдено {found_s} с"
    mend_en = "set the clock by NTP and start again"
    mend_ru = "установите часы по NTP и запустите снова"


class ClockBehindLogError(UnsafeStartError):
    """The newest entry of the own log lies in the future: the clock was set back."""

    code = "start-clock-behind-log"
    en = "{member}: clock of this machine: expected at or after the own log's newest entry, {expected}, found {found}"
    ru = "{member}: часы машины: ожидалось не раньше последней записи своего журнала, {expected}, найдено {found}"
    mend_en = "set the clock by NTP and start again; entries dated otherwise are a finding of the audit"
    mend_ru = "установите часы по NTP и запустите снова; иначе датированные записи аудит отметит"
