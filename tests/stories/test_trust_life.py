"""A federation's life over real processes: five found it, a sixth joins, keys are rotated and revoked, one leaves."""

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from exchange.__main__ import verify_path
from exchange.bundle import pack_handover
from exchange.clearance import approve
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.flow.candidate import CandidateFiles
from exchange.flow.clear import Case, record_approval, submit
from exchange.flow.prepare import Attribution, History, Preparation, prepare
from exchange.flow.release import seal
from exchange.manifest import MANIFEST
from exchange.report import pooled_digest
from exchange.signing.keys import KeyPurpose
from nodes.adapters.clock import SystemClock
from nodes.adapters.key_files import read_hybrid_signer, read_officer_signer
from nodes.adapters.local_gateway import LocalGateway
from nodes.adapters.node_folder import NewNode, copy_contracts, copy_registry, make_node_folder
from nodes.adapters.trust_folder import load_trust
from nodes.demo.processes import Running, await_ready, free_ports
from nodes.settings import NodeFolder, open_node
from tests.world.bundles import SECRET, aggregate, border_contract
from tests.world.founding import PAIR, Founders

pytestmark = pytest.mark.story

ROOT = Path(__file__).resolve().parents[2]
FIVE = ("KZ", "KG", "TJ", "UZ", "IOM")
SIXTH = "TM"
SIX = (*FIVE, SIXTH)
PORT_FIRST = 8801
WITHIN_S = 60.0
CA_01 = ("CA-01-BORDER", "1.0.0")


@dataclass
class Life:
    """The members' folders and processes."""

    founders: Founders
    ports: dict[str, int]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def node(self, member: str) -> NodeFolder:
        return open_node(self.founders.home / member.lower())

    def lay_out(self, member: str) -> None:
        """The node folder around keys that are there already."""
        folder = self.founders.home / member.lower()
        shutil.move(folder / "private", folder.with_suffix(".private"))
        node = NewNode(member=member, issuer=self.issuer(member), host="127.0.0.1", port=self.ports[member], demo=True)
        make_node_folder(folder, node, random=secrets.token_bytes)
        shutil.copytree(folder.with_suffix(".private"), folder / "private", dirs_exist_ok=True)
        for part in ("", "desk", "gateway", "officers", "preparation"):
            (folder / "private" / part).chmod(0o700)
        copy_registry(self.founders.registry, folder / "keys")
        copy_contracts(folder / "contracts", names=[CA_01])
        with (folder / "node.toml").open("a", encoding="utf-8") as settings:
            settings.write("registry_refresh_s = 2.0\nwitness_interval_s = 0.0\n")

    def issuer(self, member: str) -> str:
        return f"http://127.0.0.1:{self.ports[member]}"

    def start(self, *members: str) -> None:
        for member in members:
            folder = self.founders.home / member.lower()
            with (folder / "gateway.out").open("ab") as output:
                self.running[member] = subprocess.Popen(
                    [sys.executable, "-m", "nodes.cli", "--node", str(folder), "serve"],
                    cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    start_new_session=True,
                )  # fmt: skip
        for member in members:
            running = Running(member=member, pid=self.running[member].pid, address=self.issuer(member))
            await_ready(running, self.founders.home / member.lower())

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()

    def status(self, member: str) -> dict[str, object]:
        return LocalGateway(self.node(member)).get("/local/status")

    def command(self, member: str, *words: str, expect: int = 0) -> dict[str, object]:
        return self.founders.run("--node", str(self.founders.home / member.lower()), *words, expect=expect)

    def everywhere(self, version: int, members: tuple[str, ...]) -> float:
        """Seconds until every one of these nodes acts under this registry version."""
        began = time.monotonic()
        for member in members:
            until(lambda member=member: self.status(member)["registry"] == version)
        return time.monotonic() - began

    def pair(self, member: str) -> list[Path]:
        return [self.founders.custody(member, role) for role in PAIR]

    def tops(self, *members: str) -> list[Path]:
        return [self.founders.custody(member, role) for member in members for role in ("root", "targets")]

    def to(self) -> list[Path]:
        """The auditor's node: the others come and fetch it there."""
        return [self.founders.home / "iom" / "keys"]

    # --- bundles ---------------------------------------------------------------------------------------------------

    def cleared(self, period: str, pooled: list[Digest]) -> "Cleared":
        """A candidate of KZ for this period, approved by two officers."""
        contract, now = life_contract(), SystemClock().now().replace(microsecond=0)
        table = replace(aggregate(contract), period=period)
        (prepared,) = prepare(
            Preparation(
                table=table, contract=contract, history=History(pooled=pooled_digest(pooled)),
                attribution=Attribution(title="INVENTED"), prepared_by="kz-01", secret=SECRET,
                progress=lambda _stage, _share: None,
            )
        )  # fmt: skip
        case = submit(Case(candidate=prepared.files.candidate), by="kz-01", at=now, valid_until=now + timedelta(days=9))
        trust = load_trust(self.founders.registry, at=now)
        for officer in ("kz-02", "kz-03"):
            signer = read_officer_signer(self.node("KZ").private, officer, passphrase=None, demo=True)
            approval = approve(case.common, officer=officer, role="clearing", at=now, signer=signer)
            case = record_approval(case, approval, trust=trust, contract=contract, at=now)
        return Cleared(self, prepared.files, case)


