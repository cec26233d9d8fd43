"""A folder of private keys: a node's `private/`, or a member's custody folder that lies on no node.

Both have one layout, so that keys made offline before there was a node are carried into it as they are: a member's
purposes by zone (`desk/bundle-ed25519.key`), the registry's own at the top (`root.key`). A key that is to take the
place of another waits beside it as `….next.key`.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from exchange.errors.settings import CommandLineError
from exchange.errors.trust import PrivateKeyFileError
from exchange.signing.admission import HYBRID_PURPOSES
from exchange.signing.key_file import KeyLabel
from exchange.signing.keys import HYBRID, Algorithm, KeyPurpose, KeyUse, RegistryRole, Signer
from nodes.adapters.key_files import custody_path, key_labels, key_path, read_private_key
from nodes.custody.passphrases import Secret
from nodes.settings import NodeFolder
from nodes.terminal import Invocation

USES: Mapping[str, KeyUse] = {use.removeprefix("registry-"): use for use in (*KeyPurpose, *RegistryRole)}
"""What a key may be made for, by its word on the command line: `bundle`, …, `root`, `delegation`."""
NEXT = ".next.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """A key file of a folder."""

    path: Path
    use: KeyUse
    label: KeyLabel

    @property
    def officer(self) -> str | None:
        """Whose it is, for an officer's key: the file bears the officer's id."""
        return self.path.name.partition(".")[0] if self.use is KeyPurpose.OFFICER else None

    @property
    def is_next(self) -> bool:
        """Whether it waits to take another's place."""
        return self.path.name.endswith(NEXT)

    @property
    def order(self) -> tuple[int, str, int]:
        """By purpose, officer, algorithm: as applications and lists name keys."""
        return list(USES.values()).index(self.use), self.officer or "", HYBRID.index(self.label.algorithm)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFolder:
    """Where the keys lie, and whose they are as far as that is known."""

    path: Path
    node: NodeFolder | None

    @property
    def demo(self) -> bool:
        """Whether keys in clear are accepted."""
        return self.node is not None and self.node.settings.demo

    @property
    def passphrase_file(self) -> Path | None:
        """Where the node's settings say the passphrase lies."""
        return None if self.node is None else self.node.passphrase_file

    def place(self, use: KeyUse, algorithm: Algorithm, *, officer: str | None, is_next: bool) -> Path:
        """Where the key for this use lies, or waits.

        Raises:
            CommandLineError: A key of the registry, in a node.
        """
        if isinstance(use, RegistryRole):
            if self.node is not None:
                raise CommandLineError(
                    reason=f"{use} keys lie on no node: name a custody folder", command="exchange key … --folder FOLDER"
                )
            place = custody_path(self.path, use)
        else:
            place = key_path(self.path, use, algorithm, officer=officer)
        return place.with_name(place.stem + NEXT) if is_next else place

    def entries(self) -> Iterator[KeyEntry]:
        """Every key file, in order; nothing is opened.

        Raises:
            TrustError: A file that others can read, or that is no private key's.
        """
        found = [KeyEntry(path=path, use=_use(path, label), label=label) for path, label in key_labels(self.path)]
        yield from sorted(found, key=lambda entry: entry.order)

    def open(self, entry: KeyEntry, secret: Secret) -> Signer:
        """The key of an entry.

        Raises:
            TrustError, TokenError: As `nodes.adapters.key_files.read_private_key` says.
        """
        passphrase = None if entry.label.kept == "token" else secret.passphrase
        return read_private_key(entry.path, purpose=entry.use, passphrase=passphrase, demo=self.demo)


def _use(path: Path, label: KeyLabel) -> KeyUse:
    use = USES.get(label.purpose.removeprefix("registry-"))
    if use is None or use.value != label.purpose:
        raise PrivateKeyFileError(path=str(path), reason="a key for a purpose that this program does not know")
    return use


def algorithms(use: KeyUse) -> tuple[Algorithm, ...]:
    """The keys that this use needs."""
    return HYBRID if use in HYBRID_PURPOSES else (Algorithm.ED25519,)


def ask_for_folder(parser: ArgumentParser) -> None:
    """The option of every key command."""
    parser.add_argument(
        "--folder", type=Path, metavar="FOLDER", help="a custody folder, instead of the node's private/"
    )


def folder_of(invocation: Invocation, arguments: Namespace) -> KeyFolder:
    """The folder that the command line names.

    Raises:
        CommandLineError: Neither or both of --node and --folder.
    """
    folder: Path | None = arguments.folder
    if (folder is None) == (invocation.node is None):
        command = f"exchange --node NODE {invocation.command} …, or exchange {invocation.command} … --folder FOLDER"
        raise CommandLineError(reason="either a node or a folder holds the keys", command=command)
    if folder is not None:
        return KeyFolder(path=folder, node=None)
    node = invocation.require_node()
    return KeyFolder(path=node.private, node=node)
