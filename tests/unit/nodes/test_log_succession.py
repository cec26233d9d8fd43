"""A log that ends, and the one that takes its place: in the registry, at its node, at witnesses and for the auditor."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from exchange.encoding import base64_decode
from exchange.errors.node import LogEndedError, LogSuccessorError
from exchange.flow import ceremony
from exchange.log.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from exchange.log.entry import EntryType, LogEntry
from exchange.log.note import format_note
from exchange.log.witness import AddCheckpoint, format_add_checkpoint
from exchange.signing.earlier_logs import CutAt, EarlierLog
from exchange.signing.keys import Algorithm, KeyPurpose, SoftwareSigner
from nodes.adapters.key_files import key_path, write_private_key
from nodes.adapters.sequencer import LogDraft
from nodes.adapters.trust_folder import write_trust_files
from nodes.auditor.main import Auditor, AuditResult
from nodes.auditor.program import program_digest
from nodes.auditor.store import AuditStore
from tests.world.by_hand import entries
from tests.world.ceremonies import Living
from tests.world.contracts import codelists
from tests.world.federation import SEVEN, seeded
from tests.world.gateways import GatewayWorld, gateway_world, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST, SECOND, THIRD, FOURTH = (f"{name}.exchange.example/log" for name in ("kz", "kz-2", "kz-3", "kz-4"))
MAJORITY = SEVEN[:4]
OVERLAP = timedelta(hours=72)


class Succession:
    """Seven gateways, and a registry in which KZ gets one log after the other."""

    def __init__(self, world: GatewayWorld) -> None:
        self.world = world
        self.living = Living(world.bundle.federation, at=world.clock.now())
        self.keys = {origin: self.living.log_key(origin) for origin in (SECOND, THIRD, FOURTH)}
        first = world.bundle.federation.signer("KZ", KeyPurpose.LOG)
        assert isinstance(first, SoftwareSigner)
        self.keys[FIRST] = first

    @property
    def gateway_log(self) -> Checkpoint:
        return self.world.gateways["KZ"].context.sequencer.log.checkpoint

    def decide(self, origin: str, *, cut: bytes | None = None, overlap: timedelta = OVERLAP) -> None:
        """The members and KZ name its next log; every node acts under that."""
        self.living.move(minutes=1)
        proposal = ceremony.next_log(
            self.living.base, self.living.next_log("KZ", origin), cut=cut, overlap=overlap, at=self.living.at
        )
        signers = [*self.living.pair("KZ"), *self.living.signers("targets", MAJORITY)]
        self.living.decide(proposal, signers)
        self.world.clock.at = self.living.at + timedelta(minutes=1)
        for member in SEVEN:
            write_trust_files(self.world.node(member).keys, self.living.files)

    def hold(self, origin: str) -> None:
        """The key of this log takes its place in KZ's folder."""
        path = key_path(self.world.node("KZ").private, KeyPurpose.LOG, Algorithm.ED25519)
        path.unlink()
        write_private_key(path, self.keys[origin], purpose="log", passphrase=None, random=seeded(f"held {origin}"))

    async def restart(self, origin: str) -> None:
        if "KZ" in self.world.gateways:
            await self.world.stop("KZ")
        self.hold(origin)
        await self.world.start("KZ")

    async def cosigned(self) -> None:
        cosigner = self.world.gateways["KZ"].context.cosigner
        await until(
            lambda: (
                cosigner.cosigned is not None
                and (cosigner.cosigned.checkpoint.origin, cosigner.cosigned.checkpoint.size)
                == (self.gateway_log.origin, self.gateway_log.size)
            )
        )

    async def beat(self) -> LogEntry:
        kz = self.world.gateways["KZ"].context
        await kz.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
        await self.cosigned()
        return entries(self.world)[-1]

    async def asks(self, witness: str, origin: str, size: int, root: bytes, *, old_size: int) -> httpx.Response:
        """What a witness answers to a checkpoint that a key of KZ's signed."""
        head = Checkpoint(origin=origin, size=size, root=root)
        note = format_note(sign_checkpoint(head, signer=self.keys[origin]))
        body = format_add_checkpoint(AddCheckpoint(old_size=old_size, proof=(), note=note))
        issuer = self.world.bundle.trust.member(witness).issuer
        async with httpx.AsyncClient(transport=self.world.network) as anybody:
            while True:
                answer = await anybody.post(f"{issuer}/witness/add-checkpoint", content=body)
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:  # it catches up with what others saw
                    return answer
                await asyncio.sleep(0.05)

    async def audit(self, folder: Path) -> AuditResult:
        store = AuditStore(folder / "audit.db")
        auditor = Auditor(
            trust=self.living.trust,
            store=store,
            clients=lambda member: self.world.client("IOM", member),
            clock=self.world.clock,
            codelists=codelists(),
            contracts={},
            program=program_digest(),
            quorum_wait_s=5,
        )
        result = await auditor.run(lambda _stage, _share: None)
        store.close()
        return result


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Succession]:
    async with gateway_world(tmp_path_factory.mktemp("federation")) as world:
        yield Succession(world)


def codes(result: AuditResult) -> list[tuple[str, str]]:
    return [(found.party, found.reason.code) for found in result.findings]


# The tests of one log's life, in its order: a module is one federation.


async def test_a_log_is_not_closed_before_the_registry_names_the_next(line: Succession) -> None:
    refused = await line.world.local("KZ", "POST", "/local/log/end", {})
    assert refused.json()["code"] == "log-not-replaced"
    line.decide(SECOND)
    assert line.living.trust.member("KZ").earlier_logs == (EarlierLog(origin=FIRST),)
    assert line.living.trust.member("KZ").origins == (FIRST, SECOND)


