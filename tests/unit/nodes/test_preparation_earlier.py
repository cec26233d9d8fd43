"""`exchange bundle build --earlier-mapping`: a period released under other age groups, through the command."""

import io
import shutil
from pathlib import Path

import pytest

from exchange.contract.model import TOTAL, DataContract
from exchange.contract.parse import parse_contract
from exchange.encoding import Digest
from exchange.errors import ExitCode
from exchange.flow.candidate import CandidateFiles, open_candidate
from exchange.sdmx.data import parse_data
from exchange.signing.keys import KeyPurpose
from exchange.statement import sign_statement
from exchange.table import CellKey
from nodes.adapters.contract_folder import keep_statement
from nodes.adapters.key_files import read_hybrid_signer
from nodes.adapters.ledger_file import LedgerRelease, write_ledger
from nodes.cli.main import main
from nodes.demo.federation import found
from nodes.terminal import Output
from tests.unit.nodes.test_preparation_build import AT, COUNTS, MAPPING, PERIOD
from tests.world.clock import StillClock
from tests.world.contracts import CONTRACTS, codelists, contract, contract_raw

BEFORE = contract("CA-07-EXPULSIONS-BANS", "1.1.0")
AGES = CONTRACTS / "codelists" / "age_child_adult.csv"
MINIMUM = BEFORE.disclosure.contributors_min
NEW_CODES = {"Y_LT18": "Y_LT16", "Y_GE18": "Y_GE16", "Y14T17": "Y14T15", "Y18T34": "Y16T34"}
"""Whoever is 16 or 17 was a child, and is an adult now."""

FEW = 30
"""Groups of the register of the other tests that have fewer are left out: nothing else is small here."""

SIXTEEN = {("KG", "READM", "M"): 3, ("TJ", "SELF_DEP", "F"): 60}
"""Persons of 16 or 17: of the first group a few, of the second many."""


def renamed(text: str) -> str:
    for old, new in NEW_CODES.items():
        text = text.replace(old, new)
    return text


def after() -> tuple[DataContract, bytes, bytes]:
    """The next version of the contract, its bytes and those of its list of ages."""
    ages = renamed(AGES.read_text(encoding="utf-8")).encode()
    raw = renamed(contract_raw(BEFORE.id, "1.1.0").decode())
    raw = raw.replace("version: 1.1.0", "version: 1.2.0").replace("id: age_child_adult", "id: age_from_16")
    raw = raw.replace(str(Digest.of(AGES.read_bytes())), str(Digest.of(ages)))
    return parse_contract(raw.encode(), codelists={**codelists(), Digest.of(ages): ages}), raw.encode(), ages


class Ministry:
    """KZ's node, its register and the command."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._federation = found(home, ports=list(range(8101, 8108)), clock=StillClock(AT))
        self.sign(BEFORE)
        lines = [
            f"{PERIOD},{citizenship},{kind},{sex},{age},{NEW_CODES.get(age, age)}\n" * count
            for (citizenship, kind, sex, age), count in COUNTS.items()
            if count >= FEW
        ]
        lines += [f"{PERIOD},{','.join(group)},Y14T17,Y16T34\n" * count for group, count in SIXTEEN.items()]
        (home / "register.csv").write_text("quarter,citizenship,type,sex,age,age16\n" + "".join(lines))
        (home / "OLD.toml").write_text(MAPPING, encoding="utf-8")
        (home / "NEW.toml").write_text(MAPPING.replace('"age"', '"age16"'), encoding="utf-8")

    def sign(self, agreed: DataContract) -> None:
        for party in agreed.members():
            private = self._federation.nodes[party].private
            signer = read_hybrid_signer(private, KeyPurpose.CONTRACT, passphrase=None, demo=True)
            said = sign_statement(
                type="contract.signed", contract=agreed.digest, party=party, at=AT, effective=AT, signer=signer
            )
            keep_statement(self._federation.nodes["KZ"].contracts, agreed, said)

    def amend(self) -> None:
        agreed, raw, ages = after()
        contracts = self._federation.nodes["KZ"].contracts
        (contracts / agreed.id / agreed.version).mkdir(parents=True)
        (contracts / agreed.id / agreed.version / "contract.odcs.yaml").write_bytes(raw)
        (contracts / "codelists" / "age_from_16.csv").write_bytes(ages)
        self.sign(agreed)

    def build(self, mapping: str, *more: str) -> tuple[int, CandidateFiles | None]:
        home, output = self.home, Output(json=False, language="en", out=io.StringIO(), err=io.StringIO())
        words = ["bundle", "build", "ca-07", PERIOD, "--from", str(home / "register.csv"), "--mapping"]
        arguments = ["--home", str(home), "--node", "kz", *words, str(home / mapping), *more]
        code = main(arguments, clock=StillClock(AT), output=output)
        folders = list((home / "kz" / "work").glob("candidates/*"))
        files = {file.name: file.read_bytes() for folder in folders for file in folder.iterdir()}
        shutil.rmtree(home / "kz" / "work")
        return code, open_candidate(files) if files else None

    def release(self, files: CandidateFiles, agreed: DataContract) -> None:
        released = LedgerRelease(
            bundle=Digest.of(b"first"),
            contract=files.candidate.contract,
            linkage_group=agreed.disclosure.linkage_group,
            provider="KZ",
            period=PERIOD,
            recipients=files.candidate.recipients,
            revision=0,
            data=files.candidate.data,
        )
        write_ledger(self.home / "kz" / "desk" / "ledger", (released,), tables={files.candidate.data: files.data})


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Ministry:
    return Ministry(tmp_path_factory.mktemp("home"))


def shown(files: CandidateFiles, agreed: DataContract) -> dict[CellKey, int]:
    rows = parse_data(files.data, agreed, provider="KZ", period=PERIOD).table.rows
    return {key: row.value for key, row in rows.items() if row.value is not None}


def test_with_the_earlier_mapping_a_moved_age_is_built_and_the_few_who_changed_sides_are_in_no_difference(
    ministry: Ministry,
) -> None:
    code, first = ministry.build("OLD.toml")
    assert code == ExitCode.FINE
    assert first is not None
    agreed, _, _ = after()
    ministry.amend()
    ministry.release(first, BEFORE)
    assert ministry.build("NEW.toml") == (ExitCode.DISCLOSURE_BLOCKS, None)
    code, second = ministry.build("NEW.toml", "--earlier-mapping", str(ministry.home / "OLD.toml"))
    assert code == ExitCode.FINE
    assert second is not None
    few = {("LEFT", "KG", "FORCED", TOTAL, age) for age in ("Y_LT18", "Y_GE18")}
    assert few <= shown(first, BEFORE).keys()
    assert {tuple(NEW_CODES.get(code, code) for code in key) for key in few}.isdisjoint(shown(second, agreed))
    assert not _small_differences(shown(first, BEFORE), shown(second, agreed))


def _small_differences(then: dict[CellKey, int], now: dict[CellKey, int]) -> set[CellKey]:
    """Cells of children or adults, shown both times, between whose figures are fewer persons than the minimum."""
    found = set()
    for key, figure in then.items():
        there = tuple(NEW_CODES.get(code, code) for code in key)
        if there != key and 0 < abs(figure - now.get(there, figure)) < MINIMUM:
            found.add(key)
    return found
