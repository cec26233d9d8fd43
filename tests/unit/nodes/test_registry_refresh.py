"""A node keeps its registry up with the others', and sees what is said of its own member."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.trust import (
    DelegationChangedError,
    OwnKeyUnlistedError,
    OwnMemberSilencedError,
    OwnMemberSuspendedError,
    RegistrarBoundsError,
    RegistryExpiredError,
    RegistryRollbackError,
    RegistryUnreachableError,
)
from exchange.flow import ceremony, ceremony_offices
from exchange.flow.ceremony_keys import merged
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.receipt import Delivery, sign_delivery
from exchange.signing.authoring import SNAPSHOT_LIFE, TIMESTAMP_LIFE
from exchange.signing.dpop import make_assertion, make_token, open_assertion, peek_registry
from exchange.signing.keys import KeyPurpose, PublicKey, RegistryRole
from exchange.signing.trust import Trust
from nodes.adapters.clock import SystemClock
from nodes.adapters.trust_folder import TrustCache, write_trust_files
from nodes.gateway.own_delegation import Known, OwnMember, delegation_of, read_known, write_known
from nodes.gateway.pulling import registry_of
from nodes.gateway.registry import Registry, refresh_at_start
from nodes.settings import NodeFolder, open_node
from nodes.web.problems import status_of
from tests.world.ceremonies import FIVE, Living
from tests.world.clock import StillClock
from tests.world.federation import Federation, found, signer
from tests.world.gateways import Body

NOW = SystemClock().now().replace(microsecond=0)  # python-tuf's client judges by the machine's clock
PORTS = {8100 + number: member for number, member in enumerate(FIVE)}


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(tmp_path_factory.mktemp("five"), StillClock(NOW - timedelta(hours=2)), FIVE)


@dataclass
class Surroundings:
    """A node of KZ, and what each other member's gateway serves; None is silence."""

    node: NodeFolder
    living: Living
    clock: StillClock
    served: dict[str, dict[str, bytes] | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.served = dict.fromkeys(FIVE, self.living.files)
        self.trust = TrustCache(folder=self.node.keys, clock=self.clock)
        network = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        self.registry = Registry(self.node, trust=self.trust, network=network, clock=self.clock)

    def answer(self, request: httpx.Request) -> httpx.Response:
        member = PORTS[request.url.port or 0]
        if not self.asked or self.asked[-1] != member:
            self.asked.append(member)
        files = self.served[member]
        if files is None:
            raise httpx.ConnectError("nobody listens")
        name = request.url.path.removeprefix("/trust/")
        return httpx.Response(200, stream=Body(files[name])) if name in files else httpx.Response(404)

    def renewed(self) -> dict[str, bytes]:
        """A next state."""
        self.living.move(minutes=1)
        base = self.living.base
        self.living.decide(ceremony.renew(base, ["kg"], at=self.living.at), self.living.pair("KG"))
        return dict(self.living.files)


@pytest.fixture
def around(federation: Federation, tmp_path: Path) -> Surroundings:
    living = Living(federation, at=NOW - timedelta(hours=1))
    write_trust_files(tmp_path / "keys", living.files)
    (tmp_path / "node.toml").write_text(
        'v = 1\nmember = "KZ"\ndemo = true\n[gateway]\nissuer = "http://127.0.0.1:8100"\nport = 8100\n'
        "private_addresses = true\n",
        encoding="utf-8",
    )
    return Surroundings(open_node(tmp_path), living, StillClock(NOW))


# Whom it asks


async def test_a_round_asks_the_auditor_and_one_other_in_turn(around: Surroundings) -> None:
    for _ in range(3):
        await around.registry.refresh()
    assert [member for member in around.asked if member != "IOM"] == ["TJ", "UZ", "KG"]
    assert around.asked.count("IOM") == 3
    assert "KZ" not in around.asked


async def test_a_silent_auditor_and_partner_are_passed_over(around: Surroundings) -> None:
    new = around.renewed()
    around.served |= {"IOM": None, "TJ": None, "UZ": new, "KG": None}
    await around.registry.refresh()
    assert around.registry.version() == 2
    assert set(around.registry.refusals) == {"IOM", "TJ"}
    assert around.registry.refreshed_at == NOW


async def test_an_auditor_that_shows_the_past_keeps_no_news_away(around: Surroundings) -> None:
    old, new = dict(around.living.files), around.renewed()
    around.served |= dict.fromkeys(FIVE, new) | {"IOM": old}
    await around.registry.refresh()
    assert around.registry.version() == 2


async def test_a_forged_registry_changes_nothing(around: Surroundings) -> None:
    new = around.renewed()
    around.served = dict.fromkeys(FIVE, new | {"metadata/2.snapshot.json": new["metadata/1.snapshot.json"]})
    await around.registry.refresh()
    assert around.registry.version() == 1
    assert len(around.registry.refusals) == 4


async def test_a_registrar_that_runs_ahead_halts_nobody_and_the_next_one_is_heard(around: Surroundings) -> None:
    at = around.living.at
    ahead = around.living.alone(
        "IOM", version=2**53, snapshot_ends=at + SNAPSHOT_LIFE, timestamp_ends=at + TIMESTAMP_LIFE
    )
    around.served = {**dict.fromkeys(FIVE), "IOM": ahead}
    await around.registry.refresh()
    assert around.registry.version() == 1
    assert isinstance(around.registry.refusals["IOM"], RegistrarBoundsError)
    around.served = dict.fromkeys(FIVE, around.renewed()) | {"IOM": ahead}
    await around.registry.refresh()
    assert around.registry.version() == 2


@pytest.mark.asvs("V8.3.2")
async def test_who_meets_a_higher_version_has_it_before_going_on(around: Surroundings) -> None:
    around.served = {**dict.fromkeys(FIVE), "TJ": around.renewed()}
    await around.registry.meet(1, of="TJ")
    await around.registry.meet(None, of="TJ")
    assert around.asked == []
    await around.registry.meet(2, of="TJ")
    assert around.registry.version() == 2


async def test_a_version_that_nobody_has_is_refused_and_not_asked_for_again_at_once(around: Surroundings) -> None:
    for _ in range(2):
        with pytest.raises(RegistryUnreachableError, match="version 9"):
            await around.registry.meet(9, of="TJ")
    assert around.asked == ["TJ", "IOM"]
    around.clock.move(seconds=6)
    with pytest.raises(RegistryUnreachableError):
        await around.registry.meet(9, of="RU")  # a stranger is not even asked
    assert around.asked == ["TJ", "IOM"]  # IOM again, at once after itself


async def test_a_start_without_anybody_to_ask_leaves_the_registry_as_it_was(
    around: Surroundings,
) -> None:
    late = StillClock(NOW + timedelta(days=30))
    await refresh_at_start(around.node, late)  # nobody listens there: it stays as it is, and says nothing
    with pytest.raises(ExchangeError):
        TrustCache(folder=around.node.keys, clock=late).current()


async def test_a_registry_that_nobody_confirms_is_noticed(around: Surroundings) -> None:
    await around.registry.refresh()
    assert not around.registry.stale()
    around.clock.move(seconds=201)  # ten rounds
    assert around.registry.stale()


def test_an_older_state_put_into_the_folder_is_not_acted_under(around: Surroundings) -> None:
    old = dict(around.living.files)
    write_trust_files(around.node.keys, around.renewed())
    assert around.trust.current().ref.version == 2
    write_trust_files(around.node.keys, old)
    assert around.trust.current().ref.version == 2
    assert isinstance(around.trust.problem, RegistryRollbackError)


def test_an_assertion_and_a_token_name_the_registry_and_nothing_else_does() -> None:
    key = signer("transport")
    assertion = make_assertion(signer=key, member="KG", audience="https://kz.test", at=NOW, jti="j" * 22, registry=7)
    token = make_token(
        signer=key, issuer="https://kz.test", member="KG", thumbprint=key.public.kid, at=NOW, jti="j" * 22,
        life_s=300, registry=8,
    )  # fmt: skip
    without = make_assertion(signer=key, member="KG", audience="https://kz.test", at=NOW, jti="j" * 22)
    assert [peek_registry(one) for one in (assertion, token, without, "x", "a.b.c")] == [7, 8, None, None, None]
    opened = open_assertion(assertion, keys=[key.public], audience="https://kz.test", at=NOW, life_s=60, skew_s=10)
    assert opened.member == "KG"


def test_a_delivery_names_the_registry_that_its_publisher_acts_under(federation: Federation) -> None:
    ref = federation.trust.ref
    entry = LogEntry(
        type=EntryType.PULL_SERVED, at=NOW, node="KZ", registry=ref, salt=bytes(16), counterpart="KG",
        contract=Digest.of(b"c"), bundle=Digest.of(b"b"), evidence=Digest.of(b"p"), pull=Digest.of(b"p"),
    )  # fmt: skip
    delivery = Delivery(
        pull=Digest.of(b"p"), bundle=Digest.of(b"b"), publisher="KZ", puller="KG", entry=format_entry(entry), index=0,
        checkpoint="x\n", file="zip", content=Digest.of(b"z"),
    )  # fmt: skip
    assert registry_of(sign_delivery(delivery, signer=signer("transport"))) == ref.version
    assert registry_of("") is None
    assert registry_of("a.b.c") is None


def test_an_expired_registry_is_the_nodes_own_trouble_and_may_pass() -> None:
    expired = RegistryExpiredError(file="metadata/timestamp.json", expires="x", at="y")
    assert status_of(expired) == 503


# What is said of the own member


def held(federation: Federation) -> dict[KeyPurpose, PublicKey]:
    purposes = (KeyPurpose.TRANSPORT, KeyPurpose.LOG, KeyPurpose.WITNESS)
    return {purpose: federation.signer("KZ", purpose).public for purpose in purposes}


def replaced_by_others(living: Living) -> Trust:
    """The majority gives KZ's delegation to two keys of its own choice."""
    applications = [living.applies("KZ", RegistryRole.DELEGATION, label=label) for label in ("a", "b")]
    proposal = ceremony_offices.replace_holder(living.base, merged(applications), at=living.at)
    keys = [key for label in ("a", "b") for _, key in living.fresh("KZ", RegistryRole.DELEGATION, label=label)]
    return living.decide(proposal, [*living.signers("targets", ["KG", "TJ", "UZ"]), *keys])


def revoked(living: Living) -> Trust:
    transport = living.trust.keys("KZ", KeyPurpose.TRANSPORT, at=living.at)
    proposal = ceremony.revoke_keys(living.base, "KZ", [transport[0].kid], at=living.at)
    return living.decide(proposal, living.pair("KZ"))


def suspended(living: Living) -> Trust:
    return living.decide(ceremony.suspend_member(living.base, "KZ", at=living.at), living.signers("targets"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(lambda living: living.trust, None, id="nothing happened"),
        pytest.param(replaced_by_others, DelegationChangedError, id="others can now change its keys"),
        pytest.param(revoked, OwnKeyUnlistedError, id="its transport key is revoked"),
        pytest.param(suspended, OwnMemberSuspendedError, id="it is suspended"),
    ],
)
def test_a_member_is_told_what_others_did_to_it(
    around: Surroundings, change: Callable[[Living], Trust], problem: type[ExchangeError] | None
) -> None:
    own = OwnMember(around.node, held=held(around.living.federation), clock=around.clock)
    confirmed = delegation_of(around.living.trust, "KZ")
    assert confirmed is not None
    write_known(around.node, Known(confirmed=confirmed, logged=frozenset()))
    trust = change(around.living)
    assert [type(found) for found in own.problems(trust)] == ([] if problem is None else [problem])


def test_a_silenced_member_is_told_why(around: Surroundings) -> None:
    own = OwnMember(around.node, held={}, clock=around.clock)
    trust = around.living.trust
    object.__setattr__(trust, "silenced", {"KZ": RegistryUnreachableError(source="x", reason="y")})
    assert [type(found) for found in own.problems(trust)] == [OwnMemberSilencedError]


def test_a_confirmation_that_cannot_be_read_confirms_nothing(around: Surroundings) -> None:
    own = OwnMember(around.node, held={}, clock=around.clock)
    assert read_known(around.node) is None
    assert own.problems(around.living.trust) == []
    write_known(around.node, Known(confirmed=b"{}", logged=frozenset({"sha256:00"})))
    (around.node.private / "gateway" / "delegation.json").write_bytes(b"{")
    assert [type(found) for found in own.problems(around.living.trust)] == [DelegationChangedError]


async def test_a_member_whose_files_each_come_in_time_is_given_up_as_a_whole_and_another_is_asked(
    around: Surroundings,
) -> None:
    newer = around.renewed()
    around.served = dict.fromkeys(FIVE, newer)

    async def slow_auditor(request: httpx.Request) -> httpx.Response:
        if PORTS[request.url.port or 0] == "IOM":
            await asyncio.sleep(0.6)
        return around.answer(request)

    network = httpx.AsyncClient(transport=httpx.MockTransport(slow_auditor))
    registry = Registry(around.node, trust=around.trust, network=network, clock=around.clock, source_s=1.0)
    before = registry.version()
    await registry.refresh()
    await registry.close()
    assert "not done within 1 s" in registry.refusals["IOM"].sentence()
    assert registry.version() == before + 1
