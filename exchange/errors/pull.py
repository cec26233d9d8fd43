"""What can stop a pull on the puller's side; every sentence names the side at fault."""

from exchange.errors import ExchangeError, ExitCode, Side


class PullError(ExchangeError):
    """The branch of everything that stops a pull here."""

    side = Side.PARTNER
    exit_code = ExitCode.DOES_NOT_HOLD


class NotOfferedError(PullError):
    """The partner's catalogue has no such bundle for this member; unknown and not allowed look the same."""

    code = "pull-not-offered"
    side = Side.CALLER
    exit_code = ExitCode.NOT_AUTHORISED
    en = "{partner} offers {member} no bundle of {contract} for {period}"
    ru = "{partner} не предлагает участнику {member} набора {contract} за {period}"
    mend_en = "see what it offers: exchange --node {member} catalogue {partner}"
    mend_ru = "посмотрите, что предлагается: exchange --node {member} catalogue {partner}"


class OfferWithdrawnError(PullError):
    """The newest revision was taken back; an earlier one was superseded before that and is not pulled in its place."""

    code = "pull-withdrawn"
    side = Side.PROVIDER
    en = (
        "{contract} for {period}: {partner} has withdrawn revision {revision}, bundle {bundle}; {member} takes no other"
    )
    ru = "{contract} за {period}: {partner} отозвал редакцию {revision}, набор {bundle}; {member} не берёт другой"
    mend_en = "if it was pulled here, read why and acknowledge: exchange --node {member} withdrawal look {partner}"
    mend_ru = "если он получен здесь, причина и подтверждение: exchange --node {member} withdrawal look {partner}"


class OfferAmbiguousError(PullError):
    """A prefix that several contracts begin with."""

    code = "pull-contract-ambiguous"
    side = Side.CALLER
    exit_code = ExitCode.USAGE
    en = "contract {contract}: {partner} offers several that begin so: {found}"
    ru = "договор {contract}: {partner} предлагает несколько с таким началом: {found}"
    mend_en = "write the whole id of one of them"
    mend_ru = "укажите один из них полностью"


class PurposeError(PullError):
    """A purpose that the contract does not permit."""

    code = "pull-purpose"
    side = Side.CALLER
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "contract {contract}: permitted purposes are {expected}, found {found}"
    ru = "договор {contract}: допустимые цели: {expected}, указано {found}"
    mend_en = "name one of them with --purpose"
    mend_ru = "укажите одну из них через --purpose"


class PullFolderTakenError(PullError):
    """The folder to write to already holds something else."""

    code = "pull-folder-taken"
    side = Side.CALLER
    exit_code = ExitCode.ERROR
    en = "{folder}: expected no folder, an empty one, or this very bundle; found {found}"
    ru = "{folder}: ожидалась отсутствующая или пустая папка либо тот же набор; найдено: {found}"
    mend_en = "name another folder with -o"
    mend_ru = "укажите другую папку через -o"


class DeliveryRefusedError(PullError):
    """A delivery whose signed evidence does not hold; the bundle in it is not even looked at."""

    code = "pull-delivery"
    en = "delivery of {bundle} by {party}: {field}: expected {expected}, found {found}; at fault: {party}"
    ru = "выдача {bundle} участником {party}: {field}: ожидалось {expected}, найдено {found}; виновная сторона: {party}"
    mend_en = "the refusal is logged and receipted; tell {party}, pull again, and let the auditor see both logs"
    mend_ru = "отказ записан и подтверждён; сообщите {party}, повторите получение, аудитор сверит оба журнала"


class DeliveryContentError(PullError):
    """Bytes other than those the publisher signed for: changed on the way, or never the signed ones; nothing tells."""

    code = "delivery-content"
    en = "bytes of {bundle} from {partner}: signed for {expected}, arrived {found}; at fault: the way or {partner}"
    ru = "байты {bundle} от {partner}: подписано {expected}, пришло {found}; виновны канал или {partner}"
    mend_en = "nothing was kept; pull again: if it happens again over another line, tell {partner}"
    mend_ru = "ничего не сохранено; повторите получение; если повторится по другому каналу, сообщите {partner}"


class PulledBundleError(PullError):
    """A delivered bundle that does not verify."""

    code = "pull-bundle"
    side = Side.PROVIDER
    en = "bundle {bundle} as {party} delivered it: {check}: {reason}; at fault: {party}"
    ru = "набор {bundle}, выданный участником {party}: {check}: {reason}; виновная сторона: {party}"
    mend_en = "nothing was kept; the refusal is logged and receipted; tell {party} and pull again"
    mend_ru = "ничего не сохранено; отказ записан и подтверждён; сообщите {party} и повторите получение"


class CutShortError(PullError):
    """The branch of deliveries that began, or may have begun, and did not end: logged and receipted as incomplete."""

    delivery: str = ""  # the publisher's signed word, where it had come


class BrokenOffError(CutShortError):
    """A delivery that broke off before its last byte, or a request whose answer never came."""

    code = "pull-broken-off"
    exit_code = ExitCode.UNREACHABLE
    en = "delivery of {bundle} by {partner} broke off: {reason}; the connection is at fault, no verdict on {partner}"
    ru = "выдача {bundle} участником {partner} прервалась: {reason}; причина в связи, а не в {partner}"
    mend_en = "pull again; what broke off is logged and receipted as incomplete"
    mend_ru = "повторите получение; прерванная выдача записана и подтверждена как неполная"


class OverlongError(CutShortError):
    """A delivery larger than this node takes."""

    code = "pull-overlong"
    en = "delivery of {bundle} by {partner}: at most {bytes_max} bytes, found more; at fault: {partner}"
    ru = "выдача {bundle} участником {partner}: не более {bytes_max} байт, пришло больше; виновная сторона: {partner}"
    mend_en = "nothing was kept; it is logged and receipted as incomplete; tell {partner}"
    mend_ru = "ничего не сохранено; выдача записана и подтверждена как неполная; сообщите {partner}"


class PartnerContractError(PullError):
    """The partner's catalogue or bundle names a contract that this member does not hold."""

    code = "pull-contract-unknown"
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "contract {contract} of {partner}: {member} does not hold it"
    ru = "договор {contract} участника {partner}: у {member} его нет"
    mend_en = "have {partner} propose it to {member}, or sign it first: exchange contract sign"
    mend_ru = "пусть {partner} предложит его участнику {member}, или сначала подпишите: exchange contract sign"
