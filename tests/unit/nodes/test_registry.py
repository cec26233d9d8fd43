"""The founded federation, its folder, and a node that keeps up with it over HTTP."""

import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tuf.api.exceptions import DownloadError, DownloadHTTPError

from exchange.encoding import format_instant
from exchange.errors import ExchangeError
from exchange.errors.trust import (
    PrivateKeyFileError,
    RegistryExpiredError,
    RegistryFileError,
    RegistryHistoryError,
    RegistryRollbackError,
    RegistryRuleError,
    RegistrySourceError,
    RegistryTamperedError,
    RegistryUnreachableError,
)
from exchange.log.policy import parse_policy
from exchange.signing.keys import KeyPurpose
from exchange.signing.registrar import renew
from exchange.signing.registry import open_registry
from exchange.signing.trust import FIRST_ROOT
from nodes.adapters.clock import SystemClock
from nodes.adapters.trust_folder import TrustCache, load_trust, read_trust_files, write_trust_files
from nodes.adapters.trust_updater import Fetch, refresh_registry
from nodes.demo.registry import found_federation
from tests.world.clock import FOUNDED, StillClock
from tests.world.federation import SEVEN, Federation, found, seeded, specify
from tests.world.registry import Registry, keys_of

NOW = SystemClock().now().replace(microsecond=0)  # python-tuf's client judges by the machine's clock
PARTNER = "http://kg.test:8101"


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(tmp_path_factory.mktemp("federation"), StillClock(NOW))


# The founding


def test_a_node_holds_its_own_keys_by_zone_and_no_key_of_the_registry(federation: Federation) -> None:
    for member in SEVEN:
        private = federation.private(member)
        held = {path.relative_to(private).as_posix() for path in private.rglob("*.key")}
        lower = member.lower()
        assert held == {
            "desk/bundle-ed25519.key",
            "desk/bundle-ml-dsa-65.key",
            "desk/contract-ed25519.key",
            "desk/contract-ml-dsa-65.key",
            "gateway/transport-ed25519.key",
            "gateway/log-ed25519.key",
            "gateway/witness-ed25519.key",
            *(f"officers/{lower}-0{number}.key" for number in (1, 2, 3, 4)),
        }
        for path in private.rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_the_keys_of_a_node_are_the_registered_ones(federation: Federation) -> None:
    trust = federation.trust
    for member in SEVEN:
        for purpose in (KeyPurpose.BUNDLE, KeyPurpose.CONTRACT):
            assert trust.keys(member, purpose, at=NOW) == federation.hybrid(member, purpose).public
        for purpose in (KeyPurpose.TRANSPORT, KeyPurpose.LOG, KeyPurpose.WITNESS):
            assert trust.keys(member, purpose, at=NOW) == (federation.signer(member, purpose).public,)
    assert trust.officer("kg-04", at=NOW)[1].key == federation.officer("kg-04").public


def test_snapshot_and_timestamp_are_in_the_hands_of_the_auditor_and_two_more(federation: Federation) -> None:
    holders = {path.parent.name for path in federation.custody.glob("*/timestamp.key")}
    assert holders == {"gb", "iom", "kg"}
    assert {path.parent.name for path in federation.custody.glob("*/root.key")} == {m.lower() for m in SEVEN}


@pytest.mark.parametrize(
    ("members", "quorum"),
    [
        pytest.param(SEVEN, 4, id="7 members: 6 witnesses, 4 of them"),
        pytest.param(SEVEN[:6], 4, id="6 members: 5 witnesses, 4 of them"),
        pytest.param(SEVEN[:5], 3, id="5 members: 4 witnesses, 3 of them"),
        pytest.param(SEVEN[:4], 2, id="4 members: 3 witnesses, 2 of them"),
        pytest.param(SEVEN[:3], 2, id="3 members: both others"),
    ],
)
def test_a_log_is_witnessed_by_two_thirds_of_the_others(tmp_path: Path, members: tuple[str, ...], quorum: int) -> None:
    trust = found(tmp_path, StillClock(), members).trust
    for member in members:
        lines = trust.policies[member].decode().splitlines()
        others = sorted(other.lower() for other in members if other != member)
        assert lines[0] == f"log {trust.member(member).log_vkey}"
        assert [line.split()[1] for line in lines if line.startswith("witness ")] == others
        assert lines[-2:] == [f"group two-thirds {quorum} {' '.join(others)}", "quorum two-thirds"]


