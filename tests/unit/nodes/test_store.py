"""The store: its numbered steps make exactly the tables that the rows describe."""

from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import SQLModel, insert

from exchange.errors.node import StoreNewerError
from nodes.adapters import tables
from nodes.adapters.migrations import STEPS, upgrade
from nodes.adapters.store import Store
from nodes.adapters.tables import PublicationRow

ROWS = [
    row for row in vars(tables).values() if isinstance(row, type) and issubclass(row, SQLModel) and row is not SQLModel
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "state.db")


@pytest.mark.parametrize("row", [pytest.param(row, id=row.__name__) for row in ROWS])
def test_the_steps_make_the_tables_that_the_rows_describe(store: Store, row: type[SQLModel]) -> None:
    table = tables.table_of(row)

    made = store.read_now(lambda connection: inspect(connection).get_columns(table.name))
    key = store.read_now(lambda connection: inspect(connection).get_pk_constraint(table.name))

    assert [column["name"] for column in made] == [column.name for column in table.columns]
    assert {
        column["name"] for column in made if column["nullable"] and column["name"] not in key["constrained_columns"]
    } == {column.name for column in table.columns if column.nullable}
    assert key["constrained_columns"] == [column.name for column in table.primary_key]


def test_every_commit_is_durable_and_readers_do_not_wait(store: Store) -> None:
    writer = store.open_writer()
    assert writer.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    assert writer.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
    writer.close()


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(OperationalError, match="readonly"):
        store.read_now(lambda connection: connection.exec_driver_sql("DELETE FROM spent"))


def test_a_step_runs_once_and_in_order(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    writer = store.open_writer()
    later = [*STEPS, ("CREATE TABLE later (id INTEGER)",), ("ALTER TABLE later ADD COLUMN name TEXT",)]
    for _ in range(2):
        with writer.begin():
            upgrade(writer, tmp_path / "state.db", steps=later)
    with writer.begin():
        assert writer.exec_driver_sql("PRAGMA user_version").scalar_one() == len(STEPS) + 2
        assert [column["name"] for column in inspect(writer).get_columns("later")] == ["id", "name"]
    writer.close()
    store.close()
    with pytest.raises(StoreNewerError, match=f"knows up to {len(STEPS)}, found {len(STEPS) + 2}"):
        Store(tmp_path / "state.db")


def test_a_second_publication_with_one_identity_has_no_place(store: Store) -> None:
    row = {
        "contract": "sha256:c",
        "contract_id": "CA-01-BORDER",
        "contract_version": "1.0.0",
        "linkage_group": "g",
        "period": "2026-09",
        "recipients": "KG UZ",
        "revision": 0,
        "supersedes": None,
        "not_before": "2026-10-01T00:00:00Z",
        "valid_until": "2026-10-20T00:00:00Z",
        "state": "logged",
        "at": "2026-10-01T00:00:00Z",
        "zip_sha256": None,
        "zip_bytes": None,
    }
    writer = store.open_writer()
    with writer.begin():
        writer.execute(insert(PublicationRow), {**row, "bundle": "sha256:1", "index": 1})
    with pytest.raises(IntegrityError), writer.begin():
        writer.execute(insert(PublicationRow), {**row, "bundle": "sha256:2", "index": 2})
    writer.close()
