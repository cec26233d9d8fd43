"""Attacks on a witness: it never cosigns two histories of one log, and answers as C2SP tlog-witness says."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, range_root
from exchange.log.note import SignatureKind, format_note, parse_vkey
from exchange.log.tiles import parse_entry_bundle
from exchange.log.witness import AddCheckpoint, format_add_checkpoint, parse_answer, parse_conflict
from exchange.signing.keys import Algorithm, KeyPurpose, SoftwareSigner
from tests.world.gateways import GatewayWorld, gateway_world, until, witnessed_size
from tests.world.log_by_hand import root_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRANGER = SoftwareSigner.from_seed(Algorithm.ED25519, b"\x07" * 32)
GB_LOG = "gb.exchange.example/log"


class Forger:
    """GB's operator with GB's log key, who keeps as many histories as he likes and asks KZ to witness them."""

    def __init__(self, world: GatewayWorld) -> None:
        self.world = world
        self.signer = world.bundle.federation.signer("GB", KeyPurpose.LOG)
        self.http = httpx.AsyncClient(transport=world.network)
        context = world.gateways["GB"].context
        self.known = context.sequencer.log.size  # cosigned by KZ; GB's real entries, which every history begins with
        bundle = context.files.read(f"tile/entries/000.p/{self.known}") or b""
        self.known_now = self.known
        self.shared = [leaf_hash(entry) for entry in parse_entry_bundle(bundle, width=self.known)]

    def history(self, name: str, size: int) -> list[bytes]:
        """The leaves of one history; all share what GB's node wrote while it was honest."""
        own = [leaf_hash(f"{name} {number}".encode()) for number in range(self.known, size)]
        return (self.shared + own)[:size]

    def note(self, leaves: list[bytes], *, signer: SoftwareSigner | None = None, origin: str = GB_LOG) -> bytes:
        root = root_of(leaves) if leaves else EMPTY_ROOT
        checkpoint = Checkpoint(origin=origin, size=len(leaves), root=root)
        return format_note(sign_checkpoint(checkpoint, signer=signer or self.signer))

    def request(self, name: str, old: int, size: int) -> bytes:
        leaves = self.history(name, size)

        def read_hash(level: int, index: int) -> bytes:
            return leaves[index] if level == 0 else range_root_of(leaves[index << level : (index + 1) << level])

        proof = tuple(consistency_proof(old, size, read_hash)) if 0 < old < size else ()
        return format_add_checkpoint(AddCheckpoint(old_size=old, proof=proof, note=self.note(leaves)))

    async def ask(self, body: bytes) -> httpx.Response:
        return await self.http.post("http://127.0.0.1:8100/witness/add-checkpoint", content=body)


def range_root_of(leaves: list[bytes]) -> bytes:
    return range_root(0, len(leaves), lambda level, index: root_of(leaves[index << level : (index + 1) << level]))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def forger(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Forger]:
    async with gateway_world(tmp_path_factory.mktemp("federation"), published=False) as world:
        gb = world.gateways["GB"].context
        await until(lambda: 0 < gb.sequencer.log.size == witnessed_size(world.node("KZ"), GB_LOG))
        made = Forger(world)
        await world.stop("GB")  # its own node is silent from here on: only the forger speaks for its log
        yield made


async def test_the_witness_cosigns_what_it_can_verify_and_says_when(forger: Forger) -> None:
    known = forger.known
    answer = await forger.ask(forger.request("a", known, known + 2))
    forger.known_now = known + 2

    vkey = next(
        listed.vkey for listed in forger.world.bundle.trust.member("KZ").keys if listed.purpose is KeyPurpose.WITNESS
    )
    witness = parse_vkey(vkey or "", kind=SignatureKind.COSIGNATURE)
    text = forger.note(forger.history("a", known + 2)).decode().partition("\n\n")[0] + "\n"
    _, at = parse_answer(answer.content, text=text, witness=witness)
    assert answer.status_code == 200
    assert at == forger.world.clock.now()


