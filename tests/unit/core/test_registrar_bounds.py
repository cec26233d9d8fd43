"""What a registrar alone may sign: it publishes what others signed, and neither halts them nor dates what they said."""

from datetime import datetime, timedelta

import pytest

from exchange.errors.trust import RegistrarBoundsError
from exchange.signing.authoring import SNAPSHOT_LIFE, TIMESTAMP_LIFE
from exchange.signing.registrar import publish, require_in_bounds
from exchange.signing.trust import FIRST_ROOT, Trust, open_trust
from tests.world.ceremonies import FIVE, Living
from tests.world.clock import FOUNDED, StillClock
from tests.world.federation import Federation, found


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(tmp_path_factory.mktemp("five"), StillClock(FOUNDED), FIVE)


@pytest.fixture
def living(federation: Federation) -> Living:
    return Living(federation, at=FOUNDED + timedelta(days=2))


def offered(living: Living, by: str, *, version: int, snapshot_ends: datetime, timestamp_ends: datetime) -> Trust:
    """The state that this registrar alone made."""
    files = living.alone(by, version=version, snapshot_ends=snapshot_ends, timestamp_ends=timestamp_ends)
    return open_trust(files, root=files[FIRST_ROOT], at=living.at, expired="refuse")


@pytest.mark.parametrize(
    ("by", "version", "snapshot_days", "timestamp_days", "role", "bound"),
    [
        pytest.param("IOM", 2**53, 30, 7, "snapshot", "version", id="no next version is left"),
        pytest.param("IOM", 100_002, 30, 7, "snapshot", "version", id="further ahead than any node lags behind"),
        pytest.param("IOM", 2, 395, 7, "snapshot", "expiry", id="revocations would count a year later"),
        pytest.param("IOM", 2, 30, 3650, "timestamp", "expiry", id="nobody would notice a silence of ten years"),
        pytest.param("KG", 2, 3, 7, "snapshot", "issue", id="revocations would count before they were published"),
        pytest.param("KG", 2, 30, 1, "timestamp", "issue", id="a timestamp from before the last one"),
    ],
)
def test_a_registrar_alone_moves_neither_the_versions_nor_the_time(
    living: Living, by: str, version: int, snapshot_days: int, timestamp_days: int, role: str, bound: str
) -> None:
    made = offered(
        living,
        by,
        version=version,
        snapshot_ends=living.at + timedelta(days=snapshot_days),
        timestamp_ends=living.at + timedelta(days=timestamp_days),
    )
    with pytest.raises(RegistrarBoundsError) as refused:
        require_in_bounds(living.trust, made, at=living.at)
    assert (refused.value.facts["role"], refused.value.facts["bound"]) == (role, bound)


def test_what_is_published_in_time_holds_also_after_a_pause_and_by_a_clock_that_is_five_minutes_ahead(
    living: Living,
) -> None:
    ahead = living.at + timedelta(minutes=5)
    made = offered(
        living, "KG", version=100_001, snapshot_ends=ahead + SNAPSHOT_LIFE, timestamp_ends=ahead + TIMESTAMP_LIFE
    )
    require_in_bounds(living.trust, made, at=living.at)
    require_in_bounds(None, made, at=living.at)


def test_at_a_first_meeting_a_version_that_no_log_entry_could_follow_is_refused(living: Living) -> None:
    ends = {"snapshot_ends": living.at + SNAPSHOT_LIFE, "timestamp_ends": living.at + TIMESTAMP_LIFE}
    require_in_bounds(None, offered(living, "IOM", version=2**52, **ends), at=living.at)
    with pytest.raises(RegistrarBoundsError, match="version"):
        require_in_bounds(None, offered(living, "IOM", version=2**52 + 1, **ends), at=living.at)


def test_who_publishes_after_a_clock_that_was_ahead_dates_it_no_earlier(living: Living) -> None:
    keys = {"snapshot": living.key("KG", "snapshot"), "timestamp": living.key("KG", "timestamp")}
    living.files |= publish(living.files, before=living.base, at=living.at + timedelta(minutes=4), **keys)
    before = living.trust
    living.files |= publish(living.files, before=living.base, at=living.at, **keys)
    require_in_bounds(before, living.trust, at=living.at)
    assert living.trust.issued == before.issued == living.at + timedelta(minutes=4)
