"""Refusals of the log: entries, trees, proofs, notes, policies and witnesses.

`expected` in a fact is a pattern of the format itself (`index <decimal>`), which reads alike in every language.
Hashes are hex, sizes and indexes are decimal numbers.
"""

from typing import ClassVar

from exchange.errors import ExchangeError, ExitCode, Side


class LogError(ExchangeError):
    """The branch of everything that a log, a proof or a witness can be refused for."""

    side = Side.LOG
    exit_code = ExitCode.DOES_NOT_HOLD


class LogLineError(LogError):
    """A line of the document is not spelled as its format says."""

    code = "log-line-malformed"
    en = "{subject}: line {line}: expected {expected}, found {found}"
    ru = "{subject}: строка {line}: ожидалось {expected}, найдено {found}"


class LogTextError(LogError):
    """The document is not text in the form that its format says."""

    code = "log-text-malformed"
    en = "{subject}: expected {expected}, found {found}"
    ru = "{subject}: ожидалось {expected}, найдено {found}"


class VerifierKeyError(LogError):
    """A verifier key with a wrong name, key id, algorithm or length."""

    code = "verifier-key-malformed"
    en = "{subject}: a verifier key reads {expected}, found {found}"
    ru = "{subject}: проверочный ключ пишется {expected}, найдено {found}"


class SignatureLineError(LogError):
    """The text was changed after it was signed, or signed by another key of that name."""

    code = "log-signature-invalid"
    en = "{subject}: the signature line of {signer} (key id {key_id}) does not verify"
    ru = "{subject}: строка подписи {signer} (идентификатор ключа {key_id}) не проходит проверку"


class SignatureMissingError(LogError):
    """The document was not signed by the key that must sign it."""

    code = "log-signature-missing"
    en = "{subject}: no signature by {signer}"
    ru = "{subject}: нет подписи {signer}"


class LogKeyEndedError(LogError):
    """A log key that counts no more, and nothing that shows the signature to be from its time: it may be a thief's."""

    code = "log-key-ended"
    en = "{subject}: signed by a log key that ended {ended}; no witness and no delivery shows that it is older"
    ru = "{subject}: подписано ключом журнала, истёкшим {ended}; ни свидетель, ни выдача не показывают, что раньше"


class UnknownSignerError(LogError):
    """Somebody signed who is no witness of this log, perhaps under an older policy."""

    code = "log-signer-unknown"
    en = "{subject}: the signature line of {signer} (key id {key_id}) is by neither the log nor a witness of its policy"
    ru = (
        "{subject}: строка подписи {signer} (идентификатор ключа {key_id}) не принадлежит ни журналу, "
        "ни свидетелю из его политики"
    )


class DuplicateSignatureError(LogError):
    """The same key stands twice under one text."""

    code = "log-signature-twice"
    en = "{subject}: {signer} (key id {key_id}) signed twice"
    ru = "{subject}: {signer} (идентификатор ключа {key_id}) подписал дважды"


class CosignatureTimeError(LogError):
    """A witness with a clock that cannot be right."""

    code = "cosignature-time-out-of-range"
    en = "{subject}: cosignature of {signer}: the timestamp must lie between 1 and {timestamp_max}, found {timestamp}"
    ru = "{subject}: подпись свидетеля {signer}: метка времени должна быть от 1 до {timestamp_max}, найдено {timestamp}"


class OriginError(LogError):
    """The checkpoint is one of another log."""

    code = "log-origin-differs"
    en = "checkpoint: expected one of the origins {expected}, found {found}"
    ru = "контрольная точка: ожидался один из журналов {expected}, найдено {found}"


class EmptyRootError(LogError):
    """An empty log has one root only (RFC 6962 §2.1)."""

    code = "log-empty-root-differs"
    en = "{origin} at size 0: expected root {expected}, found {found}"
    ru = "{origin} при размере 0: ожидался корень {expected}, найден {found}"


class LeafIndexError(LogError):
    """The entry asked for is younger than the checkpoint."""

    code = "log-index-beyond-size"
    en = "{origin}: leaf {index} does not exist at size {size}"
    ru = "{origin}: записи {index} нет при размере {size}"


class SizeOrderError(LogError):
    """The older checkpoint is larger than the newer one."""

    code = "log-sizes-out-of-order"
    en = "{origin}: consistency runs from a smaller to a larger size, found {old_size} and {new_size}"
    ru = "{origin}: согласованность ведёт от меньшего размера к большему, найдено {old_size} и {new_size}"


class InclusionLengthError(LogError):
    """The proof was made for another index or size."""

    code = "inclusion-proof-length"
    en = "inclusion of leaf {index} in {origin} at size {size}: expected {expected} hashes, found {found}"
    ru = "включение записи {index} в {origin} при размере {size}: ожидалось хешей {expected}, найдено {found}"


