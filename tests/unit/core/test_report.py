import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from exchange.contract.reference import ContractRef
from exchange.encoding import Digest, canonical_json
from exchange.errors import ExchangeError
from exchange.errors.bundle import ReportError, StalePooledError
from exchange.errors.encoding import FieldError
from exchange.report import (
    AuditVerdict,
    DisclosureReport,
    format_report,
    parse_report,
    pooled_digest,
    require_pooled,
)

REPORT = DisclosureReport(
    provider="KZ",
    contract=ContractRef(id="CA-01-BORDER", version="1.0.0", digest=Digest.of(b"contract")),
    period="2026-09",
    revision=0,
    engine=("exchange.disclosure", "1"),
    method="suppression",
    profile="large_flows",
    cells=54,
    withheld=(("IN", "KG", "_T"), ("IN", "TJ", "_T")),
    dimensions=("DIRECTION", "CITIZENSHIP", "SEX"),
    pooled=pooled_digest([]),
    parameters_commitment=Digest.of(b"salt and parameters"),
    audit=AuditVerdict(attacker="outsider", solver="HiGHS 1.15.1", intervals_checked=2),
    zeros="published",
)


def _changed(**members: object) -> bytes:
    document: dict[str, Any] = json.loads(format_report(REPORT))
    return canonical_json({**document, **members})


def test_a_report_reads_back_as_it_was_written() -> None:
    assert parse_report(format_report(REPORT)) == REPORT


@pytest.mark.parametrize(
    ("withheld", "cells", "share"),
    [
        pytest.param(0, 0, "0.0000", id="an empty table"),
        pytest.param(0, 7, "0.0000", id="nothing withheld"),
        pytest.param(1, 3, "0.3333", id="a third"),
        pytest.param(2, 3, "0.6667", id="two thirds, rounded up"),
        pytest.param(1, 20_000, "0.0001", id="half of the last place rounds up"),
        pytest.param(4, 4, "1.0000", id="all"),
    ],
)
def test_the_share_withheld_has_four_decimals(withheld: int, cells: int, share: str) -> None:
    keys = tuple((f"C{number}", "_T", "_T") for number in range(withheld))
    assert replace(REPORT, withheld=keys, cells=cells).withheld_share == share


@pytest.mark.parametrize(
    ("members", "refusal"),
    [
        pytest.param({"sum": 1204}, FieldError, id="a member where a figure could stand"),
        pytest.param({"type": "disclosure-report/2"}, ReportError, id="a newer format"),
        pytest.param({"withheld_share": "0.0371"}, ReportError, id="another share than the keys give"),
        pytest.param({"cells": 1}, ReportError, id="fewer cells than withheld ones"),
        pytest.param({"withheld": [["IN", "TJ", "_T"], ["IN", "KG", "_T"]]}, ReportError, id="keys out of order"),
        pytest.param({"withheld": [["IN", "KG", "_T"], ["IN", "KG", "_T"]]}, ReportError, id="a key twice"),
        pytest.param({"withheld": [["IN", "KG"]]}, ReportError, id="a key too short"),
        pytest.param({"withheld": [["IN", "KG", 12]]}, ReportError, id="a number in a key"),
        pytest.param({"withheld": [["IN", "KG", "17 < x"]]}, ReportError, id="words in a key"),
        pytest.param({"dimensions": ["SEX", "SEX", "AGE"]}, ReportError, id="a dimension twice"),
        pytest.param({"zeros": "hidden"}, ReportError, id="another word on zeros"),
        pytest.param({"method": "suppression\nof 12"}, ReportError, id="a line break in a name"),
        pytest.param({"cells": 12.5}, FieldError, id="half a cell"),
    ],
)
def test_a_report_that_says_anything_else_is_refused(members: dict[str, object], refusal: type[ExchangeError]) -> None:
    with pytest.raises(refusal):
        parse_report(_changed(**members))


@pytest.mark.parametrize(
    "audit",
    [
        pytest.param({"verdict": "exposed"}, id="another verdict than safe"),
        pytest.param({"attacker": "nobody"}, id="an attacker that is not modelled"),
        pytest.param({"lowest": 3}, id="an interval"),
    ],
)
def test_an_audit_that_did_not_end_safe_has_no_report(audit: dict[str, object]) -> None:
    document = json.loads(format_report(REPORT))
    with pytest.raises(ExchangeError):
        parse_report(_changed(audit={**document["audit"], **audit}))


def test_pooled_is_the_hash_of_the_sorted_digests_each_ended_by_a_line_feed() -> None:
    first, second = Digest("0" * 63 + "1"), Digest("0" * 63 + "2")
    by_hand = hashlib.sha256(f"sha256:{'0' * 63}1\nsha256:{'0' * 63}2\n".encode()).hexdigest()
    assert pooled_digest([second, first]).hex == by_hand
    # printf '' | sha256sum
    assert pooled_digest([]).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_release_audited_against_another_ledger_is_stale() -> None:
    require_pooled(pooled_digest([Digest.of(b"a")]), [Digest.of(b"a")])
    with pytest.raises(StalePooledError):
        require_pooled(pooled_digest([]), [Digest.of(b"a")])
