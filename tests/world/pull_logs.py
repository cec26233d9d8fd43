"""Two members' logs with everything that pulls leave in them, honest by default, and each lie as one step.

Entries, proofs, deliveries and receipts are real and really signed; only the trees around them are left out.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.log.checkpoint import Checkpoint
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.receipt import Delivery, Receipt, evidence_digest, pull_id, sign_delivery, sign_receipt
from exchange.reconcile.logs import view_of
from exchange.reconcile.model import Evidence, Federation, LogView, SeenCheckpoint, VerifiedPublication
from exchange.signing.dpop import make_proof
from exchange.signing.keys import KeyPurpose, SoftwareSigner
from exchange.signing.members import Member, MemberKey
from exchange.signing.trust import RegistryRef, Trust
from tests.world.federation import signer
from tests.world.trust import bare_trust

NOON = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
REGISTRY = RegistryRef(version=1, sha256=Digest.of(b"registry"))
CONTRACT = Digest.of(b"contract")
STATEMENT = Digest.of(b"statement")
CLEARANCE = Digest.of(b"clearance")
RIGHT = Digest.of(b"the right bytes")
WRONG = Digest.of(b"the wrong bytes")
DATA = Digest.of(b"the right data.csv")
NO_EARLIER = Digest.of(b"")  # pooled over no earlier publication: SHA-256 of the empty string


def bundle_named(name: str) -> Digest:
    return Digest.of(name.encode())


BUNDLE = bundle_named("KZ CA-01 2026-09")


@dataclass
class PullLogs:
    """KZ publishes and serves; KG and TJ pull. Every method appends what one honest step leaves."""

    members: tuple[str, ...] = ("KZ", "KG", "TJ", "IOM")
    at: datetime = NOON
    audited_after: timedelta = timedelta(hours=1)
    state: str = "in-force"
    logs: dict[str, list[LogEntry]] = field(default_factory=dict)
    signed: dict[Digest, bytes] = field(default_factory=dict)
    withheld: set[tuple[str, Digest]] = field(default_factory=set)
    publications: dict[Digest, VerifiedPublication | ExchangeError] = field(default_factory=dict)
    not_collected: set[str] = field(default_factory=set)
    cosigned: dict[str, list[tuple[int, datetime]]] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        for member in self.members:
            self.logs[member] = []
        self.log("KZ", EntryType.CONTRACT_SIGNED, contract=CONTRACT, evidence=STATEMENT)

    # --- one entry ---------------------------------------------------------------------------------------------

    def log(self, member: str, kind: EntryType, **facts: object) -> int:
        self.count += 1
        self.at += timedelta(seconds=1)
        entry = LogEntry(
            type=kind,
            at=self.at,
            node=member,
            salt=self.count.to_bytes(16),
            **{"registry": REGISTRY, **facts},  # type: ignore[arg-type]  # each test names the members of its entry
        )
        self.logs[member].append(entry)
        return len(self.logs[member]) - 1

    def key(self, member: str) -> SoftwareSigner:
        return signer(f"{member}/transport")

    # --- honest steps ------------------------------------------------------------------------------------------

    def publish(self, bundle: Digest = BUNDLE, *, cleared: bool = True, **changes: object) -> int:
        if cleared:
            self.log("KZ", EntryType.CLEARANCE_DECIDED, contract=CONTRACT, evidence=CLEARANCE)
        index = self.log("KZ", EntryType.BUNDLE_PUBLISHED, contract=CONTRACT, bundle=bundle, evidence=Digest.of(b"jws"))
        honest = VerifiedPublication(
            bundle=bundle,
            provider="KZ",
            contract_id="CA-01-BORDER",
            contract=CONTRACT,
            period="2026-09",
            revision=0,
            supersedes=None,
            recipients=("KG", "TJ"),
            not_before=NOON,
            data=DATA,
            clearance=CLEARANCE,
            pooled=NO_EARLIER,
            cosigned_at=self.at,
        )
        self.publications[bundle] = replace(honest, **changes)  # type: ignore[arg-type]  # by the test's names
        return index

    def request(self, puller: str = "KG", bundle: Digest = BUNDLE, *, signed_by: str | None = None) -> Digest:
        self.count += 1
        proof = make_proof(
            signer=self.key(signed_by or puller),
            method="GET",
            url=f"http://kz.example/v1/bundles/{bundle.hex}",
            at=self.at,
            jti=f"jti-of-request-number-{self.count:04}",
            access_token="token",
        )
        self.signed[pull_id(proof)] = proof.encode()
        return pull_id(proof)

    def serve(self, pull: Digest, puller: str = "KG", bundle: Digest = BUNDLE) -> int:
        return self.log(
            "KZ",
            EntryType.PULL_SERVED,
            counterpart=puller,
            contract=CONTRACT,
            bundle=bundle,
            pull=pull,
            evidence=pull,
        )

    def deliver(
        self,
        pull: Digest,
        puller: str = "KG",
        *,
        content: Digest = RIGHT,
        index: int | None = None,
        file: str = "zip",
        bundle: Digest = BUNDLE,
        checkpoint: str = "a checkpoint",
        signed_by: str = "KZ",
    ) -> Digest:
        index = len(self.logs["KZ"]) - 1 if index is None else index
        entry = format_entry(self.logs["KZ"][min(index, len(self.logs["KZ"]) - 1)])
        token = sign_delivery(
            Delivery(
                pull=pull,
                bundle=bundle,
                publisher="KZ",
                puller=puller,
                entry=entry,
                index=index,
                checkpoint=checkpoint,
                file=file,
                content=content,
            ),
            signer=self.key(signed_by),
        )
        self.signed[evidence_digest(token)] = token.encode()
        return evidence_digest(token)

    def take(
        self,
        pull: Digest,
        delivery: Digest | None,
        puller: str = "KG",
        *,
        code: str | None = None,
        bundle: Digest = BUNDLE,
    ) -> int:
        kind = EntryType.BUNDLE_RECEIVED if code is None else EntryType.BUNDLE_REJECTED
        return self.log(
            puller,
            kind,
            counterpart="KZ",
            contract=CONTRACT,
            bundle=bundle,
            pull=pull,
            evidence=delivery,
            code=code,
        )

    def give(
        self, pull: Digest, delivery: Digest | None, entry: int, puller: str = "KG", /, **changes: object
    ) -> Digest:
        honest = Receipt(
            pull=pull,
            delivery=delivery,
            bundle=BUNDLE,
            contract=CONTRACT,
            purpose="official_statistics",
            verdict="accepted",
            entry=entry,
            by=puller,
            at=self.at,
        )
        signed_by = str(changes.pop("signed_by", puller))
        logged = bool(changes.pop("logged", True))
        about = changes.pop("about", BUNDLE)
        token = sign_receipt(
            replace(honest, **changes),  # type: ignore[arg-type]  # by the test's names
            signer=self.key(signed_by),
        )
        digest = evidence_digest(token)
        self.signed[digest] = token.encode()
        if logged:
            self.log(
                puller,
                EntryType.RECEIPT_GIVEN,
                counterpart="KZ",
                contract=CONTRACT,
                bundle=about,
                pull=pull,
                evidence=digest,
            )
        return digest

    def get(self, pull: Digest, receipt: Digest, puller: str = "KG") -> int:
        return self.log(
            "KZ",
            EntryType.RECEIPT_GOT,
            counterpart=puller,
            contract=CONTRACT,
            bundle=BUNDLE,
            pull=pull,
            evidence=receipt,
        )

    def honest_pull(self, puller: str = "KG", *, content: Digest = RIGHT) -> Digest:
        pull = self.request(puller)
        self.serve(pull, puller)
        delivery = self.deliver(pull, puller, content=content)
        entry = self.take(pull, delivery, puller)
        self.get(pull, self.give(pull, delivery, entry, puller), puller)
        return pull

    # --- what the auditor has ----------------------------------------------------------------------------------

    def gathered(self) -> Federation:
        return Federation(
            at=self.at + self.audited_after,
            trust=self._trust(),
            logs={member: self.view(member) for member in self.logs if member not in self.not_collected},
            publications=self.publications,
            contracts={},
            evidence=Evidence(signed=self.signed, withheld=frozenset(self.withheld)),
            force_at=lambda *_: self.state,
        )

    def view(self, member: str) -> LogView:
        """The log as rebuilt; an entry is cosigned when the first checkpoint over it was."""
        seen = [
            SeenCheckpoint(checkpoint=Checkpoint(origin=member, size=size, root=bytes(32)), note=b"", cosigned_at=at)
            for size, at in self.cosigned.get(member, [])
        ]
        return view_of(member, [format_entry(entry) for entry in self.logs[member]], seen)

    def _trust(self) -> Trust:
        members = {member: self._member(member) for member in self.members}
        return bare_trust(members, ref=REGISTRY, issued=NOON, expires=NOON + timedelta(days=30))

    def _member(self, member: str) -> Member:
        key = MemberKey(purpose=KeyPurpose.TRANSPORT, key=self.key(member).public, valid_from=NOON)
        return Member(id=member, kind="state", name={}, issuer=f"http://{member}.example", log_vkey="", keys=(key,))
