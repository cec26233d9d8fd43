"""`exchange key …`: make private keys, tell which there are, take a new one into use, change a passphrase."""

import secrets
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from exchange.errors import ExitCode, Language
from exchange.errors.settings import CommandLineError
from exchange.errors.trust import PassphraseError, PrivateKeyFileError
from exchange.signing.application import OFFICER_ID
from exchange.signing.key_file import TokenReference, read_label
from exchange.signing.keys import Algorithm, KeyPurpose, KeyUse, PublicKey, SoftwareSigner
from exchange.signing.sealing import ENVELOPE_BYTES_MAX, open_private
from exchange.signing.token_uri import parse_token_uri
from exchange.signing.words import fingerprint_words
from nodes.adapters.key_files import write_private_key, write_reference
from nodes.adapters.private_files import keep_aside, move_over, read_owned
from nodes.adapters.token_keys import make_token_key
from nodes.custody.key_folder import USES, KeyEntry, KeyFolder, algorithms, ask_for_folder, folder_of
from nodes.custody.key_standing import WORDS, listed_keys, require_listed, standing
from nodes.custody.passphrases import Secret, ask_for_passphrase, secret_of
from nodes.terminal import CommandParser, Invocation, Output

RESEALED: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "now": "sealed under the new passphrase",
        "before": "was sealed under the new passphrase before",
        "token": "lies in a token: change the PIN with the token's own tool",
    },
    "ru": {
        "now": "зашифрован новой парольной фразой",
        "before": "уже был зашифрован новой парольной фразой",
        "token": "лежит в токене: смените ПИН-код средствами токена",
    },
}


def new(invocation: Invocation) -> int:
    """`key new bundle log … [--officer kz-02] [--next] [--token URI]`: new keys, each in a file or a token."""
    parser = CommandParser(invocation.command, "Make new private keys.")
    parser.add_argument("uses", nargs="+", choices=USES, metavar="PURPOSE", help=", ".join(USES))
    parser.add_argument("--officer", metavar="ID", help="whose key, for an officer's: kz-02")
    parser.add_argument("--next", action="store_true", help="beside the key in use, to take its place later")
    parser.add_argument("--token", metavar="URI", help="make the Ed25519 key in this token (pkcs11:…)")
    ask_for_folder(parser)
    ask_for_passphrase(parser)
    arguments = invocation.parse(parser)
    folder = folder_of(invocation, arguments)
    secret = secret_of(arguments, default=folder.passphrase_file)
    places = _places(folder, arguments)
    made = [_make(place, folder, secret, arguments.token) for place in places]
    invocation.output.say(
        en="compare the words aloud with whoever lists the key",
        ru="сверьте слова вслух с тем, кто вносит ключ в реестр",
    )
    tell_keys(invocation.output, made)
    invocation.output.result({"keys": [describe(*one) for one in made]})
    return ExitCode.FINE


def listing(invocation: Invocation) -> int:
    """`key list`: which keys there are, for what, and where they lie; nothing is opened."""
    parser = CommandParser(invocation.command, "Tell which private keys there are, without opening them.")
    ask_for_folder(parser)
    folder = folder_of(invocation, invocation.parse(parser))
    if folder.node is None and not folder.path.is_dir():
        raise PrivateKeyFileError(path=str(folder.path), reason="no such folder")
    at, words = invocation.clock.now(), WORDS[invocation.output.language]
    listed = listed_keys(folder, at=at)
    found = [(entry, *standing(entry, listed, at=at)) for entry in folder.entries()]
    rows = [
        (
            entry.officer or entry.use,
            entry.label.algorithm,
            entry.label.kept,
            words[word].format(at=when),
            entry.label.kid,
            entry.path,
        )
        for entry, word, when in found
    ]
    invocation.output.table(["purpose", "algorithm", "kept", "registry", "key id", "file"], rows)
    invocation.output.result({"keys": [{**_entry(entry), "registry": word, "at": when} for entry, word, when in found]})
    return ExitCode.FINE


def show(invocation: Invocation) -> int:
    """`key show bundle …`: open keys, and print what others may know of them."""
    parser = CommandParser(invocation.command, "Open private keys and print their public halves.")
    parser.add_argument("uses", nargs="+", choices=USES, metavar="PURPOSE", help=", ".join(USES))
    ask_for_folder(parser)
    ask_for_passphrase(parser)
    arguments = invocation.parse(parser)
    folder = folder_of(invocation, arguments)
    secret = secret_of(arguments, default=folder.passphrase_file)
    wanted = {USES[word] for word in arguments.uses}
    opened = [
        (entry.path, entry.use, folder.open(entry, secret).public) for entry in folder.entries() if entry.use in wanted
    ]
    if not opened:
        raise PrivateKeyFileError(path=str(folder.path), reason=f"no key for {', '.join(arguments.uses)}")
    tell_keys(invocation.output, opened)
    invocation.output.result({"keys": [describe(*one) for one in opened]})
    return ExitCode.FINE


def use(invocation: Invocation) -> int:
    """`key use bundle`: the next key takes the place of the one in use, which is kept aside."""
    parser = CommandParser(invocation.command, "Take the next keys into use, once the registry lists them.")
    parser.add_argument("uses", nargs="+", choices=USES, metavar="PURPOSE", help=", ".join(USES))
    ask_for_folder(parser)
    arguments = invocation.parse(parser)
    folder = folder_of(invocation, arguments)
    wanted = {USES[word] for word in arguments.uses}
    waiting = [entry for entry in folder.entries() if entry.is_next and entry.use in wanted]
    if not waiting:
        raise PrivateKeyFileError(path=str(folder.path), reason=f"no next key for {', '.join(arguments.uses)}")
    at = invocation.clock.now()
    listed = listed_keys(folder, at=at)
    if listed is not None and folder.node is not None:
        for entry in waiting:
            require_listed(entry, listed, member=folder.node.member, at=at)
    for entry in waiting:
        place = folder.place(entry.use, entry.label.algorithm, officer=entry.officer, is_next=False)
        _take_into_use(entry, place)
        invocation.output.say(en=f"{place}: key {entry.label.kid}", ru=f"{place}: ключ {entry.label.kid}")
    invocation.output.result({"keys": [_entry(entry) for entry in folder.entries() if entry.use in wanted]})
    return ExitCode.FINE


