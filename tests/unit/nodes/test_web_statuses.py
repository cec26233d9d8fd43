"""With which HTTP status a console answers what its store does not hold: no fault of the server."""

import pytest

from exchange.encoding import Digest
from exchange.errors import ExchangeError, Side
from exchange.errors.audit import AuditSubjectError, FindingUnknownError, NoAuditYetError
from exchange.errors.catalogue import every_leaf
from nodes.web.error_pages import status
from nodes.web.problems import status_of


@pytest.mark.parametrize(
    ("refusal", "answered"),
    [
        pytest.param(FindingUnknownError(number=9, found=2), 404, id="a finding that is not there"),
        pytest.param(AuditSubjectError(subject=Digest.of(b"").hex, found=0), 404, id="an exchange that no log names"),
        pytest.param(NoAuditYetError(member="IOM"), 409, id="findings before the first audit"),
    ],
)
def test_what_an_audit_did_not_find_is_no_failure_of_the_console(refusal: ExchangeError, answered: int) -> None:
    assert status_of(refusal) == answered


@pytest.mark.parametrize(
    "leaf", [leaf for leaf in every_leaf() if leaf.side is Side.CALLER], ids=lambda leaf: leaf.code
)
def test_what_the_caller_did_is_no_failure_of_the_server(leaf: type[ExchangeError]) -> None:
    assert status(leaf) < 500
