"""`exchange contract diff|end|suspend|resume`, and what `sign` refuses: called as a contract officer calls them."""

import base64
from datetime import timedelta
from pathlib import Path

import pytest

from exchange.encoding import format_instant
from exchange.errors import ExitCode
from exchange.statement import Statement, StatementType, open_statement
from tests.unit.nodes.test_contract_commands import CA01, NOW, federation, node, run, run_json
from tests.world.contracts import CONTRACTS, contract, contract_raw
from tests.world.federation import Federation
from tests.world.local_gateway import listening

__all__ = ["federation", "node"]
ANSWERS: dict[str, dict[str, object]] = {
    "/local/contracts": {},
    "/local/statements": {"statement": "sha256:", "index": 3, "effective": False},
}
CA01_FILE = CONTRACTS / "CA-01-BORDER" / "1.0.0" / "contract.odcs.yaml"


def said(federation: Federation, node: Path, *words: str) -> tuple[Statement, str]:
    with listening(node / "private" / "gateway.sock", ANSWERS) as posted:
        code, out, err = run("--node", str(node), "contract", *words)
    assert code == ExitCode.FINE, err
    return open_statement(base64.b64decode(posted[1][1]["statement"]), trust=federation.trust, at=NOW), out


def loosened(tmp_path: Path, version: str) -> Path:
    """CA-01 with a threshold of 5 travellers instead of 10."""
    raw = contract_raw("CA-01-BORDER")
    assert raw.count(b"contributorsMin: 10") == 1
    raw = raw.replace(b"contributorsMin: 10", b"contributorsMin: 5").replace(
        b"version: 1.0.0", f"version: {version}".encode()
    )
    file = tmp_path / version / "contract.odcs.yaml"
    file.parent.mkdir(parents=True)
    file.write_bytes(raw)
    return file


def test_diff_puts_the_loosening_first_and_leaves_with_3_if_the_number_hides_it(tmp_path: Path) -> None:
    code, out, _ = run("contract", "diff", str(CA01_FILE), str(loosened(tmp_path, "1.1.0")))
    assert code == ExitCode.DOES_NOT_HOLD
    first = out.splitlines()[2]
    assert first.startswith("LOOSENING")
    assert "contributorsMin  10" in first
    assert "expected version 2.0.0; clauses loosened: 1" in out
    code, found = run_json("contract", "diff", str(CA01_FILE), str(loosened(tmp_path, "2.0.0")))
    assert (code, found["effect"], found["versionAllowed"]) == (ExitCode.FINE, "loosening", True)


def test_diff_speaks_russian(tmp_path: Path) -> None:
    out = run("contract", "diff", str(CA01_FILE), str(loosened(tmp_path, "1.1.0")), language="ru")[1]
    assert "СМЯГЧЕНИЕ" in out
    assert "ожидалась версия 2.0.0" in out


def test_diff_refuses_two_different_contracts() -> None:
    code, _, err = run("contract", "diff", "ca-01", "ca-05")
    assert code == ExitCode.USAGE
    assert "expected two versions of CA-01-BORDER, found CA-05-WORK-PERMITS" in err


def test_a_version_whose_number_hides_a_loosening_is_not_signed(node: Path, tmp_path: Path) -> None:
    kept = node / "contracts" / "CA-01-BORDER" / "1.1.0" / "contract.odcs.yaml"
    kept.parent.mkdir()
    kept.write_bytes(loosened(tmp_path, "1.1.0").read_bytes())
    code, _, err = run("--node", str(node), "contract", "sign", "ca-01/1.1")
    assert code == ExitCode.DOES_NOT_HOLD
    assert "contract-version-too-low" in err


def test_an_end_counts_when_the_notice_has_run_out(federation: Federation, node: Path) -> None:
    statement, out = said(federation, node, "end", "ca-01")
    assert (statement.type, statement.at) == (StatementType.ENDED, NOW)
    assert statement.effective == NOW + timedelta(days=CA01.notice_days)
    assert f"KZ ended CA-01-BORDER 1.0.0 ({CA01.digest}) from {format_instant(statement.effective)}" in out


def test_an_end_before_the_notice_runs_out_is_not_signed_and_the_first_day_is_named(node: Path) -> None:
    code, _, err = run("--node", str(node), "contract", "end", "ca-01", "--on", "2026-12-31")
    assert code == ExitCode.DOES_NOT_HOLD
    # 2026-10-02 08:00 and 90 days: 2026-12-31 08:00, so the first whole day without it is the 1st.
    assert "its notice is 90 days; expected 2027-01-01 or later, found 2026-12-31" in err


@pytest.mark.parametrize("day", ["31.12.2026", "2026-13-01", "soon"])
def test_an_end_on_a_day_that_is_none_is_not_understood(node: Path, day: str) -> None:
    code, _, err = run("--node", str(node), "contract", "end", "ca-01", "--on", day)
    assert code == ExitCode.USAGE
    assert "expected a day such as 2027-01-31" in err


@pytest.mark.parametrize(("word", "kind"), [("suspend", StatementType.SUSPENDED), ("resume", StatementType.RESUMED)])
def test_a_suspension_and_its_end_count_at_once(
    federation: Federation, node: Path, word: str, kind: StatementType
) -> None:
    statement, out = said(federation, node, word, "ca-01", "--digest", str(contract("CA-01-BORDER").digest))
    assert (statement.type, statement.at, statement.effective) == (kind, NOW, NOW)
    assert f"KZ {word.rstrip('e')}ed CA-01-BORDER" in out
