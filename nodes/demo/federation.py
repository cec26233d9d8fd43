"""The demo federation on disk: seven node folders, one registry, throw-away keys, and what each node reads.

`.demo/<member>/` is that node's folder; `.demo/keys/` the registry with all contracts and statements, as anybody needs
it to verify a bundle offline; `.demo/custody/` what in earnest lies in safes: the registry's own private keys.
"""

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exchange.flow.stated import PROOF_SUFFIX, STATEMENT_SUFFIX
from nodes.adapters.clock import Clock
from nodes.adapters.node_folder import NewNode, copy_contracts, copy_registry, make_node_folder
from nodes.demo.registry import FederationSpec, MemberSpec, found_federation, standard_officers
from nodes.settings import NodeFolder, open_node

HOST = "127.0.0.1"
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
    ("CA-07-EXPULSIONS-BANS", "1.1.0"),
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
    addresses = {member: f"http://{HOST}:{port}" for member, port in zip(NAMES, ports, strict=True)}
    for (member, address), port in zip(addresses.items(), ports, strict=True):
        node = NewNode(member=member, issuer=address, host=HOST, port=port, demo=True)
        make_node_folder(home / member.lower(), node, random=secrets.token_bytes)
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
    copy_contracts(home / "keys" / "contracts", names=CONTRACTS)
    for member in NAMES:
        copy_registry(home / "keys", home / member.lower() / "keys")
        copy_contracts(home / member.lower() / "contracts", names=CONTRACTS)
    return open_federation(home)


def open_federation(home: Path) -> DemoFederation:
    """The federation that lies in `home`.

    Raises:
        NodeNotFoundError: There is none.
    """
    return DemoFederation(home=home, nodes={member: open_node(home / member.lower()) for member in NAMES})


def gather_statements(federation: DemoFederation) -> None:
    """Lay every statement that any node keeps, and its proofs, beside its contract in the trust folder."""
    for node in federation.nodes.values():
        found = [
            file for suffix in (STATEMENT_SUFFIX, PROOF_SUFFIX) for file in node.contracts.glob(f"*/*/*/*{suffix}")
        ]
        for statement in sorted(found):
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
