"""Manifests, bundles, reports, receipts and clearances that do not hold (exit 3), and clearing that may not happen."""

from exchange.errors import ExchangeError, ExitCode, Side


class BundleError(ExchangeError):
    """The branch of everything that a verifier of a bundle refuses."""

    side = Side.PROVIDER
    exit_code = ExitCode.DOES_NOT_HOLD
    mend_en = "Do not use this bundle; pull it again, and tell the provider if it is refused again."
    mend_ru = "Не используйте этот набор; получите его снова, а при повторном отказе сообщите поставщику."


class BundleFilesError(BundleError):
    """A file of the bundle is missing, or there is one that does not belong to it."""

    code = "bundle-files"
    en = "bundle files: expected {expected}, found {found}"
    ru = "файлы набора: ожидалось {expected}, найдено {found}"


class UnreadableError(BundleError):
    """The path that was named does not exist or may not be read."""

    code = "bundle-unreadable"
    side = Side.CALLER
    en = "{path} cannot be read: {reason}"
    ru = "{path} не читается: {reason}"
    mend_en = "Check the path and the rights to it."
    mend_ru = "Проверьте путь и права доступа."


class ZipFormError(BundleError):
    """The ZIP was made or repacked by another program: order, times, compression or extra bytes differ."""

    code = "bundle-zip-form"
    en = "bundle ZIP: not the one legal form: {reason}"
    ru = "ZIP набора: не единственная допустимая форма: {reason}"


class ResourceSizeError(BundleError):
    """The file was cut short, padded or exchanged after the manifest was written."""

    code = "bundle-resource-size"
    en = "{path}: the manifest declares {expected} bytes, found {found}"
    ru = "{path}: в манифесте указано байт: {expected}, найдено: {found}"


class ResourceDigestError(BundleError):
    """The file was changed after the manifest was signed, if only by one bit."""

    code = "bundle-resource-digest"
    en = "{path}: the manifest declares {expected}, computed {computed}"
    ru = "{path}: в манифесте указано {expected}, вычислено {computed}"


class BundleMismatchError(BundleError):
    """Two files of the bundle say different things about the same release."""

    code = "bundle-mismatch"
    en = "{subject}: {field}: the manifest says {expected}, found {found}"
    ru = "{subject}: {field}: в манифесте {expected}, найдено {found}"


class SupersedesError(BundleError):
    """The revision's number and the bundle that it says it replaces do not fit each other."""

    code = "bundle-supersedes"
    en = "{subject}: revision {revision}: a first release supersedes nothing, a later one names what it supersedes"
    ru = "{subject}: редакция {revision}: первый выпуск ничего не заменяет, последующий называет заменяемый"


class ContractMismatchError(BundleError):
    """The bundle says otherwise than the contract that its own manifest names."""

    code = "bundle-contract"
    en = "bundle and contract: {field}: the contract says {expected}, found {found}"
    ru = "набор и договор: {field}: в договоре {expected}, найдено {found}"


class RecipientsError(BundleError):
    """The bundle is addressed to somebody whom the contract does not admit, or leaves out one who must get it."""

    code = "bundle-recipients"
    en = "recipients of {provider}: the contract admits {expected}, found {found}"
    ru = "получатели от {provider}: договор допускает {expected}, найдено {found}"


class EmbargoError(BundleError):
    """The officers cleared an earlier release than the contract's embargo allows."""

    code = "bundle-embargo"
    en = "not_before {found} lies before the end of the contract's embargo, {expected}"
    ru = "not_before {found} раньше окончания эмбарго по договору, {expected}"


class EntryMismatchError(BundleError):
    """The publisher's log entry is about another bundle, contract or clearance than the one at hand."""

    code = "bundle-log-entry"
    en = "publication entry: {field}: the bundle requires {expected}, the entry says {found}"
    ru = "запись о публикации: {field}: по набору требуется {expected}, в записи {found}"


