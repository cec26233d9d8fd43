"""What a change does, in words: every line follows from the bytes to be signed and from the registry as it is.

A signer reads these lines and compares sixteen words aloud with all other signers; nobody has to believe a description
that somebody else wrote.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tuf.api.metadata import Metadata, Root, Targets

from exchange.encoding import Digest, format_instant
from exchange.signing.authoring import HOLDER
from exchange.signing.ceremony import RoleStanding, signing_authorities
from exchange.signing.ceremony_form import Proposal
from exchange.signing.delegations import FEDERATION, keys_file
from exchange.signing.members import parse_listed_key
from exchange.signing.registry import SignedRegistry
from exchange.signing.words import digest_words, fingerprint_words
from nodes.terminal import Output

Line = tuple[str, str]
"""English, Russian."""

KINDS: Mapping[str, Line] = {
    "found": ("found the federation", "создать федерацию"),
    "add": ("add member", "принять участника"),
    "remove": ("remove member", "исключить участника"),
    "suspend": ("suspend member", "приостановить участника"),
    "resume": ("end the suspension of", "снять приостановку с"),
    "rotate": ("new keys of member", "новые ключи участника"),
    "log": ("a new log of member", "новый журнал участника"),
    "revoke": ("revoke keys of member", "отозвать ключи участника"),
    "replace": ("new registry keys held by", "новые ключи реестра у участника"),
    "auditor": ("name as auditor", "назначить аудитором"),
    "registrar": ("name as registrar", "назначить регистратором"),
    "retire": ("end as registrar", "освободить от обязанностей регистратора"),
    "renew": ("sign again for a full life:", "подписать заново на полный срок:"),
    "policy": ("change the witness policy of", "изменить политику свидетелей для"),
}


def headline(proposal: Proposal) -> Line:
    """What it is, in one line."""
    english, russian = KINDS.get(proposal.kind, (proposal.kind, proposal.kind))
    at = format_instant(proposal.at)
    return (
        f"{english} {proposal.subject}, proposed at {at}",
        f"{russian} {proposal.subject}, предложено {at}",
    )


def describe(proposal: Proposal, base: SignedRegistry | None) -> list[Line]:
    """What changes, role by role."""
    lines: list[Line] = []
    for role, raw in proposal.metadata.items():
        expires = format_instant(Metadata[Root].from_bytes(raw).signed.expires)
        version = proposal.version(role)
        lines.append((f"{role}: version {version}, until {expires}", f"{role}: версия {version}, до {expires}"))
        lines += [(f"  {english}", f"  {russian}") for english, russian in _role_lines(role, proposal, base)]
    return lines


def tell_change(output: Output, proposal: Proposal, digest: Digest, base: SignedRegistry | None) -> None:
    """Print what a change does and the words to compare."""
    english, russian = headline(proposal)
    output.say(en=english, ru=russian)
    for english, russian in describe(proposal, base):
        output.say(en=f"  {english}", ru=f"  {russian}")
    output.say(en="say these words aloud; they must be everybody's:", ru="произнесите слова вслух; они у всех одни:")
    output.line(f"  {digest_words(digest)}")


def tell_standing(output: Output, roles: tuple[RoleStanding, ...]) -> None:
    """Print who signed and whose signatures are missing."""
    headers = (
        ["роль", "подписей", "подписали", "не подписали"]
        if output.language == "ru"
        else ["role", "signatures", "signed", "not yet"]
    )
    output.table(
        headers,
        [
            [one.role, f"{one.found} / {one.needed}", " ".join(one.signed) or "–", " ".join(one.missing) or "–"]
            for one in roles
        ],
    )


def standing_json(roles: tuple[RoleStanding, ...]) -> list[dict[str, object]]:
    """The same for a program."""
    return [
        {
            "role": one.role,
            "needed": one.needed,
            "found": one.found,
            "signed": list(one.signed),
            "missing": list(one.missing),
            "enough": one.enough,
        }
        for one in roles
    ]


def _role_lines(role: str, proposal: Proposal, base: SignedRegistry | None) -> Iterator[Line]:
    if role == "root":
        new_root = proposal.new_root()
        assert new_root is not None  # the role stands in the proposal
        yield from _holders(_top_holders(new_root), {} if base is None else _top_holders(base.root))
    elif role == "targets":
        new_targets = proposal.new_targets()
        assert new_targets is not None  # the role stands in the proposal
        before = {} if base is None else _delegation_holders(base.top)
        yield from _holders(_delegation_holders(new_targets), before)
        yield from _membership(proposal, base)
        yield from _policies(proposal, base)
    else:
        yield from _keys(role, proposal, base)
    needed = " + ".join(
        f"{authority.threshold} / {len(authority.keys)}" for authority in signing_authorities(proposal, base)[role]
    )
    yield (f"needs {needed} signatures", f"нужно подписей: {needed}")


def _top_holders(root: Root) -> dict[str, dict[str, str]]:
    return {
        f"{name} ({role.threshold} / {len(role.keyids)})": {
            keyid: str(root.keys[keyid].unrecognized_fields.get(HOLDER, "?")) for keyid in role.keyids
        }
        for name, role in sorted(root.roles.items())
    }


def _delegation_holders(targets: Targets) -> dict[str, dict[str, str]]:
    delegations = targets.delegations
    if delegations is None or delegations.roles is None:
        return {}
    return {
        f"members/{name} ({role.threshold} / {len(role.keyids)})": {
            keyid: str(delegations.keys[keyid].unrecognized_fields.get(HOLDER, "?")) for keyid in role.keyids
        }
        for name, role in delegations.roles.items()
    }


def _holders(after: Mapping[str, Mapping[str, str]], before: Mapping[str, Mapping[str, str]]) -> Iterator[Line]:
    for name, keys in after.items():
        if before.get(name) != keys:
            listed = ", ".join(f"{holder} {keyid[:16]}" for keyid, holder in keys.items())
            yield (f"{name} is signed by {listed}", f"{name} подписывают {listed}")
    for name in before.keys() - after.keys():
        yield (f"no longer: {name}", f"больше нет: {name}")


def _membership(proposal: Proposal, base: SignedRegistry | None) -> Iterator[Line]:
    after = _by_id(proposal.targets.get(FEDERATION))
    before = _by_id(None if base is None else base.targets.get(FEDERATION))
    for member_id, entry in after.items():
        known = before.get(member_id)
        if known is None:
            yield (f"{member_id} is a member: {entry['name']['en']}", f"{member_id} — участник: {entry['name']['ru']}")
        if "left_at" in entry and (known is None or "left_at" not in known):
            yield (f"{member_id} is no member any more", f"{member_id} больше не участник")
        for period in entry.get("suspended", []):
            if known is None or period not in known.get("suspended", []):
                until = period.get("until", "…")
                yield (
                    f"{member_id} is suspended: {period['since']} – {until}",
                    f"{member_id} приостановлен: {period['since']} – {until}",
                )
    for member_id in before.keys() - after.keys():
        yield (f"{member_id} VANISHES from the list", f"{member_id} ИСЧЕЗАЕТ из списка")
    auditor = _auditor_of(proposal.targets.get(FEDERATION))
    if auditor != _auditor_of(None if base is None else base.targets.get(FEDERATION)):
        yield (f"{auditor} is the auditor", f"аудитор — {auditor}")


def _policies(proposal: Proposal, base: SignedRegistry | None) -> Iterator[Line]:
    before = {} if base is None else base.targets
    for path, raw in proposal.targets.items():
        if path.startswith("policy/") and before.get(path) != raw:
            quorum = next(
                (line for line in raw.decode("utf-8", "replace").splitlines() if line.startswith("group")), ""
            )
            yield (f"{path}: {quorum}", f"{path}: {quorum}")


def _keys(role: str, proposal: Proposal, base: SignedRegistry | None) -> Iterator[Line]:
    file = keys_file(role)
    own = {} if base is None else {one.role: one.targets for one in base.delegations}.get(role, {})
    after, before = _keys_of(proposal.targets.get(file)), _keys_of(own.get(file))
    for kid, entry in after.items():
        known = before.get(kid)
        what = _what(entry)
        words = fingerprint_words(parse_listed_key(entry, subject=file))
        if known is None:
            yield (f"new {what} key {kid}", f"новый ключ {what} {kid}")
            yield (f"  {words}", f"  {words}")
        elif known.get("revoked_at") != entry.get("revoked_at"):
            at = entry.get("revoked_at", "never")
            yield (f"{what} key {kid} is revoked from {at} on", f"ключ {what} {kid} отозван с {at}")
            yield (f"  {words}", f"  {words}")
    for kid in before.keys() - after.keys():
        yield (f"key {kid} VANISHES from the list", f"ключ {kid} ИСЧЕЗАЕТ из списка")
    yield from _ended_logs(proposal.targets.get(file), own.get(file))


def _ended_logs(after: bytes | None, before: bytes | None) -> Iterator[Line]:
    logs, known = _earlier_logs(after), _earlier_logs(before)
    for one in logs[len(known) :]:
        origin, size = one["origin"], one.get("size")
        if size is None:
            yield (f"log {origin} ends; a new one continues it", f"журнал {origin} завершается; его продолжит новый")
        else:
            yield (
                f"log {origin} is CUT: only its first {size} entries go on in a new one, root {one['root']}",
                f"журнал {origin} ОБРЫВАЕТСЯ: в новом только его первые записи, {size}, корень {one['root']}",
            )


def _earlier_logs(raw: bytes | None) -> list[dict[str, Any]]:
    return [] if raw is None else list(json.loads(raw).get("earlier_logs", []))


def _auditor_of(raw: bytes | None) -> str | None:
    return None if raw is None else str(json.loads(raw)["auditor"])


def _by_id(raw: bytes | None) -> dict[str, dict[str, Any]]:
    return {} if raw is None else {entry["id"]: entry for entry in json.loads(raw)["members"]}


def _keys_of(raw: bytes | None) -> dict[str, dict[str, Any]]:
    if raw is None:
        return {}
    return {parse_listed_key(entry, subject="keys.json").kid: entry for entry in json.loads(raw)["keys"]}


def _what(entry: Mapping[str, Any]) -> str:
    """Purpose and officer; of a passkey also the pages on which alone it can be used."""
    place = entry.get("passkey")
    pages = "" if place is None else f"webauthn {' '.join(place['origins'])}"
    return " ".join(filter(None, (entry["purpose"], entry.get("officer", ""), pages)))