def passwd(invocation: Invocation) -> int:
    """`key passwd`: seal every key of the folder under a new passphrase; those that are already are left."""
    parser = CommandParser(invocation.command, "Change the passphrase of all sealed keys of a folder.")
    ask_for_folder(parser)
    ask_for_passphrase(parser)
    ask_for_passphrase(parser, "new-passphrase")
    arguments = invocation.parse(parser)
    folder = folder_of(invocation, arguments)
    old = secret_of(arguments, default=folder.passphrase_file)
    fresh = secret_of(arguments, default=None, option="new-passphrase")
    fresh.required()
    states = [(entry, _reseal(entry, old, fresh)) for entry in folder.entries()]
    words = RESEALED[invocation.output.language]
    invocation.output.table(["file", ""], [(entry.path, words[state]) for entry, state in states])
    invocation.output.result({"keys": [{**_entry(entry), "state": state} for entry, state in states]})
    return ExitCode.FINE


def _places(folder: KeyFolder, arguments: Namespace) -> list[tuple[Path, KeyUse, Algorithm]]:
    """Where each new key will lie; nothing is made unless every place is free.

    Raises:
        CommandLineError: The options do not fit together.
        PrivateKeyFileError: A place is taken.
    """
    wanted = list(dict.fromkeys(USES[word] for word in arguments.uses))
    if (KeyPurpose.OFFICER in wanted) != (arguments.officer is not None):
        raise CommandLineError(reason="an officer's key has an id", command="exchange key new officer --officer kz-02")
    if arguments.officer is not None and OFFICER_ID.match(arguments.officer) is None:
        raise CommandLineError(reason="an officer's id is <member>-<number>", command="--officer kz-02")
    if arguments.token is not None and len(wanted) > 1:
        raise CommandLineError(reason="a token's URI names one key", command="exchange key new PURPOSE --token URI")
    places = [
        (folder.place(one, algorithm, officer=arguments.officer, is_next=arguments.next), one, algorithm)
        for one in wanted
        for algorithm in algorithms(one)
    ]
    for path, _, _ in places:
        if path.exists():
            raise PrivateKeyFileError(path=str(path), reason="a key is there already, and is never replaced")
    return places


def _make(
    place: tuple[Path, KeyUse, Algorithm], folder: KeyFolder, secret: Secret, token: str | None
) -> tuple[Path, KeyUse, PublicKey]:
    path, purpose, algorithm = place
    if token is not None and algorithm is Algorithm.ED25519:
        uri = parse_token_uri(token)
        public = make_token_key(uri).public
        write_reference(path, TokenReference(purpose=purpose, public=public, uri=uri))
        return path, purpose, public
    signer = SoftwareSigner.generate(algorithm, random=secrets.token_bytes)
    passphrase = secret.passphrase if folder.demo else secret.required()
    write_private_key(path, signer, purpose=purpose, passphrase=passphrase, random=secrets.token_bytes)
    return path, purpose, signer.public


def _take_into_use(entry: KeyEntry, place: Path) -> None:
    """The next key under the name of the one in use; that one stays beside it until a person destroys it."""
    if place.exists():
        label = read_label(read_owned(place, ENVELOPE_BYTES_MAX), path=str(place))
        keep_aside(place, place.with_name(f"{place.stem}.{label.kid[:8]}.old"))
    move_over(entry.path, place)


def _reseal(entry: KeyEntry, old: Secret, fresh: Secret) -> str:
    """Seal a key under the new passphrase; what was done, a word of `RESEALED`.

    Raises:
        PassphraseError: Neither passphrase opens it.
    """
    if entry.label.kept == "token":
        return "token"
    raw, path = read_owned(entry.path, ENVELOPE_BYTES_MAX), str(entry.path)
    try:
        signer = open_private(raw, purpose=entry.use, passphrase=old.passphrase, demo=True, path=path)
    except PassphraseError:
        open_private(raw, purpose=entry.use, passphrase=fresh.passphrase, path=path)
        return "before"
    passphrase = fresh.required()
    write_private_key(
        entry.path, signer, purpose=entry.use, passphrase=passphrase, random=secrets.token_bytes, replace=True
    )
    return "now"


def _entry(entry: KeyEntry) -> dict[str, object]:
    label = entry.label
    described: dict[str, object] = {"purpose": entry.use.value, "algorithm": label.algorithm.value, "kid": label.kid}
    return {**described, "kept": label.kept, "next": entry.is_next, "officer": entry.officer, "file": str(entry.path)}


def tell_keys(output: Output, keys: Sequence[tuple[Path, KeyUse, PublicKey]]) -> None:
    """Purpose, key id, words and file of each key, for a person."""
    for path, purpose, public in keys:
        output.line(f"{purpose} {public.algorithm} {public.kid}")
        output.line(f"  {fingerprint_words(public)}")
        output.line(f"  {path}")


def describe(path: Path, purpose: KeyUse, public: PublicKey) -> dict[str, object]:
    """A public key for a program: file, purpose, key id, words, JWK."""
    named: dict[str, object] = {"file": str(path), "purpose": purpose.value, "kid": public.kid}
    return {**named, "words": fingerprint_words(public), "jwk": public.jwk()}
