"""The contracts this node holds, parsed once, with the statements that have effect here.

Texts lie in the node's `contracts/` folder and in the store; whatever is in one and not in the other is taken over. The
desk reads the folder: every statement that has effect is laid beside its contract there.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exchange.contract.model import DataContract
from exchange.contract.parse import parse_contract
from exchange.contract.reference import ContractRef
from exchange.encoding import Digest
from exchange.errors.exchange_ import ContractUnknownError, ContractVersionTakenError
from exchange.flow.agree import ContractState, contract_state, require_in_force
from exchange.flow.amend import require_amendment
from exchange.flow.stated import STATEMENT_SUFFIX, proof_name
from exchange.signing.trust import Trust
from exchange.statement import Statement, open_statement
from nodes.adapters.contract_store import KeptStatement
from nodes.adapters.durable import write_durably

CONTRACT_FILE = "contract.odcs.yaml"
CODELISTS = "codelists"
STATEMENTS = "statements"


@dataclass(slots=True)
class Held:
    """A contract with its statements: all of them, and those that bind this node."""

    contract: DataContract
    statements: tuple[Statement, ...] = ()
    effective: tuple[Statement, ...] = ()


class ContractBook:
    """Looks up contracts and says where they stand; a `ContractShelf` for verifying.

    It is a cache over folder and store: whoever writes there tells it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[Digest, Held] = {}
        self._codelists: dict[Digest, bytes] = {}

    def load_folder(self) -> tuple[DataContract, ...]:
        """Parse every contract in the folder; call it once at the start.

        Raises:
            ContractError: A file there is not a contract; a node does not start with half its contracts.
        """
        for file in sorted((self._folder / CODELISTS).glob("*.csv")):
            raw = file.read_bytes()
            self._codelists[Digest.of(raw)] = raw
        return tuple(self.put(file.read_bytes()) for file in sorted(self._folder.glob(f"*/*/{CONTRACT_FILE}")))

    def parse(self, raw: bytes) -> DataContract:
        """Read a contract with the code lists at hand.

        Raises:
            ContractError: It is not a contract, or its code lists are not here.
        """
        return parse_contract(raw, codelists=self._codelists)

    def put(self, raw: bytes) -> DataContract:
        """Hold a contract.

        Raises:
            ContractVersionTakenError: Another text under this id and version.
        """
        known = self.holding(raw)
        if known is not None:
            return known
        contract = self.parse(raw)
        other = self.by_name(contract.id, contract.version)
        if other is not None and other.contract.digest != contract.digest:
            raise ContractVersionTakenError(
                contract=contract.id,
                version=contract.version,
                held=str(other.contract.digest),
                found=str(contract.digest),
            )
        self._held.setdefault(contract.digest, Held(contract))
        return contract

    def holding(self, raw: bytes) -> DataContract | None:
        """The contract whose text is exactly this, if it is here; spares reading it again."""
        return next((held.contract for held in self._held.values() if held.contract.raw == raw), None)

    def write_contract(self, contract: DataContract) -> None:
        """Lay a text that came from elsewhere into the folder, for the desk."""
        file = self._folder / contract.id / contract.version / CONTRACT_FILE
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_durably(file, contract.raw)

    def take_statements(self, kept: list[KeptStatement], trust: Trust) -> None:
        """Take over what the store holds; signatures were verified when each arrived, by keys valid then."""
        by_contract: dict[Digest, list[tuple[Statement, bool]]] = {}
        for one in kept:
            opened = open_statement(one.raw, trust=trust, at=None)
            by_contract.setdefault(one.contract, []).append((opened, one.effective))
        for digest, found in by_contract.items():
            held = self._held.get(digest)
            if held is not None:
                held.statements = tuple(statement for statement, _ in found)
                held.effective = tuple(statement for statement, effective in found if effective)

    def add_statement(self, statement: Statement, *, effective: bool) -> None:
        """A new statement, or an old one that takes effect now."""
        held = self.require(statement.contract)
        if all(other.digest != statement.digest for other in held.statements):
            held.statements = (*held.statements, statement)
        if effective and all(other.digest != statement.digest for other in held.effective):
            held.effective = (*held.effective, statement)

    def write_statement(self, statement: Statement, *, member: str, proof: bytes | None = None) -> None:
        """Lay a statement that has effect beside its contract, for the desk; with the proof of the member's own entry.

        The proof goes first: nobody reads a statement that waits for its proof.
        """
        folder = self._statements_folder(statement.contract)
        if proof is not None:
            _write_once(folder / proof_name(statement.digest, member), proof)
        _write_once(folder / f"{statement.digest.hex}{STATEMENT_SUFFIX}", statement.raw)

    def is_proven(self, statement: KeptStatement, *, member: str) -> bool:
        """Whether the proof of the member's own entry lies beside the statement."""
        return (self._statements_folder(statement.contract) / proof_name(statement.digest, member)).exists()

    def _statements_folder(self, digest: Digest) -> Path:
        contract = self.require(digest).contract
        return self._folder / contract.id / contract.version / STATEMENTS

    def all(self) -> tuple[Held, ...]:
        """Every contract, by id and version."""
        return tuple(sorted(self._held.values(), key=lambda held: (held.contract.id, held.contract.version)))

    def by_name(self, contract_id: str, version: str) -> Held | None:
        """The contract with this id and version."""
        return next(
            (one for one in self._held.values() if (one.contract.id, one.contract.version) == (contract_id, version)),
            None,
        )

    def get(self, digest: Digest) -> Held | None:
        """The contract with this digest."""
        return self._held.get(digest)

    def require(self, digest: Digest) -> Held:
        """The contract with this digest.

        Raises:
            ContractUnknownError: It is not here.
        """
        held = self._held.get(digest)
        if held is None:
            raise ContractUnknownError(contract=str(digest))
        return held

    def state(self, held: Held, *, provider: str | None, at: datetime) -> ContractState:
        """Where a contract stands for a provider."""
        return contract_state(
            held.contract, held.effective, at=at, provider=provider, versions=self._versions(held.contract)
        )

    def require_amendment(self, contract: DataContract, *, at: datetime) -> None:
        """Refuse a version whose number hides a loosening; by all statements, also those that wait for witnesses.

        Raises:
            ContractVersionError: Against an earlier version that binds anybody.
        """
        others = [(held.contract, held.statements) for held in self._held.values() if held.contract.id == contract.id]
        require_amendment(contract, others, at=at)

    # --- as a shelf for verifying --------------------------------------------------------------------------------

    def find(self, ref: ContractRef) -> DataContract | None:
        """The contract with this digest, or None."""
        held = self._held.get(ref.digest)
        return None if held is None else held.contract

    def in_force(self, contract: DataContract, provider: str, at: datetime) -> None:
        """Refuse a contract that does not bind this provider at this time.

        Raises:
            ContractNotInForceError: Which party or what is missing.
        """
        held = self.require(contract.digest)
        require_in_force(contract, held.effective, at=at, provider=provider, versions=self._versions(contract))

    def _versions(self, contract: DataContract) -> list[tuple[DataContract, tuple[Statement, ...]]]:
        return [
            (other.contract, other.effective)
            for other in self._held.values()
            if other.contract.id == contract.id and other.contract.digest != contract.digest
        ]


def _write_once(file: Path, content: bytes) -> None:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(file, content)
