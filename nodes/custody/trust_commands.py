"""`exchange trust sign|import|status|apply|publish|renew`: from a proposal to a registry that nodes refresh to."""

from argparse import Namespace
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from exchange.encoding import format_instant
from exchange.errors import ExitCode
from exchange.errors.settings import CommandLineError
from exchange.errors.trust import RegistryRuleError
from exchange.signing.ceremony import apply_change, sign_change, standing
from exchange.signing.delegations import read_federation
from exchange.signing.forward import require_forward
from exchange.signing.keys import RegistryRole, Signer
from exchange.signing.registrar import newest_versions, require_turn
from exchange.signing.registrar import publish as new_snapshot
from exchange.signing.registrar import renew as new_timestamp
from exchange.signing.trust import FIRST_ROOT, Trust, open_trust
from exchange.signing.words import digest_words
from nodes.adapters.trust_folder import write_trust_files
from nodes.custody.trust_change import (
    ChangeFolder,
    RegistryFolder,
    add_signatures,
    ask_for_keys,
    ask_for_registry,
    open_keys,
    read_change,
    read_registry,
    read_signatures,
)
from nodes.custody.trust_words import standing_json, tell_change, tell_standing
from nodes.terminal import Clock, CommandParser, Invocation

SNAPSHOT_RENEWED_BEFORE = timedelta(days=15)
"""Half of a snapshot's life: a renewal makes a new one then."""


def sign(invocation: Invocation) -> int:
    """`trust sign CHANGE --registry DIR --key FILE…`: say what it does, then sign every role that the keys may sign."""
    parser = CommandParser(invocation.command, "Sign a change of the registry; needs no network.")
    _ask_for_change(parser)
    ask_for_registry(parser, required=False)
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="where the signatures go, if not to CHANGE")
    ask_for_keys(parser)
    arguments = invocation.parse(parser)
    change, registry = _change_and_registry(invocation, arguments)
    if change.path.is_file() and arguments.output is None:
        raise CommandLineError(reason="a proposal alone has no place for signatures", command="-o FOLDER")
    tell_change(invocation.output, change.proposal, change.digest, registry.signed)
    made = [one for _, signer in open_keys(arguments) for one in sign_change(change.raw, signer, base=registry.signed)]
    written = add_signatures(change, made, base=registry.signed, to=arguments.output)
    for one, file in zip(made, written, strict=True):
        invocation.output.say(en=f"signed {one.role}: {file}", ru=f"подписано {one.role}: {file}")
    invocation.output.result(
        {
            "digest": str(change.digest),
            "words": digest_words(change.digest),
            "signatures": [{"role": one.role, "key": one.key.kid} for one in made],
        }
    )
    return ExitCode.FINE


def take(invocation: Invocation) -> int:
    """`trust import CHANGE FILE…`: put signatures made elsewhere, each verified, to the change."""
    parser = CommandParser(invocation.command, "Bring signatures made elsewhere into a change.")
    _ask_for_change(parser)
    parser.add_argument("signatures", nargs="+", type=Path, metavar="FILE", help="signature files, or folders of them")
    ask_for_registry(parser, required=False)
    arguments = invocation.parse(parser)
    change, registry = _change_and_registry(invocation, arguments)
    add_signatures(change, read_signatures(arguments.signatures), base=registry.signed)
    return _tell_status(invocation, read_change(arguments.change), registry)


def status(invocation: Invocation) -> int:
    """`trust status CHANGE`: what it does, who signed, whose signatures are missing; 3 while some are."""
    parser = CommandParser(invocation.command, "What a change does, and who signed it.")
    _ask_for_change(parser)
    ask_for_registry(parser, required=False)
    arguments = invocation.parse(parser)
    change, registry = _change_and_registry(invocation, arguments)
    tell_change(invocation.output, change.proposal, change.digest, registry.signed)
    return _tell_status(invocation, change, registry)


def apply(invocation: Invocation) -> int:
    """`trust apply CHANGE --registry DIR`: into the registry's folder, if the thresholds are met; not yet published."""
    parser = CommandParser(invocation.command, "Apply a signed change to the registry's folder.")
    _ask_for_change(parser)
    ask_for_registry(parser)
    arguments = invocation.parse(parser)
    change, registry = _change_and_registry(invocation, arguments)
    at = invocation.clock.now()
    files = apply_change(change.raw, change.signatures, base=registry.signed, at=at)
    write_trust_files(registry.path, files)
    metadata = sorted(name for name in files if name.startswith("metadata/"))
    invocation.output.say(
        en=f"applied: {', '.join(metadata)}; a registrar publishes it: exchange trust publish",
        ru=f"применено: {', '.join(metadata)}; публикует регистратор: exchange trust publish",
    )
    invocation.output.result({"applied": metadata, "digest": str(change.digest)})
    return ExitCode.FINE


def publish(invocation: Invocation) -> int:
    """`trust publish --registry DIR --key snapshot.key --key timestamp.key [--to DIR]`: what is applied, to all."""
    arguments = _registrar(invocation, "Publish what was applied: a new snapshot and timestamp.")
    registry = read_registry(arguments.registry, invocation.clock)
    at = _next_second(invocation.clock)
    keys = dict(open_keys(arguments))
    _require_turn(registry, keys, at)
    return _publish(invocation, arguments, registry, keys, at)


