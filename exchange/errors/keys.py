"""Keys on their way in, and where private keys lie: what is refused before a key may speak for anybody.

AdmissionError (a TrustError)
├── KeyTwiceError, KeyListedError       one key, one purpose, one owner
├── KeyHalfError                        both algorithms, or no key at all
├── PossessionError                     nobody proved to hold the private key
├── OfficerTwiceError                   one key an officer
└── KeyNotListedError                   a key that nobody else would take yet
TokenError
├── TokenUriError                       not the URI of one key
├── TokenGoneError, TokenPinError       no token, or one that does not open
└── TokenKeyError                       a token without that key, or with another
"""

from exchange.errors import ExchangeError, ExitCode, Side
from exchange.errors.trust import TrustError


class AdmissionError(TrustError):
    """The branch of everything for which a member's application for keys is refused as a whole."""

    side = Side.AUTHOR


class KeyTwiceError(AdmissionError):
    """One application names one key for two purposes."""

    code = "key-applied-twice"
    en = "application of {member}: key {kid} stands both at {first} and at {second}: one key, one purpose"
    ru = "заявка {member}: ключ {kid} указан и для {first}, и для {second}: один ключ — одна цель"
    mend_en = "make a key of its own for each purpose with exchange key new, and apply again"
    mend_ru = "создайте для каждой цели свой ключ командой exchange key new и подайте заявку снова"


class KeyListedError(AdmissionError):
    """The key stands in the registry already; keys are never given a second purpose or owner."""

    code = "key-listed-already"
    en = "application of {member}: key {kid} for {purpose}: the registry lists it already, at {place}"
    ru = "заявка {member}: ключ {kid} для {purpose}: он уже есть в реестре, в {place}"
    mend_en = "a key has one owner and one purpose for ever, revoked or not: make a new one with exchange key new"
    mend_ru = "у ключа один владелец и одна цель навсегда, даже отозванного: создайте новый командой exchange key new"


class KeyHalfError(AdmissionError):
    """A purpose that is signed with two algorithms was applied for with one, or the other way round."""

    code = "key-half"
    en = "application of {member}: keys for {purpose}: expected {expected}, found {found}"
    ru = "заявка {member}: ключи для {purpose}: ожидалось {expected}, найдено {found}"
    mend_en = "apply for all keys of a purpose together"
    mend_ru = "подавайте заявку сразу на все ключи одной цели"


class PossessionError(AdmissionError):
    """The application lacks the signature by the key itself, or has one over other words."""

    code = "key-possession"
    en = "application of {member}: {purpose} key {kid}: proof of possession: expected its own signature, found {found}"
    ru = "заявка {member}: ключ {kid} для {purpose}: доказательство владения: ожидалась его подпись, найдено: {found}"
    mend_en = "write the application with exchange key apply where the private key lies, and carry it unchanged"
    mend_ru = "создайте заявку командой exchange key apply там, где лежит закрытый ключ, и передайте её без изменений"


class OfficerTwiceError(AdmissionError):
    """One application names two keys for one officer."""

    code = "officer-applied-twice"
    en = "application of {member}: officer {officer}: expected one key, found two"
    ru = "заявка {member}: должностное лицо {officer}: ожидался один ключ, найдено два"


class TokenError(ExchangeError):
    """The branch of everything about private keys that lie in a token (PKCS #11)."""

    side = Side.NODE


class TokenUriError(TokenError):
    """The address of a key in a token is not spelled as RFC 7512 says."""

    code = "token-uri"
    exit_code = ExitCode.USAGE
    en = "PKCS #11 URI of a key: {reason}"
    ru = "ссылка на ключ в токене (PKCS #11): {reason}"
    mend_en = "pkcs11:token=LABEL;object=LABEL?module-path=/path/to/library.so&pin-source=file:/path/to/pin"
    mend_ru = "pkcs11:token=МЕТКА;object=МЕТКА?module-path=/путь/к/библиотеке.so&pin-source=file:/путь/к/пин"


class TokenGoneError(TokenError):
    """The card or device was pulled, its driver is absent, or its service does not run."""

    code = "token-gone"
    exit_code = ExitCode.UNREACHABLE
    en = "{token}: the token does not answer: {reason}"
    ru = "{token}: токен не отвечает: {reason}"
    mend_en = "connect the token again; the program opens a new session by itself"
    mend_ru = "подключите токен снова; программа сама откроет новый сеанс"


class TokenPinError(TokenError):
    """The PIN is wrong, or the token is locked after too many wrong ones."""

    code = "token-pin"
    exit_code = ExitCode.NOT_AUTHORISED
    en = "{token}: the token does not take the PIN in {file}: {reason}"
    ru = "{token}: токен не принимает ПИН-код из {file}: {reason}"
    mend_en = "correct the file before the token locks itself; the same PIN is not tried again by this process"
    mend_ru = "исправьте файл, пока токен не заблокирован; тот же ПИН этот процесс больше не пробует"


class TokenKeyError(TokenError):
    """The token holds no such key, or another one under its name."""

    code = "token-key"
    exit_code = ExitCode.DOES_NOT_HOLD
    en = "{token}: key in the token: expected {expected}, found {found}"
    ru = "{token}: ключ в токене: ожидалось {expected}, найдено {found}"
    mend_en = "check token, object and id with exchange key list, and that this is the token the key was made in"
    mend_ru = "проверьте token, object и id командой exchange key list и что ключ создан именно в этом токене"


class PrivateKeyOwnerError(TrustError):
    """The file was copied by another account than the one the gateway runs as."""

    code = "private-key-owner"
    side = Side.NODE
    exit_code = ExitCode.ERROR
    en = "{path}: a private key belongs to the account that uses it: expected user {expected}, found {found}"
    ru = (
        "{path}: закрытый ключ принадлежит учётной записи, которая им пользуется: ожидалась {expected}, найдена {found}"
    )
    mend_en = "run the program under the account that owns the node's folder"
    mend_ru = "запустите программу под учётной записью, которой принадлежит папка узла"


class KeyNotListedError(AdmissionError):
    """The key is not in the registry, not yet, or not any more."""

    code = "key-not-listed"
    en = "{member}: {purpose} key {kid}: expected to be listed in the registry now, found: {found}"
    ru = "{member}: ключ {kid} для {purpose}: ожидалось, что он сейчас в реестре, найдено: {found}"
    mend_en = "have it listed first (exchange key apply, exchange trust propose) and refresh the node's registry"
    mend_ru = "сначала внесите его в реестр (exchange key apply, exchange trust propose) и обновите реестр узла"
