"""Debts and refusals as the store counts them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from exchange.encoding import Digest
from exchange.flow.publish import PublicationState
from nodes.adapters.publication_store import KeptPublication, keep_publication
from nodes.adapters.pull_store import (
    KeptPull,
    count_refusal,
    debts,
    keep_pull,
    keep_receipt,
    overdue_receipt,
    past_refusals,
)
from nodes.adapters.store import Store

PULLED = datetime(2026, 10, 1, 12, tzinfo=UTC)
MAY, JUNE, MAY_REVISED, OTHER = (Digest.of(name.encode()) for name in ("may", "june", "may r1", "other contract"))
SERIES = {
    MAY: ("CA-01-BORDER", "2026-05", ("KG", "UZ")),
    JUNE: ("CA-01-BORDER", "2026-06", ("KG", "UZ")),
    MAY_REVISED: ("CA-01-BORDER", "2026-05", ("KG", "UZ")),
    OTHER: ("CA-05-WORK-PERMITS", "2026-05", ("KG", "UZ")),
}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    store = Store(tmp_path / "state.db")
    writer = store.open_writer()
    with writer.begin():
        for index, (bundle, (contract, period, recipients)) in enumerate(SERIES.items()):
            keep_publication(
                writer,
                KeptPublication(
                    bundle=bundle,
                    contract=Digest.of(contract.encode()),
                    contract_id=contract,
                    contract_version="1.0.0",
                    linkage_group="g",
                    period=period,
                    recipients=recipients,
                    revision=1 if bundle == MAY_REVISED else 0,
                    supersedes=None,
                    not_before=PULLED,
                    valid_until=PULLED,
                    state=PublicationState.PUBLISHED,
                    index=index,
                    at=PULLED,
                ),
            )
        yield writer
    writer.close()
    store.close()


def pull(connection: Connection, bundle: Digest, *, by: str = "KG", name: str = "first") -> Digest:
    identity = Digest.of(f"{by} {bundle} {name}".encode())
    keep_pull(
        connection,
        KeptPull(
            pull=identity,
            bundle=bundle,
            contract_id=SERIES[bundle][0],
            puller=by,
            file="zip",
            index=9,
            content=MAY,
            at=PULLED,
        ),
        proof=f"{by} {bundle} {name}",
    )
    return identity


def pay(connection: Connection, pulled: Digest, bundle: Digest) -> None:
    keep_receipt(
        connection, digest=pulled, pull=pulled, bundle=bundle, puller="KG", verdict="accepted", index=1, raw=b"r"
    )


@pytest.mark.parametrize(
    ("asked", "later", "owed"),
    [
        pytest.param(JUNE, timedelta(days=8), True, id="another bundle of the contract"),
        pytest.param(JUNE, timedelta(days=7), False, id="on the last day it is not overdue"),
        pytest.param(MAY, timedelta(days=8), False, id="the owed bundle itself"),
        pytest.param(MAY_REVISED, timedelta(days=8), False, id="its revision"),
        pytest.param(OTHER, timedelta(days=8), False, id="another contract"),
    ],
)
def test_an_overdue_receipt_stands_only_in_the_way_of_other_bundles_of_that_contract(
    connection: Connection, asked: Digest, later: timedelta, owed: bool
) -> None:
    pull(connection, MAY)
    limit = PULLED + later - timedelta(days=7)

    found = overdue_receipt(connection, puller="KG", series=SERIES[asked], limit=limit)

    assert found == ((str(MAY), "2026-10-01T12:00:00Z") if owed else None)


def test_a_debt_is_per_partner_and_bundle_and_any_receipt_pays_it(connection: Connection) -> None:
    first, again = pull(connection, MAY), pull(connection, MAY, name="again")
    pull(connection, MAY, by="UZ")
    late = PULLED + timedelta(days=1)

    assert [(debt.puller, debt.bundle) for debt in debts(connection)] == [("KG", str(MAY)), ("UZ", str(MAY))]
    pay(connection, again, MAY)

    assert first != again
    assert overdue_receipt(connection, puller="KG", series=SERIES[JUNE], limit=late) is None
    assert overdue_receipt(connection, puller="UZ", series=SERIES[JUNE], limit=late) is not None
    assert [debt.puller for debt in debts(connection)] == ["UZ"]


def test_refusals_of_an_hour_are_one_entry_and_none_is_lost(connection: Connection) -> None:
    def refused(minutes: int) -> int | None:
        at = datetime(2026, 10, 1, 12, tzinfo=UTC) + timedelta(minutes=minutes)
        return count_refusal(connection, member="GB", bundle=MAY, code="not-found", pull=MAY, at=at)

    assert [refused(minute) for minute in (0, 1, 59)] == [1, None, None]
    assert [refused(minute) for minute in (60, 61)] == [3, None]
    assert past_refusals(connection, at=PULLED + timedelta(minutes=119)) == []
    (left,) = past_refusals(connection, at=PULLED + timedelta(minutes=120))
    assert (left.member, left.count) == ("GB", 1)
    assert past_refusals(connection, at=PULLED + timedelta(minutes=120)) == []
    assert refused(121) is None  # this hour has its entry
