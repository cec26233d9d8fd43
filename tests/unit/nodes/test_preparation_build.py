"""`exchange bundle build`: what it refuses, what it leaves behind, and that the same input gives the same bytes."""

import io
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exchange.encoding import Digest
from exchange.errors import ExitCode
from exchange.errors.bundle import ResourceDigestError
from exchange.errors.encoding import FieldError
from exchange.errors.preparation import LedgerCopyError, OutputRefusedError, PreparationSecretError
from exchange.flow.candidate import CandidateFiles, format_candidate, open_candidate, parse_candidate
from exchange.flow.prepare import earliest_publication, secret_parameters
from exchange.report import parse_report, pooled_digest
from exchange.sdmx.data import parse_data
from exchange.signing.keys import KeyPurpose
from exchange.statement import sign_statement
from nodes.adapters.contract_folder import keep_statement
from nodes.adapters.key_files import read_hybrid_signer
from nodes.adapters.ledger_file import LEDGER, LedgerFile, LedgerRelease, read_ledger, write_ledger
from nodes.adapters.preparation_notes import read_notes
from nodes.cli.main import main
from nodes.demo.federation import found
from nodes.preparation.candidate import read_secret, write_candidate
from nodes.terminal import Output
from tests.world.clock import StillClock
from tests.world.contracts import contract

CA07 = contract("CA-07-EXPULSIONS-BANS", "1.1.0")
AT = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
PERIOD = "2026-Q3"
MAPPING = """v = 1
contract = "CA-07-EXPULSIONS-BANS"
title = "TEST"
[period]
column = "quarter"
format = "quarter"
[dimensions]
MEASURE = { constant = "LEFT" }
CITIZENSHIP = { column = "citizenship" }
RETURN_TYPE = { column = "type" }
SEX = { column = "sex" }
AGE = { column = "age" }
[contributors]
person = { each_row = true }
[[sources]]
title = "A register made for a test"
"""
COUNTS = {
    (citizenship, kind, sex, age): 31 + 17 * place + 5 * len(kind) + 11 * (sex == "M") + 7 * (age == "Y18T34")
    for place, citizenship in enumerate(("KG", "TJ", "TM", "UZ", "RU", "CN", "TR"))
    for kind in ("EXP_COURT", "READM", "SELF_DEP")
    for sex in ("M", "F")
    for age in ("Y_LT14", "Y18T34", "Y_GE65")
} | {
    ("NO", "AVRR", "M", "Y18T34"): 1,
    ("IN", "EXP_ADM", "M", "Y18T34"): 14,
    ("IN", "SELF_DEP", "F", "Y_LT14"): 3,
    ("PK", "EXP_ADM", "M", "Y35T64"): 22,
    ("PK", "AVRR", "F", "_U"): 4,
}
TOTAL_ROWS = sum(COUNTS.values())


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo federation in which everybody signed CA-07."""
    home = tmp_path_factory.mktemp("home")
    federation = found(home, ports=list(range(8101, 8108)), clock=StillClock(AT))
    for party in CA07.members():
        private = federation.nodes[party].private
        signer = read_hybrid_signer(private, KeyPurpose.CONTRACT, passphrase=None, demo=True)
        said = sign_statement(
            type="contract.signed", contract=CA07.digest, party=party, at=AT, effective=AT, signer=signer
        )
        keep_statement(federation.nodes["KZ"].contracts, CA07, said)
    return home


@pytest.fixture
def home(founded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(founded, tmp_path / "home"))


class Run:
    """The command, and what it said."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.out, self.err = io.StringIO(), io.StringIO()
        (home / "MAP.toml").write_text(MAPPING, encoding="utf-8")

    def register(self, counts: dict[tuple[str, str, str, str], int]) -> Path:
        file = self.home / "register.csv"
        lines = [f"{PERIOD},{','.join(key)}\n" for key, count in counts.items() for _ in range(count)]
        file.write_text("quarter,citizenship,type,sex,age\n" + "".join(lines), encoding="utf-8")
        return file

    def build(self, *more: str, file: Path | None = None, json: bool = False, word: str = "build") -> int:
        extract = file or self.register(COUNTS)
        output = Output(json=json, language="en", out=self.out, err=self.err)
        words = ["bundle", word, "ca-07", PERIOD, "--from", str(extract), "--mapping", str(self.home / "MAP.toml")]
        arguments = ["--home", str(self.home), "--node", "kz", *words, *more]
        return main([*arguments, *(["--json"] if json else [])], clock=StillClock(AT), output=output)

    def candidate(self) -> CandidateFiles:
        (folder,) = (self.home / "kz" / "work" / "candidates").iterdir()
        return open_candidate({file.name: file.read_bytes() for file in folder.iterdir()})


