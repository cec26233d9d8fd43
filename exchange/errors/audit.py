"""What an audit finds: each finding is a leaf with the party at fault, and facts that its evidence proves.

Findings about a log as such are in `audit_logs`. A finding is a value first (the audit goes on to the next one) and an
error only if somebody raises it. The sentence never says more than the named evidence shows; where the evidence does
not decide, `party` is `undecided`.
"""

from exchange.errors import ExchangeError, ExitCode, Side


class FindingError(ExchangeError):
    """The branch of everything an audit can find."""

    side = Side.PARTY
    exit_code = ExitCode.DOES_NOT_HOLD


class NoAuditYetError(FindingError):
    """Findings were asked for before any audit was run."""

    code = "audit-not-run"
    side = Side.CALLER
    exit_code = ExitCode.ERROR
    en = "{member} has not run an audit yet"
    ru = "{member} ещё не проводил аудит"
    mend_en = "exchange --node {member} audit run"
    mend_ru = "exchange --node {member} audit run"


class NotAuditorError(FindingError):
    """An audit asked of a member that the registry does not name as auditor."""

    code = "audit-not-auditor"
    side = Side.CALLER
    exit_code = ExitCode.NOT_AUTHORISED
    en = "{member} is not the auditor of this federation, {auditor} is"
    ru = "{member} не аудитор этой федерации, аудитор: {auditor}"
    mend_en = "run it on the node of {auditor}"
    mend_ru = "запустите на узле {auditor}"


class FindingUnknownError(FindingError):
    """A finding by a number that the last audit does not have."""

    code = "audit-finding-unknown"
    side = Side.CALLER
    exit_code = ExitCode.USAGE
    en = "finding {number}: the last audit's findings: {found}"
    ru = "замечание {number}: у последнего аудита замечаний: {found}"
    mend_en = "exchange audit findings numbers them"
    mend_ru = "их номера покажет exchange audit findings"


class AuditSubjectError(FindingError):
    """A pull or bundle, by the first digits of its digest, that no log collected names, or more than one."""

    code = "audit-subject"
    side = Side.CALLER
    exit_code = ExitCode.USAGE
    en = "{subject}: expected the first digits of one pull or bundle that a collected log names, found {found}"
    ru = "{subject}: ожидались первые цифры одной выдачи или набора из собранных журналов, найдено: {found}"


# Publications ---------------------------------------------------------------------------------------------------------


class PublicationRefusedError(FindingError):
    """A publication whose files, other than its data, do not verify."""

    code = "publication-unverifiable"
    en = "bundle {bundle} of {party}: published, but does not verify: {reason}"
    ru = "набор {bundle} участника {party}: опубликован, но не проходит проверку: {reason}"


class RevokedKeyError(FindingError):
    """A bundle signed with a key of its publisher that did not count when witnesses saw it, though it had or would."""

    code = "revoked-key-used"
    en = "bundle {bundle} of {party}: signed by its key {kid}, which did not count at {at}"
    ru = "набор {bundle} участника {party}: подписан его ключом {kid}, который на {at} не действовал"
    mend_en = "{party} withdraws the bundle and publishes it again, signed by its present keys"
    mend_ru = "{party} отзывает набор и публикует его снова, подписав действующими ключами"


class OneOfficerTwiceError(FindingError):
    """A publication whose two approvals are one officer's."""

    code = "one-officer-twice"
    en = "bundle {bundle} of {party}: officer {officer} approved it twice; a second officer must"
    ru = "набор {bundle} участника {party}: {officer} одобрил его дважды; требуется второе должностное лицо"
    mend_en = "{party} withdraws the bundle, and two officers clear it"
    mend_ru = "{party} отзывает набор, и его согласуют два должностных лица"


class BundleAlteredError(FindingError):
    """A publisher that found its own stored bundle changed, and refused to serve it."""

    code = "stored-bundle-altered"
    en = "bundle {bundle} of {party}: its stored bytes were altered; its own log entry {index} at {at} says so"
    ru = "набор {bundle} участника {party}: хранимые байты изменены; это признаёт его запись {index} от {at}"
    mend_en = "{party} restores the published bytes from its backup; the bundle itself is not in doubt"
    mend_ru = "{party} восстанавливает опубликованные байты из копии; сам набор сомнению не подвергается"


