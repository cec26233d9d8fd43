"""Keys, signatures and the registry: who may speak for a member, and bytes that nobody entitled has signed.

TrustError
├── keys        WeakKeyError, KeyLengthError, KeyKindError
├── signatures  SignatureError, UnknownKeyError, SignatureSetError, JwsFormError, JwsHeaderError
├── registry    RegistryFileError, RegistrySignatureError, RegistryVersionError, RegistryRollbackError,
│               RegistryExpiredError, RegistryTamperedError, RegistryRuleError, KeyReuseError,
│               RegistrySourceError, RegistryUnreachableError, RegistryHistoryError, RegistrySplitError
├── ceremonies  ChangeSubjectError, ChangeStaleError, ChangeExpiredError, ChangeSignerError, RegistrarEarlyError
├── own keys    DelegationChangedError, OwnKeyUnlistedError, OwnMemberSilencedError, OwnMemberSuspendedError
├── members     UnknownMemberError, UnknownOfficerError
└── private     PrivateKeyModeError, PrivateKeyFileError, PlainPrivateKeyError, PassphraseError
"""

from exchange.errors import ExchangeError, ExitCode, Side


class TrustError(ExchangeError):
    """The branch of everything that fails because nobody entitled stands behind it."""

    side = Side.AUTHOR
    exit_code = ExitCode.DOES_NOT_HOLD


class WeakKeyError(TrustError):
    """An Ed25519 encoding under which anybody can sign, or that is no point."""

    code = "key-weak"
    en = "public key {key}: an Ed25519 key must be a canonical point of large order, found {reason}"
    ru = "открытый ключ {key}: ключ Ed25519 — каноническая точка большого порядка, найдено: {reason}"
    mend_en = "Generate a new key pair; under such a key anybody can make signatures."
    mend_ru = "Создайте новую пару ключей: под таким ключом подпись может сделать кто угодно."


class KeyLengthError(TrustError):
    """A key or seed of another length than its algorithm has."""

    code = "key-length"
    en = "{algorithm} {what}: expected {expected} bytes, found {found}"
    ru = "{algorithm} {what}: ожидалось байтов {expected}, найдено {found}"


class KeyKindError(TrustError):
    """A key of another type, curve or algorithm than the two that are used here."""

    code = "key-kind"
    en = "{subject}: a key here is OKP/Ed25519 or AKP/ML-DSA-65, found {found}"
    ru = "{subject}: здесь ключ — OKP/Ed25519 или AKP/ML-DSA-65, найдено {found}"


class SignatureError(TrustError):
    """The signature is not this key's over these bytes."""

    code = "signature-invalid"
    en = "the {algorithm} signature does not verify under key {kid}"
    ru = "подпись {algorithm} не подтверждается ключом {kid}"
    mend_en = "The bytes were changed after signing, or somebody else signed them: ask the sender again."
    mend_ru = "Байты изменены после подписания или подписаны другим: запросите их у отправителя снова."


class UnknownKeyError(TrustError):
    """The signature names a key that the registry does not list for this member, purpose and time."""

    code = "key-unknown"
    en = "{subject}: signed by {algorithm} key {kid}, which the registry does not list here for that time"
    ru = "{subject}: подписано ключом {algorithm} {kid}, которого на это время нет в реестре для этой цели"
    mend_en = "Refresh the registry; if the key is still missing, ask the member whose name it bears."
    mend_ru = "Обновите реестр; если ключа всё ещё нет, спросите участника, от чьего имени подписано."


class SignatureSetError(TrustError):
    """A signature is missing, added, doubled or out of order."""

    code = "signatures-incomplete"
    en = "{subject}: expected exactly the signatures {expected} in this order, found {found}"
    ru = "{subject}: ожидались ровно подписи {expected} в этом порядке, найдено {found}"
    mend_en = "Every signature is required; a stripped one is treated as a forgery."
    mend_ru = "Нужны все подписи; удалённая подпись считается подделкой."


class JwsFormError(TrustError):
    """Bytes that are not the one legal spelling of a JWS."""

    code = "jws-malformed"
    en = "{subject}: not the one legal form of a JWS here: {reason}"
    ru = "{subject}: не единственная допустимая здесь форма JWS: {reason}"


