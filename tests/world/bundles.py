"""A small valid bundle in a small valid federation, made by the real steps with throw-away keys.

KZ publishes CA-01-BORDER for 2026-09. The register below is invented; the table that comes of it is protected by the
real engine, so some of its cells are withheld. Everything is deterministic but the ML-DSA signatures.
"""

import atexit
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path

from exchange.clearance import Approval, Clearance, approve
from exchange.contract.model import TOTAL, DataContract
from exchange.contract.parse import parse_contract
from exchange.encoding import Digest
from exchange.flow.agree import require_in_force
from exchange.flow.candidate import CandidateFiles
from exchange.flow.clear import Case, record_approval, submit
from exchange.flow.prepare import Attribution, History, Preparation, prepare
from exchange.flow.release import seal
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.cosignature import cosign
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.log.merkle import leaf_hash
from exchange.log.note import format_note
from exchange.log.policy import parse_policy
from exchange.log.proof import TlogProof, format_proof
from exchange.manifest import MANIFEST
from exchange.publication import PROOF, SIGNATURES, OneContract
from exchange.report import pooled_digest
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import Trust
from exchange.statement import Statement, sign_statement
from exchange.table import AggregateCell, AggregateTable, CellKey
from tests.world.clock import FOUNDED, StillClock
from tests.world.federation import Federation, found
from tests.world.log_by_hand import root_of

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
PERIOD = "2026-09"
SIGNED = FOUNDED + timedelta(hours=1)
CLEARED = FOUNDED + timedelta(days=1)
COSIGNED = FOUNDED + timedelta(days=1, hours=2)
VALID_UNTIL = FOUNDED + timedelta(days=10)
SECRET = bytes(range(32))

# direction, citizenship, counterpart, region, mode, sex, age: crossings. Invented; small where a rule must bite.
REGISTER: dict[tuple[str, ...], int] = {
    ("IN", "KG", "KG", "KZ-75", "ROAD", "M", "Y18T34"): 812,
    ("IN", "KG", "KG", "KZ-75", "RAIL", "F", "Y18T34"): 640,
    ("IN", "KG", "KG", "KZ-33", "ROAD", "F", "Y35T64"): 455,
    ("IN", "KG", "UZ", "KZ-33", "ROAD", "M", "Y35T64"): 3,
    ("IN", "UZ", "UZ", "KZ-61", "ROAD", "M", "Y18T34"): 974,
    ("IN", "UZ", "UZ", "KZ-61", "RAIL", "F", "Y35T64"): 318,
    ("IN", "UZ", "KG", "KZ-33", "RAIL", "M", "Y35T64"): 27,
    ("IN", "TJ", "UZ", "KZ-61", "ROAD", "M", "Y18T34"): 141,
    ("IN", "TJ", "KG", "KZ-75", "ROAD", "M", "Y35T64"): 66,
    ("OUT", "KG", "KG", "KZ-75", "ROAD", "M", "Y18T34"): 790,
    ("OUT", "KG", "KG", "KZ-33", "ROAD", "F", "Y35T64"): 702,
    ("OUT", "UZ", "UZ", "KZ-61", "RAIL", "M", "Y18T34"): 905,
    ("OUT", "UZ", "UZ", "KZ-61", "ROAD", "F", "Y18T34"): 233,
}


