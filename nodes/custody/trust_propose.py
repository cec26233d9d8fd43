"""`exchange trust propose KIND …`: a change of the registry, ready to be signed by whom it needs."""

import tomllib
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from exchange.errors import ExitCode
from exchange.errors.settings import CommandLineError, FileRefusedError
from exchange.flow import ceremony, ceremony_offices
from exchange.flow.ceremony_keys import merged
from exchange.signing.admission import Application, open_application
from exchange.signing.ceremony import standing
from exchange.signing.ceremony_form import Proposal
from exchange.signing.federation import Federation, Membership
from exchange.signing.keys import KeyPurpose
from exchange.signing.registry import SignedRegistry
from exchange.signing.trust import FIRST_ROOT, Trust, open_trust
from exchange.signing.words import digest_words
from nodes.adapters.plain_files import read_plain
from nodes.custody.trust_change import RegistryFolder, ask_for_registry, read_registry, write_change
from nodes.custody.trust_words import standing_json, tell_change, tell_standing
from nodes.terminal import CommandParser, Invocation

OVERLAP_HOURS = 72
"""How long a replaced key counts on unless the command line says otherwise."""


def propose(invocation: Invocation) -> int:
    """`trust propose found|add|remove|suspend|rotate|log|revoke|replace|auditor|registrar|renew|… … -o CHANGE`."""
    arguments = _arguments(invocation)
    at = invocation.clock.now().replace(microsecond=0)
    registry = RegistryFolder(path=Path(), files={}, signed=None)
    if arguments.kind != "found":
        registry = read_registry(_given(arguments, "registry"), invocation.clock)
    proposal = _KINDS[arguments.kind](arguments, registry, at)
    change = write_change(arguments.output, proposal)
    roles = standing(change.raw, (), base=registry.signed)
    tell_change(invocation.output, proposal, change.digest, registry.signed)
    tell_standing(invocation.output, roles)
    invocation.output.result(
        {
            "change": str(arguments.output),
            "kind": proposal.kind,
            "subject": proposal.subject,
            "digest": str(change.digest),
            "words": digest_words(change.digest),
            "roles": standing_json(roles),
        }
    )
    return ExitCode.FINE


def _arguments(invocation: Invocation) -> Namespace:
    parser = CommandParser(invocation.command, "Propose a change of the registry.")
    parser.add_argument("kind", choices=sorted(_KINDS), metavar="KIND", help=", ".join(sorted(_KINDS)))
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="CHANGE", help="a new folder")
    ask_for_registry(parser, required=False)
    parser.add_argument("--member", metavar="ID", help="whom it is about")
    parser.add_argument(
        "--application", type=Path, action="append", default=[], metavar="FILE", help="made by exchange key apply"
    )
    parser.add_argument("--federation", type=Path, metavar="FILE", help="found: names, auditor, registrars (TOML)")
    parser.add_argument("--name-en", metavar="NAME", help="add: the new member's name")
    parser.add_argument("--name-ru", metavar="NAME", help="add: its name in Russian")
    parser.add_argument("--kind-of-member", choices=["state", "organisation"], default="state", help="add")
    parser.add_argument("--overlap-hours", type=int, default=OVERLAP_HOURS, metavar="N", help="rotate, log")
    parser.add_argument(
        "--cut", type=Path, metavar="CHECKPOINT", help="log: of the present log, which cannot be closed; it ends there"
    )
    parser.add_argument("--purpose", choices=list(KeyPurpose), metavar="PURPOSE", help="revoke: all keys of it")
    parser.add_argument("--kid", action="append", default=[], metavar="KEY-ID", help="revoke: this key")
    parser.add_argument("--role", action="append", default=[], metavar="ROLE", help="renew: root, targets, kz, …")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="policy: its text; by default two thirds of all")
    return invocation.parse(parser)


def _found(arguments: Namespace, _: RegistryFolder, at: datetime) -> Proposal:
    by_member: dict[str, list[Application]] = {}
    for application in _applications(arguments, None):
        by_member.setdefault(application.member, []).append(application)
    federation, registrars = read_founding(_given(arguments, "federation"))
    return ceremony.found(
        ceremony.Founding(
            federation=federation,
            applications={member_id: merged(several) for member_id, several in by_member.items()},
            registrars=registrars,
        ),
        at=at,
    )


def _add(arguments: Namespace, registry: RegistryFolder, at: datetime) -> Proposal:
    one = Membership(
        kind=arguments.kind_of_member,
        name={"en": _given(arguments, "name_en"), "ru": _given(arguments, "name_ru")},
    )
    application = merged(_applications(arguments, registry))
    return ceremony.add_member(_base(registry), _member(arguments), one, application, at=at)


def _remove(arguments: Namespace, registry: RegistryFolder, at: datetime) -> Proposal:
    return ceremony.remove_member(_base(registry), _member(arguments), at=at)


def _suspend(arguments: Namespace, registry: RegistryFolder, at: datetime) -> Proposal:
    return ceremony.suspend_member(_base(registry), _member(arguments), at=at)


def _resume(arguments: Namespace, registry: RegistryFolder, at: datetime) -> Proposal:
    return ceremony.resume_member(_base(registry), _member(arguments), at=at)


