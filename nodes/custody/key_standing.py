"""What the registry says of the keys in a node's folder: a key counts for others only while it is listed."""

from collections.abc import Mapping
from datetime import datetime

from exchange.encoding import format_instant
from exchange.errors import Language
from exchange.errors.keys import KeyNotListedError
from exchange.errors.trust import RegistryFileError
from exchange.signing.members import MemberKey
from nodes.adapters.trust_folder import load_trust
from nodes.custody.key_folder import KeyEntry, KeyFolder

WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "listed": "listed since {at}",
        "later": "listed from {at}",
        "revoked": "revoked at {at}",
        "absent": "not listed",
        "unknown": "–",
    },
    "ru": {
        "listed": "в реестре с {at}",
        "later": "в реестре будет с {at}",
        "revoked": "отозван {at}",
        "absent": "нет в реестре",
        "unknown": "–",
    },
}


def listed_keys(folder: KeyFolder, *, at: datetime) -> Mapping[str, MemberKey] | None:
    """The keys of the folder's member as the node's registry lists them, by key id; None where there is no registry.

    Raises:
        TrustError: The registry does not verify; expiry alone is no reason here.
    """
    if folder.node is None:
        return None
    try:
        trust = load_trust(folder.node.keys, at=at, expired="notice")
    except RegistryFileError:  # a node before its federation is founded
        return None
    member = trust.members.get(folder.node.member)  # none yet where it has only applied
    return {} if member is None else {listed.key.kid: listed for listed in member.keys}


def standing(entry: KeyEntry, listed: Mapping[str, MemberKey] | None, *, at: datetime) -> tuple[str, str]:
    """A word of `WORDS` and the time that belongs to it, empty where none does."""
    if listed is None:
        return "unknown", ""
    found = listed.get(entry.label.kid)
    if found is None or found.purpose is not entry.use:
        return "absent", ""
    if found.revoked_at is not None and found.revoked_at <= at:
        return "revoked", format_instant(found.revoked_at)
    return ("listed" if found.valid_from <= at else "later"), format_instant(found.valid_from)


def require_listed(entry: KeyEntry, listed: Mapping[str, MemberKey], *, member: str, at: datetime) -> None:
    """Refuse a key with which everything signed would be refused elsewhere.

    Raises:
        KeyNotListedError: The registry does not list it for this purpose now.
    """
    word, when = standing(entry, listed, at=at)
    if word != "listed":
        raise KeyNotListedError(
            member=member, purpose=entry.use, kid=entry.label.kid, found=WORDS["en"][word].format(at=when)
        )
