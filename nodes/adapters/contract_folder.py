"""Contracts as a folder: `<id>/<version>/contract.odcs.yaml` with `statements/<sha256>.jws`, and `codelists/*.csv`.

The repository's `contracts/`, a node's `contracts/` and the trust folder of `exchange verify` all have this form. In a
node only the gateway adds statements: each lies here from the moment it counts (`ended` and `suspended` from arrival,
`signed` and `resumed` once the node's own entry of it is cosigned).
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exchange.contract.choose import Name, choose, choose_one, version_number
from exchange.contract.model import DataContract, Role
from exchange.contract.parse import parse_contract
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.contract import ContractPlaceError
from exchange.flow.agree import ContractState, Standing, standing
from exchange.signing.trust import Trust
from exchange.statement import STATEMENT_BYTES_MAX, Statement, open_statement

CONTRACT_FILE = "contract.odcs.yaml"
CODELISTS = "codelists"
STATEMENTS = "statements"


@dataclass(frozen=True, slots=True)
class ContractFolder:
    """Reads a folder of contracts; every call reads anew, so that what arrived in between is seen."""

    path: Path

    def codelists(self) -> dict[Digest, bytes]:
        """Every code list file by the digest of its bytes; its name does not matter."""
        files = [file.read_bytes() for file in sorted((self.path / CODELISTS).glob("*.csv"))]
        return {Digest.of(raw): raw for raw in files}

    def names(self) -> tuple[Name, ...]:
        """Id and version of every contract, from the folders' names."""
        files = self.path.glob(f"*/*/{CONTRACT_FILE}")
        names = ((file.parent.parent.name, file.parent.name) for file in files)
        return tuple(sorted(names, key=lambda name: (name[0], version_number(name[1]))))

    def raw(self, name: Name) -> bytes:
        """The bytes of a contract's file."""
        return (self._place(name) / CONTRACT_FILE).read_bytes()

    def contract(self, name: Name) -> DataContract:
        """One version of one contract, checked.

        Raises:
            ContractError: The file is not a valid contract.
            ContractPlaceError: It is the contract of another id or version.
        """
        contract = parse_contract(self.raw(name), codelists=self.codelists())
        if (contract.id, contract.version) != name:
            expected = f"{contract.id}/{contract.version}"
            raise ContractPlaceError(id=contract.id, version=contract.version, found="/".join(name), expected=expected)
        return contract

    def contracts(self) -> tuple[DataContract, ...]:
        """Every contract, checked; errors as in `contract`."""
        return tuple(self.contract(name) for name in self.names())

    def find(self, asked: str) -> DataContract:
        """The one contract that a person asked for: an unambiguous beginning, either case, `/VERSION` if needed.

        Raises:
            ContractNotAtHandError, ContractAmbiguousError: None, or more than one.
        """
        return self.contract(choose_one(self.names(), asked))

    def find_for(self, provider: str, asked: str, *, trust: Trust, at: datetime) -> DataContract:
        """The version of a contract under which a provider releases now.

        Of several versions with this provider the one in force; if none is, the newest, whose state then says why.

        Raises:
            ContractNotAtHandError, ContractAmbiguousError: None, or more than one id.
        """
        fitting = [self.contract(name) for name in choose(self.names(), asked)]
        fitting = [contract for contract in fitting if provider in contract.members(Role.PROVIDER)] or fitting
        for contract in fitting:
            if self.standing(contract, trust=trust, at=at, provider=provider).state is ContractState.IN_FORCE:
                return contract
        return fitting[-1]

    def statements(self, contract: DataContract, *, trust: Trust) -> tuple[Statement, ...]:
        """The verified statements about a contract; a file that does not verify is passed over, as if it were absent.

        One forged file must not keep anybody from reading the true ones beside it.
        """
        found = []
        for file in sorted(self._statement_folder(contract).glob("*.jws")):
            if file.stat().st_size > STATEMENT_BYTES_MAX:
                continue
            try:
                found.append(open_statement(file.read_bytes(), trust=trust))
            except ExchangeError:
                continue
        return tuple(found)

    def versions(self, contract: DataContract, *, trust: Trust) -> list[tuple[DataContract, tuple[Statement, ...]]]:
        """The later versions of a contract, each with its statements."""
        own = version_number(contract.version)
        later = [name for name in self.names() if name[0] == contract.id and version_number(name[1]) > own]
        return [(other, self.statements(other, trust=trust)) for other in map(self.contract, later)]

    def standing(self, contract: DataContract, *, trust: Trust, at: datetime, provider: str | None = None) -> Standing:
        """Where a contract stands by what lies here, and why."""
        return standing(
            contract,
            self.statements(contract, trust=trust),
            at=at,
            provider=provider,
            versions=self.versions(contract, trust=trust),
        )

    def keep_contract(self, contract: DataContract) -> None:
        """Lay a contract's file here, whole or not at all; the same file again does no harm."""
        _write(self._place((contract.id, contract.version)) / CONTRACT_FILE, contract.raw)

    def keep_statement(self, contract: DataContract, statement: Statement) -> None:
        """Lay a statement beside its contract, whole or not at all."""
        _write(self._statement_folder(contract) / f"{statement.digest.hex}.jws", statement.raw)

    def _place(self, name: Name) -> Path:
        return self.path / name[0] / name[1]

    def _statement_folder(self, contract: DataContract) -> Path:
        return self._place((contract.id, contract.version)) / STATEMENTS


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
