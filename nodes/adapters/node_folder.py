"""A node's folder, made: settings, private zones, the preparation secret, contracts and the registry."""

import json
import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from nodes.adapters.contract_folder import CONTRACT_FILE
from nodes.adapters.durable import write_durably
from nodes.settings import NODE_FORMAT, SETTINGS_FILE, NodeSettings, parse_settings

SOURCES = Path(__file__).resolve().parents[2] / "contracts"
"""The checkout's contracts and code lists, from which every node gets its own."""
ZONES = ("preparation", "gateway", "desk", "officers")
SECRET_BYTES = 32
"""The preparation zone's secret, from which release salts and the parameters really used come."""
SECRET_MODE = 0o600
ZONE_MODE = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNode:
    """What a new node's settings say.

    Attributes:
        issuer: The gateway's address as partners reach it and as the registry names it.
        host, port: Where the gateway listens on its own machine.
        demo: Throw-away keys without a passphrase, and partners on private addresses, are accepted.
    """

    member: str
    issuer: str
    host: str
    port: int
    demo: bool = False

    def text(self) -> str:
        """The `node.toml`."""
        lines = [
            "# Every setting with its unit and bounds: nodes/settings.py.",
            f"v = {NODE_FORMAT}",
            f"member = {json.dumps(self.member)}",
            *(["demo = true"] if self.demo else []),
            "",
            "[gateway]",
            f"issuer = {json.dumps(self.issuer)}",
            f"host = {json.dumps(self.host)}",
            f"port = {self.port}",
            *(["private_addresses = true"] if self.demo else []),
        ]
        return "\n".join(lines) + "\n"

    def settings(self, file: Path) -> NodeSettings:
        """The settings as the node will read them.

        Raises:
            SettingsError: One of them is out of range; the error names it.
        """
        return parse_settings(self.text(), file=file)


def make_node_folder(folder: Path, node: NewNode, *, random: Callable[[int], bytes]) -> None:
    """Settings, private zones and the preparation secret; keys, registry and contracts come after it.

    Args:
        folder: Empty or absent.
        node: What its settings say.
        random: For the secret; `secrets.token_bytes` outside tests.

    Raises:
        SettingsError: A setting is out of range; nothing was made.
        OSError: The folder cannot be written.
    """
    node.settings(folder / SETTINGS_FILE)
    folder.mkdir(parents=True, exist_ok=True)
    for private in (folder / "private", *(folder / "private" / zone for zone in ZONES)):
        private.mkdir(mode=ZONE_MODE)
    secret = folder / "private" / "preparation" / "secret"
    with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE), "wb") as file:
        file.write(random(SECRET_BYTES))
        file.flush()
        os.fsync(file.fileno())
    write_durably(folder / SETTINGS_FILE, node.text().encode("utf-8"))


def copy_contracts(folder: Path, *, sources: Path = SOURCES, names: Collection[tuple[str, str]] | None = None) -> None:
    """The checkout's contracts, code lists and names; no statements, since each node gathers its own.

    Args:
        folder: The node's `contracts/`.
        sources: The checkout's.
        names: Ids and versions of the contracts to copy; None copies all.
    """
    contracts = [
        file
        for file in sorted(sources.glob(f"*/*/{CONTRACT_FILE}"))
        if names is None or (file.parent.parent.name, file.parent.name) in names
    ]
    parts = ("codelists", "correspondences", "labels")
    lists = [file for part in parts for file in sorted(sources.glob(f"{part}/*.csv"))]
    for source in (*contracts, *lists):
        kept = folder / source.relative_to(sources)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, kept)


def copy_registry(registry: Path, keys: Path) -> None:
    """The registry's files, as they were published."""
    for part in ("metadata", "targets"):
        shutil.copytree(registry / part, keys / part)