class ReportError(BundleError):
    """The disclosure report is not in its one legal form."""

    code = "disclosure-report-malformed"
    en = "disclosure.json: {field}: expected {expected}, found {found}"
    ru = "disclosure.json: {field}: ожидалось {expected}, найдено {found}"


class DeterminedCellsError(BundleError):
    """Withheld cells follow from published ones by the sums that the contract itself declares."""

    code = "disclosure-pattern"
    en = "withheld cells that follow from the contract's sums alone: {found}, the first is {key}"
    ru = "скрытые ячейки, которые следуют из одних лишь сумм договора: {found}, первая — {key}"
    mend_en = "Do not use this bundle and tell the provider at once: it discloses."
    mend_ru = "Не используйте этот набор и сразу сообщите поставщику: он раскрывает данные."


class StalePooledError(BundleError):
    """Something of the same linkage group was published after the candidate had been audited."""

    code = "bundle-pooled-stale"
    en = "pooled: the log before this publication gives {expected}, the bundle was audited against {found}"
    ru = "pooled: по журналу до этой публикации {expected}, набор проверен относительно {found}"
    mend_en = "Build the candidate again with the ledger as it is now."
    mend_ru = "Соберите кандидата заново с текущим реестром раскрытий."


class DataError(BundleError):
    """The branch of what the reader of data.csv refuses; facts never hold a value."""


class DataFormError(DataError):
    """The bytes of data.csv are not the one legal spelling: encoding, line ends, quoting or its last line."""

    code = "data-form"
    en = "data.csv: {reason}"
    ru = "data.csv: {reason}"


class DataHeaderError(DataError):
    """Columns of data.csv are missing, added or in another order than the contract's."""

    code = "data-header"
    en = "data.csv: the header must be {expected}, found {found}"
    ru = "data.csv: заголовок должен быть {expected}, найдено {found}"


class DataFieldError(DataError):
    """A field of data.csv holds something that its column cannot hold."""

    code = "data-field"
    en = "data.csv line {line}, {column}: expected {expected}"
    ru = "data.csv, строка {line}, {column}: ожидалось {expected}"


class DataKeyError(DataError):
    """A row of data.csv is about a cell that no table of the contract declares."""

    code = "data-key"
    en = "data.csv line {line}: the key {key} is no cell of the contract's tables"
    ru = "data.csv, строка {line}: ключ {key} не является ячейкой таблиц договора"


class DataOrderError(DataError):
    """Rows of data.csv were sorted by another program, or a cell occurs twice."""

    code = "data-order"
    en = "data.csv line {line}: rows are sorted by key and each key occurs once, found {key} out of place"
    ru = "data.csv, строка {line}: строки упорядочены по ключу и ключи не повторяются, {key} не на месте"


class WithheldKeysError(DataError):
    """The report and the table disagree about which cells are withheld."""

    code = "data-withheld-keys"
    en = "withheld keys: disclosure.json names {expected}, data.csv has {found}; first difference {key}"
    ru = "скрытые ключи: в disclosure.json {expected}, в data.csv {found}; первое различие {key}"


class CellCountError(DataError):
    """The report counts other cells than the table has."""

    code = "data-cell-count"
    en = "cells: disclosure.json counts {expected}, data.csv has {found}"
    ru = "ячейки: в disclosure.json {expected}, в data.csv {found}"


class AdditivityError(DataError):
    """Published parts do not add up to their published whole along a dimension that is additive."""

    code = "data-additivity"
    en = "the published parts of {key} over {dimension} do not add up to it"
    ru = "опубликованные части {key} по {dimension} не дают в сумме это значение"


