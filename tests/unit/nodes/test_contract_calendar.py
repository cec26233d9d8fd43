"""`exchange contract calendar`: what is due, as a contract officer reads it."""

from datetime import timedelta
from pathlib import Path

from exchange.encoding import format_instant
from exchange.errors import ExitCode
from exchange.signing.keys import KeyPurpose
from exchange.statement import StatementType, sign_statement
from nodes.adapters.contract_folder import keep_statement
from tests.unit.nodes.test_contract_commands import CA01, NOW, federation, keep_signature, node, run, run_json
from tests.world.federation import Federation

__all__ = ["federation", "node"]


def test_the_checkouts_contracts_show_what_they_would_ask_for() -> None:
    code, out, _ = run("contract", "calendar", "ca-07/1.0", "--from", "2026-05-01", "--to", "2026-05-31")
    assert code == ExitCode.FINE
    lines = out.splitlines()
    assert lines[0].split() == ["due", "late", "from", "contract", "period", "by", "to", "unless", "published"]
    # The first quarter is due 45 days after 31 March, late 20 days after that, overdue 60 days after.
    assert lines[2].split() == (
        "2026-05-15 2026-06-04 CA-07-EXPULSIONS-BANS 1.0.0 2026-Q1 KG KZ TJ TM UZ overdue".split()  # noqa: SIM905  # as read
    )
    assert len(lines) == 2 + 5


def test_recipients_with_a_bundle_of_their_own_have_a_line_of_their_own() -> None:
    code, found = run_json("contract", "calendar", "ca-12", "--from", "2027-01-01", "--to", "2027-12-31")
    assert code == ExitCode.FINE
    kz = [due for due in found["due"] if due["provider"] == "KZ"]
    assert [due["recipients"] for due in kz] == [["KG"], ["TJ"], ["TM"], ["UZ"]]
    assert {(due["period"], due["due"], due["late"], due["overdue"], due["delinquent"]) for due in kz} == {
        ("2026", "2027-03-01", "2027-03-31", "2027-05-30", "2027-08-28")
    }
    assert {due["unless_published"] for due in kz} == {"in-time"}


def test_nothing_is_owed_under_a_contract_that_not_all_have_signed(federation: Federation, node: Path) -> None:
    for member in CA01.members()[1:]:
        keep_signature(federation, node, member)
    code, found = run_json("--node", str(node), "contract", "calendar")
    assert (code, found["due"]) == (ExitCode.FINE, [])
    assert "nothing is due" in run("--node", str(node), "contract", "calendar")[1]


def test_what_is_owed_begins_with_the_last_signature_and_ends_with_an_end(federation: Federation, node: Path) -> None:
    for member in CA01.members():
        keep_signature(federation, node, member)
    asked = ("--node", str(node), "contract", "calendar", "ca-01", "--from", "2026-01-01", "--to", "2027-12-31")
    periods = [due["period"] for due in run_json(*asked)[1]["due"] if due["provider"] == "UZ"]
    assert periods[0] == f"{NOW:%Y-%m}"  # the month in which all had signed; those before are not owed
    ends = NOW + timedelta(days=120)
    said = sign_statement(
        type=StatementType.ENDED,
        contract=CA01.digest,
        party="TJ",
        at=NOW,
        effective=ends,
        signer=federation.hybrid("TJ", KeyPurpose.CONTRACT),
    )
    keep_statement(node / "contracts", CA01, said)
    due = [due["due"] for due in run_json(*asked)[1]["due"]]
    assert due
    assert max(due) < format_instant(ends)[:10]


def test_a_day_is_spelled_as_days_are() -> None:
    code, _, err = run("contract", "calendar", "--from", "11.10.2026")
    assert code == ExitCode.USAGE
    assert "11.10.2026 is no day, as 2026-11-30" in err


def test_the_calendar_speaks_russian() -> None:
    out = run("contract", "calendar", "ca-07/1.0", "--from", "2026-05-01", "--to", "2026-05-31", language="ru")[1]
    assert out.startswith("срок")
    assert "просрочка" in out