def test_the_policy_template_has_the_lines_of_a_policy(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "keys" / "policy" / "member.tlog-policy.template").read_text(encoding="utf-8")
    template = [line.split()[:1] for line in text.splitlines() if not line.startswith("#")]
    written = found(tmp_path, StillClock(), SEVEN[:3]).trust.policies["KZ"].decode()
    assert [line.split()[:1] for line in written.splitlines()] == template
    parse_policy(written.encode())


def test_two_members_found_a_federation_without_witness_policies(tmp_path: Path) -> None:
    trust = found(tmp_path, StillClock(), ("KZ", "KG")).trust
    assert trust.policies == {}


def test_the_same_randomness_founds_the_same_federation(tmp_path: Path) -> None:
    first = found(tmp_path / "a", StillClock())
    second = found(tmp_path / "b", StillClock())
    assert read_trust_files(first.registry) == read_trust_files(second.registry)


def test_nothing_is_founded_over_what_is_there(federation: Federation, tmp_path: Path) -> None:
    def again(registry: Path, custody: Path) -> None:
        nodes = {member: federation.folder / member.lower() for member in SEVEN}
        found_federation(registry, specify(), nodes=nodes, custody=custody, clock=StillClock(), random=seeded("again"))

    with pytest.raises(RegistryFileError, match="holds a registry already"):
        again(federation.registry, federation.custody)
    with pytest.raises(PrivateKeyFileError, match="exists"):
        again(tmp_path / "keys", tmp_path / "custody")


def test_any_registrar_renews_the_timestamp(tmp_path: Path) -> None:
    clock = StillClock()
    founded = found(tmp_path, clock)
    clock.move(days=8)
    with pytest.raises(RegistryExpiredError):
        load_trust(founded.registry, at=clock.now())
    files = read_trust_files(founded.registry)
    before = open_registry(files, root=files[FIRST_ROOT], at=clock.now(), expired="notice")
    write_trust_files(
        founded.registry, renew(files, before=before, at=clock.now(), timestamp=founded.holder("GB", "timestamp"))
    )
    renewed = load_trust(founded.registry, at=clock.now())
    assert renewed.ref == founded.trust.ref
    assert renewed.timestamp_version == 2
    assert renewed.expires == clock.now() + timedelta(days=7)


# The folder and the cache


def test_a_folder_without_registry_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RegistryFileError, match="metadata"):
        load_trust(tmp_path, at=FOUNDED)
    (tmp_path / "metadata").mkdir()
    (tmp_path / "targets").mkdir()
    with pytest.raises(RegistryFileError, match=r"1\.root\.json"):
        load_trust(tmp_path, at=FOUNDED)


def test_a_cache_takes_a_new_state_and_never_an_old_one(tmp_path: Path) -> None:
    clock = StillClock()
    founded = found(tmp_path, clock)
    old = read_trust_files(founded.registry)
    cache = TrustCache(folder=founded.registry, clock=clock)
    first = cache.current()
    assert cache.current() is first
    write_trust_files(founded.registry, Registry(founded).publish())
    second = cache.current()
    assert second.ref.version == 2
    write_trust_files(founded.registry, old)
    assert cache.current() is second
    assert isinstance(cache.problem, RegistryRollbackError)


def test_a_cache_keeps_the_last_good_state_until_it_expires(tmp_path: Path) -> None:
    clock = StillClock()
    founded = found(tmp_path, clock)
    cache = TrustCache(folder=founded.registry, clock=clock)
    good = cache.current()
    timestamp = founded.registry / "metadata" / "timestamp.json"
    timestamp.write_bytes(timestamp.read_bytes()[:-20])
    assert cache.current() is good
    assert isinstance(cache.problem, RegistryFileError)
    clock.move(days=6, hours=23)
    assert cache.current() is good
    clock.move(hours=1)
    with pytest.raises(RegistryFileError):
        cache.current()


