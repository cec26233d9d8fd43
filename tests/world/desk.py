"""KZ's clearing desk on a real node folder, with a small candidate made by hand and commands run as people run them."""

import io
import json
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from exchange.contract.model import DataContract
from exchange.contract.reference import ContractRef
from exchange.encoding import Digest
from exchange.flow.candidate import Candidate, CandidateFiles
from exchange.flow.prepare import earliest_publication
from exchange.publication.compare import bundle_title
from exchange.report import AuditVerdict, DisclosureReport, format_report, pooled_digest
from exchange.sdmx.data import write_data
from exchange.signing.keys import KeyPurpose
from exchange.statement import sign_statement
from exchange.table import CellKey, Observation, SafeTable
from nodes.adapters.contract_folder import keep_statement
from nodes.adapters.durable import write_folder_durably
from nodes.adapters.ledger_file import LedgerRelease, write_ledger
from nodes.adapters.node_folder import NewNode, copy_contracts, copy_registry, make_node_folder
from nodes.cli.main import main
from nodes.settings import NodeFolder, open_node
from nodes.terminal import Output
from tests.world.bundles import PERIOD, SECRET, SIGNED, aggregate, border_contract
from tests.world.clock import FOUNDED, StillClock
from tests.world.federation import Federation, found, seeded
from tests.world.local_gateway import listening

SUBMITTED = FOUNDED + timedelta(days=1)
ASKED = ("CA-01", PERIOD)
WITHHELD: tuple[CellKey, ...] = (
    ("IN", "KG", "UZ", "_T", "_T", "_T", "_T"),
    ("IN", "UZ", "KG", "_T", "_T", "_T", "_T"),
)
PUBLICATIONS = "/local/publications"
HAND_OVERS = "/local/hand-overs"
REVISIONS = "/local/revisions"
CLEARANCES = "/local/clearances"
ANSWERS: Mapping[str, dict[str, Any]] = {
    PUBLICATIONS: {"publications": []},
    CLEARANCES: {"index": 7},
    HAND_OVERS: {"state": "published", "index": 8},
    REVISIONS: {"bundles": []},
}


@dataclass(frozen=True)
class Ran:
    """What one command left."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The one JSON object that `--json` prints."""
        (line,) = self.out.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found


@dataclass
class DeskWorld:
    """KZ's node folder, whose contract is in force and whose preparation has built one candidate."""

    federation: Federation
    contract: DataContract
    node: NodeFolder
    clock: StillClock = field(default_factory=lambda: StillClock(SUBMITTED))

    def run(self, *words: str, language: str = "en") -> Ran:
        out, err = io.StringIO(), io.StringIO()
        output = Output(json="--json" in words, language="ru" if language == "ru" else "en", out=out, err=err)
        code = main(["--node", str(self.node.path), *words], clock=self.clock, output=output)
        return Ran(code, out.getvalue(), err.getvalue())

    def act(self, *words: str) -> Ran:
        """A step on the way to what a test is about: it has to succeed."""
        ran = self.run(*words)
        assert ran.code == 0, ran.err
        return ran

    def approve(self, officer: str, *words: str) -> Ran:
        return self.run("clearance", "approve", *ASKED, "--officer", officer, *words)

    def clear(self) -> None:
        """Submitted and approved by both clearing officers."""
        self.act("bundle", "submit", *ASKED)
        for officer in ("kz-02", "kz-03"):
            assert self.approve(officer).code == 0

    def state(self) -> dict[str, Any]:
        """The newest case, as `clearance list --json` tells it."""
        newest: dict[str, Any] = self.act("--json", "clearance", "list").result["candidates"][0]
        return newest

    def gateway(self, **answers: dict[str, Any]) -> AbstractContextManager[list[tuple[str, dict[str, str]]]]:
        """A gateway that answers; `hand_overs=…` changes what it says to a hand-over."""
        changed = {f"/local/{name.replace('_', '-')}": answer for name, answer in answers.items()}
        return listening(self.node.socket, {**ANSWERS, **changed})

    def key(self, officer: str) -> Path:
        return self.federation.private(officer.partition("-")[0]) / "officers" / f"{officer}.key"

    # --- candidates ------------------------------------------------------------------------------------------------

    def candidate(self, rows: Mapping[CellKey, Observation] | None = None, **changed: Any) -> CandidateFiles:  # noqa: ANN401  # members of a candidate
        rows = table() if rows is None else rows
        safe = SafeTable(provider="KZ", contract_id=self.contract.id, period=PERIOD, rows=rows)
        revision = changed.get("revision", 0)
        data = write_data(safe, self.contract, revision=revision, salt_secret=SECRET)
        pooled = changed.get("pooled", pooled_digest([]))
        report = format_report(_report(safe, self.contract, pooled, revision))
        made = Candidate(
            provider="KZ",
            contract=ContractRef.of(self.contract),
            period=PERIOD,
            revision=revision,
            supersedes=None,
            recipients=self.contract.recipients_of("KZ"),
            not_before=earliest_publication(self.contract, PERIOD),
            prepared_by="kz-01",
            data=Digest.of(data),
            disclosure=Digest.of(report),
            pooled=pooled,
            title=f"INVENTED: {bundle_title(self.contract, provider='KZ', period=PERIOD)}",
        )
        return CandidateFiles(candidate=replace(made, **changed), data=data, disclosure=report)

    def build(self, files: CandidateFiles | None = None) -> Path:
        """Lay a candidate where `bundle build` lays it."""
        files = files or self.candidate()
        folder = self.node.work / "candidates" / files.candidate.name
        write_folder_durably(folder, files.files())
        return folder

    def release_earlier(
        self, rows: Mapping[CellKey, Observation], *, revision: int = 0, period: str = PERIOD
    ) -> Digest:
        """An earlier release in the ledger, with this table."""
        safe = SafeTable(provider="KZ", contract_id=self.contract.id, period=period, rows=rows)
        data = write_data(safe, self.contract, revision=revision, salt_secret=SECRET)
        release = LedgerRelease(
            bundle=Digest.of(b"an earlier bundle"),
            contract=ContractRef.of(self.contract),
            linkage_group=self.contract.disclosure.linkage_group,
            provider="KZ",
            period=period,
            recipients=self.contract.recipients_of("KZ"),
            revision=revision,
            data=Digest.of(data),
        )
        write_ledger(self.node.desk / "ledger", (release,), tables={release.data: data})
        return release.bundle