@dataclass
class Cleared:
    """A cleared candidate, to be sealed with whatever key and handed over."""

    life: Life
    candidate: CandidateFiles
    case: Case

    def hand_over(self, *, keys: str) -> Digest:
        """Seal with the bundle keys of this label and hand over; the bundle's digest once it is published."""
        node = self.life.node("KZ")
        now = SystemClock().now()
        signer = read_hybrid_signer(node.private / keys, KeyPurpose.BUNDLE, passphrase=None, demo=True)
        files = seal(
            self.candidate, self.case.clearance, contract=life_contract(),
            trust=load_trust(self.life.founders.registry, at=now), at=now, signer=signer,
        )  # fmt: skip
        file = node.path / f"{keys or 'first'}-{time.monotonic_ns()}.handover"
        file.write_bytes(pack_handover(files))
        answer = LocalGateway(node).post("/local/hand-overs", {"file": str(file)})
        assert answer["state"] == "published", answer
        return Digest.of(files[MANIFEST])


life_contract = cache(border_contract)


def until(holds: Callable[[], bool], *, within_s: float = WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    ports = dict(zip(SIX, free_ports(6, first=PORT_FIRST), strict=True))
    umask = os.umask(0o077)
    life = Life(Founders(tmp_path_factory.mktemp("life"), auditor="IOM", registrars=("IOM", "KG", "KZ")), ports)
    try:
        applications = [life.founders.applies(member, issuer=life.issuer(member)) for member in FIVE]
        life.founders.found(FIVE, applications)
        for member in FIVE:
            life.lay_out(member)
        life.start(*FIVE)
        yield life
    finally:
        life.stop()
        os.umask(umask)


def test_the_life_of_a_federation(life: Life) -> None:
    founders = life.founders

    # Two of five do not admit a sixth, though it has signed itself.
    application = founders.applies(SIXTH, issuer=life.issuer(SIXTH))
    names = ("--member", SIXTH, "--name-en", "Turkmenistan", "--name-ru", "Туркменистан")
    change = founders.propose("add", *names, "--application", str(application))
    newcomer = [*life.tops(SIXTH), *life.pair(SIXTH)]
    founders.sign(change, [*life.tops("KZ", "KG"), *newcomer])
    refused = founders.apply(change, expect=3)
    assert refused["error"]["message"] == (
        "registry: metadata/2.root.json: role root needs 3 valid signatures of its keys, found 2"
    )
    founders.sign(change, life.tops("TJ"))
    founders.apply(change)
    assert founders.publish(*life.to()) == 2
    life.everywhere(2, FIVE)
    life.lay_out(SIXTH)
    life.start(SIXTH)

    # All six sign a contract; KZ publishes under it; KG pulls and verifies.
    for member in SIX:
        life.command(member, "contract", "sign", "/".join(CA_01))
    until(lambda: all(_in_force(life, member) for member in SIX))
    first = life.cleared("2026-09", []).hand_over(keys="")
    assert life.command("KG", "pull", "kz", "ca-01", "2026-09")["bundle"] == str(first)

    # KZ's bundle key is rotated by its own two officials: the old one makes no new bundle, the new one does.
    keys = founders.application("KZ", founders.make("KZ", KeyPurpose.BUNDLE, label="next"))
    version = founders.decide(
        "rotate", "--application", str(keys), "--overlap-hours", "0", signers=life.pair("KZ"), to=life.to()
    )
    life.everywhere(version, SIX)
    second = life.cleared("2026-08", [first])
    with pytest.raises(ExchangeError, match="does not list here for that time"):
        second.hand_over(keys="")
    published = second.hand_over(keys="next")

    # In an emergency the new one is revoked: refused everywhere within a minute.
    version = founders.decide("revoke", "--member", "KZ", "--purpose", "bundle", signers=life.pair("KZ"), to=life.to())
    assert life.everywhere(version, SIX) < WITHIN_S
    with pytest.raises(ExchangeError, match="does not list here for that time"):
        second.hand_over(keys="next")

    # UZ is removed by the majority of the others: it gets nothing any more.
    version = founders.decide("remove", "--member", "UZ", signers=life.tops("KZ", "KG", "TJ", "TM"), to=life.to())
    life.everywhere(version, ("KZ", "KG", "TJ", "TM", "IOM"))
    refused = founders.run(
        "--node", str(founders.home / "uz"), "pull", "kz", "ca-01", "2026-09", expect=4
    )  # fmt: skip
    assert "error" in refused

    # Every change stands in the logs: the states acted under, and at KZ that its own keys changed, twice.
    until(lambda: _logged(life, "KG", "trust.updated") == version)
    assert _logged(life, "KZ", "key.changed") == 2
    assert _logged(life, "KG", "key.changed") == 0

    # What was rightly signed verifies for ever, with the registry of today.
    trust = _trust_folder(life)
    for bundle in (first, published):
        verdict = verify_path(life.node("KZ").bundles / f"{bundle.hex}.zip", trust, at=SystemClock().now(), floor=False)
        assert verdict.holds, verdict.error


def _in_force(life: Life, member: str) -> bool:
    contracts = LocalGateway(life.node(member)).get("/local/contracts")["contracts"]
    return all(contract["state"] == "in-force" for contract in contracts)


def _logged(life: Life, member: str, entry_type: str) -> int:
    """How many entries of this type lie in the member's published log."""
    tiles = (life.node(member).log / "tile" / "entries").rglob("*")
    newest = max((path for path in tiles if path.is_file()), key=lambda path: path.stat().st_size)
    return newest.read_bytes().count(f'"type":"{entry_type}"'.encode())


def _trust_folder(life: Life) -> Path:
    trust = life.founders.home / "trust"
    copy_registry(life.founders.registry, trust)
    shutil.copytree(life.node("KZ").contracts, trust / "contracts")
    return trust
