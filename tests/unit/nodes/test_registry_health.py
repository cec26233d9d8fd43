"""What `/health/ready` says of the registry while time passes: well, warned, red and refusing, and well again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from exchange.errors.exchange_ import PartnerRefusedError
from exchange.flow import ceremony
from exchange.log.entry import EntryType
from exchange.signing.keys import KeyPurpose
from exchange.signing.registrar import publish, renew
from exchange.signing.registry import open_registry
from exchange.signing.trust import FIRST_ROOT
from nodes.adapters.key_files import read_signer
from nodes.adapters.partner import Caller, PartnerClient, PartnerLimits
from nodes.adapters.sequencer import LogDraft
from nodes.adapters.trust_folder import write_trust_files
from nodes.gateway.main import Gateway, GatewayKeys, build_gateway
from nodes.gateway.mirroring import PAUSE_S
from nodes.settings import open_node
from tests.world.ceremonies import Living
from tests.world.clock import FOUNDED, StillClock
from tests.world.federation import found, seeded
from tests.world.gateways import Network, no_cosignature, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


MEMBERS = ("KZ", "KG", "IOM")
RETRY_S = 0.1


class Years:
    """Three served gateways, and registrars that renew the registry when the test says so."""

    def __init__(self, folder: Path) -> None:
        self.clock = StillClock()
        self.federation = found(folder, self.clock, MEMBERS)
        self.living = Living(self.federation)
        self.network = Network()
        self.gateways: dict[str, Gateway] = {}

    async def start(self, member: str) -> None:
        node = self.federation.folder / member.lower()
        port = 8100 + MEMBERS.index(member)
        (node / "contracts" / "codelists").mkdir(parents=True)
        (node / "node.toml").write_text(
            f'v = 1\nmember = "{member}"\ndemo = true\n\n[gateway]\nissuer = "http://127.0.0.1:{port}"\n'
            f"port = {port}\nprivate_addresses = true\nwitness_interval_s = 0.0\nwitness_retry_s = {RETRY_S}\n",
            encoding="utf-8",
        )
        transport, log, witness = (
            read_signer(node / "private", purpose, passphrase=None, demo=True)
            for purpose in (KeyPurpose.TRANSPORT, KeyPurpose.LOG, KeyPurpose.WITNESS)
        )
        self.gateways[member] = build_gateway(
            open_node(node),
            keys=GatewayKeys(transport=transport, log=log, witness=witness),
            clock=self.clock,
            random=seeded(f"gateway {member}"),
            on_fatal=lambda _: None,
            transport=self.network,
        )
        self.network.apps[port] = httpx.ASGITransport(app=self.gateways[member].app)
        await self.gateways[member].start()

    def day(self, days: float) -> None:
        """So many days after the founding."""
        self.clock.at = self.living.at = FOUNDED + timedelta(days=days)

    async def leap(self, days: float) -> None:
        """The same, once witnesses have cosigned every log: else what waits for them looks days old."""
        await self.cosigned()
        self.day(days)

    async def cosigned(self) -> None:
        cosigners = [one.context.cosigner for one in self.gateways.values()]
        await until(lambda: all(one.behind_since is None for one in cosigners))

    def renewed(self, *, snapshot: bool = False) -> None:
        """The auditor renews, at every node at once."""
        files = self.living.files
        before = open_registry(files, root=files[FIRST_ROOT], at=self.living.at, expired="notice")
        keys = [self.living.key("IOM", role) for role in ("snapshot", "timestamp")]
        if snapshot:
            new = publish(files, before=before, at=self.living.at, snapshot=keys[0], timestamp=keys[1])
        else:
            new = renew(files, before=before, at=self.living.at, timestamp=keys[1])
        self.spread(new)

    def sign_again(self, *roles: str) -> None:
        """Those who hold the keys sign these roles for another full life."""
        signers = [key for role in roles for key in self.living.pair(role.upper())]
        self.living.decide(ceremony.renew(self.living.base, roles, at=self.living.at), signers)
        self.spread(self.living.files)

    def spread(self, files: dict[str, bytes]) -> None:
        self.living.files |= files
        for member in MEMBERS:
            write_trust_files(self.federation.folder / member.lower() / "keys", files)

    def client(self, member: str) -> PartnerClient:
        """A client of KZ's gateway."""
        key = self.federation.signer(member, KeyPurpose.TRANSPORT)
        caller = Caller(member=member, signer=key, clock=self.clock, random=seeded(f"{member} {self.clock.at}"))
        limits = PartnerLimits(timeout_s=30, bundle_bytes_max=1024)
        return PartnerClient(
            partner="KZ", issuer="http://127.0.0.1:8100", caller=caller, limits=limits, transport=self.network
        )

    async def ready(self, member: str = "KZ") -> tuple[int, list[str], list[str]]:
        """Status, reasons why red, warnings: over the gateway's own route."""
        async with httpx.AsyncClient(transport=self.network) as operator:
            answer = await operator.get(f"http://127.0.0.1:{8100 + MEMBERS.index(member)}/health/ready")
        said: dict[str, Any] = answer.json()
        assert said["status"] == ("ready" if answer.status_code == httpx.codes.OK else "red")
        # The clock leaps over rounds.
        warnings = [code for code in said["warnings"] if code != "registry-not-refreshed"]
        return answer.status_code, said["reasons"], warnings


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def years(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Years]:
    years = Years(tmp_path_factory.mktemp("federation"))
    years.day(1)
    years.spread(years.living.files)
    try:
        for member in MEMBERS:
            await years.start(member)
        await until(lambda: all(one.context.sequencer.gate.opened.is_set() for one in years.gateways.values()))
        yield years
    finally:
        for gateway in years.gateways.values():
            await gateway.stop()


