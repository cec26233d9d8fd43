"""Settings and folders a process cannot start with."""

from exchange.errors import ExchangeError, ExitCode, Side


class SettingsError(ExchangeError):
    """A setting that is missing, unknown, or out of range."""

    code = "setting-refused"
    side = Side.NODE
    exit_code = ExitCode.USAGE
    en = "{file}: setting {setting}: {reason}"
    ru = "{file}: параметр {setting}: {reason}"
    mend_en = "correct {setting} in {file} and start again"
    mend_ru = "исправьте {setting} в {file} и запустите снова"


class NodeNotFoundError(ExchangeError):
    """There is no node in the folder that was named."""

    code = "node-not-found"
    exit_code = ExitCode.USAGE
    en = "no node in {folder}: it has no node.toml"
    ru = "в {folder} нет узла: нет файла node.toml"
    mend_en = "name a node's folder with --node, or create one with exchange init; for a trial: exchange demo"
    mend_ru = "укажите папку узла через --node или создайте её командой exchange init; для пробы: exchange demo"


class NodeRequiredError(ExchangeError):
    """A command that acts for a member was called without one."""

    code = "node-required"
    exit_code = ExitCode.USAGE
    en = "{command} acts for one member: name its node"
    ru = "{command} действует от имени участника: укажите его узел"
    mend_en = "exchange --node kz {command} …"
    mend_ru = "exchange --node kz {command} …"


class UnknownCommandError(ExchangeError):
    """There is no such command."""

    code = "unknown-command"
    exit_code = ExitCode.USAGE
    en = "no command {command}"
    ru = "нет команды {command}"
    mend_en = "exchange --help lists the commands"
    mend_ru = "exchange --help показывает команды"


class CommandLineError(ExchangeError):
    """A command line that was not understood."""

    code = "command-line"
    exit_code = ExitCode.USAGE
    en = "not understood: {reason}"
    ru = "команда не понята: {reason}"
    mend_en = "{command}"
    mend_ru = "{command}"


class FolderTakenError(ExchangeError):
    """A folder that was to become a node holds something already."""

    code = "folder-taken"
    exit_code = ExitCode.USAGE
    en = "{folder} is not empty: a node's folder is made anew, or not at all"
    ru = "{folder} не пуста: папка узла создаётся заново или не создаётся вовсе"
    mend_en = "name a folder that does not exist yet"
    mend_ru = "укажите папку, которой ещё нет"


class IssuerDiffersError(ExchangeError):
    """An address for the gateway that the registry does not name."""

    code = "issuer-differs"
    side = Side.NODE
    exit_code = ExitCode.USAGE
    en = "{member}: address of the gateway: the registry says {expected}, found {found}"
    ru = "{member}: адрес шлюза: в реестре {expected}, указано {found}"
    mend_en = "use the registry's address, or have the member's two delegation keys sign the new one first"
    mend_ru = "используйте адрес из реестра или сначала подпишите новый двумя ключами делегирования участника"


class FileRefusedError(ExchangeError):
    """A file or folder that the operating system did not let us read or write."""

    code = "file-refused"
    side = Side.NODE
    en = "{path}: {reason}"
    ru = "{path}: {reason}"
    mend_en = "check the path, the permission and the free space; nothing was half-written: run the command again"
    mend_ru = "проверьте путь, права и свободное место; ничего не записано наполовину: повторите команду"


class GatewayAnswerError(ExchangeError):
    """The node's own gateway answered with something that is no answer."""

    code = "own-gateway-answer"
    side = Side.NODE
    en = "the gateway of {member}: {code}: {detail}"
    ru = "шлюз {member}: {code}: {detail}"
    mend_en = "its output and exchange --node {node} health may say more"
    mend_ru = "подробности могут быть в его выводе и в exchange --node {node} health"


class GatewayDownError(ExchangeError):
    """The node's own gateway does not answer on its local socket."""

    code = "own-gateway-down"
    side = Side.NODE
    exit_code = ExitCode.UNREACHABLE
    en = "the gateway of {member} does not answer on its local socket"
    ru = "шлюз {member} не отвечает на локальном сокете"
    mend_en = "start it: exchange --node {node} serve"
    mend_ru = "запустите его: exchange --node {node} serve"


class CodeUnknownError(ExchangeError):
    """A page was asked for about a code that no error has."""

    code = "code-unknown"
    exit_code = ExitCode.USAGE
    en = "no error has the code {found}"
    ru = "нет ошибки с кодом {found}"
    mend_en = "exchange errors lists them"
    mend_ru = "exchange errors показывает их"


class ServedPartDownError(ExchangeError):
    """Gateway and desk were started as one program, and one of them did not come up or ended by itself."""

    code = "served-part-down"
    side = Side.NODE
    en = "{part}: {reason}; the whole program has ended"
    ru = "{part}: {reason}; программа завершена целиком"
    mend_en = "what it printed before says why: mend that and start again"
    mend_ru = "причина в том, что напечатано выше: устраните её и запустите снова"
