"""Whatever a node's secret draws, the demo's registers can be protected: the story never depends on luck."""

import hashlib
from pathlib import Path

import pytest

from exchange.disclosure import protect
from exchange.flow.prepare import secret_parameters
from nodes.demo.registers import make_registers
from nodes.preparation.extract import Workshop, aggregate_extract
from nodes.preparation.mapping import parse_mapping
from nodes.settings import PreparationSettings
from tests.world.contracts import contract


@pytest.mark.parametrize("secret", [hashlib.sha256(bytes([n])).digest() for n in range(2)], ids=["a", "b"])
def test_the_permit_register_is_protected_under_any_secret(tmp_path: Path, secret: bytes) -> None:
    agreed = contract("CA-05-WORK-PERMITS")
    register = make_registers("KZ", tmp_path)[1]
    workshop = Workshop(
        settings=PreparationSettings(),
        work=tmp_path,
        bad_rows=tmp_path / "bad-rows.csv",
        show=lambda _: None,
        progress=lambda _stage, _share: None,
    )
    mapping = parse_mapping(register.mapping.read_bytes(), file=register.mapping.name)
    table, _ = aggregate_extract(register.file, mapping, agreed, provider="KZ", period="2026-09", workshop=workshop)
    protected = protect(
        table,
        agreed,
        parameters=secret_parameters(agreed, period="2026-09", secret=secret),
        progress=lambda _stage, _share: None,
    )
    assert protected.summary.verdict == "safe"
    assert 0 < protected.summary.withheld < protected.summary.cells