def table(changed: Mapping[CellKey, Observation | None] | None = None) -> dict[CellKey, Observation]:
    """The invented register's cells, two of them withheld; None takes a row away."""
    rows: dict[CellKey, Observation | None] = {
        key: Observation(value=cell.value, obs_status="A", conf_status="N")
        for key, cell in aggregate(border_contract()).cells.items()
    }
    rows |= dict.fromkeys(WITHHELD, hidden())
    rows |= dict(changed or {})
    return {key: row for key, row in rows.items() if row is not None}


def hidden() -> Observation:
    return Observation(value=None, obs_status="Q", conf_status="C")


def figure(value: int) -> Observation:
    return Observation(value=value, obs_status="A", conf_status="N")


def desk_world(folder: Path) -> DeskWorld:
    """A desk of its own in this folder."""
    federation, contract, template = _template()
    shutil.copytree(template, folder, dirs_exist_ok=True)
    world = DeskWorld(federation, contract, open_node(folder))
    world.build()
    return world


@cache
def _template() -> tuple[Federation, DataContract, Path]:
    """The federation and KZ's node folder, made once per process; a test gets a copy."""
    folder = Path(tempfile.mkdtemp(prefix="desk-world-"))
    node = folder / "kz"
    new = NewNode(member="KZ", issuer="http://127.0.0.1:8100", host="127.0.0.1", port=8100, demo=True)
    make_node_folder(node, new, random=seeded("secret"))
    federation, contract = found(folder, StillClock()), border_contract()
    copy_registry(federation.registry, node / "keys")
    copy_contracts(node / "contracts", names=[("CA-01-BORDER", "1.0.0")])
    for party in contract.members():
        statement = sign_statement(
            type="contract.signed",
            contract=contract.digest,
            party=party,
            at=SIGNED,
            effective=SIGNED,
            signer=federation.hybrid(party, KeyPurpose.CONTRACT),
        )
        keep_statement(node / "contracts", contract, statement)
    return federation, contract, node


def _report(safe: SafeTable, contract: DataContract, pooled: Digest, revision: int) -> DisclosureReport:
    return DisclosureReport(
        provider="KZ",
        contract=ContractRef.of(contract),
        period=safe.period,
        revision=revision,
        engine=("made by hand", "1"),
        method=contract.disclosure.method,
        profile=contract.disclosure.profile,
        cells=len(safe.rows),
        withheld=tuple(sorted(safe.withheld_keys())),
        dimensions=tuple(dimension.id for dimension in contract.dimensions),
        pooled=pooled,
        parameters_commitment=Digest.of(b"parameters"),
        audit=AuditVerdict(attacker="outsider", solver="none", intervals_checked=2),
        zeros=contract.disclosure.zeros.value,
    )
