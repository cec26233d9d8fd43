"""The demo federation on disk: seven node folders, one registry, throw-away keys, and what each node reads.

`.demo/<member>/` is that node's folder; `.demo/keys/` the registry with all contracts and statements, as anybody needs
it to verify a bundle offline; `.demo/custody/` what in earnest lies in safes: the registry's own private keys.
"""

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nodes.adapters.clock import Clock
from nodes.demo.registry import FederationSpec, MemberSpec, found_federation, standard_officers
from nodes.settings import NODE_FORMAT, NodeFolder, open_node

SOURCES = Path(__file__).resolve().parents[2]
"""The checkout: its `contracts/` is copied into each node."""

AUDITOR = "IOM"
NAMES: Mapping[str, tuple[str, str, str]] = {
    "KZ": ("state", "Kazakhstan", "Казахстан"),
    "KG": ("state", "Kyrgyzstan", "Кыргызстан"),
    "TJ": ("state", "Tajikistan", "Таджикистан"),
    "TM": ("state", "Turkmenistan", "Туркменистан"),
    "UZ": ("state", "Uzbekistan", "Узбекистан"),
    "GB": ("state", "United Kingdom", "Великобритания"),
    "IOM": ("organisation", "International Organization for Migration", "Международная организация по миграции"),
}
CONTRACTS: tuple[tuple[str, str], ...] = (
    ("CA-01-BORDER", "1.0.0"),
    ("CA-05-WORK-PERMITS", "1.0.0"),
    ("CA-07-EXPULSIONS-BANS", "1.0.0"),
    ("CA-07-EXPULSIONS-BANS", "2.0.0"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFederation:
    """Where everything lies."""

    home: Path
    nodes: Mapping[str, NodeFolder]

    @property
    def registry(self) -> Path:
        """The registry with contracts and statements: the trust folder of `exchange verify`."""
        return self.home / "keys"


def found(home: Path, *, ports: list[int], clock: Clock) -> DemoFederation:
    """Make the folders, the keys and the registry anew; whatever an earlier demo left in `home` is removed."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    addresses = {member: f"http://127.0.0.1:{port}" for member, port in zip(NAMES, ports, strict=True)}
    for member in NAMES:
        _make_node_folder(home / member.lower(), member, addresses[member])
    found_federation(
        home / "keys",
        FederationSpec(
            name={"en": "Demonstration federation", "ru": "Демонстрационная федерация"},
            members=tuple(_member(member, addresses[member]) for member in NAMES),
            auditor=AUDITOR,
        ),
        nodes={member: home / member.lower() for member in NAMES},
        custody=home / "custody",
        clock=clock,
        random=secrets.token_bytes,
    )
    _copy_contracts(home / "keys" / "contracts")
    for member in NAMES:
        shutil.copytree(home / "keys" / "metadata", home / member.lower() / "keys" / "metadata")
        shutil.copytree(home / "keys" / "targets", home / member.lower() / "keys" / "targets")
        _copy_contracts(home / member.lower() / "contracts")
    return open_federation(home)


def open_federation(home: Path) -> DemoFederation:
    """The federation that lies in `home`.

    Raises:
        NodeNotFoundError: There is none.
    """
    return DemoFederation(home=home, nodes={member: open_node(home / member.lower()) for member in NAMES})


def gather_statements(federation: DemoFederation) -> None:
    """Lay every statement that any node keeps beside its contract in the trust folder, for offline verification."""
    for node in federation.nodes.values():
        for statement in sorted(node.contracts.glob("*/*/statements/*.jws")):
            kept = federation.registry / "contracts" / statement.relative_to(node.contracts)
            if not kept.exists():
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(statement, kept)


def _member(member: str, address: str) -> MemberSpec:
    kind, english, russian = NAMES[member]
    return MemberSpec(
        id=member,
        kind=kind,
        name={"en": english, "ru": russian},
        issuer=address,
        officers=standard_officers(member),
    )


def _make_node_folder(folder: Path, member: str, address: str) -> None:
    folder.mkdir(parents=True)
    for name in ("private/preparation", "private/gateway", "private/desk", "private/officers"):
        (folder / name).mkdir(parents=True, mode=0o700)
    (folder / "private").chmod(0o700)
    secret = folder / "private" / "preparation" / "secret"
    secret.touch(mode=0o600)
    secret.write_bytes(secrets.token_bytes(32))
    port = address.rsplit(":", 1)[1]
    (folder / "node.toml").write_text(
        f"# Written by the demo. Every setting and its bounds: nodes/settings.py.\n"
        f'v = {NODE_FORMAT}\nmember = "{member}"\ndemo = true\n\n'
        f'[gateway]\nissuer = "{address}"\nport = {port}\nprivate_addresses = true\n',
        encoding="utf-8",
    )


def _copy_contracts(folder: Path) -> None:
    for contract_id, version in CONTRACTS:
        kept = folder / contract_id / version
        kept.mkdir(parents=True)
        shutil.copyfile(
            SOURCES / "contracts" / contract_id / version / "contract.odcs.yaml", kept / "contract.odcs.yaml"
        )
    shutil.copytree(SOURCES / "contracts" / "codelists", folder / "codelists")