def _rotate(arguments: Namespace, registry: RegistryFolder, at: datetime) -> Proposal:
    overlap = timedelta(hours=arguments.overlap_hours)
    return ceremony.rotate_keys(_base(registry), merged(_applications(arguments, registry)), overlap=overlap, at=at)


def _log(arguments: Namespace, registry: RegistryFolder, at: datetime) -> Proposal:
    application = merged(_applications(arguments, registry))
    overlap = timedelta(hours=arguments.overlap_hours)
    cut = None if arguments.cut is None else _read(arguments.cut)
    return ceremony.next_log(_base(registry), application, cut=cut, overlap=overlap, at=at)


def _revoke(arguments: Namespace, registry: RegistryFolder, at: datetime) -> Proposal:
    base, member_id = _base(registry), _member(arguments)
    kids = list(arguments.kid)
    if arguments.purpose is not None:
        purpose = KeyPurpose(arguments.purpose)
        listed = _trust(registry).member(member_id).keys
        kids += [one.key.kid for one in listed if one.purpose is purpose and one.counts_at(at)]
    if not kids:
        raise CommandLineError(reason="which keys?", command="trust propose revoke --purpose bundle, or --kid KEY-ID")
    return ceremony.revoke_keys(base, member_id, kids, at=at)


def _replace(arguments: Namespace, registry: RegistryFolder, at: datetime) -> Proposal:
    return ceremony_offices.replace_holder(_base(registry), merged(_applications(arguments, registry)), at=at)


def _auditor(arguments: Namespace, registry: RegistryFolder, at: datetime) -> Proposal:
    return ceremony_offices.change_auditor(_base(registry), _member(arguments), at=at)


def _registrar(arguments: Namespace, registry: RegistryFolder, at: datetime) -> Proposal:
    return ceremony_offices.add_registrar(_base(registry), merged(_applications(arguments, registry)), at=at)


def _retire(arguments: Namespace, registry: RegistryFolder, at: datetime) -> Proposal:
    return ceremony_offices.retire_registrar(_base(registry), _member(arguments), at=at)


def _renew(arguments: Namespace, registry: RegistryFolder, at: datetime) -> Proposal:
    if not arguments.role:
        raise CommandLineError(reason="which role?", command="trust propose renew --role kz")
    return ceremony.renew(_base(registry), arguments.role, at=at)


def _policy(arguments: Namespace, registry: RegistryFolder, at: datetime) -> Proposal:
    text = None if arguments.policy is None else _read(arguments.policy)
    return ceremony.change_policy(_base(registry), _member(arguments), text, at=at)


_KINDS: Mapping[str, Callable[[Namespace, RegistryFolder, datetime], Proposal]] = {
    "found": _found,
    "add": _add,
    "remove": _remove,
    "suspend": _suspend,
    "resume": _resume,
    "rotate": _rotate,
    "log": _log,
    "revoke": _revoke,
    "replace": _replace,
    "auditor": _auditor,
    "registrar": _registrar,
    "retire": _retire,
    "renew": _renew,
    "policy": _policy,
}


def read_founding(path: Path) -> tuple[Federation, tuple[str, ...]]:
    """Who founds a federation, as TOML: `name`, `auditor`, `registrars`, and `members.<ID>` with `kind` and `name`.

    Raises:
        FileRefusedError: It cannot be read, or says something else.
    """
    try:
        document = tomllib.loads(_read(path).decode("utf-8"))
        members = {
            member_id: Membership(kind=entry["kind"], name=_labels(entry["name"]))
            for member_id, entry in document["members"].items()
        }
        federation = Federation(name=_labels(document["name"]), members=members, auditor=str(document["auditor"]))
        return federation, tuple(map(str, document["registrars"]))
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileRefusedError(path=str(path), reason=f"{type(error).__name__}: {error}") from error


def _labels(name: Mapping[str, Any]) -> dict[str, str]:
    return {"en": str(name["en"]), "ru": str(name["ru"])}


def _applications(arguments: Namespace, registry: RegistryFolder | None) -> Sequence[Application]:
    if not arguments.application:
        raise CommandLineError(reason="which keys?", command="--application FILE, made by exchange key apply")
    trust = None if registry is None else _trust(registry)
    return [open_application(_read(path), trust=trust) for path in arguments.application]


def _trust(registry: RegistryFolder) -> Trust:
    at = _base(registry).snapshot.expires  # decides nothing: what has expired is only noticed
    return open_trust(registry.files, root=registry.files[FIRST_ROOT], at=at, expired="notice")


def _base(registry: RegistryFolder) -> SignedRegistry:
    if registry.signed is None:
        raise CommandLineError(reason=f"{registry.path} has no published registry", command="--registry DIR")
    return registry.signed


def _member(arguments: Namespace) -> str:
    return str(_given(arguments, "member")).upper()


def _given(arguments: Namespace, name: str) -> Any:  # noqa: ANN401  # of whatever type the option is
    value = getattr(arguments, name)
    if value is None:
        option = name.replace("_", "-")
        raise CommandLineError(
            reason=f"{arguments.kind} needs --{option}", command=f"trust propose {arguments.kind} --{option} …"
        )
    return value


def _read(path: Path) -> bytes:
    try:
        return read_plain(path)
    except OSError as error:
        raise FileRefusedError(path=str(path), reason=error.strerror or "not readable") from error
