"""`exchange sdc` from the command line: files written whole or not at all, verdicts as exit codes, results as JSON."""

import io
import json
from pathlib import Path

import pytest

from exchange.errors import ExitCode
from nodes.cli.main import main
from nodes.terminal import Output
from tests.shared import shared

OUTSIDER = ("--attacker", "outsider", "--no-floor")


def run(*argv: str | Path, as_json: bool = False) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    output = Output(json=as_json, language="en", out=out, err=err)
    return main([str(word) for word in argv], output=output), out.getvalue(), err.getvalue()


def result(*argv: str | Path) -> tuple[int, dict[str, object]]:
    code, out, _ = run(*argv, as_json=True)
    found = json.loads(out)
    assert isinstance(found, dict)
    return code, found


@pytest.mark.parametrize("flags", [(), OUTSIDER, ("--no-floor",)], ids=["insiders", "outsider, no floor", "no floor"])
@pytest.mark.parametrize(
    ("publications", "expected"),
    [
        pytest.param(["pub0"], ExitCode.DOES_NOT_HOLD, id="one withheld cell alone is a subtraction away"),
        pytest.param(["pub1"], ExitCode.FINE, id="the first partner's pattern is safe"),
        pytest.param(["pub2"], ExitCode.FINE, id="so is the second's"),
        pytest.param(["pub1", "pub2"], ExitCode.DOES_NOT_HOLD, id="both together are not"),
    ],
)
def test_the_audit_s_verdict_is_the_exit_code(
    publications: list[str], expected: ExitCode, flags: tuple[str, ...]
) -> None:
    folder = shared("sdc/t1")
    code, _, _ = run("sdc", "audit", folder, *(folder / f"{name}.csv" for name in publications), *flags)
    assert code == expected


def test_the_audit_tells_a_program_every_cell_that_is_not_safe_alone_and_pooled() -> None:
    folder = shared("sdc/t1")
    code, found = result("sdc", "audit", folder, folder / "pub1.csv", folder / "pub2.csv")
    assert code == ExitCode.DOES_NOT_HOLD
    assert set(found) == {"instance", "attacker", "floor", "safe", "publications", "pooled"}
    assert (found["instance"], found["attacker"], found["floor"], found["safe"]) == ("t1", "insiders", True, False)
    assert isinstance(found["publications"], list)
    assert [one["verdict"] for one in found["publications"]] == ["safe", "safe"]
    pooled = found["pooled"]
    assert isinstance(pooled, dict)
    assert (pooled["verdict"], pooled["exact"]) == ("exposed", 2)
    assert [one["cell"] for one in pooled["exposed"]] == [["b", "1"], ["b", "3"]]


@pytest.mark.parametrize(
    ("name", "publication", "short"),
    [
        pytest.param("rt_act_size", "pub_tau_opt.csv", 0, id="an optimum of τ-ARGUS holds against the outsider"),
        pytest.param("rt_act_size", "pub_gauss.csv", 31, id="GaussSuppression leaves 31 short"),
        pytest.param("rt_nuts_cj", "pub_gauss.csv", 18, id="and 18 here"),
        pytest.param("syn2d_1k", "pub_gauss.csv", 36, id="and 36 here"),
    ],
)
def test_the_audit_finds_what_the_study_found_in_the_peers_publications(
    name: str, publication: str, short: int
) -> None:
    folder = shared(f"sdc/{name}")
    _, found = result("sdc", "audit", folder, folder / publication, *OUTSIDER)
    assert isinstance(found["publications"], list)
    assert len(found["publications"][0]["exposed"]) == short


def test_an_insider_breaks_an_optimum_that_holds_against_the_outsider() -> None:
    folder = shared("sdc/rt_act_size")
    code, found = result("sdc", "audit", folder, folder / "pub_tau_opt.csv", "--no-floor")
    assert code == ExitCode.DOES_NOT_HOLD
    assert isinstance(found["publications"], list)
    assert found["publications"][0]["insider"] == len(found["publications"][0]["exposed"]) >= 12


def test_a_protected_table_passes_the_audit_and_its_report_says_how_it_was_made(tmp_path: Path) -> None:
    folder, publication, report = shared("sdc/t1"), tmp_path / "pub.csv", tmp_path / "r.json"
    code, found = result("sdc", "protect", folder, "-o", publication, "--report", report)
    assert code == ExitCode.FINE
    incumbents = found.pop("incumbents")
    assert isinstance(incumbents, list)
    assert incumbents[-1]["cost"] == found["cost"]
    assert json.loads(report.read_text(encoding="utf-8")) == found
    assert {"attacker", "cells", "primary", "withheld", "cost", "bound", "gap", "stage", "work", "audit"} < set(found)
    assert (found["cells"], found["primary"]) == (16, 1)
    assert publication.read_bytes().startswith(b"r,c,published\nT,T,190\n")
    assert run("sdc", "audit", folder, publication)[0] == ExitCode.FINE


