"""What stops a node, or holds it back: its store, its log's head, its disk."""

from exchange.errors import ExchangeError, ExitCode, Side


class NodeError(ExchangeError):
    """The branch of everything that concerns one node's own machine."""

    side = Side.NODE


class StoreNewerError(NodeError):
    """The database was written by a later version of the program."""

    code = "store-newer"
    en = "{file}: schema number: this program knows up to {known}, found {found}"
    ru = "{file}: номер схемы: эта программа знает до {known}, найдено {found}"
    mend_en = "run the version of the program that wrote it, or a later one; nothing was changed"
    mend_ru = "запустите ту версию программы, которая её записала, или более новую; ничего не изменено"


class StorageFullError(NodeError):
    """The disk is full or the folder is read-only: the node reads, and answers nothing that needs an entry."""

    code = "storage-full"
    side = Side.NODE
    en = "{member}: nothing can be written, so nothing is served that must be logged first: {reason}"
    ru = "{member}: запись невозможна, поэтому не выдаётся ничего, что сначала заносится в журнал: {reason}"
    mend_en = "free space or restore write permission; the node goes on by itself"
    mend_ru = "освободите место или верните право записи; узел продолжит работу сам"


class NodeStoppedError(NodeError):
    """The node stopped itself rather than go on with a log it cannot vouch for."""

    code = "node-stopped"
    exit_code = ExitCode.UNREACHABLE
    en = "{member}: the node stopped after an error at the log: {reason}"
    ru = "{member}: узел остановлен после ошибки журнала: {reason}"
    mend_en = "start it again; it completes what was durable and repeats nothing"
    mend_ru = "запустите его снова; он завершит записанное и ничего не повторит"


class HeadMovedError(NodeError):
    """Somebody else advanced the log's head: two writers would sign two histories."""

    code = "log-head-moved"
    en = "{origin}: head of the log: expected size {expected}, found another"
    ru = "{origin}: голова журнала: ожидался размер {expected}, найден другой"
    mend_en = "let only one gateway process use this folder"
    mend_ru = "пусть с этой папкой работает только один процесс шлюза"


class TileDiffersError(NodeError):
    """A tile on disk is not the one that the entries give."""

    code = "tile-differs"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "{path}: tile: expected the bytes that the stored entries give, found others"
    ru = "{path}: плитка: ожидались байты, которые дают сохранённые записи, найдены другие"
    mend_en = "the file was altered; keep it as evidence, move it away and start again: it is written anew"
    mend_ru = "файл изменён; сохраните его как доказательство, уберите и запустите снова: он будет записан заново"


class LogBehindWitnessError(NodeError):
    """A witness has cosigned more of this log than the node holds: a restored backup."""

    code = "log-behind-witness"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "{origin}: size of the log: witness {witness} has cosigned {known}, this node holds {size}"
    ru = "{origin}: размер журнала: свидетель {witness} подписал {known}, этот узел хранит {size}"
    mend_en = (
        "a backup was restored: do not sign; refetch the missing entries with exchange log recover; "
        "if no mirror has them all, the log is cut and a new one begun: docs/ceremony.md"
    )
    mend_ru = (
        "восстановлена резервная копия: не подписывайте; получите недостающие записи: exchange log recover; "
        "если ни одно зеркало не хранит всех, журнал обрывают и начинают новый: docs/ceremony.md"
    )


class LogNotInMirrorError(NodeError):
    """What this node holds is no beginning of its mirrored log: something else than a lost tail is wrong."""

    code = "log-not-in-mirror"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "{origin}: the first {size} entries: the mirror's lead to root {expected}, this node's to {found}"
    ru = "{origin}: первые записи, {size}: в зеркале они ведут к корню {expected}, на этом узле к {found}"
    mend_en = "nothing was changed; keep the folder as evidence and restore another backup"
    mend_ru = "ничего не изменено; сохраните папку как доказательство и восстановите другую резервную копию"


class LogMirrorsShortError(NodeError):
    """A mirror shows a checkpoint that a quorum cosigned, and no mirror gives the entries under it."""

    code = "log-mirrors-short"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "{origin}: a quorum cosigned {expected} entries, the mirrors give {found}; passed over: {mirrors}"
    ru = "{origin}: кворум заверил записей: {expected}, зеркала дают {found}; пропущены: {mirrors}"
    mend_en = "nothing was changed; have the mirrors named mended, try again; if it is lost: log recover --to-cut"
    mend_ru = "ничего не изменено; пусть названные зеркала исправят, повторите; если утрачено: log recover --to-cut"


class LogEndedError(NodeError):
    """The log has its last entry, and another takes its place."""

    code = "log-ended"
    en = "{origin}: the log ended at size {size}; nothing more is entered in it"
    ru = "{origin}: журнал завершён при размере {size}; записей в него больше не вносится"
    mend_en = "put the next log's key into private/gateway (exchange key use) and start again"
    mend_ru = "поместите ключ следующего журнала в private/gateway (exchange key use) и перезапустите"


