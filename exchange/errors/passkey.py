"""Passkeys (WebAuthn): an assertion that does not say what its officer was asked, or not by whom.

PasskeyError (a TrustError)
├── PasskeyFormError                              bytes that no client or authenticator of ours writes
├── PasskeyTypeError, PasskeyChallengeError       another ceremony, another statement
├── PasskeyOriginError, PasskeyEmbeddedError      another page, or one inside another
├── PasskeyPartyError, PasskeyCredentialError     another relying party, another credential
├── PasskeyUserError                              nobody present, or nobody verified
└── PasskeyCounterError                           a counter that did not move on
"""

from exchange.errors.trust import TrustError


class PasskeyError(TrustError):
    """The branch of everything for which an assertion is refused before its signature is looked at."""

    mend_en = "Approve again on the desk's own page, with the registered passkey."
    mend_ru = "Одобрите снова на странице самого рабочего места зарегистрированным ключом доступа."


class PasskeyFormError(PasskeyError):
    """The bytes are not what a browser and an authenticator write, or they say something twice."""

    code = "passkey-form"
    en = "passkey: {part}: expected {expected}, found {found}"
    ru = "ключ доступа: {part}: ожидалось {expected}, найдено {found}"


class PasskeyTypeError(PasskeyError):
    """The browser was asked for something else than an assertion: a registration, or a payment."""

    code = "passkey-type"
    en = "passkey: client data: expected the type {expected}, found {found}"
    ru = "ключ доступа: данные клиента: ожидался тип {expected}, найден {found}"


class PasskeyChallengeError(PasskeyError):
    """The passkey signed for another statement: another bundle, decision, officer or time."""

    code = "passkey-challenge"
    en = "passkey: the statement's digest is {expected}, the assertion answers {found}"
    ru = "ключ доступа: дайджест заявления {expected}, утверждение отвечает на {found}"


class PasskeyOriginError(PasskeyError):
    """The passkey was used on another page than the desk's, as by phishing."""

    code = "passkey-origin"
    en = "passkey: expected one of the registered origins {expected}, found {found}"
    ru = "ключ доступа: ожидался один из зарегистрированных источников {expected}, найден {found}"


class PasskeyEmbeddedError(PasskeyError):
    """The page was shown inside another one, whose owner can hide what the officer agrees to."""

    code = "passkey-embedded"
    en = "passkey: the page must stand alone: {field}: expected {expected}, found {found}"
    ru = "ключ доступа: страница не может быть вложена в другую: {field}: ожидалось {expected}, найдено {found}"


class PasskeyPartyError(PasskeyError):
    """The authenticator signed for another relying party (domain)."""

    code = "passkey-party"
    en = "passkey: relying party {party}: expected its digest {expected}, found {found}"
    ru = "ключ доступа: проверяющая сторона {party}: ожидался её дайджест {expected}, найден {found}"


class PasskeyCredentialError(PasskeyError):
    """The assertion names another credential than the officer's."""

    code = "passkey-credential"
    en = "passkey: expected credential {expected}, found {found}"
    ru = "ключ доступа: ожидалось удостоверение {expected}, найдено {found}"


class PasskeyUserError(PasskeyError):
    """The authenticator did not ask for the finger, face or PIN of its owner, or for no touch at all."""

    code = "passkey-user"
    en = "passkey: expected the user {expected}, found not {expected}"
    ru = "ключ доступа: ожидался признак «user {expected}», его нет"


class PasskeyCounterError(PasskeyError):
    """The signature counter stands where it stood or before: a copy of the authenticator, or an old assertion."""

    code = "passkey-counter"
    en = "passkey: expected a signature counter above {expected}, found {found}"
    ru = "ключ доступа: ожидался счётчик подписей больше {expected}, найден {found}"
