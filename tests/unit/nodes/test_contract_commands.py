"""`exchange contract check|show|sign|status`, called as a person calls them."""

import base64
import io
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import ExitCode
from exchange.signing.keys import KeyPurpose
from exchange.statement import StatementType, open_statement, sign_statement
from nodes.adapters.contract_folder import keep_statement
from nodes.cli.main import main
from nodes.terminal import Output
from tests.world.clock import StillClock
from tests.world.contracts import CONTRACTS, NAMES, contract, contract_raw
from tests.world.federation import Federation, found
from tests.world.local_gateway import listening

NOW = datetime(2026, 10, 2, 8, 0, tzinfo=UTC)
CA01 = contract("CA-01-BORDER")


def run(*argv: str, language: str = "en") -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    output = Output(json="--json" in argv, language="ru" if language == "ru" else "en", out=out, err=err)
    code = main(argv, clock=StillClock(NOW), output=output)
    return code, out.getvalue(), err.getvalue()


def run_json(*argv: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = run("--json", *argv)
    return code, json.loads(out)


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    """A founded federation, with a node folder for KZ."""
    made = found(tmp_path_factory.mktemp("federation"), StillClock())
    folder = made.folder / "kz"
    (folder / "node.toml").write_text(
        'v = 1\nmember = "KZ"\ndemo = true\n[gateway]\nissuer = "http://127.0.0.1:8101"\nport = 8101\n',
        encoding="utf-8",
    )
    shutil.copytree(made.registry / "metadata", folder / "keys" / "metadata")
    shutil.copytree(made.registry / "targets", folder / "keys" / "targets")
    return made


@pytest.fixture
def node(federation: Federation) -> Path:
    """KZ's folder with the project's contracts and no statements."""
    folder = federation.folder / "kz"
    shutil.rmtree(folder / "contracts", ignore_errors=True)
    shutil.copytree(CONTRACTS, folder / "contracts")
    return folder


def keep_signature(federation: Federation, folder: Path, member: str) -> None:
    statement = sign_statement(
        type=StatementType.SIGNED,
        contract=CA01.digest,
        party=member,
        at=NOW,
        effective=NOW,
        signer=federation.hybrid(member, KeyPurpose.CONTRACT),
    )
    keep_statement(folder / "contracts", CA01, statement)


def test_check_says_that_the_project_s_contracts_are_valid() -> None:
    files = [str(CONTRACTS / contract_id / version / "contract.odcs.yaml") for contract_id, version in NAMES]
    code, out, _ = run("contract", "check", *files)
    assert code == ExitCode.FINE
    assert out.count(": valid: ") == len(NAMES)
    assert f"CA-01-BORDER 1.0.0, {CA01.digest}" in out


def test_check_shows_every_finding_with_its_line_and_leaves_with_3(tmp_path: Path) -> None:
    file = tmp_path / "contract.odcs.yaml"
    text = contract_raw("CA-01-BORDER").decode()
    text = text.replace("value: month", "value: week").replace("domain: migration", "domain: migration\ncolour: red")
    file.write_text(text, encoding="utf-8")
    code, out, _ = run("contract", "check", str(file))
    assert code == ExitCode.DOES_NOT_HOLD
    assert "line 10, colour: expected one of the keys" in out
    assert 'expected one of "month", "quarter", "year", found "week"' in out
    code, found = run_json("contract", "check", str(file))
    assert found["files"][0]["findings"][0]["facts"]["line"] == 10
    assert found["files"][0]["valid"] is False


def test_check_names_the_yaml_trap_in_both_languages(tmp_path: Path) -> None:
    file = tmp_path / "trap.yaml"
    file.write_text("id: NO\n", encoding="utf-8")
    assert "line 1: `NO` without quotes: YAML 1.1 reads it as true or false" in run("contract", "check", str(file))[1]
    assert "договор, строка 1" in run("contract", "check", str(file), language="ru")[1]


def test_show_speaks_both_languages_and_names_every_table() -> None:
    code, english, _ = run("contract", "show", "ca-07/2")
    assert code == ExitCode.FINE
    assert "citizenship-return-age: MEASURE [LEFT]" in english
    assert "GB (provider) Home Office" in english
    russian = run("contract", "show", "ca-07/2", language="ru")[1]
    assert "GB (поставщик) Home Office" in russian
    assert len(russian.splitlines()) == len(english.splitlines())


def test_show_tells_who_is_barred_from_what() -> None:
    english = run("contract", "show", "ca-12")[1]
    assert "nobody receives a cell whose CITIZENSHIP is the recipient (KG, KZ, TJ, TM, UZ), zeros included" in english
    assert "persons (person, flow and stock)" in english
    assert "delinquent 180 days after that" in english
    russian = run("contract", "show", "ca-12", language="ru")[1]
    assert "никто не получает ячейку, где CITIZENSHIP — сам получатель (KG, KZ, TJ, TM, UZ), включая нули" in russian
    assert "злостная просрочка через 180 дн." in russian


def test_show_refuses_a_beginning_that_two_versions_share() -> None:
    code, _, err = run("contract", "show", "ca-07")
    assert code == ExitCode.USAGE
    assert "contract-ambiguous" in err


def test_status_names_who_has_not_signed_and_leaves_with_6(federation: Federation, node: Path) -> None:
    for member in ("KZ", "KG", "TJ", "TM", "IOM"):
        keep_signature(federation, node, member)
    code, out, _ = run("--node", str(node), "contract", "status", "CA-01")
    assert code == ExitCode.CONTRACT_REFUSES
    assert out.splitlines()[2].split() == [
        "CA-01-BORDER", "1.0.0", "proposed", "IOM", "KG", "KZ", "TJ", "TM", "UZ",
    ]  # fmt: skip
    keep_signature(federation, node, "UZ")
    code, found = run_json("--node", str(node), "contract", "status", "CA-01")
    assert (code, found["contracts"][0]["state"], found["contracts"][0]["missing"]) == (ExitCode.FINE, "in-force", [])


def test_status_lists_all_contracts_of_the_node(node: Path) -> None:
    code, found = run_json("--node", str(node), "contract", "status")
    assert code == ExitCode.FINE
    assert [(one["id"], one["version"], one["state"]) for one in found["contracts"]] == [
        (*name, "proposed") for name in NAMES
    ]


def test_sign_hands_text_and_statement_to_the_gateway(federation: Federation, node: Path) -> None:
    answers: dict[str, dict[str, object]] = {
        "/local/contracts": {"digest": str(CA01.digest)},
        "/local/statements": {"statement": "sha256:", "index": 3, "effective": False},
    }
    with listening(node / "private" / "gateway.sock", answers) as posted:
        code, out, _ = run("--node", str(node), "contract", "sign", "CA-01", "--digest", str(CA01.digest))
    assert code == ExitCode.FINE
    assert f"KZ signed CA-01-BORDER 1.0.0 ({CA01.digest}); it counts once the witnesses have cosigned" in out
    assert [path for path, _ in posted] == ["/local/contracts", "/local/statements"]
    assert base64.b64decode(posted[0][1]["contract"]) == CA01.raw
    statement = open_statement(base64.b64decode(posted[1][1]["statement"]), trust=federation.trust, at=NOW)
    assert (statement.party, statement.contract, statement.at) == ("KZ", CA01.digest, NOW)
    assert (statement.type, statement.effective) == (StatementType.SIGNED, NOW)


def test_sign_refuses_another_text_than_the_one_agreed_on(node: Path) -> None:
    other = contract("CA-05-WORK-PERMITS").digest
    code, _, err = run("--node", str(node), "contract", "sign", "CA-01", "--digest", str(other))
    assert code == ExitCode.DOES_NOT_HOLD
    assert f"expected digest {other}, found {CA01.digest}" in err


def test_sign_refuses_a_contract_to_which_the_member_is_no_party(node: Path) -> None:
    raw = contract_raw("CA-01-BORDER").replace(b"username: KZ", b"username: GB")
    (node / "contracts" / "CA-01-BORDER" / "1.0.0" / "contract.odcs.yaml").write_bytes(raw)
    code, _, err = run("--node", str(node), "contract", "sign", "CA-01")
    assert code == ExitCode.DOES_NOT_HOLD  # GB has no oblasts in the list of regions: no valid contract any more
    assert "expected codes under GB, found none" in err
    code, _, err = run("--node", str(node), "contract", "sign", "CA-07/2")
    assert code == ExitCode.DOES_NOT_HOLD


def test_sign_without_a_gateway_says_so(node: Path) -> None:
    code, _, err = run("--node", str(node), "contract", "sign", "CA-01")
    assert code == ExitCode.UNREACHABLE
    assert "own-gateway-down: the gateway of KZ does not answer on its local socket" in err