async def test_a_witness_takes_a_next_log_only_from_where_the_earlier_one_stands(line: Succession) -> None:
    await line.cosigned()
    size = (await line.asks("KG", SECOND, 1, b"\x02" * 32, old_size=0)).text
    assert 1 < int(size) <= line.gateway_log.size  # of the earlier log, as far as this witness cosigned it


async def test_a_key_of_the_next_log_does_not_sign_before_the_present_one_is_closed(line: Succession) -> None:
    await line.world.stop("KZ")
    line.hold(SECOND)
    with pytest.raises(LogSuccessorError) as refused:
        await line.world.start("KZ")
    assert (refused.value.facts["origin"], refused.value.facts["expected"]) == (SECOND, f"{FIRST} closed")
    await line.restart(FIRST)


async def test_a_closed_log_takes_nothing_more_also_after_a_start(line: Succession) -> None:
    before = len(entries(line.world))
    closed = (await line.world.local("KZ", "POST", "/local/log/end", {})).json()
    assert closed["quorum"] is True
    assert (closed["origin"], closed["next"]) == (FIRST, SECOND)
    last = entries(line.world)[-1]
    assert (last.type, last.code) == (EntryType.KEY_CHANGED, "log-ended")
    assert closed["size"] == line.gateway_log.size > before
    await line.restart(FIRST)
    with pytest.raises(LogEndedError):
        await line.world.gateways["KZ"].context.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
    again = (await line.world.local("KZ", "POST", "/local/log/end", {})).json()
    assert (again["size"], again["quorum"]) == (closed["size"], True)


async def test_the_next_log_goes_on_from_the_last_entry_and_names_the_checkpoint_over_it(line: Succession) -> None:
    closing = line.gateway_log
    logged = entries(line.world)
    await line.restart(SECOND)
    await line.cosigned()
    continued = entries(line.world)
    assert continued[: closing.size] == logged
    first = continued[closing.size]
    assert (first.type, first.code) == (EntryType.KEY_CHANGED, "log-begun")
    assert first.evidence is not None
    evidence = await line.world.client("IOM", "KZ").evidence(first.evidence)
    assert read_checkpoint(base64_decode(str(evidence["evidence"]), subject="evidence"))[0] == closing
    assert read_checkpoint(line.world.gateways["KZ"].context.files.checkpoint() or b"")[0].origin == SECOND


async def test_what_the_earlier_log_proved_still_verifies_and_is_pulled(line: Succession) -> None:
    pulled = await line.world.pull("KG")
    assert pulled.status_code == 200, pulled.text
    await line.cosigned()


async def test_an_audit_across_both_logs_finds_nothing(line: Succession, tmp_path: Path) -> None:
    result = await line.audit(tmp_path)
    assert codes(result) == []
    collected = next(one for one in result.logs if one.member == "KZ")
    assert collected.seen is not None
    assert collected.seen.checkpoint.origin == SECOND


async def test_a_witness_of_the_next_log_cosigns_the_earlier_one_no_more_and_keeps_what_it_was_asked(
    line: Succession, tmp_path: Path
) -> None:
    size = next(number for number, entry in enumerate(entries(line.world), 1) if entry.code == "log-ended")
    refused = await line.asks("IOM", FIRST, size + 1, b"\x01" * 32, old_size=size)
    assert (refused.status_code, refused.json()["code"]) == (404, "witness-log-ended")
    result = await line.audit(tmp_path)
    assert codes(result) == [("KZ", "log-continued")]
    assert (result.findings[0].reason.facts["end"], result.findings[0].reason.facts["seen"]) == (size, size + 1)


async def test_a_log_that_lost_entries_goes_on_where_the_members_cut_it_and_the_audit_says_so(
    line: Succession, tmp_path: Path
) -> None:
    await line.beat()
    kept, note = line.gateway_log, line.world.gateways["KZ"].context.files.checkpoint() or b""
    await line.world.stop("KZ")
    node, backup = line.world.node("KZ"), tmp_path / "kz"
    shutil.copytree(node.path, backup)
    await line.restart(SECOND)
    await until(line.world.gateways["KZ"].context.sequencer.gate.opened.is_set)
    await line.beat()
    await line.world.stop("KZ")
    shutil.rmtree(node.path)
    shutil.copytree(backup, node.path)

    line.decide(THIRD, cut=note)
    cut = EarlierLog(origin=SECOND, cut=CutAt(size=kept.size, root=kept.root))
    assert line.living.trust.member("KZ").earlier_logs == (EarlierLog(origin=FIRST), cut)
    await line.restart(THIRD)
    await line.cosigned()
    assert entries(line.world)[kept.size].code == "log-begun"
    over = await line.asks("TJ", SECOND, kept.size + 2, b"\x01" * 32, old_size=kept.size + 1)
    assert over.status_code == 404
    result = await line.audit(tmp_path)
    assert codes(result) == [("KZ", "log-continued"), ("KZ", "log-cut")]
    facts = result.findings[1].reason.facts
    assert (facts["origin"], facts["end"], facts["seen"]) == (SECOND, kept.size, kept.size + 2)


async def test_a_folder_that_is_not_where_the_members_cut_the_log_is_not_signed_for(line: Succession) -> None:
    await line.beat()
    note = line.world.gateways["KZ"].context.files.checkpoint() or b""
    await line.beat()
    line.decide(FOURTH, cut=note)
    await line.world.stop("KZ")
    line.hold(FOURTH)
    with pytest.raises(LogSuccessorError):
        await line.world.start("KZ")
    size = line.living.trust.member("KZ").earlier_logs[-1].cut.size  # type: ignore[union-attr]  # it was cut
    other = await line.asks("KG", FOURTH, size, b"\x02" * 32, old_size=size)
    assert (other.status_code, other.json()["code"]) == (422, "witness-inconsistent")