class InclusionProofError(LogError):
    """The entry is not in that tree at that place, or was changed."""

    code = "inclusion-does-not-hold"
    en = "inclusion of leaf {index} in {origin} at size {size}: expected root {expected}, computed {computed}"
    ru = "включение записи {index} в {origin} при размере {size}: ожидался корень {expected}, вычислен {computed}"


class ConsistencyLengthError(LogError):
    """The proof was made for other sizes."""

    code = "consistency-proof-length"
    en = "consistency of {origin} from size {old_size} to {new_size}: expected {expected} hashes, found {found}"
    ru = "согласованность {origin} от размера {old_size} до {new_size}: ожидалось хешей {expected}, найдено {found}"


class ConsistencyProofError(LogError):
    """The newer tree does not begin with the older one: history was changed, or the proof is wrong."""

    code = "consistency-does-not-hold"
    en = (
        "consistency of {origin} from size {old_size} to {new_size}: at size {size} expected root {expected}, "
        "computed {computed}"
    )
    ru = (
        "согласованность {origin} от размера {old_size} до {new_size}: при размере {size} ожидался корень {expected}, "
        "вычислен {computed}"
    )


class TilePathError(LogError):
    """An address that is not the one spelling of a tile (C2SP tlog-tiles)."""

    code = "tile-path-malformed"
    en = "a tile's path reads {expected}, found {found}"
    ru = "путь плитки пишется {expected}, найдено {found}"


class TileBytesError(LogError):
    """The tile was cut short, or belongs to another width."""

    code = "tile-bytes-differ"
    en = "{path}: expected {expected} bytes, found {found}"
    ru = "{path}: ожидалось байтов {expected}, найдено {found}"


class EntryBundleError(LogError):
    """The file of entries was cut short or belongs to another width."""

    code = "entry-bundle-malformed"
    en = "{path}: expected {expected} entries and nothing else, entry {entry} is cut short or followed by more bytes"
    ru = "{path}: ожидалось записей {expected} и ничего больше, запись {entry} обрезана или за ней есть ещё байты"


class TreeRootError(LogError):
    """The entries or tiles are not those that the checkpoint signs."""

    code = "tree-root-differs"
    en = "{origin} at size {size}: expected root {expected}, computed {computed}"
    ru = "{origin} при размере {size}: ожидался корень {expected}, вычислен {computed}"


class EntryBytesError(LogError):
    """An entry is metadata; this one holds more than metadata needs."""

    code = "log-entry-too-large"
    en = "log entry: at most {bytes_max} bytes, found {found}"
    ru = "запись журнала: не больше {bytes_max} байтов, найдено {found}"


class EntryJsonError(LogError):
    """The entry was written by another program, or changed."""

    code = "log-entry-not-canonical"
    en = "log entry: not a JSON object in canonical form (RFC 8785)"
    ru = "запись журнала: не объект JSON в канонической форме (RFC 8785)"


class EntryVersionError(LogError):
    """The member runs a newer version of the program than this one."""

    code = "log-entry-version-newer"
    en = "log entry: this program reads version {known}, found version {found}"
    ru = "запись журнала: эта программа читает версию {known}, найдена версия {found}"
    mend_en = "update the node: the log was written by a newer one"
    mend_ru = "обновите узел: журнал написан более новым"


class EntryTypeError(LogError):
    """A kind of entry that this version does not know."""

    code = "log-entry-type-unknown"
    en = "log entry: unknown type {found}"
    ru = "запись журнала: неизвестный тип {found}"


class EntryMemberError(LogError):
    """A member of the entry is missing, unknown for its type, or malformed."""

    code = "log-entry-member"
    en = "log entry {type}: {member}: expected {expected}, found {found}"
    ru = "запись журнала {type}: {member}: ожидалось {expected}, найдено {found}"


class PolicyNameError(LogError):
    """A name in the witness policy that is used twice, unknown or malformed."""

    code = "policy-name"
    en = "witness policy: line {line}: the name {name} must be {expected}"
    ru = "политика свидетелей: строка {line}: имя {name} должно быть {expected}"


class PolicyKeyError(LogError):
    """One key counts as two witnesses."""

    code = "policy-key-twice"
    en = "witness policy: line {line}: the public key of {name} stands on an earlier line"
    ru = "политика свидетелей: строка {line}: открытый ключ {name} уже стоит на более ранней строке"


class PolicyQuorumError(LogError):
    """The witness policy names no quorum, or more than one."""

    code = "policy-quorum-count"
    en = "witness policy: exactly one quorum line, found {found}"
    ru = "политика свидетелей: ровно одна строка quorum, найдено {found}"


