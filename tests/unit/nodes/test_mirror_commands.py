"""`exchange mirror show|model`, as an analyst calls them on KG's node: KZ's real bundle and KG's own release."""

import gzip
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.contract.reference import ContractRef
from exchange.encoding import Digest
from exchange.errors import ExitCode
from exchange.manifest import MANIFEST
from exchange.sdmx.data import write_data
from exchange.table import CellKey, Observation, SafeTable
from nodes.adapters.desk_store import WithdrawalRow, open_desk
from nodes.adapters.ledger_file import LedgerRelease, write_ledger
from nodes.adapters.node_folder import NewNode, copy_contracts, copy_registry, make_node_folder
from nodes.cli.main import main
from nodes.terminal import Output
from tests.world.bundles import CLEARED, PERIOD, SECRET, BundleWorld, bundle_world
from tests.world.clock import StillClock
from tests.world.federation import seeded

# KZ's register has 1,492 departures to KG and 2,000 arrivals from there, of which 27 by citizens of UZ.
OWN = {
    ("IN", "_T", "KZ", "_T", "_T", "_T", "_T"): 1_500,
    ("IN", "KG", "KZ", "_T", "_T", "_T", "_T"): 1_500,
    ("OUT", "_T", "KZ", "_T", "_T", "_T", "_T"): 4_000,
    ("OUT", "UZ", "KZ", "_T", "_T", "_T", "_T"): 30,
    ("OUT", "KG", "KZ", "_T", "_T", "_T", "_T"): 3_970,
}


