"""Where a command finds a contract: in a file, in the node's folder, in a trust folder, in the checkout."""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from exchange.contract.choose import choose_one
from exchange.contract.model import DataContract
from exchange.contract.parse import parse_contract
from exchange.encoding import Digest
from exchange.errors.contract import ContractDigestError
from nodes.adapters.contract_folder import CONTRACT_FILE, ContractShelf, read_contracts
from nodes.adapters.plain_files import read_plain
from nodes.adapters.trust_folder import load_trust
from nodes.terminal import Invocation

SOURCES = Path(__file__).resolve().parents[2] / "contracts"
"""The checkout's own contracts: what is read where no node is named."""


def folders(invocation: Invocation, file: Path, named: Path | None) -> list[Path]:
    """Where code lists may lie: named, beside the contract, in the node, in the checkout. The digest decides."""
    beside = Path(os.path.realpath(file)).parent  # unlike `resolve`, it says nothing of links in a circle
    found = [named] if named is not None else []
    found += [beside / "codelists", beside.parent.parent / "codelists"]
    found += [invocation.node.contracts / "codelists"] if invocation.node is not None else []
    return [*found, SOURCES / "codelists"]


def codelists(places: Iterable[Path]) -> dict[Digest, bytes]:
    """Every code list that lies in these folders, by the digest of its bytes."""
    files = (read_plain(file) for folder in places for file in sorted(folder.glob("*.csv")))
    return {Digest.of(raw): raw for raw in files}


def read_contract(invocation: Invocation, asked: str) -> DataContract:
    """The contract in a file, or the one of that name in the node's or the checkout's folder."""
    folder = invocation.node.contracts if invocation.node is not None else SOURCES
    file = Path(asked)
    if not file.is_file():
        files = {(path.parent.parent.name, path.parent.name): path for path in folder.glob(f"*/*/{CONTRACT_FILE}")}
        file = files[choose_one(files, asked)]
    return parse_contract(read_plain(file), codelists=codelists(folders(invocation, file, None)))


def read_source_contracts() -> list[DataContract]:
    """The checkout's own contracts, oldest version first."""
    lists = codelists([SOURCES / "codelists"])
    return [parse_contract(file.read_bytes(), codelists=lists) for file in sorted(SOURCES.glob(f"*/*/{CONTRACT_FILE}"))]


def read_shelf(invocation: Invocation, named: Path | None, now: datetime) -> ContractShelf:
    """Contracts and statements of a trust folder, or of the node; who merely looks is told despite an expiry."""
    if named is not None:
        trust = load_trust(named, at=now, expired="notice")
        return read_contracts(named / "contracts", trust=trust)
    node = invocation.require_node()
    trust = load_trust(node.keys, at=now, expired="notice")
    return read_contracts(node.contracts, trust=trust)


def find_contract(shelf: ContractShelf, asked: str) -> DataContract:
    """The contract of that name among those at hand.

    Raises:
        ContractNotAtHandError, ContractAmbiguousError: None fits, or more than one.
    """
    names = {(kept.contract.id, kept.contract.version): kept.contract for kept in shelf.kept.values()}
    return names[choose_one(names, asked)]


def seen_contract(shelf: ContractShelf, asked: str, digest: str) -> DataContract:
    """The contract of that name, if its text is the one that the officer saw.

    Raises:
        ContractNotAtHandError, ContractAmbiguousError: None fits, or more than one.
        ContractDigestError: It is another text.
    """
    contract = find_contract(shelf, asked)
    if Digest.parse(digest, subject="digest") != contract.digest:
        raise ContractDigestError(
            contract=contract.id, version=contract.version, expected=digest, found=str(contract.digest)
        )
    return contract