@dataclass(frozen=True)
class BundleWorld:
    """A federation, a contract that all parties signed, and one published bundle of KZ."""

    federation: Federation
    contract: DataContract
    statements: tuple[Statement, ...]
    candidate: CandidateFiles
    case: Case
    files: dict[str, bytes] = field(repr=False)

    @property
    def trust(self) -> Trust:
        return self.federation.trust

    @property
    def trust_folder(self) -> Path:
        """For `--trust`: the registry, and the contract with its statements."""
        return self.federation.registry

    @property
    def shelf(self) -> OneContract:
        def in_force(contract: DataContract, provider: str, at: datetime) -> None:
            require_in_force(contract, self.statements, at=at, provider=provider)

        return OneContract(self.contract, in_force)

    def approval(self, officer: str, *, case: Case | None = None, role: str = "clearing") -> Approval:
        signer = self.federation.officer(officer)
        return approve((case or self.case).common, officer=officer, role=role, at=CLEARED, signer=signer)

    def seal(self, clearance: Clearance | None = None) -> dict[str, bytes]:
        """The five files, signed anew."""
        return seal(
            self.candidate,
            clearance or self.case.clearance,
            contract=self.contract,
            trust=self.trust,
            at=COSIGNED,
            signer=self.federation.hybrid("KZ", KeyPurpose.BUNDLE),
        )

    def publish(self, files: dict[str, bytes], *, cosigned_at: datetime = COSIGNED) -> dict[str, bytes]:
        """The six files: five and a proof of their publication in a log of two entries."""
        return {**files, PROOF: self.proof(self.entry(files), cosigned_at=cosigned_at)}

    def entry(self, files: dict[str, bytes], **changed: object) -> bytes:
        members: dict[str, object] = {
            "type": EntryType.BUNDLE_PUBLISHED,
            "at": COSIGNED,
            "node": "KZ",
            "registry": self.trust.ref,
            "salt": bytes(16),
            "contract": self.contract.digest,
            "bundle": Digest.of(files[MANIFEST]),
            "evidence": Digest.of(files[SIGNATURES]),
            **changed,
        }
        return format_entry(LogEntry(**members))  # type: ignore[arg-type]  # the test chooses the members

    def proof(self, entry: bytes, *, cosigned_at: datetime = COSIGNED, member: str = "KZ") -> bytes:
        heartbeat = LogEntry(type=EntryType.HEARTBEAT, at=SIGNED, node=member, registry=self.trust.ref, salt=bytes(16))
        leaves = [leaf_hash(format_entry(heartbeat)), leaf_hash(entry)]
        policy = parse_policy(self.trust.policies[member])
        origin = policy.logs[0].name
        checkpoint = Checkpoint(origin=origin, size=2, root=root_of(leaves))
        note = sign_checkpoint(checkpoint, signer=self.federation.signer(member, KeyPurpose.LOG))
        others = [other for other in self.trust.members if other != member]
        note = note.with_lines(
            cosign(
                note.text,
                at=cosigned_at,
                name=f"{other.lower()}.exchange.example/witness",
                signer=self.federation.signer(other, KeyPurpose.WITNESS),
            )
            for other in others
        )
        return format_proof(TlogProof(index=1, path=(leaves[0],), checkpoint_note=format_note(note), extra=entry))


@cache
def bundle_world() -> BundleWorld:
    """The world, made once per process; nobody changes it."""
    folder = Path(tempfile.mkdtemp(prefix="bundle-world-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    federation = found(folder, StillClock())
    contract = border_contract()
    statements = tuple(
        sign_statement(
            type="contract.signed",
            contract=contract.digest,
            party=party,
            at=SIGNED,
            effective=SIGNED,
            signer=federation.hybrid(party, KeyPurpose.CONTRACT),
        )
        for party in contract.members()
    )
    _lay_out_contract(federation.registry / "contracts", contract, statements)
    (prepared,) = prepare(
        Preparation(
            table=aggregate(contract),
            contract=contract,
            history=History(pooled=pooled_digest([])),
            attribution=Attribution(title="INVENTED"),
            prepared_by="kz-01",
            secret=SECRET,
            progress=lambda _stage, _share: None,
        )
    )
    candidate = prepared.files
    submitted = submit(Case(candidate=candidate.candidate), by="kz-01", at=CLEARED, valid_until=VALID_UNTIL)
    world = BundleWorld(federation, contract, statements, candidate, submitted, {})
    case = submitted
    for officer in ("kz-02", "kz-03"):
        approval = world.approval(officer)
        case = record_approval(case, approval, trust=world.trust, contract=contract, at=CLEARED)
    cleared = BundleWorld(federation, contract, statements, candidate, case, {})
    files = cleared.publish(cleared.seal())
    return BundleWorld(federation, contract, statements, candidate, case, files)


def border_contract() -> DataContract:
    raws = [path.read_bytes() for path in sorted(CONTRACTS.glob("codelists/*.csv"))]
    raw = (CONTRACTS / "CA-01-BORDER" / "1.0.0" / "contract.odcs.yaml").read_bytes()
    return parse_contract(raw, codelists={Digest.of(codelist): codelist for codelist in raws})


def aggregate(contract: DataContract, register: dict[tuple[str, ...], int] = REGISTER) -> AggregateTable:
    """Every cell of the contract's tables; each crossing by a traveller of its own."""
    counts: Counter[CellKey] = Counter()
    names = [dimension.id for dimension in contract.dimensions]
    for codes, count in register.items():
        keys = set()
        for table in contract.tables:
            listed = {entry.dimension for entry in table.dimensions}
            choices = [
                (code,) if name == "DIRECTION" else (code, TOTAL) if name in listed else (TOTAL,)
                for name, code in zip(names, codes, strict=True)
            ]
            keys |= set(product(*choices))
        for key in keys:
            counts[key] += count
    cells = {key: AggregateCell(value=count, contributors=(count,)) for key, count in counts.items()}
    return AggregateTable(provider="KZ", contract_id=contract.id, period=PERIOD, cells=cells)


def _lay_out_contract(folder: Path, contract: DataContract, statements: tuple[Statement, ...]) -> None:
    shutil.copytree(CONTRACTS / "codelists", folder / "codelists")
    version = folder / contract.id / contract.version
    (version / "statements").mkdir(parents=True)
    (version / "contract.odcs.yaml").write_bytes(contract.raw)
    for statement in statements:
        (version / "statements" / f"{statement.digest.hex}.jws").write_bytes(statement.raw)
