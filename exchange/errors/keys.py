"""Keys on their way in, and where private keys lie: what is refused before a key may speak for anybody.

AdmissionError
├── KeyTwiceError, KeyListedError       one key, one purpose, one owner
├── KeyHalfError                        both algorithms, or no key at all
├── PossessionError                     nobody proved to hold the private key
└── OfficerTwiceError                   one key an officer
"""

from exchange.errors.trust import TrustError


class AdmissionError(TrustError):
    """The branch of everything for which a member's application for keys is refused as a whole."""


class KeyTwiceError(AdmissionError):
    code = "key-applied-twice"
    en = "application of {member}: key {kid} stands both at {first} and at {second}: one key, one purpose"
    ru = "заявка {member}: ключ {kid} указан и для {first}, и для {second}: один ключ — одна цель"
    mend_en = "make a key of its own for each purpose with exchange key new, and apply again"
    mend_ru = "создайте для каждой цели свой ключ командой exchange key new и подайте заявку снова"


class KeyListedError(AdmissionError):
    code = "key-listed-already"
    en = "application of {member}: key {kid} for {purpose}: the registry lists it already, at {place}"
    ru = "заявка {member}: ключ {kid} для {purpose}: он уже есть в реестре, в {place}"
    mend_en = "a key has one owner and one purpose for ever, revoked or not: make a new one with exchange key new"
    mend_ru = "у ключа один владелец и одна цель навсегда, даже отозванного: создайте новый командой exchange key new"


class KeyHalfError(AdmissionError):
    code = "key-half"
    en = "application of {member}: keys for {purpose}: expected {expected}, found {found}"
    ru = "заявка {member}: ключи для {purpose}: ожидалось {expected}, найдено {found}"
    mend_en = "apply for all keys of a purpose together"
    mend_ru = "подавайте заявку сразу на все ключи одной цели"


class PossessionError(AdmissionError):
    code = "key-possession"
    en = "application of {member}: {purpose} key {kid}: proof of possession: expected its own signature, found {found}"
    ru = "заявка {member}: ключ {kid} для {purpose}: доказательство владения: ожидалась его подпись, найдено: {found}"
    mend_en = "write the application with exchange key apply where the private key lies, and carry it unchanged"
    mend_ru = "создайте заявку командой exchange key apply там, где лежит закрытый ключ, и передайте её без изменений"


class OfficerTwiceError(AdmissionError):
    code = "officer-applied-twice"
    en = "application of {member}: officer {officer}: expected one key, found two"
    ru = "заявка {member}: должностное лицо {officer}: ожидался один ключ, найдено два"