class JwsHeaderError(TrustError):
    """A protected header that names another type or algorithm."""

    code = "jws-header"
    en = "{subject}: protected header {field}: expected {expected}, found {found}"
    ru = "{subject}: защищённый заголовок, поле {field}: ожидалось {expected}, найдено {found}"


class RegistryFileError(TrustError):
    """A registry file that is absent or unreadable."""

    code = "registry-file"
    side = Side.REGISTRY
    en = "registry: {file}: {reason}"
    ru = "реестр: {file}: {reason}"
    mend_en = "Fetch the registry again from IOM or any member."
    mend_ru = "Получите реестр снова от МОМ или любого участника."


class RegistrySignatureError(TrustError):
    """Fewer of a role's keys signed than the registry demands."""

    code = "registry-signatures"
    side = Side.REGISTRY
    en = "registry: {file}: role {role} needs {needed} valid signatures of its keys, found {found}"
    ru = "реестр: {file}: роли {role} нужно действительных подписей её ключами {needed}, найдено {found}"
    mend_en = "Collect the missing signatures; no smaller group may change the registry."
    mend_ru = "Соберите недостающие подписи: меньшая группа не вправе менять реестр."


class RegistryVersionError(TrustError):
    """A registry file of another version than the one referred to."""

    code = "registry-version"
    side = Side.REGISTRY
    en = "registry: {file}: expected version {expected}, found {found}"
    ru = "реестр: {file}: ожидалась версия {expected}, найдена {found}"


class RegistryRollbackError(TrustError):
    """An older registry state than one already met, or a rival of the same version."""

    code = "registry-rollback"
    side = Side.REGISTRY
    en = "registry: already seen {seen}, offered {offered}: the registry only moves forward"
    ru = "реестр: уже видели {seen}, предложено {offered}: реестр движется только вперёд"
    mend_en = "Ask another member for its registry; whoever offered this one shows the past or a split view."
    mend_ru = "Запросите реестр у другого участника: предложивший показывает прошлое или раздвоенную историю."


class RegistrySplitError(TrustError):
    """Something done under another snapshot than the one that is held here of the same version."""

    code = "registry-split"
    en = "{subject}: another registry snapshot of version {version}: expected {expected}, found {found}"
    ru = "{subject}: другой снимок реестра версии {version}: ожидалось {expected}, найдено {found}"
    mend_en = "Ask a third member for that snapshot: one of the two is a fork. Keep both; tell the auditor."
    mend_ru = "Запросите снимок у третьего участника: один из двух — раздвоение. Сохраните оба, сообщите аудитору."


class RegistryExpiredError(TrustError):
    """Registry metadata past its life."""

    code = "registry-expired"
    side = Side.NODE
    en = "registry: {file}: valid until {expires}, judged at {at}"
    ru = "реестр: {file}: действителен до {expires}, проверка на {at}"
    mend_en = "Refresh the registry; if it stays expired, its signers (docs/ceremony.md) must sign anew."
    mend_ru = "Обновите реестр; если срок всё ещё истёк, его подписанты (docs/ceremony.md) подписывают заново."


class RegistryTamperedError(TrustError):
    """A registry file whose bytes are not the ones that were signed."""

    code = "registry-tampered"
    side = Side.REGISTRY
    en = "registry: {file}: expected {expected}, found {found}"
    ru = "реестр: {file}: ожидалось {expected}, найдено {found}"
    mend_en = "The file is not the one that was signed: fetch the registry again."
    mend_ru = "Это не тот файл, который подписан: получите реестр снова."


class RegistryRuleError(TrustError):
    """A rule of the federation that a validly signed registry breaks."""

    code = "registry-rule"
    side = Side.REGISTRY
    en = "registry: {subject}: {rule}: expected {expected}, found {found}"
    ru = "реестр: {subject}: {rule}: ожидалось {expected}, найдено {found}"


class KeyReuseError(TrustError):
    """A key with two purposes or two owners."""

    code = "key-reused"
    side = Side.REGISTRY
    en = "registry: key {kid} stands both at {first} and at {second}: one key, one purpose, one owner"
    ru = "реестр: ключ {kid} указан и в {first}, и в {second}: один ключ — одна цель, один владелец"
    mend_en = "Generate a key of its own for each purpose."
    mend_ru = "Создайте для каждой цели собственный ключ."


