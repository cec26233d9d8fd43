"""Tokens, pulls, receipts, publications and partners: what passes between nodes, and why it was refused."""

from exchange.errors import ExchangeError, ExitCode, Side


class PassageError(ExchangeError):
    """The branch of everything that one node refuses another."""

    exit_code = ExitCode.NOT_AUTHORISED


# --- who is calling ---------------------------------------------------------------------------------------------


class TokenMissingError(PassageError):
    """No access token was presented."""

    code = "token-missing"
    en = "access token: expected in the Authorization header under the scheme DPoP, found none"
    ru = "токен доступа: ожидался в заголовке Authorization по схеме DPoP, не найден"
    mend_en = "ask this node's token endpoint for a token"
    mend_ru = "запросите токен у этого узла"


class TokenRefusedError(PassageError):
    """An access token that this node did not issue, that has expired, or that is bound to another key."""

    code = "token-refused"
    en = "access token: {reason}"
    ru = "токен доступа: {reason}"
    mend_en = "ask the token endpoint for a new one"
    mend_ru = "запросите новый токен"


class AssertionRefusedError(PassageError):
    """A client assertion that does not authenticate a member."""

    code = "assertion-refused"
    en = "client assertion: {reason}"
    ru = "подтверждение клиента: {reason}"


class ProofRefusedError(PassageError):
    """A DPoP proof that does not prove possession for this request (RFC 9449 §4.3)."""

    code = "dpop-refused"
    en = "DPoP proof: {reason}"
    ru = "доказательство DPoP: {reason}"
    mend_en = "sign a new proof for this very request"
    mend_ru = "подпишите новое доказательство именно для этого запроса"


class NonceNeededError(PassageError):
    """The DPoP proof carries no nonce of this server, or an old one (RFC 9449 §8)."""

    code = "dpop-nonce-needed"
    en = "DPoP proof: expected the nonce of the header DPoP-Nonce, found {found}"
    ru = "доказательство DPoP: ожидался nonce из заголовка DPoP-Nonce, найдено: {found}"
    mend_en = "repeat the request with the nonce of this answer"
    mend_ru = "повторите запрос с nonce из этого ответа"


class ReplayedError(PassageError):
    """A single-use id that was used before."""

    code = "replayed"
    en = "{subject}: its jti may be used once, found it used"
    ru = "{subject}: jti можно использовать один раз, он уже использован"
    mend_en = "sign a new one"
    mend_ru = "подпишите новое"


class FormRefusedError(PassageError):
    """A token request that is not the form that RFC 6749 asks for."""

    code = "form-refused"
    en = "token request: {reason}"
    ru = "запрос токена: {reason}"


class TooManyRequestsError(PassageError):
    """This caller asked more, or failed more often, than the node's limits allow for a while."""

    code = "too-many-requests"
    exit_code = ExitCode.UNREACHABLE
    en = "requests: more than this node takes from one caller; ask again in {retry_after_s} s"
    ru = "запросы: больше, чем этот узел принимает от одного участника; повторите через {retry_after_s} с"
    mend_en = "wait for as long as the header Retry-After says"
    mend_ru = "подождите столько, сколько указано в заголовке Retry-After"


# --- pulls ------------------------------------------------------------------------------------------------------


class NotFoundError(PassageError):
    """Never a party, unknown, or before its time: one and the same answer."""

    code = "not-found"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "nothing here for this caller"
    ru = "для этого участника здесь ничего нет"


class AuditorNoDataError(PassageError):
    """The auditor reads every file of a bundle except data.csv, and never the whole."""

    code = "auditor-no-data"
    en = "bundle {bundle}: the auditor reads every file but data.csv, and not the ZIP"
    ru = "набор {bundle}: аудитор читает все файлы, кроме data.csv, и не читает ZIP"


class PullEndedError(PassageError):
    """The contract has ended: nothing is pulled under it any more."""

    code = "contract-ended"
    side = Side.PARTIES
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "contract {contract}: ended, so nothing is pulled under it"
    ru = "договор {contract}: прекращён, выдача по нему закрыта"


class PullSuspendedError(PassageError):
    """The contract is suspended: no first pulls; a party may repeat a pull of its own."""

    code = "contract-suspended"
    side = Side.PARTIES
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "contract {contract}: suspended, so a bundle may only be pulled again by whoever pulled it before"
    ru = "договор {contract}: приостановлен, набор может повторно получить только тот, кто уже получал его"


class PullNotInForceError(PassageError):
    """The contract is not in force."""

    code = "contract-not-in-force-here"
    side = Side.PARTIES
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "contract {contract}: not in force, its state is {state}"
    ru = "договор {contract}: не в силе, его состояние: {state}"


class BundleWithdrawnError(PassageError):
    """The bundle was withdrawn by its provider."""

    code = "bundle-withdrawn"
    side = Side.PROVIDER
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "bundle {bundle}: withdrawn by its provider; why and by whom: {link}"
    ru = "набор {bundle}: отозван поставщиком; почему и кем: {link}"