@pytest.fixture
def run(home: Path) -> Run:
    return Run(home)


def test_a_build_leaves_exactly_the_three_files_of_a_candidate(run: Run) -> None:
    assert run.build(json=True) == ExitCode.FINE
    files = run.candidate()
    candidate = files.candidate
    assert (candidate.name, candidate.revision, candidate.supersedes) == (
        "kz-ca-07-expulsions-bans-2026-q3-r0",
        0,
        None,
    )
    assert candidate.title == "TEST: Expulsions and entry bans, KZ, 2026-Q3"
    assert candidate.recipients == ("KG", "TJ", "TM", "UZ")
    assert candidate.not_before == datetime(2026, 10, 1, tzinfo=UTC)
    assert (candidate.prepared_by, candidate.pooled) == ("kz-01", pooled_digest([]))
    said = json.loads(run.out.getvalue())
    assert (said["name"], said["rows"]) == (candidate.name, dict.fromkeys(("all", "in_scope", "in_period"), TOTAL_ROWS))
    assert said["next"].endswith(f"bundle submit {said['candidate']}")
    assert not list(run.home.joinpath("kz", "work").rglob("datapackage.json"))


def test_what_is_small_is_withheld_and_what_leaves_is_what_the_register_holds(run: Run) -> None:
    assert run.build() == ExitCode.FINE
    files = run.candidate()
    rows = parse_data(files.data, CA07, provider="KZ", period=PERIOD).table.rows
    report = parse_report(files.disclosure)
    assert rows["LEFT", "NO", "_T", "_T", "_T"].withheld
    assert rows["LEFT", "IN", "VOL", "F", "_T"].withheld
    assert set(report.withheld) == {key for key, row in rows.items() if row.withheld}
    levels = {"EXP_COURT": "FORCED", "EXP_ADM": "FORCED", "READM": "FORCED", "SELF_DEP": "VOL", "AVRR": "VOL"}
    shown = 0
    for (_, citizenship, kind, sex, _), row in rows.items():
        if row.value is not None and "_T" not in (citizenship, kind, sex):
            counted = sum(n for (c, k, s, _), n in COUNTS.items() if (c, levels[k], s) == (citizenship, kind, sex))
            assert row.value == counted
            shown += 1
    assert shown > 0


def test_the_same_input_gives_the_same_bytes(run: Run) -> None:
    assert run.build() == ExitCode.FINE
    first = run.candidate().files()
    file = run.register(dict(reversed(COUNTS.items())))
    assert run.build(file=file) == ExitCode.FINE
    assert run.candidate().files() == first


def test_a_person_is_told_the_next_step(run: Run) -> None:
    assert run.build() == ExitCode.FINE
    lines = run.out.getvalue().splitlines()
    assert lines[0] == f"TEST: Expulsions and entry bans, KZ, 2026-Q3: from {TOTAL_ROWS} of {TOTAL_ROWS} rows"
    assert lines[1].startswith("for KG, TJ, TM, UZ: revision 0, ")
    assert lines[-1].startswith("next: exchange --node kz bundle submit ")


def test_what_protection_cost_is_for_the_data_officer_alone(run: Run) -> None:
    assert run.build(json=True) == ExitCode.FINE
    (file,) = (run.home / "kz" / "work" / "losses").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    loss, report = json.loads(file.read_bytes()), parse_report(run.candidate().disclosure)
    assert loss == json.loads(run.out.getvalue())["loss"]
    assert loss["primary"] + loss["secondary"] == len(report.withheld)
    assert [table["measured"] for table in loss["tables"]] == [TOTAL_ROWS, TOTAL_ROWS]


def test_advice_names_what_each_breakdown_costs_and_leaves_nothing(run: Run) -> None:
    assert run.build(word="advise") == ExitCode.FINE, run.err.getvalue()
    lines = run.out.getvalue().splitlines()
    assert lines[0].startswith("as agreed: ")
    assert any(line.startswith("  drop RETURN_TYPE (citizenship-return-sex): withheld cells ") for line in lines)
    assert not (run.home / "kz" / "work" / "candidates").exists()


def test_a_contract_that_is_not_in_force_builds_nothing(run: Run) -> None:
    statements = run.home / "kz" / "contracts" / CA07.id / CA07.version / "statements"
    next(iter(statements.iterdir())).unlink()
    assert run.build() == ExitCode.CONTRACT_REFUSES
    assert run.err.getvalue().startswith("contract-not-signed: ")
    assert not (run.home / "kz" / "work").exists()