class PublishedUnclearedError(FindingError):
    """A publication without a logged clearance before it."""

    code = "published-without-clearance"
    en = "bundle {bundle} of {party}: no clearance.decided entry for {clearance} stands before its publication"
    ru = "набор {bundle} участника {party}: перед публикацией нет записи clearance.decided для {clearance}"


class PublicationContractError(FindingError):
    """A publication under a contract that was not in force."""

    code = "published-without-contract"
    en = "bundle {bundle} of {party}: contract {contract} was {state} when it was published"
    ru = "набор {bundle} участника {party}: при публикации договор {contract} был в состоянии {state}"


class PublicationForeignError(FindingError):
    """A publication of a bundle that another member provides."""

    code = "published-for-another"
    en = "bundle {bundle} in the log of {party}: its manifest names {provider} as provider"
    ru = "набор {bundle} в журнале {party}: манифест называет поставщиком {provider}"


class PooledDiffersError(FindingError):
    """A release audited against another ledger than the log proves."""

    code = "pooled-differs"
    en = "bundle {bundle} of {party}: its disclosure report pooled {stated}, the log before it gives {computed}"
    ru = "набор {bundle} участника {party}: в отчёте о раскрытии учтено {stated}, журнал до него даёт {computed}"


class RevisionBrokenError(FindingError):
    """Revisions that do not run 0, 1, 2, each superseding the one before."""

    code = "revision-out-of-order"
    en = "bundle {bundle} of {party}: {contract} {period}: expected revision {expected}, found {found}"
    ru = "набор {bundle} участника {party}: {contract} {period}: ожидалась редакция {expected}, найдена {found}"


class PublishedLateError(FindingError):
    """A publication that came after what the contract tolerates."""

    code = "published-late"
    en = "{party}: {contract} {period}: published at {at}, it was due on {due}: {lateness} by the contract"
    ru = "{party}: {contract} {period}: опубликовано {at}, срок был {due}: по договору {lateness}"


class PublicationMissingError(FindingError):
    """A publication that a contract makes due and that is not there."""

    code = "publication-missing"
    en = "{party}: {contract} {period}: not published by {at}, it was due on {due}: {lateness} by the contract"
    ru = "{party}: {contract} {period}: не опубликовано к {at}, срок был {due}: по договору {lateness}"
    mend_en = "{party} publishes the period, or the parties suspend or end the contract"
    mend_ru = "{party} публикует данные за период, либо стороны приостанавливают или прекращают договор"


class PatternDisclosesError(FindingError):
    """Withheld cells that anybody can compute from published ones, whatever the figures are."""

    code = "pattern-discloses"
    en = "bundle {bundle} of {party}: {cells} withheld cells follow from published ones by addition alone"
    ru = "набор {bundle} участника {party}: скрытых ячеек, вычислимых из опубликованных сложением: {cells}"
    mend_en = "{party} withdraws the bundle and releases a revision with a safe pattern"
    mend_ru = "{party} отзывает набор и выпускает редакцию с безопасной схемой скрытия"


class PatternTogetherError(FindingError):
    """Withheld cells that follow from several bundles together, if no figure changed between them."""

    code = "pattern-possible"
    en = "bundle {bundle} of {party}: {cells} withheld cells may follow by addition from it together with {others}"
    ru = "набор {bundle} участника {party}: скрытых ячеек, возможно вычислимых сложением вместе с {others}: {cells}"
    mend_en = (
        "{party} answers: which figures changed between them, or which contract bars their readers from each other"
    )
    mend_ru = "{party} отвечает: какие данные изменились между ними или какой договор разделяет их читателей"


# Pulls ----------------------------------------------------------------------------------------------------------------


class ServedUnpublishedError(FindingError):
    """A bundle served that was never published."""

    code = "served-without-publication"
    en = "pull {pull}: {party} served {bundle} to {puller}, no publication of it stands before in its log"
    ru = "выдача {pull}: {party} выдал {bundle} участнику {puller}, в журнале до этого нет его публикации"