def renew(invocation: Invocation) -> int:
    """`trust renew --registry DIR --key timestamp.key [--key snapshot.key]`: the same state for another week."""
    arguments = _registrar(invocation, "Renew the timestamp, and the snapshot once half of its life is over.")
    registry = read_registry(arguments.registry, invocation.clock)
    at = _next_second(invocation.clock)
    keys = dict(open_keys(arguments))
    _require_turn(registry, keys, at)
    before = registry.signed
    if before is None:
        raise CommandLineError(reason="nothing is published yet", command="exchange trust publish")
    if before.snapshot.expires - at < SNAPSHOT_RENEWED_BEFORE:
        return _publish(invocation, arguments, registry, keys, at)
    files = new_timestamp(registry.files, before=before, at=at, timestamp=_key(keys, RegistryRole.TIMESTAMP))
    return _lay_down(invocation, arguments, registry, files, at)


def _next_second(clock: Clock) -> datetime:
    """The registry knows whole seconds, and nothing may count from before it was published."""
    now = clock.now()
    return now.replace(microsecond=0) + timedelta(seconds=1 if now.microsecond else 0)


def _publish(
    invocation: Invocation,
    arguments: Namespace,
    registry: RegistryFolder,
    keys: Mapping[RegistryRole, Signer],
    at: datetime,
) -> int:
    files = new_snapshot(
        registry.files,
        before=registry.signed,
        at=at,
        snapshot=_key(keys, RegistryRole.SNAPSHOT),
        timestamp=_key(keys, RegistryRole.TIMESTAMP),
    )
    return _lay_down(invocation, arguments, registry, files, at)


def _lay_down(
    invocation: Invocation,
    arguments: Namespace,
    registry: RegistryFolder,
    new: dict[str, bytes],
    at: datetime,
) -> int:
    """Judge the new state as every node will, then write it; a node's folder gets everything it lacks."""
    files = registry.files | new
    after = open_trust(files, root=files[FIRST_ROOT], at=at, expired="refuse")
    if registry.signed is not None:
        _require_no_loss(_published(registry.files, at), after)
    write_trust_files(registry.path, new)
    for folder in arguments.to:
        write_trust_files(folder, files)
    until = format_instant(after.expires)
    invocation.output.say(
        en=f"published: registry version {after.ref.version}, valid until {until}",
        ru=f"опубликовано: версия реестра {after.ref.version}, действует до {until}",
    )
    invocation.output.result({"version": after.ref.version, "sha256": str(after.ref.sha256), "expires": until})
    return ExitCode.FINE


def _published(files: Mapping[str, bytes], at: datetime) -> Trust:
    """The state before: a root that was applied and not published belongs to the next one, and may not fit this one."""
    held = dict(files)
    while True:
        try:
            return open_trust(held, root=held[FIRST_ROOT], at=at, expired="notice")
        except RegistryRuleError:
            newest = f"metadata/{newest_versions(held)['root']}.root.json"
            if newest == FIRST_ROOT:
                raise
            del held[newest]


def _require_no_loss(before: Trust, after: Trust) -> None:
    """Refuse what takes back the past, or would silence a member that has a voice."""
    require_forward(before, after)
    for member_id, problem in after.silenced.items():
        if member_id not in before.silenced:
            raise problem


def _require_turn(registry: RegistryFolder, keys: Mapping[RegistryRole, Signer], at: datetime) -> None:
    if registry.signed is not None:
        auditor = read_federation(registry.signed.targets).auditor
        require_turn(registry.signed, _key(keys, RegistryRole.TIMESTAMP), auditor=auditor, at=at)


def _key(keys: Mapping[RegistryRole, Signer], role: RegistryRole) -> Signer:
    if role not in keys:
        raise CommandLineError(reason=f"a {role} key is needed", command="--key FILE")
    return keys[role]


def _registrar(invocation: Invocation, summary: str) -> Namespace:
    parser = CommandParser(invocation.command, summary)
    ask_for_registry(parser)
    parser.add_argument(
        "--to", type=Path, action="append", default=[], metavar="DIR", help="a node's keys/ that gets it at once"
    )
    ask_for_keys(parser)
    return invocation.parse(parser)


def _ask_for_change(parser: CommandParser) -> None:
    parser.add_argument("change", type=Path, metavar="CHANGE", help="the folder that exchange trust propose made")


def _change_and_registry(invocation: Invocation, arguments: Namespace) -> tuple[ChangeFolder, RegistryFolder]:
    """Both; a change of a registry is only read beside the registry that it changes.

    Raises:
        CommandLineError: The registry is not named, and this is no founding.
    """
    change = read_change(arguments.change)
    if arguments.registry is None:
        if change.proposal.base is not None:
            raise CommandLineError(reason="what it changes must be at hand", command="--registry DIR, your own copy")
        return change, RegistryFolder(path=Path(), files={}, signed=None)
    return change, read_registry(arguments.registry, invocation.clock)


def _tell_status(invocation: Invocation, change: ChangeFolder, registry: RegistryFolder) -> int:
    roles = standing(change.raw, change.signatures, base=registry.signed)
    tell_standing(invocation.output, roles)
    invocation.output.result(
        {
            "digest": str(change.digest),
            "words": digest_words(change.digest),
            "roles": standing_json(roles),
            "enough": all(one.enough for one in roles),
        }
    )
    return ExitCode.FINE if all(one.enough for one in roles) else ExitCode.DOES_NOT_HOLD