class IntervalFloorError(DataError):
    """What is published pins a withheld cell down more closely than the contract permits."""

    code = "data-interval-floor"
    en = "a withheld cell can be computed more closely than the contract's floor allows: {found} of {checked} cells"
    ru = "скрытая ячейка вычислима точнее, чем допускает порог договора: {found} из {checked} ячеек"
    mend_en = "Do not use this bundle and tell the provider at once: it discloses."
    mend_ru = "Не используйте этот набор и сразу сообщите поставщику: он раскрывает данные."


class ClearanceError(BundleError):
    """The branch of what no clearance may be (DESIGN.md §6)."""

    exit_code = ExitCode.DOES_NOT_HOLD
    mend_en = "At the provider: the contract's officers clear it anew. Whoever pulled it: do not use it, tell them."
    mend_ru = "Поставщику: согласовать заново, как требует договор. Получателю: не использовать, сообщить поставщику."


class ApprovalsMissingError(ClearanceError):
    """Fewer officers approved than the contract asks for."""

    code = "clearance-approvals-missing"
    en = "clearance: {expected} approvals by different officers are needed, found {found}"
    ru = "согласование: нужно одобрений разных должностных лиц: {expected}, найдено: {found}"


class SameOfficerError(ClearanceError):
    """One officer approved twice; four eyes means two people."""

    code = "clearance-same-officer"
    en = "clearance: officer {officer} has approved already; a second officer must"
    ru = "согласование: {officer} уже одобрил; требуется второе должностное лицо"
    mend_en = "Ask another clearing officer."
    mend_ru = "Обратитесь к другому согласующему должностному лицу."


class PreparerApprovesError(ClearanceError):
    """Whoever prepared a candidate tried to approve it too."""

    code = "clearance-preparer-approves"
    en = "clearance: officer {officer} prepared this candidate and cannot approve it"
    ru = "согласование: {officer} подготовил этого кандидата и не может его одобрить"
    mend_en = "Ask another clearing officer."
    mend_ru = "Обратитесь к другому согласующему должностному лицу."


class ForeignOfficerError(ClearanceError):
    """An officer of another member approved; each member clears its own releases."""

    code = "clearance-foreign-officer"
    en = "clearance: officer {officer} belongs to {found}, the provider is {expected}"
    ru = "согласование: {officer} относится к {found}, поставщик — {expected}"


class UnregisteredOfficerError(ClearanceError):
    """The officer's key or passkey was not in the registry at that time, or had been revoked."""

    code = "clearance-unregistered-officer"
    en = "clearance: officer {officer} has no registered key valid at {at}"
    ru = "согласование: у {officer} нет зарегистрированного ключа, действующего на {at}"


class OfficerRoleError(ClearanceError):
    """The officer approved in a role that the contract does not admit for this."""

    code = "clearance-role"
    en = "clearance: officer {officer} approves as {found}; allowed is {expected}"
    ru = "согласование: {officer} одобряет в роли {found}; допускается {expected}"


class ProofKindError(ClearanceError):
    """The officer approved by a kind of proof that the contract does not count."""

    code = "clearance-proof-kind"
    en = "clearance: officer {officer} proves by {found}; the contract admits {expected}"
    ru = "согласование: {officer} подтверждает способом {found}; договор допускает {expected}"


class ApprovalSignatureError(ClearanceError):
    """The approval was given over other bytes, or by another key or passkey."""

    code = "clearance-signature"
    en = "clearance: the approval of officer {officer} does not verify over these bytes: {reason}"
    ru = "согласование: одобрение {officer} не подтверждается для этих байтов: {reason}"
    mend_en = "Every changed byte voids the approvals; submit and clear again."
    mend_ru = "Любой изменённый байт аннулирует одобрения; подайте и согласуйте заново."


class ApprovalTimeError(ClearanceError):
    """An approval dated after the moment that it is judged at."""

    code = "clearance-approval-time"
    en = "clearance: officer {officer} approved at {found}, after {expected}"
    ru = "согласование: {officer} одобрил в {found}, позже {expected}"


