"""`exchange contract codes`: a list in a party's words, and what became of older codes."""

from exchange.errors import ExitCode
from tests.unit.nodes.test_contract_commands import run, run_json


def test_a_country_s_own_name_is_shown() -> None:
    code, out, _ = run("contract", "codes", "countries", "--party", "kg", language="ru")
    assert code == ExitCode.FINE
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("KG ")] == [["KG", "Кыргызстан"]]


def test_codes_carry_their_days() -> None:
    found = run_json("contract", "codes", "regions")[1]
    abai = next(one for one in found["codes"] if one["code"] == "KZ-10")
    assert (abai["name"], abai["parent"], abai["valid_from"], abai["valid_to"]) == (
        "Abai region",
        "KZ",
        "2022-06-08",
        None,
    )


def test_what_was_divided_is_shown_as_a_sum() -> None:
    code, out, _ = run("contract", "codes", "regions", "--before", "regions_2018")
    assert code == ExitCode.FINE
    assert [line.split() for line in out.splitlines()[2:5]] == [
        ["KZ-19", "KZ-19", "+", "KZ-33"],
        ["KZ-35", "KZ-35", "+", "KZ-62"],
        ["KZ-63", "KZ-10", "+", "KZ-63"],
    ]
    found = run_json("contract", "codes", "regions", "--before", "regions_2018")[1]
    assert found["comparable"][0] == {"before": ["KZ-19"], "after": ["KZ-19", "KZ-33"]}


def test_a_list_that_is_not_there_is_a_matter_of_usage() -> None:
    code, _, err = run("contract", "codes", "oblasts")
    assert code == ExitCode.USAGE
    assert "code list oblasts: none at hand has this name; at hand: age_bands, " in err