@dataclass
class Analyst:
    """KG's node folder."""

    world: BundleWorld
    node: Path

    def run(self, *words: str, language: str = "en") -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        output = Output(json="--json" in words, language="ru" if language == "ru" else "en", out=out, err=err)
        clock = StillClock(CLEARED + timedelta(hours=3))
        return main(["--node", str(self.node), *words], clock=clock, output=output), out.getvalue(), err.getvalue()

    def show(self, *words: str) -> dict[str, Any]:
        code, out, err = self.run("--json", "mirror", "show", "ca-01", *words)
        assert code == ExitCode.FINE, err
        found: dict[str, Any] = json.loads(out)
        return found

    def pull(self, files: Mapping[str, bytes], *, revision: int = 0) -> Path:
        place = self.node / "pulled" / "KZ" / "CA-01-BORDER" / f"{PERIOD}-r{revision}-0123456789abcdef"
        place.mkdir(parents=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
        return place

    def release(self, *revisions: Mapping[CellKey, int | None]) -> list[LedgerRelease]:
        """KG's own releases of the period, one revision after the other; None is withheld."""
        contract = self.world.contract
        made, tables = [], {}
        for revision, figures in enumerate(revisions):
            rows = {key: figure(value) for key, value in figures.items()}
            safe = SafeTable(provider="KG", contract_id=contract.id, period=PERIOD, rows=rows)
            data = write_data(safe, contract, revision=revision, salt_secret=SECRET)
            tables[Digest.of(data)] = data
            made.append(
                LedgerRelease(
                    bundle=Digest.of(f"own {revision}".encode()),
                    contract=ContractRef.of(contract),
                    linkage_group=contract.disclosure.linkage_group,
                    provider="KG",
                    period=PERIOD,
                    recipients=contract.recipients_of("KG"),
                    revision=revision,
                    data=Digest.of(data),
                )
            )
        write_ledger(self.node / "desk" / "ledger", tuple(made), tables=tables)
        return made


def figure(value: int | None) -> Observation:
    status = ("A", "N") if value is not None else ("Q", "C")
    return Observation(value=value, obs_status=status[0], conf_status=status[1])


@pytest.fixture
def analyst(tmp_path: Path) -> Analyst:
    world, node = bundle_world(), tmp_path / "kg"
    new = NewNode(member="KG", issuer="http://127.0.0.1:8100", host="127.0.0.1", port=8100, demo=True)
    make_node_folder(node, new, random=seeded("secret"))
    copy_registry(world.federation.registry, node / "keys")
    copy_contracts(node / "contracts", names=[("CA-01-BORDER", "1.0.0"), ("CA-09-IRREGULAR", "1.0.0")])
    signed = Path("CA-01-BORDER") / "1.0.0" / "statements"
    shutil.copytree(world.federation.registry / "contracts" / signed, node / "contracts" / signed)
    return Analyst(world, node)


def row(found: dict[str, Any], origin: str, destination: str, **breakdown: str) -> dict[str, Any]:
    fitting = [
        one
        for one in found["rows"]
        if (one["origin"], one["destination"], one["breakdown"]) == (origin, destination, breakdown)
    ]
    (only,) = fitting
    return only  # type: ignore[no-any-return]  # JSON


def test_the_own_and_the_pulled_release_stand_side_by_side(analyst: Analyst) -> None:
    analyst.pull(analyst.world.files)
    analyst.release(OWN)
    found = analyst.show()
    arriving = row(found, "KZ", "KG")
    assert (arriving["by_origin"], arriving["by_destination"]) == (
        {"state": "shown", "value": "1492"},
        {"state": "shown", "value": "1500"},
    )
    assert (arriving["flag"], arriving["within_agreed"]) == ("OK", True)
    assert arriving["index"] == pytest.approx(2 * 8 / 2_992)
    leaving = row(found, "KG", "KZ")
    assert (leaving["by_origin"]["value"], leaving["by_destination"]["value"]) == ("4000", "2000")
    assert (leaving["flag"], leaving["index"], leaving["within_agreed"]) == ("APART", pytest.approx(2 / 3), False)
    # indices 0.0053 and 0.6667; by volume 2 (8 + 2,000) / (2,992 + 6,000)
    assert (found["compared"], found["weighted_index"]) == (2, pytest.approx(4_016 / 8_992))


def test_what_one_side_withholds_has_no_index(analyst: Analyst) -> None:
    analyst.pull(analyst.world.files)
    analyst.release({**OWN, ("OUT", "UZ", "KZ", "_T", "_T", "_T", "_T"): None})
    found = row(analyst.show("--detail"), "KG", "KZ", CITIZENSHIP="UZ")
    assert (found["by_origin"], found["flag"], found["index"]) == ({"state": "withheld", "value": None}, "M2", None)
    assert found["by_destination"]["value"] == "27"


def test_a_partner_that_was_not_pulled_is_one_side_missing(analyst: Analyst) -> None:
    analyst.release(OWN)
    found = row(analyst.show("--partner", "kz"), "KZ", "KG")
    assert (found["flag"], found["by_origin"]) == ("M1", {"state": "missing", "value": None})


def test_the_last_own_revision_counts_and_none_that_was_taken_back(analyst: Analyst) -> None:
    analyst.pull(analyst.world.files)
    *_, last = analyst.release(OWN, {**OWN, ("OUT", "_T", "KZ", "_T", "_T", "_T", "_T"): 2_010})
    assert row(analyst.show(), "KG", "KZ")["by_origin"]["value"] == "2010"
    with open_desk(analyst.node / "desk" / "desk.db") as store:
        store.keep_withdrawal(WithdrawalRow(bundle=str(last.bundle), document=b"", state="withdrawn"))
    assert row(analyst.show(), "KG", "KZ")["by_origin"]["state"] == "missing"


def test_a_bundle_that_its_provider_took_back_no_longer_counts(analyst: Analyst) -> None:
    analyst.pull(analyst.world.files)
    analyst.release(OWN)
    bundle = Digest.of(analyst.world.files[MANIFEST])
    (analyst.node / "pulled" / "withdrawn" / bundle.hex).mkdir(parents=True)
    assert row(analyst.show(), "KZ", "KG")["flag"] == "M1"


def test_a_pulled_bundle_that_was_altered_since_is_refused(analyst: Analyst) -> None:
    data = analyst.world.files["data.csv"]
    analyst.pull({**analyst.world.files, "data.csv": data.replace(b",A,N,", b",E,N,", 1)})
    code, _, err = analyst.run("mirror", "show", "ca-01")
    assert code == ExitCode.DOES_NOT_HOLD
    assert "resource" in err


def test_an_own_release_under_a_contract_that_is_not_here_is_refused(analyst: Analyst) -> None:
    (made,) = analyst.release(OWN)
    strange = replace(made, contract=replace(made.contract, digest=Digest.of(b"another")))
    write_ledger(analyst.node / "desk" / "ledger", (strange,), tables={})
    assert "ledger-copy-refused" in analyst.run("mirror", "show", "ca-01")[2]


def test_a_contract_without_a_mirror_says_so(analyst: Analyst) -> None:
    code, out, _ = analyst.run("mirror", "show", "ca-09")
    assert (code, "no contract at this node mirrors it (M0)" in out) == (ExitCode.FINE, True)
    code, out, _ = analyst.run("--json", "mirror", "show", "ca-09")
    assert json.loads(out) == {"contract": {"id": "CA-09-IRREGULAR", "version": "1.0.0"}, "flag": "M0", "rows": []}


def test_a_period_is_spelled_as_periods_are(analyst: Analyst) -> None:
    code, _, err = analyst.run("mirror", "show", "ca-01", "--period", "09.2026")
    assert (code, "period-malformed" in err) == (ExitCode.USAGE, True)


def test_only_the_period_asked_for_is_shown(analyst: Analyst) -> None:
    analyst.release(OWN)
    assert [one["period"] for one in analyst.show("--period", PERIOD, "--partner", "KZ")["rows"]] == [PERIOD] * 2
    assert analyst.show("--period", "2026-08")["rows"] == []


def test_flows_between_two_others_are_shown_when_asked_for(analyst: Analyst) -> None:
    analyst.pull(analyst.world.files)
    analyst.release(OWN)
    found = analyst.show("--member", "kz", "--partner", "uz")["rows"]
    assert {(one["origin"], one["destination"], one["flag"]) for one in found} == {
        ("KZ", "UZ", "M1"),
        ("UZ", "KZ", "M1"),
    }


def test_a_node_that_provides_nothing_is_shown_every_corridor(analyst: Analyst) -> None:
    analyst.pull(analyst.world.files)
    settings = analyst.node / "node.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('"KG"', '"IOM"'), encoding="utf-8")
    found = {(one["origin"], one["destination"]) for one in analyst.show()["rows"]}
    assert {("KZ", "KG"), ("KG", "KZ"), ("KZ", "UZ"), ("UZ", "KZ")} <= found


def test_without_a_release_there_is_nothing_to_set_side_by_side(analyst: Analyst) -> None:
    assert "nothing to set side by side" in analyst.run("mirror", "show", "ca-01")[1]


@pytest.mark.parametrize(
    ("language", "header", "words"),
    [("en", "by origin", "APART apart, nothing earlier"), ("ru", "прибытие", "APART расходятся, прежних данных нет")],
)
def test_a_person_reads_it_as_a_table(analyst: Analyst, language: str, header: str, words: str) -> None:
    analyst.pull(analyst.world.files)
    analyst.release(OWN)
    code, out, _ = analyst.run("mirror", "show", "ca-01", language=language)
    assert code == ExitCode.FINE
    assert header in out
    assert words in out
    assert "4000" in out


FLOWS = """year,origin,destination,reported_by_origin,reported_by_destination
2010,AT,BE,1000,2000
2011,AT,BE,1000,2100
2012,AT,BE,1000,2200
2012,BE,AT,500,300
2012,CZ,DK,3,5
"""


def run(*argv: str, language: str = "en") -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    output = Output(json="--json" in argv, language="ru" if language == "ru" else "en", out=out, err=err)
    return main(argv, clock=StillClock(), output=output), out.getvalue(), err.getvalue()


class TestModel:
    """A file of two-sided flows."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        found = tmp_path / "flows.csv"
        found.write_text(FLOWS, encoding="utf-8")
        return found

    def test_habits_are_learnt_and_tried_on_later_years(self, file: Path) -> None:
        code, out, _ = run("--json", "mirror", "model", str(file), "--until", "2011")
        assert code == ExitCode.FINE
        found = json.loads(out)
        assert (found["until"], found["learnt"]) == (2011, 2)
        assert found["habits"]["BE"]["arrivals"] > 1 > found["habits"]["AT"]["departures"]
        assert [(one["origin"], one["destination"]) for one in found["later"]] == [("AT", "BE"), ("BE", "AT")]
        known, reverse = found["later"]
        assert known["log_ratio"] == pytest.approx(0.7885, abs=1e-4)  # ln 2.2
        assert 0.6 < known["expected"] < 0.75  # ln 2 = 0.69, ln 2.1 = 0.74, drawn towards zero
        assert reverse["expected"] < 0

    def test_a_packed_file_is_read_as_the_plain_one(self, file: Path, tmp_path: Path) -> None:
        packed = tmp_path / "flows.csv.gz"
        packed.write_bytes(gzip.compress(file.read_bytes()))
        assert run("mirror", "model", str(packed), "--all") == run("mirror", "model", str(file), "--all")

    def test_a_file_that_is_not_packed_though_its_name_says_so_is_refused(self, tmp_path: Path) -> None:
        packed = tmp_path / "flows.csv.gz"
        packed.write_bytes(FLOWS.encode())
        code, _, err = run("mirror", "model", str(packed))
        assert (code, "flow-field-malformed" in err) == (ExitCode.USAGE, True)

    def test_years_before_the_first_pair_teach_nothing(self, file: Path) -> None:
        code, _, err = run("mirror", "model", str(file), "--until", "2009")
        assert (code, "flows-too-few" in err) == (ExitCode.USAGE, True)

    def test_a_year_is_spelled_as_years_are(self, file: Path) -> None:
        code, _, err = run("mirror", "model", str(file), "--until", "13")
        assert (code, "13 is no year, as 2013" in err) == (ExitCode.USAGE, True)

    @pytest.mark.parametrize(
        ("language", "words"), [("en", ["country", "corridor known"]), ("ru", ["страна", "коридор известен"])]
    )
    def test_a_person_reads_habits_as_factors(self, file: Path, language: str, words: list[str]) -> None:
        code, out, _ = run("mirror", "model", str(file), "--until", "2011", "--all", language=language)
        assert code == ExitCode.FINE
        assert [word for word in words if word not in out] == []
        assert "x 0." in out