class ServedWithdrawnError(FindingError):
    """A bundle served after its withdrawal."""

    code = "served-after-withdrawal"
    en = "pull {pull}: {party} served {bundle} to {puller} after it had withdrawn it"
    ru = "выдача {pull}: {party} выдал {bundle} участнику {puller} после отзыва"


class ServedEarlyError(FindingError):
    """A bundle served before its time."""

    code = "served-too-early"
    en = "pull {pull}: {party} served {bundle} at {at}, not before {not_before} was cleared"
    ru = "выдача {pull}: {party} выдал {bundle} в {at}, разрешено не ранее {not_before}"


class WrongRecipientError(FindingError):
    """A bundle served to somebody who is not its recipient."""

    code = "wrong-recipient"
    en = "pull {pull}: {party} served {bundle} to {puller}, its recipients are {recipients}"
    ru = "выдача {pull}: {party} выдал {bundle} участнику {puller}, получатели: {recipients}"


class ServedContractError(FindingError):
    """A bundle served while its contract did not allow it."""

    code = "served-without-contract"
    en = "pull {pull}: {party} served {bundle} to {puller} while contract {contract} was {state}"
    ru = "выдача {pull}: {party} выдал {bundle} участнику {puller}, когда договор {contract} был в состоянии {state}"


class UnloggedByPublisherError(FindingError):
    """A delivery that its publisher signed and did not log."""

    code = "pull-not-logged-by-publisher"
    en = "pull {pull}: {party} signed a delivery of {bundle} to {puller} with entry {index}; its log has no such entry"
    ru = "выдача {pull}: {party} подписал выдачу {bundle} участнику {puller} с записью {index}; в журнале её нет"


class UnloggedByPullerError(FindingError):
    """A pull that its puller asked for and kept silent about."""

    code = "pull-not-logged-by-puller"
    en = "pull {pull}: {publisher} served {bundle}, {party} signed the request and logged neither receipt nor refusal"
    ru = "выдача {pull}: {publisher} выдал {bundle}, {party} подписал запрос, но не записал ни получения, ни отказа"


class InventedByPublisherError(FindingError):
    """A pull that nobody asked for."""

    code = "pull-invented-by-publisher"
    en = "pull {pull}: {party} logged a delivery of {bundle} to {puller}, who signed no such request"
    ru = "выдача {pull}: {party} записал выдачу {bundle} участнику {puller}, который такого запроса не подписывал"


class InventedByPullerError(FindingError):
    """A receipt of something that nobody delivered."""

    code = "pull-invented-by-puller"
    en = "pull {pull}: {party} logged that it received {bundle}, {publisher} signed no such delivery"
    ru = "выдача {pull}: {party} записал получение {bundle}, {publisher} такой выдачи не подписывал"


class AcceptedUnsignedError(FindingError):
    """A bundle accepted without a delivery that proves where it came from."""

    code = "accepted-without-delivery"
    en = "pull {pull}: {party} accepted {bundle} of {publisher} and shows no delivery that {publisher} signed for it"
    ru = "выдача {pull}: {party} принял {bundle} участника {publisher} без выдачи, которую подписал бы {publisher}"


class LoggedTwiceError(FindingError):
    """One request, two entries."""

    code = "pull-logged-twice"
    en = "pull {pull}: {party} logged it twice for {bundle}; a request is good for one delivery"
    ru = "выдача {pull}: {party} записал её дважды для {bundle}; запрос годится для одной выдачи"


class PullDiffersError(FindingError):
    """Two logs that name different bundles for one pull."""

    code = "digest-differs"
    en = "pull {pull}: {publisher} logged {served}, {puller} logged {taken}; the signed delivery contradicts {party}"
    ru = "выдача {pull}: {publisher} записал {served}, {puller} записал {taken}; подписанная выдача против {party}"


class EvidenceWithheldError(FindingError):
    """Evidence that a log names and its keeper does not show."""

    code = "evidence-withheld"
    en = "pull {pull}: {party} logged evidence {digest} and does not show it"
    ru = "выдача {pull}: {party} записал доказательство {digest} и не предъявляет его"


