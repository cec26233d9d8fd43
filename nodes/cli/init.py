"""`exchange init`: a member's node folder, from a registry that verifies and lists the member."""

import secrets
import shutil
from argparse import Namespace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from exchange.errors import ExitCode
from exchange.errors.settings import CommandLineError, FolderTakenError, IssuerDiffersError
from nodes.adapters.node_folder import NewNode, copy_contracts, copy_registry, make_node_folder
from nodes.adapters.trust_folder import load_trust
from nodes.settings import open_node
from nodes.terminal import CommandParser, Invocation

PORT = 8443
"""Where the gateway listens if neither --port nor the address names a port."""


def init(invocation: Invocation) -> int:
    """`init FOLDER --member KZ --issuer URL --registry FOLDER`: all but the private keys."""
    arguments = _arguments(invocation)
    folder: Path = arguments.folder
    node = _new_node(arguments)
    _require_listed(node, arguments.registry, invocation.clock.now())
    node.settings(folder / "node.toml")
    existed = folder.exists()
    if existed and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderTakenError(folder=str(folder))
    try:
        make_node_folder(folder, node, random=secrets.token_bytes)
        copy_contracts(folder / "contracts")
        copy_registry(arguments.registry, folder / "keys")
        open_node(folder)
    except BaseException:
        _remove(folder, existed=existed)
        raise
    _tell(invocation, folder, node)
    return ExitCode.FINE


def _arguments(invocation: Invocation) -> Namespace:
    parser = CommandParser(invocation.command, "Make a member's node folder.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="absent or empty")
    parser.add_argument("--member", required=True, metavar="ID", help="as the registry names it, such as KZ")
    parser.add_argument(
        "--issuer", required=True, metavar="URL", help="the gateway's address, as the registry names it"
    )
    parser.add_argument("--registry", required=True, type=Path, metavar="FOLDER", help="with metadata/ and targets/")
    parser.add_argument(
        "--port", type=int, metavar="N", help="where the gateway listens, by default the address's port"
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="the interface; 0.0.0.0 in a container")
    return invocation.parse(parser)


def _new_node(arguments: Namespace) -> NewNode:
    try:
        port = arguments.port or urlsplit(arguments.issuer).port or PORT
    except ValueError as error:  # from urlsplit
        raise CommandLineError(reason=f"--issuer: {error}", command="--issuer http://HOST:PORT") from error
    return NewNode(member=arguments.member.upper(), issuer=arguments.issuer, host=arguments.host, port=port)


def _require_listed(node: NewNode, registry: Path, now: datetime) -> None:
    """Refuse a registry that does not verify, or in which the member is not, or answers elsewhere.

    Raises:
        TrustError, UnknownMemberError, IssuerDiffersError: As said.
    """
    member = load_trust(registry, at=now).member(node.member)
    if member.issuer != node.issuer:
        raise IssuerDiffersError(member=node.member, expected=member.issuer, found=node.issuer)


def _remove(folder: Path, *, existed: bool) -> None:
    """Leave what was there before: nothing, or an empty folder (a container's volume cannot be removed)."""
    if not existed:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _tell(invocation: Invocation, folder: Path, node: NewNode) -> None:
    output = invocation.output
    output.say(en=f"{node.member}: node folder {folder}", ru=f"{node.member}: папка узла {folder}")
    output.say(
        en="next: 1. make the member's keys with exchange key new (docs/ceremony.md), or copy them into private/desk, "
        "private/gateway and private/officers; name their passphrase file in node.toml",
        ru="далее: 1. создайте ключи участника командой exchange key new (docs/ceremony.md) или скопируйте их в "
        "private/desk, private/gateway и private/officers; укажите файл их пароля в node.toml",
    )
    output.say(
        en=f"      2. exchange --node {folder} serve, and in another terminal exchange --node {folder} health",
        ru=f"       2. exchange --node {folder} serve, а в другом терминале exchange --node {folder} health",
    )
    output.say(
        en=f"      3. exchange --node {folder} contract status, then contract sign",
        ru=f"       3. exchange --node {folder} contract status, затем contract sign",
    )
    output.result({"folder": str(folder), "member": node.member, "issuer": node.issuer, "port": node.port})