def test_the_cheapest_pattern_of_a_small_table_is_proved(tmp_path: Path) -> None:
    """Every other pattern of three cells beside (b, 3) that forms a cycle with room for 5 costs more: 8 + 17 + 12."""
    code, found = result("sdc", "protect", shared("sdc/t1"), "-o", tmp_path / "p.csv", *OUTSIDER)
    assert (code, found["cost"], found["bound"], found["stage"]) == (ExitCode.FINE, 37.0, 37.0, 4)


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        assert run("sdc", "protect", shared("sdc/t1"), "-o", tmp_path / name)[0] == ExitCode.FINE
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(("protect", "tau_pp", "-o", "OUT"), ExitCode.USAGE, "instance-not-additive", id="not additive"),
        pytest.param(("protect", "nowhere", "-o", "OUT"), ExitCode.USAGE, "instance-file-absent", id="no instance"),
        pytest.param(("audit", "t1", "nowhere.csv"), ExitCode.USAGE, "instance-file-absent", id="no publication"),
        pytest.param(
            ("audit", "t1", "t1/cells.csv"), ExitCode.USAGE, "table-field-malformed", id="no publication's form"
        ),
        pytest.param(
            ("protect", "t1", "-o", "OUT", "--time-limit", "0"), ExitCode.USAGE, "--time-limit", id="no time at all"
        ),
        pytest.param(("protect", "t1"), ExitCode.USAGE, "-o/--output", id="nowhere to write"),
        pytest.param(
            ("round", "rt_act_size", "--method", "controlled", "--base", "3", "-o", "OUT"),
            ExitCode.USAGE,
            "rounding-needs-counts",
            id="magnitudes are not rounded",
        ),
        pytest.param(
            ("round", "ssb_z3", "--method", "controlled", "--base", "1", "-o", "OUT"),
            ExitCode.USAGE,
            "--base",
            id="a base of one",
        ),
    ],
)
def test_what_is_refused_names_itself_and_writes_nothing(
    words: tuple[str, ...], code: ExitCode, said: str, tmp_path: Path
) -> None:
    folder = shared("sdc")
    places = [str(folder / word) if (folder / word).exists() or "nowhere" in word else word for word in words]
    found, _, err = run("sdc", *[str(tmp_path / "out.csv") if word == "OUT" else word for word in places])
    assert (found, said in err) == (code, True), err
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_nothing_protects_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "instance.json").write_text(
        json.dumps({"name": "two", "integer": True, "dims": {"d": {"total": "T", "children": {"T": ["a"]}}}})
    )
    (tmp_path / "cells.csv").write_text("d,value,primary,upl,ub\nT,5,0,0,5\na,5,1,1,\n")
    code, _, err = run("sdc", "protect", tmp_path, "-o", tmp_path / "pub.csv")
    assert code == ExitCode.DISCLOSURE_BLOCKS
    assert "instance-not-protectable" in err
    assert not (tmp_path / "pub.csv").exists()


def test_a_full_folder_of_the_output_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run("sdc", "protect", shared("sdc/t1"), "-o", tmp_path / "file" / "pub.csv")
    assert code == ExitCode.ERROR
    assert "file-" in err


@pytest.mark.parametrize(("method", "changed_max"), [("small-count", 4), ("controlled", 2)])
def test_counts_are_rounded_and_the_change_is_told(method: str, changed_max: int, tmp_path: Path) -> None:
    publication = tmp_path / "pub.csv"
    code, found = result("sdc", "round", shared("sdc/ssb_z3"), "--method", method, "--base", "3", "-o", publication)
    assert code == ExitCode.FINE
    assert isinstance(found["changed_max"], int)
    assert found["changed_max"] <= changed_max
    assert len(publication.read_bytes().splitlines()) == 1201


def test_the_pattern_alone_shows_what_follows_by_sums() -> None:
    folder = shared("sdc/t1")
    assert run("sdc", "pattern", folder, folder / "pub1.csv")[0] == ExitCode.FINE
    code, found = result("sdc", "pattern", folder, folder / "pub1.csv", folder / "pub2.csv")
    assert code == ExitCode.DOES_NOT_HOLD
    assert isinstance(found["pooled"], dict)
    assert found["pooled"]["determined"] == [["b", "1"], ["b", "3"]]


def test_advice_is_ranked_and_said_in_words() -> None:
    code, found = result("sdc", "advise", shared("sdc/t1"))
    assert code == ExitCode.FINE
    assert isinstance(found["options"], list)
    assert {option["sentence"].split(":")[0] for option in found["options"]} == {"drop r", "drop c"}
    assert all(set(option) >= {"cells", "withheld", "share", "sentence"} for option in found["options"])