class QuorumError(LogError):
    """Too few witnesses have cosigned the checkpoint."""

    code = "quorum-not-reached"
    en = "{origin} at size {size}: the quorum {quorum} is not reached by the witnesses [{witnesses}]"
    ru = "{origin} при размере {size}: кворум {quorum} не достигнут свидетелями [{witnesses}]"
    mend_en = "wait until more witnesses have cosigned, or ask their operators"
    mend_ru = "дождитесь подписей других свидетелей или обратитесь к их операторам"


class ProofExtraError(LogError):
    """The proof carries another entry than the one that it proves."""

    code = "proof-extra-differs"
    en = "inclusion proof: its extra line holds an entry of SHA-256 {found}, expected {expected}"
    ru = "доказательство включения: строка extra содержит запись с SHA-256 {found}, ожидалось {expected}"


class WitnessError(LogError):
    """What a witness answers instead of a cosignature (C2SP tlog-witness, add-checkpoint)."""

    http_status: ClassVar[int] = 400


class WitnessRequestError(WitnessError):
    """The request is not spelled as C2SP tlog-witness says."""

    code = "witness-request-malformed"
    side = Side.CALLER
    en = "add-checkpoint: the request is malformed: {reason}"
    ru = "add-checkpoint: запрос составлен неверно: {reason}"


class WitnessOldSizeError(WitnessError):
    """The request starts from a larger size than it leads to."""

    code = "witness-old-size"
    side = Side.CALLER
    en = "add-checkpoint: {origin}: the old size {old_size} is beyond the checkpoint's size {size}"
    ru = "add-checkpoint: {origin}: старый размер {old_size} больше размера контрольной точки {size}"


class WitnessUnknownLogError(WitnessError):
    """The registry names no such log, or its member is suspended."""

    code = "witness-unknown-log"
    http_status = 404
    en = "add-checkpoint: the log {origin} is not one this witness knows"
    ru = "add-checkpoint: журнал {origin} этому свидетелю не известен"


class WitnessLogEndedError(WitnessError):
    """The registry names a log that takes this one's place, and this witness has seen it or it was cut."""

    code = "witness-log-ended"
    http_status = 404
    en = "add-checkpoint: the log {origin} has ended; {next} takes its place"
    ru = "add-checkpoint: журнал {origin} завершён; его место занял {next}"


class WitnessSignatureError(WitnessError):
    """The checkpoint was not signed by the log's registered key."""

    code = "witness-log-signature"
    http_status = 403
    en = "add-checkpoint: {origin} at size {size}: no valid signature by the log's key"
    ru = "add-checkpoint: {origin} при размере {size}: нет верной подписи ключом журнала"


class WitnessClosedError(WitnessError):
    """A witness that started again and has not yet heard enough of this log (DESIGN.md §9)."""

    code = "witness-not-caught-up"
    side = Side.NODE
    http_status = 503
    exit_code = ExitCode.UNREACHABLE
    en = (
        "add-checkpoint: {origin}: this witness started again and has not yet taken over the log's newest witnessed "
        "checkpoint; {answered} other witnesses have told what they know"
    )
    ru = (
        "add-checkpoint: {origin}: свидетель перезапущен и ещё не принял последнюю заверенную контрольную точку "
        "журнала; о том, что знают, сообщили другие свидетели: {answered}"
    )
    mend_en = "ask again; it opens by itself as soon as enough other witnesses answer"
    mend_ru = "повторите запрос: он откроется сам, когда ответит достаточно других свидетелей"


class WitnessSplitViewError(WitnessError):
    """Two histories of one log were signed by its key: the witness stays closed for it."""

    code = "witness-split-view"
    http_status = 422
    en = "{origin} at size {size}: its key signed two histories: root {expected} and root {found}"
    ru = "{origin} при размере {size}: его ключом подписаны две истории: корень {expected} и корень {found}"
    mend_en = "the signed checkpoints are kept as evidence; tell the auditor and the log's operator"
    mend_ru = "подписанные контрольные точки сохранены как доказательство; сообщите аудитору и оператору журнала"


class WitnessConflictError(WitnessError):
    """The log does not know what this witness cosigned last; it asks again from there."""

    code = "witness-size-conflict"
    http_status = 409
    en = "add-checkpoint: {origin}: this witness last cosigned size {latest_size}, the request starts from {old_size}"
    ru = (
        "add-checkpoint: {origin}: этот свидетель в последний раз подписал размер {latest_size}, "
        "запрос начинается с {old_size}"
    )

    @property
    def body(self) -> bytes:
        """The answer's body, of type `text/x.tlog.size`: the size last cosigned."""
        return f"{self.facts['latest_size']}\n".encode("ascii")


class WitnessInconsistentError(WitnessError):
    """The log's history changed since this witness last cosigned it, or the proof is wrong."""

    code = "witness-inconsistent"
    http_status = 422
    en = "add-checkpoint: {origin}: sizes {old_size} and {size} are not shown to be one history: {reason}"
    ru = "add-checkpoint: {origin}: не показано, что размеры {old_size} и {size} — одна история: {reason}"