class DeliveryAlteredError(FindingError):
    """A publisher that signed for bytes which are not the bundle."""

    code = "delivered-altered"
    en = (
        "pull {pull}: {party} signed for {content} as {bundle} to {puller}, who refused it ({reason}); right is {right}"
    )
    ru = "выдача {pull}: {party} подписал {content} как {bundle} для {puller}, тот отказал ({reason}); верно {right}"


class DeliveredTwoContentsError(FindingError):
    """A publisher that signed for two contents as one bundle, which has exactly one form."""

    code = "delivered-two-contents"
    en = "pull {pull}: {party} signed for {content} to {puller} as {bundle}, and elsewhere for {rivals}"
    ru = "выдача {pull}: {party} подписал {content} для {puller} как {bundle}, а в другом случае {rivals}"


class RejectedWronglyError(FindingError):
    """A puller that refused the right bytes."""

    code = "rejected-wrongly"
    en = "pull {pull}: {party} refused {bundle} of {publisher} as {reason}, but the bytes signed for are the right ones"
    ru = "выдача {pull}: {party} отказался от {bundle} участника {publisher} ({reason}), но подписаны верные байты"
    mend_en = "{party} pulls again and verifies again"
    mend_ru = "{party} повторяет получение и проверку"


class RejectionDisputedError(FindingError):
    """A refused delivery for which no evidence says who is right."""

    code = "rejection-disputed"
    en = "pull {pull}: {puller} refused {bundle} of {publisher} as {reason}; no evidence decides who is right: {party}"
    ru = "выдача {pull}: {puller} отказался от {bundle} участника {publisher} ({reason}); спор не решён: {party}"
    mend_en = "{puller} pulls again: a second delivery of {publisher} decides it"
    mend_ru = "{puller} повторяет получение: вторая выдача {publisher} решит спор"


class ReceiptNotGivenError(FindingError):
    """A receipt that is overdue."""

    code = "receipt-not-given"
    en = "pull {pull}: {party} owes {publisher} the receipt for {bundle} since {due}"
    ru = "выдача {pull}: {party} должен {publisher} квитанцию за {bundle} с {due}"
    mend_en = "the gateway of {party} sends it by itself once it runs"
    mend_ru = "шлюз {party} отправит её сам, когда заработает"


class ReceiptLateError(FindingError):
    """A receipt that came too late."""

    code = "receipt-late"
    en = "pull {pull}: {party} gave {publisher} the receipt for {bundle} at {given}, it was due at {due}"
    ru = "выдача {pull}: {party} дал {publisher} квитанцию за {bundle} в {given}, срок был {due}"


class ReceiptForgedError(FindingError):
    """A receipt that its alleged signer did not sign."""

    code = "receipt-forged"
    en = "pull {pull}: {party} logged a receipt {digest} that {puller} did not sign"
    ru = "выдача {pull}: {party} записал квитанцию {digest}, которую {puller} не подписывал"


class ReceiptUnloggedError(FindingError):
    """A receipt that its signer gave and did not log."""

    code = "receipt-not-logged"
    en = "pull {pull}: {party} signed the receipt {digest} and its log has no receipt.given for it"
    ru = "выдача {pull}: {party} подписал квитанцию {digest}, в его журнале нет записи receipt.given"


class ReceiptContradictsError(FindingError):
    """A receipt that says otherwise than its signer's log."""

    code = "receipt-contradicts"
    en = "pull {pull}: receipt of {party}: {field}: its log says {expected}, the receipt {found}"
    ru = "выдача {pull}: квитанция {party}: {field}: журнал говорит {expected}, квитанция {found}"


class StatementUnloggedError(FindingError):
    """A party's word about a contract that stands in one party's log and not in another's."""

    code = "contract-statement-unlogged"
    en = (
        "contract {contract} {version}: what {speaker} said ({statement}) is in the log of {holder} since {since}, and "
        "the log of {member} goes on for a day without it; at fault: {party}"
    )
    ru = (
        "договор {contract} {version}: заявление {speaker} ({statement}) есть в журнале {holder} с {since}, а журнал "
        "{member} идёт дальше день без него; виновен: {party}"
    )
    mend_en = "{holder} hands the statement to {member} once more; both show why it was not carried or not taken"
    mend_ru = "{holder} передаёт заявление участнику {member} ещё раз; оба показывают, почему оно не дошло"
