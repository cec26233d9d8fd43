"""The project's own contracts and code lists, read once a test session."""

from functools import cache
from pathlib import Path

from exchange.contract.model import DataContract
from exchange.contract.parse import parse_contract
from exchange.encoding import Digest

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
NAMES = (
    ("CA-01-BORDER", "1.0.0"),
    ("CA-02-REFUSED", "1.0.0"),
    ("CA-03-RESIDENCE-REG", "1.0.0"),
    ("CA-04-DEREG", "1.0.0"),
    ("CA-05-WORK-PERMITS", "1.0.0"),
    ("CA-06-LABOUR-EMIG", "1.0.0"),
    ("CA-07-EXPULSIONS-BANS", "1.0.0"),
    ("CA-07-EXPULSIONS-BANS", "1.1.0"),
    ("CA-07-EXPULSIONS-BANS", "2.0.0"),
    ("CA-08-RETURNEES", "1.0.0"),
    ("CA-09-IRREGULAR", "1.0.0"),
    ("CA-10-TRAFFICKING", "1.0.0"),
    ("CA-11-REMITTANCES", "1.0.0"),
    ("CA-12-ASYLUM", "1.0.0"),
)


@cache
def codelists() -> dict[Digest, bytes]:
    raws = [file.read_bytes() for file in sorted((CONTRACTS / "codelists").glob("*.csv"))]
    return {Digest.of(raw): raw for raw in raws}


@cache
def contract_raw(contract_id: str, version: str = "1.0.0") -> bytes:
    return (CONTRACTS / contract_id / version / "contract.odcs.yaml").read_bytes()


@cache
def contract(contract_id: str, version: str = "1.0.0") -> DataContract:
    return parse_contract(contract_raw(contract_id, version), codelists=codelists())