def test_a_node_stops_on_expiry_though_no_file_changes(tmp_path: Path) -> None:
    clock = StillClock()
    cache = TrustCache(folder=found(tmp_path, clock).registry, clock=clock)
    cache.current()
    clock.move(days=7)
    with pytest.raises(RegistryExpiredError):
        cache.current()


# Over HTTP


def serving(files: Mapping[str, bytes], asked: list[str] | None = None) -> Fetch:
    """A partner that has these files."""

    def answer(url: str) -> bytes:
        name = url.removeprefix(f"{PARTNER}/trust/")
        if asked is not None:
            asked.append(name)
        if name not in files:
            raise DownloadHTTPError("status 404", 404)
        return files[name]

    return answer


def refresh(folder: Path, fetch: Fetch) -> int:
    refresh_registry(folder, source=PARTNER, fetch=fetch, now=lambda: NOW)
    return load_trust(folder, at=NOW, expired="notice").ref.version


@pytest.fixture
def node(federation: Federation, tmp_path: Path) -> Path:
    """A node's registry folder in the founding state."""
    write_trust_files(tmp_path / "keys", read_trust_files(federation.registry))
    return tmp_path / "keys"


def test_a_fresh_node_needs_the_first_root_only(federation: Federation, tmp_path: Path) -> None:
    files = Registry(federation).files
    write_trust_files(tmp_path, {"metadata/1.root.json": files["metadata/1.root.json"]})
    (tmp_path / "targets").mkdir()
    assert refresh(tmp_path, serving(files)) == 1
    assert read_trust_files(tmp_path) == files


def test_a_node_that_is_up_to_date_asks_for_two_files(federation: Federation, node: Path) -> None:
    asked: list[str] = []
    assert refresh(node, serving(Registry(federation).files, asked)) == 1
    assert asked == ["metadata/2.root.json", "metadata/timestamp.json"]


def test_what_has_expired_is_not_confirmed_by_showing_it_again(federation: Federation, node: Path) -> None:
    asked: list[str] = []
    fetch = serving(Registry(federation).files, asked)
    with suppress(ExchangeError):  # python-tuf judges by the machine's clock
        refresh_registry(node, source=PARTNER, fetch=fetch, now=lambda: NOW + timedelta(days=8))
    assert len(asked) > 2  # the whole workflow, which says what it thinks of it


def test_a_node_takes_the_new_and_keeps_the_old(federation: Federation, node: Path) -> None:
    registry = Registry(federation)
    registry.files["metadata/2.root.json"] = registry.next_root(signers=registry.holders("root"), at=NOW)
    new = registry.publish(at=NOW, keys={"kz": keys_of(registry, "kz", revoke_last)})
    assert refresh(node, serving(new)) == 2
    kept = read_trust_files(node)
    assert kept == new
    assert load_trust(node, at=NOW).keys("KZ", KeyPurpose.OFFICER, at=NOW) == tuple(
        federation.officer(f"kz-0{number}").public for number in (1, 2, 3)
    )


def revoke_last(document: dict[str, Any]) -> None:
    document["keys"][-1]["revoked_at"] = format_instant(NOW)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda r: {"keys_signers": {"kz": r.pair("UZ")}}, id="signed by another member"),
        pytest.param(lambda _: {"keys": {"kz": {"members/kz/keys.json": b"[]"}}}, id="malformed"),
    ],
)
def test_a_member_that_signs_badly_stops_nobody_else(
    federation: Federation, node: Path, spoil: Callable[[Registry], dict[str, Any]]
) -> None:
    registry = Registry(federation)
    offer = {"keys": {"kz": keys_of(registry, "kz", revoke_last)}} | spoil(registry)
    assert refresh(node, serving(registry.publish(at=NOW, **offer))) == 2
    trust = load_trust(node, at=NOW)
    assert set(trust.silenced) == {"KZ"}
    assert trust.keys("KG", KeyPurpose.BUNDLE, at=NOW) != ()


