"""The words of `exchange trust show`, English and Russian, for somebody who is no cryptographer."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from exchange.errors import Language
from exchange.signing.authoring import Authority
from exchange.signing.keys import KeyPurpose
from nodes.custody.trust_standing import Ended, Standing

Line: TypeAlias = tuple[str, str]
"""English, Russian."""
Words: TypeAlias = Callable[[Line], str]

ACTS: Sequence[tuple[str, Line]] = (
    ("root", ("decide who holds these keys, who is registrar", "решать, у кого эти ключи и кто регистратор")),
    (
        "targets",
        (
            "admit, suspend, remove members; name the auditor; say who witnesses a log",
            "принимать, приостанавливать, исключать участников; назначать аудитора и свидетелей журналов",
        ),
    ),
    ("snapshot", ("publish what was decided (registrars)", "публиковать решённое (регистраторы)")),
    ("timestamp", ("confirm that nothing newer exists (registrars)", "подтверждать, что новее нет (регистраторы)")),
)
"""Each role of the registry, and what its signatures decide."""

HEADERS: Mapping[str, Sequence[Line]] = {
    "acts": (("act", "что"), ("needs", "нужно подписей"), ("by whom", "чьих")),
    "members": (
        ("member", "участник"),
        ("name", "название"),
        ("since", "с"),
        ("now", "сейчас"),
        ("address", "адрес"),
        ("log", "журнал"),
    ),
    "keys": (
        ("member", "участник"),
        ("may", "вправе"),
        ("key", "ключ"),
        ("algorithm", "алгоритм"),
        ("from", "с"),
        ("until", "до"),
    ),
    "ends": (("when", "когда"), ("file", "файл"), ("signed again by", "кто подписывает заново"), ("", "")),
}

STANDINGS: Mapping[Standing, Line] = {
    "member": ("member", "участник"),
    "suspended": ("suspended since", "приостановлен с"),
    "silenced": ("silenced", "без голоса"),
    "left": ("left", "вышел"),
}

ENDED: Mapping[Ended, Line] = {
    "revoked": ("(revoked)", "(отозван)"),
    "suspended": ("(member suspended)", "(участник приостановлен)"),
    "left": ("(member left)", "(участник вышел)"),
}

USES: Mapping[KeyPurpose, Line] = {
    KeyPurpose.BUNDLE: ("bundle: seal bundles", "bundle: скреплять наборы"),
    KeyPurpose.CONTRACT: ("contract: sign and end contracts", "contract: подписывать и прекращать контракты"),
    KeyPurpose.TRANSPORT: ("transport: pull, deliver, receipt", "transport: получать, выдавать, квитанции"),
    KeyPurpose.LOG: ("log: sign its log", "log: подписывать свой журнал"),
    KeyPurpose.WITNESS: ("witness: cosign others' logs", "witness: заверять чужие журналы"),
    KeyPurpose.OFFICER: ("officer", "должностное лицо"),
}

_ALL_STOP: Line = ("else all nodes stop", "иначе все узлы останавливаются")
ENDS: Mapping[str, Line] = dict.fromkeys(("root", "targets", "snapshot", "timestamp"), _ALL_STOP)
"""What happens if nobody signs again; a member's own file silences that member alone."""


def in_language(language: Language) -> Words:
    """The half of a line that is in this language."""
    return lambda line: line[language == "ru"]


def how_many(authority: Authority, words: Words) -> str:
    """How many signatures of how many."""
    threshold, keys = authority.threshold, len(authority.keys)
    return words((f"{threshold} of {keys}", f"{threshold} из {keys}"))


def by_whom(authority: Authority, words: Words) -> str:
    """The holders; one that holds several keys has given them to as many persons."""
    holders = [holder or key.kid[:16] for key, holder in authority.held()]
    names = dict.fromkeys(holders)
    if len(names) < len(holders):
        ids = ", ".join(names)
        return words((f"persons of {ids}, one key each", f"лица {ids}, у каждого свой ключ"))
    return ", ".join(holders)