class ClearanceExpiredError(ClearanceError):
    """Too much time passed between clearance and publication."""

    code = "clearance-expired"
    en = "clearance: valid until {valid_until}, and it is {at}"
    ru = "согласование: действителен до {valid_until}, а сейчас {at}"
    mend_en = "Submit and clear the candidate again."
    mend_ru = "Подайте и допустите кандидата заново."


class ClearanceValidityError(ClearanceError):
    """The clearance was made out for longer than a clearance may hold."""

    code = "clearance-validity"
    en = "clearance: valid until {valid_until}, more than {days_max} days after {at}"
    ru = "согласование: действителен до {valid_until}, более чем через {days_max} дней после {at}"


class IllegalTransitionError(ClearanceError):
    """The candidate is in a state from which this step does not lead on."""

    code = "clearance-transition"
    side = Side.CALLER
    exit_code = ExitCode.ERROR
    en = "candidate {candidate} is {state}: {event} is not possible"
    ru = "кандидат {candidate} в состоянии {state}: {event} невозможно"
    mend_en = "look at the candidate again: somebody acted on it since, or the step belongs to another state"
    mend_ru = "посмотрите кандидата ещё раз: с ним уже что-то сделали, или этот шаг относится к другому состоянию"


class NotPreparerError(ClearanceError):
    """Somebody else than its preparer tried to submit the candidate."""

    code = "clearance-not-preparer"
    side = Side.CALLER
    exit_code = ExitCode.NOT_AUTHORISED
    en = "candidate {candidate}: prepared by {expected}, submitted by {found}"
    ru = "кандидат {candidate}: подготовил {expected}, подаёт {found}"
    mend_en = "The officer who prepared the candidate submits it."
    mend_ru = "Подаёт то лицо, которое подготовило кандидата."


class ReturnReasonError(ClearanceError):
    """A candidate was returned without a reason, or with one that is too long."""

    code = "clearance-return-reason"
    side = Side.CALLER
    exit_code = ExitCode.USAGE
    en = "candidate {candidate}: a return names its reason in 1 to {characters_max} characters"
    ru = "кандидат {candidate}: при возврате указывается причина, от 1 до {characters_max} знаков"
    mend_en = ""
    mend_ru = ""


class WithdrawalError(BundleError):
    """A withdrawal does not say what a withdrawal may say, or is about another bundle."""

    code = "withdrawal"
    en = "withdrawal of {bundle}: {field}: expected {expected}, found {found}"
    ru = "отзыв {bundle}: {field}: ожидалось {expected}, найдено {found}"
    mend_en = "Ask the provider for its three files again; until they hold, the bundle counts as published."
    mend_ru = "Запросите у поставщика три файла отзыва снова; пока они не верны, набор считается опубликованным."


class DeliveryError(BundleError):
    """The signed delivery is about another pull, bundle or log entry than the one asked for."""

    code = "delivery-mismatch"
    en = "delivery: {field}: expected {expected}, found {found}"
    ru = "передача: {field}: ожидалось {expected}, найдено {found}"


class ReceiptError(BundleError):
    """The receipt is not in its one legal form, or names another pull, bundle or verdict than it can."""

    code = "receipt-malformed"
    side = Side.AUTHOR
    en = "receipt: {field}: expected {expected}, found {found}"
    ru = "квитанция: {field}: ожидалось {expected}, найдено {found}"


class RegistryUnarchivedError(BundleError):
    """A registry version whose snapshot is not held here, so that its digest cannot be compared; a notice."""

    code = "registry-unarchived"
    side = Side.NODE
    en = "{subject}: the registry snapshot of version {version} is not held here: its digest was not compared"
    ru = "{subject}: снимка реестра версии {version} здесь нет: его дайджест не сравнивался"
    mend_en = "Fetch the registry with its earlier states from IOM or any member, and verify again."
    mend_ru = "Получите реестр с прежними состояниями от МОМ или любого участника и проверьте снова."