class AlreadyWithdrawnError(PassageError):
    """A bundle is withdrawn once; what was said about it stands."""

    code = "already-withdrawn"
    en = "bundle {bundle}: it has a withdrawal already, with other words or other officers"
    ru = "набор {bundle}: уже отозван, другими словами или другими должностными лицами"
    mend_en = "the first withdrawal stands; nothing needs to be done"
    mend_ru = "первый отзыв в силе; делать ничего не нужно"


class ReceiptOwedError(PassageError):
    """Another bundle of the contract was pulled and its receipt is overdue."""

    code = "receipt-owed"
    en = "contract {contract}: {puller} owes the receipt for bundle {bundle}, due {due}"
    ru = "договор {contract}: {puller} должен квитанцию за набор {bundle}, срок {due}"
    mend_en = "send the receipt owed, with whatever verdict; then pull again"
    mend_ru = "отправьте квитанцию с любым вердиктом и повторите запрос"


class BundleDamagedError(PassageError):
    """The stored bytes are not those that were published: the publisher's own fault, and nothing is served."""

    code = "bundle-damaged"
    side = Side.NODE
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "bundle {bundle} at {member}: stored bytes: expected {expected}, computed {computed}"
    ru = "набор {bundle} у {member}: сохранённые байты: ожидалось {expected}, вычислено {computed}"
    mend_en = "the publisher must restore the file from its backup or from any partner who pulled it"
    mend_ru = "поставщик должен восстановить файл из резервной копии или у любого, кто его получил"


# --- receipts ---------------------------------------------------------------------------------------------------


class ReceiptMismatchError(PassageError):
    """A receipt that does not fit the pull it names."""

    code = "receipt-mismatch"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "receipt for pull {pull}: {field}: expected {expected}, found {found}"
    ru = "квитанция за выдачу {pull}: {field}: ожидалось {expected}, найдено {found}"


class PullUnknownError(PassageError):
    """A receipt for a pull that this node never answered."""

    code = "pull-unknown"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "pull {pull}: this node has no such pull by {puller}"
    ru = "выдача {pull}: у этого узла нет такой выдачи для {puller}"


# --- publications -----------------------------------------------------------------------------------------------


class BundleIdentityTakenError(PassageError):
    """A second bundle with the identity of an earlier one."""

    code = "bundle-identity-taken"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "bundle {bundle}: provider, contract, period, recipients and revision are already those of {earlier}"
    ru = "набор {bundle}: поставщик, договор, период, получатели и редакция уже принадлежат набору {earlier}"
    mend_en = "prepare the next revision instead"
    mend_ru = "подготовьте следующую редакцию"


class RevisionOrderError(PassageError):
    """Revisions count 0, 1, 2… and each supersedes the one before."""

    code = "revision-order"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "bundle {bundle}: {field}: expected {expected}, found {found}"
    ru = "набор {bundle}: {field}: ожидалось {expected}, найдено {found}"


class NotOurBundleError(PassageError):
    """A hand-over of a bundle that another member provides."""

    code = "not-our-bundle"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "bundle {bundle}: provider: expected {expected}, found {found}"
    ru = "набор {bundle}: поставщик: ожидался {expected}, найден {found}"


class NotAPartyError(PassageError):
    """A contract or statement offered by or to somebody who is not a party."""

    code = "not-a-party"
    en = "contract {contract}: {member} is not a party"
    ru = "договор {contract}: {member} не сторона"


class ContractUnknownError(PassageError):
    """A contract that this node does not hold."""

    code = "contract-unknown"
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "contract {contract}: this node does not hold its text"
    ru = "договор {contract}: у этого узла нет его текста"
    mend_en = "propose it first: exchange contract sign sends text and statement"
    mend_ru = "сначала предложите его: exchange contract sign отправляет текст и подпись"


class ContractVersionTakenError(PassageError):
    """Another text under the same id and version."""

    code = "contract-version-taken"
    exit_code = ExitCode.CONTRACT_REFUSES
    en = "contract {contract} {version}: this node already holds {held}, found {found}"
    ru = "договор {contract} {version}: у этого узла уже есть {held}, найдено {found}"
    mend_en = "an amendment is a new version"
    mend_ru = "изменение оформляется новой версией"


# --- partners ---------------------------------------------------------------------------------------------------


class PartnerError(ExchangeError):
    """The branch of what goes wrong at a partner's side of a call."""

    side = Side.PARTNER
    exit_code = ExitCode.UNREACHABLE


class PartnerUnreachableError(PartnerError):
    """The partner's node did not answer."""

    code = "partner-unreachable"
    en = "{partner}: its node at {issuer} did not answer: {reason}"
    ru = "{partner}: узел {issuer} не ответил: {reason}"
    mend_en = "nothing was changed here; try again when the partner is back"
    mend_ru = "здесь ничего не изменено; повторите, когда партнёр снова доступен"


class PartnerRefusedError(PartnerError):
    """The partner answered with a problem of its own."""

    code = "partner-problem"
    exit_code = ExitCode.NOT_AUTHORISED
    en = "{partner} refused {subject} with {status} {problem}: {detail}"
    ru = "{partner} отклонил {subject}: {status} {problem}: {detail}"


class PartnerMalformedError(PartnerError):
    """The partner answered with something that the interface does not know."""

    code = "partner-malformed"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "{partner}: answer to {subject}: {reason}"
    ru = "{partner}: ответ на {subject}: {reason}"
