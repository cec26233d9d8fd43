"""`exchange key apply`: the application by which a member asks that its public keys be listed."""

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from exchange.encoding import Digest, format_instant
from exchange.errors import ExitCode
from exchange.errors.settings import CommandLineError
from exchange.errors.trust import PrivateKeyFileError
from exchange.signing.admission import AppliedKey, apply_for_keys
from exchange.signing.keys import KeyPurpose, KeyUse, PublicKey, Signer, note_vkey
from exchange.signing.members import NOTE_TYPES
from exchange.signing.words import digest_words
from nodes.adapters.durable import write_durably
from nodes.custody.key_commands import describe, tell_keys
from nodes.custody.key_folder import USES, KeyEntry, KeyFolder, ask_for_folder, folder_of
from nodes.custody.passphrases import ask_for_passphrase, secret_of
from nodes.terminal import CommandParser, Invocation

NAMED: Mapping[KeyUse, int] = dict(NOTE_TYPES.items())
"""The purposes whose keys have a name of their own, with the type of their signatures."""


def apply(invocation: Invocation) -> int:
    """`key apply -o FILE [PURPOSE …]`: open keys, let each prove itself, write the application."""
    arguments = _arguments(invocation)
    folder = folder_of(invocation, arguments)
    entries = _chosen(folder, arguments)
    member, roles = _member(folder, arguments), _roles(arguments.officer)
    _require_names(entries, roles, arguments.origin)
    secret = secret_of(arguments, default=folder.passphrase_file)
    keys: list[tuple[AppliedKey, Signer]] = []
    for number, entry in enumerate(entries, 1):
        signer = folder.open(entry, secret)
        keys.append((_applied(entry, signer.public, roles, arguments.origin), signer))
        invocation.output.progress("opening keys", number / len(entries))
    at = invocation.clock.now().replace(microsecond=0)
    raw = apply_for_keys(keys, member=member, at=at, issuer=_issuer(folder, arguments, entries))
    _write(arguments.output, raw)
    _tell(
        invocation,
        arguments.output,
        raw,
        [(entry, signer.public) for entry, (_, signer) in zip(entries, keys, strict=True)],
    )
    return ExitCode.FINE


def _arguments(invocation: Invocation) -> Namespace:
    parser = CommandParser(invocation.command, "Write an application for keys, with proofs of possession.")
    parser.add_argument("uses", nargs="*", metavar="PURPOSE", help=f"all by default; {', '.join(USES)}")
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="FILE", help="the application; must not exist"
    )
    parser.add_argument("--next", action="store_true", help="the keys that wait to take others' places")
    parser.add_argument("--member", metavar="ID", help="who applies; the node's member by default")
    parser.add_argument("--issuer", metavar="URL", help="the gateway's address; the node's by default")
    parser.add_argument("--origin", metavar="NAME", help="of log and witness: kz.exchange.example")
    parser.add_argument(
        "--officer",
        action="append",
        default=[],
        metavar="ID=ROLE,…",
        help="an officer's roles: kz-02=clearing,contract",
    )
    ask_for_folder(parser)
    ask_for_passphrase(parser)
    return invocation.parse(parser)


def _chosen(folder: KeyFolder, arguments: Namespace) -> Sequence[KeyEntry]:
    """The keys that the command line names, or all.

    Raises:
        CommandLineError: A word that is no purpose.
        PrivateKeyFileError: There are none.
    """
    unknown = [word for word in arguments.uses if word not in USES]
    if unknown:
        raise CommandLineError(reason=f"no purpose {unknown[0]}", command=f"one of {', '.join(USES)}")
    wanted = {USES[word] for word in arguments.uses} or set(USES.values())
    entries = [entry for entry in folder.entries() if entry.use in wanted and entry.is_next is arguments.next]
    if not entries:
        raise PrivateKeyFileError(path=str(folder.path), reason="no key to apply for")
    return entries


def _roles(options: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    pairs = [option.partition("=") for option in options]
    return {officer: tuple(sorted(set(roles.split(",")))) for officer, _, roles in pairs}


def _require_names(entries: Iterable[KeyEntry], roles: Mapping[str, tuple[str, ...]], origin: str | None) -> None:
    """Everything that is asked for a key is given, before any is opened.

    Raises:
        CommandLineError: An officer's roles, or the name of log and witness, are not given.
    """
    for entry in entries:
        if entry.officer is not None and entry.officer not in roles:
            reason = f"which roles has {entry.officer}?"
            raise CommandLineError(reason=reason, command=f"--officer {entry.officer}=clearing,contract")
        if entry.use in NAMED and origin is None:
            raise CommandLineError(reason=f"the {entry.use} key has a name", command="--origin kz.exchange.example")


def _applied(
    entry: KeyEntry, public: PublicKey, roles: Mapping[str, tuple[str, ...]], origin: str | None
) -> AppliedKey:
    vkey = note_vkey(f"{origin}/{entry.use}", public, NAMED[entry.use]) if entry.use in NAMED else None
    granted = () if entry.officer is None else roles[entry.officer]
    return AppliedKey(purpose=entry.use, key=public, officer=entry.officer, roles=granted, vkey=vkey)


def _member(folder: KeyFolder, arguments: Namespace) -> str:
    if arguments.member is not None:
        return str(arguments.member).upper()
    if folder.node is None:
        raise CommandLineError(reason="who applies?", command="exchange key apply … --member KZ")
    return folder.node.member


def _issuer(folder: KeyFolder, arguments: Namespace, entries: Iterable[KeyEntry]) -> str | None:
    """The address, where a transport key makes it the application's business."""
    if all(entry.use is not KeyPurpose.TRANSPORT for entry in entries):
        return None
    given: str | None = arguments.issuer
    return given or (None if folder.node is None else folder.node.settings.gateway.issuer)


def _write(path: Path, raw: bytes) -> None:
    if path.exists():
        raise CommandLineError(reason=f"{path} exists already", command="-o FILE that does not exist yet")
    write_durably(path, raw)


def _tell(invocation: Invocation, path: Path, raw: bytes, keys: Sequence[tuple[KeyEntry, PublicKey]]) -> None:
    digest = Digest.of(raw)
    tell_keys(invocation.output, [(entry.path, entry.use, public) for entry, public in keys])
    invocation.output.say(en=f"application: {path}, SHA-256 {digest.hex}", ru=f"заявка: {path}, SHA-256 {digest.hex}")
    invocation.output.line(f"  {digest_words(digest)}")
    listed = [describe(entry.path, entry.use, public) for entry, public in keys]
    at = format_instant(invocation.clock.now())
    invocation.output.result(
        {"application": str(path), "digest": str(digest), "at": at, "words": digest_words(digest), "keys": listed}
    )