async def test_eight_rivals_at_once_get_cosignatures_over_one_history(forger: Forger) -> None:
    """Each rival is consistent with GB's honest past and with no other rival."""
    known = forger.known_now
    bodies = [
        forger.request("a", known, known + 1),
        *(forger.request(f"rival {number}", known, known + 1) for number in range(7)),
    ]
    answers = await asyncio.gather(*(forger.ask(body) for body in bodies))
    forger.known_now += 1

    # The witness holds history "a" at this size: whoever does not extend it is told so, or is too late.
    assert [answer.status_code for answer in answers].count(200) == 1
    assert answers[0].status_code == 200
    assert {answer.status_code for answer in answers[1:]} <= {409, 422}


async def test_a_rolled_back_log_is_told_what_the_witness_knows(forger: Forger) -> None:
    answer = await forger.ask(forger.request("a", 0, 1))

    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "text/x.tlog.size"
    assert parse_conflict(answer.content) >= 1


async def test_a_log_nobody_knows_is_404(forger: Forger) -> None:
    note = forger.note(forger.history("a", 3), origin="xx.exchange.example/log")
    answer = await forger.ask(format_add_checkpoint(AddCheckpoint(old_size=0, proof=(), note=note)))

    assert answer.status_code == 404


async def test_the_own_log_is_never_witnessed(forger: Forger) -> None:
    own = forger.world.bundle.federation.signer("KZ", KeyPurpose.LOG)
    note = forger.note([leaf_hash(b"x")], signer=own, origin="kz.exchange.example/log")
    answer = await forger.ask(format_add_checkpoint(AddCheckpoint(old_size=0, proof=(), note=note)))

    assert answer.status_code == 404


async def test_a_checkpoint_signed_by_another_key_is_403(forger: Forger) -> None:
    note = forger.note(forger.history("a", 3), signer=STRANGER)
    answer = await forger.ask(format_add_checkpoint(AddCheckpoint(old_size=0, proof=(), note=note)))

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        pytest.param("xx.exchange.example/log", 404, id="a log nobody knows"),
        pytest.param(GB_LOG, 403, id="a known log's checkpoint under another key"),
    ],
)
async def test_what_no_known_log_signed_never_reaches_the_writer(forger: Forger, origin: str, status: int) -> None:
    note = forger.note(forger.history("a", 3), signer=STRANGER, origin=origin)
    async with forger.world.busy_writer("KZ"), asyncio.timeout(5):
        answer = await forger.ask(format_add_checkpoint(AddCheckpoint(old_size=0, proof=(), note=note)))

    assert answer.status_code == status


async def test_an_old_size_beyond_the_new_is_400(forger: Forger) -> None:
    note = forger.note(forger.history("a", 3))
    answer = await forger.ask(format_add_checkpoint(AddCheckpoint(old_size=9, proof=(), note=note)))

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"old 0\n", id="no note"),
        pytest.param(b"old 00\n\n", id="a second spelling of zero"),
        pytest.param(b"old -1\n\nx\n", id="a negative size"),
        pytest.param(b"\xff" * 100, id="not ASCII"),
        pytest.param(b"old 0\n" + b"AAAA\n" * 100 + b"\n", id="too many hashes"),
    ],
)
async def test_what_is_no_request_is_400(forger: Forger, body: bytes) -> None:
    assert (await forger.ask(body)).status_code == 400


async def test_a_huge_request_is_413_before_it_is_read(forger: Forger) -> None:
    assert (await forger.ask(b"a" * (512 * 1024 + 1))).status_code == 413


async def test_what_was_cosigned_survives_a_restart(forger: Forger) -> None:
    before = parse_conflict((await forger.ask(forger.request("a", 0, 1))).content)
    await forger.world.stop("KZ")
    await forger.world.start("KZ")

    after = parse_conflict((await forger.ask(forger.request("a", 0, 1))).content)

    assert after == before