# One federation, in the order of its days. Lives: timestamp 7 days, snapshot 30, delegation 90, root and targets 365.


async def test_a_fresh_registry_is_well(years: Years) -> None:
    assert await years.ready() == (200, [], [])


async def test_three_days_before_the_timestamp_ends_the_operator_is_warned(years: Years) -> None:
    await years.leap(4 - 1 / 24)
    assert await years.ready() == (200, [], [])
    await years.leap(4)
    assert await years.ready() == (200, [], ["registry-expires-soon"])


async def test_an_expired_registry_is_red_and_nothing_is_served_under_it(years: Years) -> None:
    partner = years.client("KG")
    await partner.catalogue()  # it holds a token of five minutes
    await years.leap(7 - 1 / 48)
    years.network.change = no_cosignature
    await years.gateways["KZ"].context.sequencer.append(LogDraft(type=EntryType.HEARTBEAT))
    years.day(7)
    status, reasons, _ = await years.ready()
    assert (status, reasons) == (503, ["registry-expired"])
    for asking in (partner, years.client("IOM")):
        with pytest.raises(PartnerRefusedError) as refused:
            await asking.catalogue()
        assert refused.value.facts["status"] == 503
    years.gateways["IOM"].mirror.hear()
    await asyncio.sleep(PAUSE_S + 5 * RETRY_S)  # logs ask, the mirror looks: neither finds a policy


async def test_a_renewed_registry_is_well_again_without_a_restart(years: Years) -> None:
    years.network.change = None
    years.renewed()
    await years.cosigned()
    for member in MEMBERS:
        assert await years.ready(member) == (200, [], [])
    await years.client("KG").catalogue()


async def test_thirty_days_before_its_delegation_ends_a_member_is_warned_and_can_renew_it(years: Years) -> None:
    await years.leap(60 - 1 / 24)
    years.renewed(snapshot=True)
    assert await years.ready() == (200, [], [])
    await years.leap(60)
    assert await years.ready() == (200, [], ["delegation-expires-soon"])
    years.sign_again("kz")
    assert await years.ready() == (200, [], [])
    assert await years.ready("KG") == (200, [], ["delegation-expires-soon"])


async def test_a_member_whose_delegation_ended_is_red_and_alone(years: Years) -> None:
    years.day(90)
    years.renewed(snapshot=True)
    status, reasons, _ = await years.ready("KG")
    assert (status, "own-member-silenced" in reasons) == (503, True)
    assert "own-member-silenced" not in (await years.ready())[1]


async def test_thirty_days_before_root_or_targets_end_everybody_is_warned(years: Years) -> None:
    for days in (149, 238, 327):
        years.day(days)
        years.renewed(snapshot=True)
        years.sign_again("kz")
    years.day(335 - 1 / 24)
    years.renewed(snapshot=True)
    assert (await years.ready())[2] == []
    years.day(335)
    assert (await years.ready())[2] == ["registry-expires-soon"]