def test_bad_rows_are_shown_and_nothing_is_built(run: Run) -> None:
    file = run.register({("UZ", "EXP_COURT", "M", "Y18T34"): 20, ("ZZ", "EXP_COURT", "M", "Y18T34"): 30})
    assert run.build(file=file) == ExitCode.DOES_NOT_HOLD
    shown = run.out.getvalue().splitlines()
    assert shown[0].split() == ["line", "column", "allowed", "found"]
    assert shown[2].split()[:2] == ["22", "citizenship"]
    assert shown[2].split()[-1] == "ZZ"
    assert "… and 10 more in the report" in shown
    assert "30 of 50 rows refused, nothing was built" in run.err.getvalue()
    work = run.home / "kz" / "work"
    assert {path.name for path in work.iterdir()} == {"register.csv.bad-rows.csv", "notes"}


def test_the_desk_is_told_where_bad_rows_stand_and_not_what_they_hold_until_a_build_finds_none(run: Run) -> None:
    file = run.register({("ZZ", "EXP_COURT", "M", "Y18T34"): 3})
    assert run.build(file=file) == ExitCode.DOES_NOT_HOLD
    work = run.home / "kz" / "work"
    (note,) = read_notes(work).notes
    assert [(one.line, one.column) for one in note.refused] == [(line, "citizenship") for line in (2, 3, 4)]
    assert (note.period, note.at, note.refused_fields) == (PERIOD, AT, 3)
    (written,) = (work / "notes").iterdir()
    assert b"ZZ" not in written.read_bytes()
    assert run.build() == ExitCode.FINE
    assert read_notes(work).notes == ()


@pytest.mark.parametrize(
    ("more", "code", "exit_code"),
    [
        pytest.param(["--officer", "uz-01"], "preparer-of-another-member", ExitCode.NOT_AUTHORISED, id="a foreigner"),
        pytest.param(["--officer", "kz-99"], "officer-unknown", None, id="an unknown officer"),
        pytest.param(["--output", "{home}/kz"], "output-not-a-candidate", ExitCode.USAGE, id="a folder in use"),
    ],
)
def test_a_build_is_refused(run: Run, more: list[str], code: str, exit_code: int | None) -> None:
    found_code = run.build(*(word.format(home=run.home) for word in more))
    assert run.err.getvalue().startswith(code + ": ")
    assert found_code != ExitCode.FINE
    assert exit_code in (None, found_code)
    assert (run.home / "kz" / "node.toml").exists()


def test_a_node_without_its_secret_builds_nothing(run: Run) -> None:
    secret = run.home / "kz" / "private" / "preparation" / "secret"
    secret.write_bytes(b"short")
    with pytest.raises(PreparationSecretError) as refused:
        read_secret(run.home / "kz" / "private")
    assert refused.value.facts["bytes_found"] == 5
    assert run.build() == ExitCode.ERROR


@pytest.mark.parametrize("secret", range(4))
def test_a_revision_is_safe_with_any_secret_and_names_what_it_supersedes_and_what_was_pooled(
    run: Run, secret: int
) -> None:
    (run.home / "kz" / "private" / "preparation" / "secret").write_bytes(bytes([secret]) * 32)
    assert run.build() == ExitCode.FINE
    first, ledger = run.candidate(), run.home / "kz" / "desk" / "ledger"
    bundle, other = Digest.of(b"a bundle"), Digest.of(b"another group")
    release = LedgerRelease(
        bundle=bundle,
        contract=first.candidate.contract,
        linkage_group=CA07.disclosure.linkage_group,
        provider="KZ",
        period=PERIOD,
        recipients=first.candidate.recipients,
        revision=0,
        data=first.candidate.data,
    )
    foreign = replace(release, bundle=other, linkage_group="another", period="2026-Q2")
    write_ledger(ledger, (release, foreign), tables={first.candidate.data: first.data})
    shutil.rmtree(run.home / "kz" / "work")
    corrected = {**COUNTS, ("KG", "READM", "M", "Y18T34"): 260}
    assert run.build(file=run.register(corrected)) == ExitCode.FINE, run.err.getvalue()
    second = run.candidate().candidate
    assert (second.revision, second.supersedes, second.pooled) == (1, bundle, pooled_digest([bundle]))
    assert second.name.endswith("-r1")
    before = parse_report(first.disclosure).withheld
    assert set(before) <= set(parse_report(run.candidate().disclosure).withheld)