class LogNotReplacedError(NodeError):
    """A log is closed only once the registry says which one takes its place."""

    code = "log-not-replaced"
    exit_code = ExitCode.NOT_AUTHORISED
    en = "{origin}: the next log: expected in the registry before this one is closed, found none"
    ru = "{origin}: следующий журнал: до закрытия этого ожидался в реестре, не найден"
    mend_en = "have it decided first: exchange trust propose log --application FILE"
    mend_ru = "сначала нужно решение: exchange trust propose log --application FILE"


class LogSuccessorError(NodeError):
    """A log's key in a folder whose log it does not continue."""

    code = "log-successor"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "{origin}: the log that it continues: expected {expected}, found {found} in this folder"
    ru = "{origin}: журнал, который он продолжает: ожидался {expected}, в этой папке найден {found}"
    mend_en = "put the earlier key back, start, run exchange log end; a cut log is recovered up to where it was cut"
    mend_ru = "верните прежний ключ, запустите, выполните exchange log end; оборванный журнал восстанавливают до обрыва"


class LogNotConfirmedError(NodeError):
    """After a start nothing is signed before a quorum of witnesses has confirmed the last checkpoint."""

    code = "log-not-confirmed"
    exit_code = ExitCode.UNREACHABLE
    en = "{origin}: last checkpoint of size {size}: {needed} witnesses must confirm it after a start, so far {found}"
    ru = "{origin}: последняя контрольная точка, размер {size}: подтвердить должны {needed}, пока {found}"
    mend_en = "the node asks again by itself as soon as more witnesses answer"
    mend_ru = "узел повторит запрос сам, как только ответят другие свидетели"


class LogUncosignedError(NodeError):
    """No quorum has cosigned the log for too long."""

    code = "log-uncosigned"
    exit_code = ExitCode.UNREACHABLE
    en = "{origin}: cosigned by a quorum within {allowed_s} s, found nothing for {found_s} s"
    ru = "{origin}: подпись кворума не позднее {allowed_s} с, её нет {found_s} с"
    mend_en = "bring the witnesses back; pulls are answered again once a quorum has cosigned"
    mend_ru = "восстановите связь со свидетелями; выдача возобновится после подписи кворума"


class NodeLockedError(NodeError):
    """Another gateway process already runs on this folder."""

    code = "node-locked"
    en = "{folder}: another gateway runs on this folder"
    ru = "{folder}: с этой папкой уже работает другой шлюз"
    mend_en = "stop the other process first"
    mend_ru = "сначала остановите другой процесс"


class KeyMissingError(NodeError):
    """The node's folder lacks a private key it needs."""

    code = "key-missing"
    en = "{member}: private key for {purpose}: expected in the node's folder and named in the registry, found none"
    ru = "{member}: закрытый ключ для {purpose}: ожидался в папке узла и в реестре, не найден"
    mend_en = "put the key file into the folder; a key without its entry in the registry does not count"
    mend_ru = "поместите файл ключа в папку; ключ без записи в реестре не действует"


class RequestTooLargeError(NodeError):
    """A request with more bytes than its limit."""

    code = "request-too-large"
    side = Side.CALLER
    en = "body of the request: at most {bytes_max} bytes"
    ru = "тело запроса: не более {bytes_max} байт"


class RequestHeadTooLargeError(NodeError):
    """A request whose head, or whose framing, is longer than its limit."""

    code = "request-head-too-large"
    side = Side.CALLER
    en = "head of the request: at most {bytes_max} bytes in {fields_max} fields"
    ru = "заголовки запроса: не более {bytes_max} байт и {fields_max} полей"


class RequestTooSlowError(NodeError):
    """A request that did not arrive whole in time."""

    code = "request-too-slow"
    side = Side.CALLER
    en = "request: expected whole within {seconds} s"
    ru = "запрос: ожидался целиком за {seconds} с"


class RequestCodingError(NodeError):
    """A request whose body is compressed: nothing that a caller sends is unpacked."""

    code = "request-coding"
    side = Side.CALLER
    en = "body of the request: expected as it is, found a Content-Encoding"
    ru = "тело запроса: ожидалось без сжатия, найден Content-Encoding"
    mend_en = "send the body uncompressed"
    mend_ru = "отправьте тело без сжатия"


class RequestMalformedError(NodeError):
    """A request that is not in the form the interface asks for."""

    code = "request-malformed"
    side = Side.CALLER
    exit_code = ExitCode.USAGE
    en = "{subject}: {reason}"
    ru = "{subject}: {reason}"


class WaitExceededError(NodeError):
    """The log's writer did not answer in time."""

    code = "wait-exceeded"
    exit_code = ExitCode.UNREACHABLE
    en = "{subject}: expected within {seconds} s"
    ru = "{subject}: ожидалось за {seconds} с"
    mend_en = "what was durable stays; ask again"
    mend_ru = "записанное сохранено; повторите запрос"
