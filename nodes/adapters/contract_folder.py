"""The node's `contracts/` folder: contract files, the statements beside them, and code lists found by their digest.

contracts/<id>/<version>/contract.odcs.yaml
contracts/<id>/<version>/statements/<sha256 of the file>.jws
contracts/<id>/<version>/statements/<the same>.<member>.tlog-proof
contracts/codelists/*.csv
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from exchange.contract.choose import choose
from exchange.contract.model import DataContract, Role
from exchange.contract.parse import parse_contract
from exchange.contract.reference import ContractRef
from exchange.encoding import Digest
from exchange.flow.agree import ContractState, Standing, require_in_force, standing
from exchange.flow.stated import PROOF_SUFFIX, STATEMENT_SUFFIX, filed, judge_statements
from exchange.publication.verify import InForce
from exchange.signing.trust import Trust
from exchange.statement import Statement
from nodes.adapters.durable import write_durably
from nodes.adapters.plain_files import read_plain

CONTRACT_FILE = "contract.odcs.yaml"
STATEMENTS = "statements"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptContract:
    """A contract with every valid statement that the node keeps about it."""

    contract: DataContract
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractShelf:
    """All contracts of a node, and the judge of whether they bind (`exchange.publication.ContractShelf`)."""

    kept: Mapping[Digest, KeptContract] = field(repr=False)

    def find(self, ref: ContractRef) -> DataContract | None:
        """The contract with this digest."""
        found = self.kept.get(ref.digest)
        return None if found is None else found.contract

    @property
    def in_force(self) -> InForce:
        """Raises unless the contract binds this provider at this time."""
        return self.require_in_force

    def require_in_force(self, contract: DataContract, provider: str, at: datetime) -> None:
        """Refuse anything under a contract that does not bind.

        Raises:
            ContractNotInForceError: A leaf of it, naming who has not signed, or what else is missing.
        """
        kept = self.kept[contract.digest]
        require_in_force(contract, kept.statements, at=at, provider=provider, versions=self.versions(contract))

    def standing(self, contract: DataContract, *, at: datetime, provider: str | None = None) -> Standing:
        """Where the contract stands, and why."""
        kept = self.kept[contract.digest]
        return standing(contract, kept.statements, at=at, provider=provider, versions=self.versions(contract))

    def versions(self, contract: DataContract) -> list[tuple[DataContract, tuple[Statement, ...]]]:
        """The other versions of this contract's id, each with its statements."""
        return [
            (other.contract, other.statements)
            for other in self.kept.values()
            if other.contract.id == contract.id and other.contract.digest != contract.digest
        ]

    def chosen(self, asked: str, *, provider: str, at: datetime) -> DataContract:
        """The contract a person means by `CA-01`: of the provider's versions the one in force, else the newest.

        Raises:
            ContractNotAtHandError: Nothing fits, or no version has this provider.
            ContractAmbiguousError: Two ids begin like this.
        """
        provided = {
            (kept.contract.id, kept.contract.version): kept.contract
            for kept in self.kept.values()
            if provider in kept.contract.members(Role.PROVIDER)
        }
        fitting = [provided[name] for name in choose(provided, asked)]
        binding = [c for c in fitting if self.standing(c, at=at, provider=provider).state is ContractState.IN_FORCE]
        return (binding or fitting)[-1]


def read_contracts(folder: Path, *, trust: Trust) -> ContractShelf:
    """Every contract of the folder, and every statement that counts under the registry (`exchange.flow.stated`).

    Raises:
        ContractError: A contract file that is not one.
        TrustError, LogError: A statement or a proof beside it that does not verify.
    """
    codelists = tuple(read_plain(path) for path in sorted(folder.glob("codelists/*.csv")))
    kept: dict[Digest, KeptContract] = {}
    for path in sorted(folder.glob(f"*/*/{CONTRACT_FILE}")):
        contract = _parsed(read_plain(path), codelists)
        files = _statement_files(path.parent / STATEMENTS)
        judged = judge_statements(filed(files), trust=trust, at=trust.issued)
        kept[contract.digest] = KeptContract(contract=contract, statements=judged.counting)
    return ContractShelf(kept=kept)


def _statement_files(folder: Path) -> dict[str, bytes]:
    """Statements first: the proof of each was laid down before it. What is half written has another name."""
    names = [file for suffix in (STATEMENT_SUFFIX, PROOF_SUFFIX) for file in sorted(folder.glob(f"*{suffix}"))]
    return {file.name: read_plain(file) for file in names}


@lru_cache(maxsize=64)
def _parsed(raw: bytes, codelists: tuple[bytes, ...]) -> DataContract:
    """The same bytes are the same contract: reading one takes a tenth of a second, and a process reads it often."""
    return parse_contract(raw, codelists={Digest.of(codelist): codelist for codelist in codelists})


def keep_contract(folder: Path, contract: DataContract) -> Path:
    """Lay a contract's file down, whole; its folder."""
    kept = folder / contract.id / contract.version
    _write(kept / CONTRACT_FILE, contract.raw)
    return kept


def keep_statement(folder: Path, contract: DataContract, statement: Statement) -> None:
    """Lay a statement down beside its contract, under the digest of its bytes."""
    _write(folder / contract.id / contract.version / STATEMENTS / f"{statement.digest.hex}.jws", statement.raw)


def _write(path: Path, content: bytes) -> None:
    """Write a file once; what lies there already with the same bytes stays."""
    if not path.exists() or path.read_bytes() != content:
        write_durably(path, content)