def test_a_fresh_node_learns_since_when_a_key_is_revoked(federation: Federation, tmp_path: Path) -> None:
    # A member says today that a key was revoked yesterday: it counts until today, for every node alike.
    registry = Registry(federation)

    def backdate(document: dict[str, Any]) -> None:
        document["keys"][0]["revoked_at"] = document["keys"][0]["valid_from"]

    today = NOW + timedelta(minutes=4)
    registry.files = registry.publish(at=today, keys={"kz": keys_of(registry, "kz", backdate)})
    write_trust_files(tmp_path, {"metadata/1.root.json": registry.files["metadata/1.root.json"]})
    (tmp_path / "targets").mkdir()
    assert refresh(tmp_path, serving(registry.files)) == 2
    assert read_trust_files(tmp_path) == registry.files
    trust = load_trust(tmp_path, at=today)
    for at, counting in ((today - timedelta(seconds=1), 2), (today, 1)):
        assert len(trust.keys("KZ", KeyPurpose.BUNDLE, at=at)) == counting


def test_a_forged_archive_is_not_kept(federation: Federation, tmp_path: Path) -> None:
    registry = Registry(federation)
    registry.files = registry.publish(at=NOW)
    other = Registry(federation)
    forged = other.publish(at=NOW, snapshot_signers=[other.holders("root", ["KZ"])[0]])["metadata/2.snapshot.json"]
    files = registry.files | {"metadata/1.snapshot.json": forged}
    write_trust_files(tmp_path, {"metadata/1.root.json": registry.files["metadata/1.root.json"]})
    (tmp_path / "targets").mkdir()
    assert refresh(tmp_path, serving(files)) == 2
    assert "metadata/1.snapshot.json" not in read_trust_files(tmp_path)


def without_kz_key(registry: Registry) -> dict[str, bytes]:
    return keys_of(registry, "kz", lambda d: d["keys"].pop())


def shorter(files: dict[str, bytes], name: str) -> dict[str, bytes]:
    return files | {name: files[name][:-1]}


@pytest.mark.parametrize(
    ("offer", "refusal"),
    [
        pytest.param(
            lambda r: r.publish(at=NOW, targets_signers=r.holders("targets", SEVEN[:3])),
            RegistrySourceError,
            id="signed by 3 of 7",
        ),
        pytest.param(lambda r: r.publish(at=NOW - timedelta(days=8)), RegistrySourceError, id="expired: a freeze"),
        pytest.param(
            lambda r: r.publish(at=NOW, keys={"kz": without_kz_key(r)}),
            RegistryHistoryError,
            id="a listed key taken away",
        ),
        pytest.param(
            lambda r: shorter(r.publish(at=NOW), "metadata/2.snapshot.json"),
            RegistrySourceError,
            id="a cut snapshot",
        ),
        pytest.param(
            lambda r: r.publish(at=NOW, targets=r.top_targets() | {"notes.txt": b"x"}),
            RegistryRuleError,
            id="right for TUF, against our rules",
        ),
        pytest.param(lambda _: {}, RegistryUnreachableError, id="nothing"),
        pytest.param(
            lambda r: {**r.files, "metadata/timestamp.json": b"x" * 20_000},
            RegistryUnreachableError,
            id="more bytes than a timestamp has",
        ),
    ],
)
def test_a_bad_offer_leaves_the_folder_as_it_was(
    federation: Federation,
    node: Path,
    offer: Callable[[Registry], dict[str, bytes]],
    refusal: type[ExchangeError],
) -> None:
    before = read_trust_files(node)
    with pytest.raises(refusal):
        refresh(node, serving(offer(Registry(federation))))
    assert read_trust_files(node) == before


def test_an_older_registry_is_not_taken(federation: Federation, node: Path) -> None:
    registry = Registry(federation)
    write_trust_files(node, registry.publish(at=NOW))
    with pytest.raises(RegistrySourceError, match="version"):
        refresh(node, serving(registry.files))


def test_a_partner_that_is_down_is_named(node: Path) -> None:
    def refuse(url: str) -> bytes:
        raise DownloadError("refused")

    with pytest.raises(RegistryUnreachableError, match=r"kg\.test"):
        refresh(node, refuse)


def test_a_damaged_folder_is_said_to_be_damaged(federation: Federation, node: Path) -> None:
    damaged = next(node.glob("targets/policy/*.kz.tlog-policy"))
    damaged.write_bytes(damaged.read_bytes().replace(b"4", b"2"))
    with pytest.raises(RegistryTamperedError):
        refresh(node, serving(Registry(federation).files))
