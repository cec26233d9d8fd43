"""What stops the demo."""

from exchange.errors import ExchangeError, Side


class DemoProcessError(ExchangeError):
    """A gateway of the demo did not come up."""

    code = "demo-process"
    side = Side.NODE
    en = "the gateway of {member} did not start; its last lines: {lines}"
    ru = "шлюз {member} не запустился; последние строки: {lines}"
    mend_en = "free memory or ports and run exchange demo again"
    mend_ru = "освободите память или порты и снова запустите exchange demo"


class DemoStepError(ExchangeError):
    """A step of the story ended otherwise than the story says."""

    code = "demo-step"
    side = Side.NODE
    en = "{step}: expected exit {expected}, found {found}: {message}"
    ru = "{step}: ожидался код {expected}, получен {found}: {message}"
    mend_en = "this is a defect of the program or of the machine it runs on; .demo holds what happened"
    mend_ru = "это дефект программы или машины; в .demo сохранено, что произошло"


class DemoAbsentError(ExchangeError):
    """There is no demo to act on."""

    code = "demo-absent"
    en = "no demo in {home}"
    ru = "в {home} нет демонстрации"
    mend_en = "start one: exchange demo up"
    mend_ru = "создайте её: exchange demo up"


class DemoRunningError(ExchangeError):
    """A demo already runs from this folder."""

    code = "demo-running"
    en = "a demo already runs from {home} (process {pid})"
    ru = "демонстрация из {home} уже запущена (процесс {pid})"
    mend_en = "stop it first: exchange demo down"
    mend_ru = "сначала остановите её: exchange demo down"
