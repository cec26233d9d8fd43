"""CA-12 with fewer countries, and an invented register of KZ under it: who may not see what is barred from whom.

TM's citizens are not listed apart, so TM gets the canonical release; KG, TJ and UZ each get one without their own.
"""

from exchange.contract.model import DataContract
from exchange.contract.parse import parse_contract
from tests.world.contracts import codelists, contract_raw

PERIOD = "2025"
LISTED = ("AF", "KG", "TJ", "UZ", "PK", "XU")
MAPPING = f"""v = 1
contract = "CA-12-ASYLUM"
title = "INVENTED"
[period]
whole_extract = "{PERIOD}"
[dimensions]
MEASURE = {{ column = "measure" }}
CITIZENSHIP = {{ column = "citizenship" }}
STAGE = {{ column = "stage" }}
OUTCOME = {{ column = "outcome" }}
SEX = {{ column = "sex" }}
AGE = {{ column = "age" }}
[contributors]
person = {{ each_row = true }}
"""

# measure, citizenship, stage, outcome: persons. SY is counted in the rest, XU. Nobody from UZ is decided: a zero that
# UZ must not learn either.
PERSONS: dict[tuple[str, str, str, str], int] = {
    ("APP", "AF", "", ""): 120,
    ("APP", "KG", "", ""): 44,
    ("APP", "TJ", "", ""): 61,
    ("APP", "UZ", "", ""): 58,
    ("APP", "PK", "", ""): 73,
    ("APP", "SY", "", ""): 50,
    ("DEC", "AF", "FI", "REF"): 48,
    ("DEC", "AF", "FI", "REJ"): 52,
    ("DEC", "AF", "AR", "CLOSED"): 40,
    ("DEC", "KG", "FI", "REJ"): 41,
    ("DEC", "KG", "JR", "REF"): 26,
    ("DEC", "KG", "FI", "CLOSED"): 33,
    ("DEC", "TJ", "AR", "REJ"): 57,
    ("DEC", "TJ", "JR", "TEMP"): 29,
    ("DEC", "TJ", "AR", "CLOSED"): 35,
    ("DEC", "PK", "FI", "REJ"): 66,
    ("DEC", "PK", "FI", "TEMP"): 45,
    ("DEC", "PK", "JR", "CLOSED"): 38,
    ("DEC", "SY", "JR", "REJ"): 51,
    ("PEND", "AF", "", ""): 91,
    ("PEND", "KG", "", ""): 37,
    ("PEND", "TJ", "", ""): 47,
    ("PEND", "PK", "", ""): 62,
    ("PEND", "SY", "", ""): 55,
}


def asylum_contract() -> DataContract:
    """CA-12 whose tables by citizenship list these countries and put the others into one code."""
    text = contract_raw("CA-12-ASYLUM").decode()
    whole = next(line.strip() for line in text.splitlines() if line.strip().startswith("codes: [KZ, KG"))
    assert text.count(whole) == 2
    return parse_contract(text.replace(whole, f"codes: [{', '.join(LISTED)}]").encode(), codelists=codelists())


def register_csv() -> str:
    """One row a person; sex and age go round, so that both have figures above the minimum."""
    lines = ["measure,citizenship,stage,outcome,sex,age"]
    for number, (group, persons) in enumerate(PERSONS.items()):
        for person in range(persons):
            sex = ("M", "F")[(person + number) % 2]
            age = ("Y_LT14", "Y18T34", "Y35T64")[(person + number) % 3]
            lines.append(",".join((*group, sex, age)))
    return "\n".join(lines) + "\n"