class RegistrySourceError(TrustError):
    """A partner's registry that TUF's client refuses; ours stays as it is."""

    code = "registry-source"
    side = Side.PARTNER
    en = "registry offered by {source}: refused: {reason}"
    ru = "реестр, предложенный {source}: отклонён: {reason}"
    mend_en = "The own registry stays in force until it expires; ask another member for a newer one."
    mend_ru = "Свой реестр действует до истечения срока; запросите более новый у другого участника."


class RegistryUnreachableError(TrustError):
    """No answer, or no usable one, from where the registry was asked for."""

    code = "registry-unreachable"
    side = Side.PARTNER
    exit_code = ExitCode.UNREACHABLE
    en = "registry of {source}: could not be fetched: {reason}"
    ru = "реестр {source}: не удалось получить: {reason}"
    mend_en = "Ask another member, or try again later."
    mend_ru = "Запросите у другого участника или повторите позже."


class RegistryHistoryError(TrustError):
    """A validly signed registry that takes back what an earlier one said."""

    code = "registry-history"
    side = Side.REGISTRY
    en = "registry: {subject}: {rule}: the state before says {before}, the one offered {offered}"
    ru = "реестр: {subject}: {rule}: прежнее состояние: {before}, предложенное: {offered}"
    mend_en = "What was published stays: list the key, member or time again and sign anew."
    mend_ru = "Опубликованное остаётся: внесите ключ, участника или время снова и подпишите заново."


class RegistrarBoundsError(TrustError):
    """A snapshot or timestamp by which one registrar would halt the others, or move the time of a revocation."""

    code = "registrar-bounds"
    side = Side.REGISTRY
    en = "registry: {role}: {bound}: expected {expected}, found {found}"
    ru = "реестр: {role}: {bound}: ожидалось {expected}, найдено {found}"
    mend_en = "Nothing of it is taken. Another registrar publishes; the members ask whose key signed this."
    mend_ru = "Ничего из этого не принято. Публикует другой регистратор; участники выясняют, чей ключ подписал это."


class ChangeSubjectError(TrustError):
    """A change that does not fit whom it is about."""

    code = "change-subject"
    side = Side.CALLER
    en = "{kind} {subject}: expected {expected}, found {found}"
    ru = "{kind} {subject}: ожидалось: {expected}, найдено: {found}"


class ChangeStaleError(TrustError):
    """A proposal or signature for another state, or over another proposal."""

    code = "change-stale"
    side = Side.CALLER
    en = "{kind}: made for {expected}, here is {found}"
    ru = "{kind}: составлено для {expected}, здесь {found}"
    mend_en = "Somebody changed the registry meanwhile, or the files belong to another change: propose it anew."
    mend_ru = "Реестр тем временем изменён, или файлы от другого изменения: предложите заново."


class ChangeExpiredError(TrustError):
    """A proposal that was not applied in its time."""

    code = "change-expired"
    side = Side.CALLER
    en = "{kind}: proposed at {proposed}, to be applied within {days} days, judged at {at}"
    ru = "{kind}: предложено {proposed}, применить следовало за {days} дн., проверка на {at}"
    mend_en = "Propose it anew; nothing that was signed is lost to anybody else."
    mend_ru = "Предложите заново; подписанное никому не послужит."


class ChangeSignerError(TrustError):
    """A key that stands in none of the roles that a change needs."""

    code = "change-signer"
    side = Side.CALLER
    exit_code = ExitCode.NOT_AUTHORISED
    en = "{kind}: key {key} may sign none of: {roles}"
    ru = "{kind}: ключ {key} не вправе подписывать: {roles}"
    mend_en = "exchange trust status shows whose signatures are missing."
    mend_ru = "exchange trust status показывает, чьих подписей не хватает."


class RegistrarEarlyError(TrustError):
    """Another registrar than the auditor, while the auditor does its work."""

    code = "registrar-early"
    side = Side.CALLER
    exit_code = ExitCode.NOT_AUTHORISED
    en = "{holder} acts for the auditor only after {needed_h} h without it, found {found_h} h"
    ru = "{holder} действует вместо аудитора лишь после {needed_h} ч без него, прошло {found_h} ч"
    mend_en = "Ask the auditor to publish; after that time any registrar may."
    mend_ru = "Попросите аудитора опубликовать; по истечении срока вправе любой регистратор."