def test_a_ledger_that_was_altered_is_refused(run: Run) -> None:
    assert run.build() == ExitCode.FINE
    first, ledger = run.candidate(), run.home / "kz" / "desk" / "ledger"
    release = LedgerRelease(
        bundle=Digest.of(b"b"), contract=first.candidate.contract, linkage_group="g", provider="KZ", period=PERIOD,
        recipients=first.candidate.recipients, revision=0, data=first.candidate.data,
    )  # fmt: skip
    write_ledger(ledger, (release,), tables={first.candidate.data: first.data})
    assert read_ledger(ledger) == (release,)
    reader = LedgerFile(folder=ledger, contract_of=lambda _: CA07)
    assert [found.release.revision for found in reader.tables("g", period=PERIOD)] == [0]
    assert reader.tables("another", period=PERIOD) == ()
    assert reader.tables("g", period="2026-Q2") == ()
    (released,) = (ledger / "released").iterdir()
    released.write_bytes(first.data[:-1])
    with pytest.raises(LedgerCopyError):
        reader.tables("g", period=PERIOD)
    write_ledger(ledger, (replace(release, revision=1),), tables={})
    with pytest.raises(LedgerCopyError, match="expected revision 0, found 1"):
        reader.tables("g", period=PERIOD)
    (ledger / LEDGER).write_bytes((ledger / LEDGER).read_bytes() + b"\n")
    with pytest.raises(LedgerCopyError):
        read_ledger(ledger)


def test_a_candidate_is_read_as_it_was_written_or_refused(run: Run) -> None:
    assert run.build() == ExitCode.FINE
    files = run.candidate()
    raw = format_candidate(files.candidate)
    assert parse_candidate(raw) == files.candidate
    with pytest.raises(ResourceDigestError):
        open_candidate({**files.files(), "data.csv": files.data.replace(b",M,", b",F,", 1)})
    with pytest.raises(FieldError):
        open_candidate({**files.files(), "notes.txt": b""})
    for old, new in ((b'"revision":0', b'"revision":1'), (b'"title"', b'"titel"'), (b"candidate/1", b"candidate/2")):
        assert old in raw
        with pytest.raises(FieldError):
            parse_candidate(raw.replace(old, new))


def test_a_candidate_appears_whole_or_not_at_all(run: Run, tmp_path: Path) -> None:
    assert run.build() == ExitCode.FINE
    files = run.candidate()
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "letter.txt").write_text("not ours", encoding="utf-8")
    with pytest.raises(OutputRefusedError):
        write_candidate(files, taken)
    assert [path.name for path in taken.iterdir()] == ["letter.txt"]
    with pytest.raises(OSError, match=r"exists|directory"):
        write_candidate(files, taken / "letter.txt" / "candidate")
    assert write_candidate(files, tmp_path / "new") == tmp_path / "new"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "candidate.json",
        "data.csv",
        "disclosure.json",
    ]


def test_the_parameters_really_used_are_as_strict_as_the_contract_and_secret() -> None:
    agreed = contract("CA-05-WORK-PERMITS")
    seen = set()
    for number in range(40):
        used = secret_parameters(agreed, period="2026-09", secret=bytes([number]) * 32)
        used.require_strict(agreed)
        assert all(5 <= minimum <= 7 for minimum in used.contributors_min)
        seen.add((used.contributors_min, used.k_percent_max, used.p_percent_min))
    assert len(seen) > 10
    one = secret_parameters(agreed, period="2026-09", secret=b"\1" * 32)
    assert one == secret_parameters(agreed, period="2026-09", secret=b"\1" * 32)
    assert one.commitment() != secret_parameters(agreed, period="2026-10", secret=b"\1" * 32).commitment()


def test_nothing_is_published_before_its_period_and_the_embargo_have_passed() -> None:
    assert earliest_publication(CA07, PERIOD) == datetime(2026, 10, 1, tzinfo=UTC)
    assert earliest_publication(replace(CA07, embargo_days=14), "2026-Q4") == datetime(2027, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize(("published", "code"), [(1, ExitCode.DISCLOSURE_BLOCKS), (2, ExitCode.FINE)])
def test_what_public_statistics_show_cannot_be_withheld_and_what_they_get_wrong_gives_nothing_away(
    run: Run, published: int, code: ExitCode
) -> None:
    outside = run.home / "kz" / "desk" / "outside" / CA07.id / "yearbook.csv"
    outside.parent.mkdir(parents=True)
    header = ",".join([*(dimension.id for dimension in CA07.dimensions), "TIME_PERIOD", "OBS_VALUE"])
    norwegian = ",".join(["LEFT", "NO", *["_T"] * (len(CA07.dimensions) - 2), PERIOD, str(published)])
    outside.write_text(f"{header}\n{norwegian}\n", encoding="utf-8")
    assert run.build() == code
    assert ("yearbook" in run.err.getvalue()) is (code != ExitCode.FINE)