class DelegationChangedError(TrustError):
    """The majority gave this member's delegation other keys: somebody else can now change its keys."""

    code = "delegation-changed"
    side = Side.REGISTRY
    en = "the delegation of {member} has other keys than the member confirmed: expected {expected}, found {found}"
    ru = "делегирование {member} имеет не те ключи, что подтвердил участник: ожидалось {expected}, найдено {found}"
    mend_en = "If this was agreed, exchange trust confirm; if not, call the other members: it may be an attack."
    mend_ru = "Если так согласовано, exchange trust confirm; если нет, позвоните участникам: возможна атака."


class OwnKeyUnlistedError(TrustError):
    """A key that this node holds does not count in the registry any more."""

    code = "own-key-unlisted"
    side = Side.NODE
    en = "{member}: the {purpose} key of this node does not count in registry version {version}"
    ru = "{member}: ключ {purpose} этого узла не действует в реестре версии {version}"
    mend_en = "Put the new key into private/gateway and start again; if nobody rotated it, call the other members."
    mend_ru = "Поместите новый ключ в private/gateway и перезапустите; если его не меняли, позвоните участникам."


class OwnMemberSilencedError(TrustError):
    """The own delegation does not hold."""

    code = "own-member-silenced"
    side = Side.REGISTRY
    en = "{member} is silenced by its own delegation: {reason}"
    ru = "{member} не имеет голоса из-за собственного делегирования: {reason}"
    mend_en = "Both delegation keys sign a good one: exchange trust propose renew."
    mend_ru = "Обоими ключами делегирования подпишите исправное: exchange trust propose renew."


class OwnMemberSuspendedError(TrustError):
    """The members suspended this one."""

    code = "own-member-suspended"
    side = Side.REGISTRY
    en = "{member} is suspended by the members since {since}"
    ru = "{member} приостановлен участниками с {since}"


class UnknownMemberError(TrustError):
    """Nobody of this id is a member."""

    code = "member-unknown"
    side = Side.CALLER
    en = "{member} is not a member of this federation"
    ru = "{member} не состоит в этой федерации"
    mend_en = "exchange trust show names the members"
    mend_ru = "участников назовёт exchange trust show"


class UnknownOfficerError(TrustError):
    """No officer of this id, or none with a valid key at that time."""

    code = "officer-unknown"
    side = Side.CALLER
    en = "officer {officer} has no key in the registry at {at}"
    ru = "у должностного лица {officer} нет ключа в реестре на {at}"
    mend_en = "exchange trust show names the officers; how a new one is listed: docs/ceremony.md"
    mend_ru = "должностных лиц назовёт exchange trust show; как вносится новое: docs/ceremony.md"


class PrivateKeyModeError(TrustError):
    """A private key or passphrase that others on the machine can read."""

    code = "private-key-readable"
    side = Side.NODE
    exit_code = ExitCode.ERROR
    en = "{path}: a private key is for its owner alone: expected mode {expected}, found {found}"
    ru = "{path}: закрытый ключ доступен только владельцу: ожидался режим {expected}, найден {found}"
    mend_en = "chmod {expected} {path}"
    mend_ru = "chmod {expected} {path}"


class PrivateKeyFileError(TrustError):
    """A private key file that cannot be written, read or understood."""

    code = "private-key-file"
    side = Side.NODE
    exit_code = ExitCode.ERROR
    en = "{path}: cannot use this private key file: {reason}"
    ru = "{path}: файл закрытого ключа непригоден: {reason}"
    mend_en = "exchange key list shows which keys there are and where; exchange key new makes them"
    mend_ru = "какие ключи есть и где, покажет exchange key list; создаёт их exchange key new"


class PlainPrivateKeyError(TrustError):
    """A private key in clear outside a demonstration."""

    code = "private-key-plain"
    side = Side.NODE
    exit_code = ExitCode.ERROR
    en = "{path}: the private key is not encrypted, which only a demonstration allows"
    ru = "{path}: закрытый ключ не зашифрован; это допустимо только в демонстрации"
    mend_en = "Generate the node's keys with a passphrase file."
    mend_ru = "Создайте ключи узла с файлом парольной фразы."


class PassphraseError(TrustError):
    """A passphrase that does not open the key."""

    code = "passphrase-wrong"
    side = Side.NODE
    exit_code = ExitCode.NOT_AUTHORISED
    en = "{path}: the passphrase does not open this private key, or the file was altered"
    ru = "{path}: парольная фраза не открывает этот закрытый ключ, или файл изменён"
