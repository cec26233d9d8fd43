import io
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.bundle import difference, pack_handover, pack_zip, unpack_handover, unpack_zip
from exchange.bundle.floor import audit_floor
from exchange.bundle.opening import require_additive, require_withheld
from exchange.encoding import Digest
from exchange.errors import ExchangeError
from exchange.errors.bundle import (
    AdditivityError,
    BundleFilesError,
    BundleMismatchError,
    CellCountError,
    IntervalFloorError,
    WithheldKeysError,
    ZipFormError,
)
from exchange.flow.release import hand_over, take_over
from exchange.publication import BUNDLE_FILES
from exchange.report import parse_report
from exchange.sdmx.data import DataFile, parse_data
from exchange.table import CellKey, Observation, SafeTable
from tests.world.bundles import PERIOD, bundle_world

FILES = {name: name.encode() * (number + 1) for number, name in enumerate(BUNDLE_FILES)}
HANDED = {name: content for name, content in FILES.items() if name != "publication.tlog-proof"}


def _stdlib(
    names: tuple[str, ...] = BUNDLE_FILES,
    *,
    method: int = zipfile.ZIP_STORED,
    year: int = 1980,
    comment: bytes = b"",
    extra: bytes = b"",
) -> bytes:
    """The ZIP as Python's zipfile writes it on Unix."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.compress_type = method
            info.extra = extra
            archive.writestr(info, FILES[name])
        archive.comment = comment
    return stream.getvalue()


def test_the_zip_is_what_the_standard_librarys_plain_call_writes() -> None:
    assert pack_zip(FILES) == _stdlib()


def test_a_zip_unpacks_to_what_was_packed() -> None:
    assert unpack_zip(pack_zip(FILES)) == FILES
    assert unpack_handover(pack_handover(HANDED)) == HANDED


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: _stdlib(method=zipfile.ZIP_DEFLATED), id="compressed"),
        pytest.param(lambda: _stdlib(year=2026), id="another date"),
        pytest.param(lambda: _stdlib(comment=b"hello"), id="a comment"),
        pytest.param(lambda: _stdlib(extra=b"\x99\x99\x00\x00"), id="an extra field"),
        pytest.param(lambda: _stdlib(BUNDLE_FILES[::-1]), id="another order"),
        pytest.param(lambda: _stdlib(BUNDLE_FILES[:-1]), id="a file missing"),
        pytest.param(lambda: _stdlib((*BUNDLE_FILES, "data.csv")), id="a file twice"),
        pytest.param(lambda: b"x" + _stdlib(), id="a byte before"),
        pytest.param(lambda: _stdlib() + b"x", id="a byte behind"),
        pytest.param(lambda: _stdlib() + _stdlib(), id="two in one"),
        pytest.param(lambda: b"", id="nothing"),
        pytest.param(lambda: b"PK\x05\x06" + bytes(18), id="an empty archive"),
        pytest.param(lambda: pack_handover(HANDED), id="a hand-over, which has no proof"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")  # zipfile warns while it writes the attack
def test_any_other_zip_is_refused(other: Callable[[], bytes]) -> None:
    with pytest.raises(ZipFormError):
        unpack_zip(other())


def test_a_zip_with_one_bit_changed_anywhere_is_refused() -> None:
    whole = pack_zip(FILES)
    for bit in range(8 * len(whole)):
        raw = bytearray(whole)
        raw[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ZipFormError):
            unpack_zip(bytes(raw))


@settings(max_examples=200)
@given(st.binary(max_size=400) | st.binary(max_size=60).map(lambda tail: pack_zip(FILES)[:-60] + tail))
def test_any_bytes_are_unpacked_or_refused(raw: bytes) -> None:
    try:
        files = unpack_zip(raw)
    except ZipFormError:
        return
    assert pack_zip(files) == raw


def test_only_the_six_files_are_packed() -> None:
    with pytest.raises(BundleFilesError, match=r"missing data\.csv"):
        pack_zip({name: content for name, content in FILES.items() if name != "data.csv"})
    with pytest.raises(BundleFilesError, match=r"also notes\.txt"):
        pack_zip({**FILES, "notes.txt": b""})


def test_a_hand_over_is_named_by_its_bundle() -> None:
    name, raw = hand_over(HANDED)
    assert name == Digest.of(FILES["datapackage.json"]).hex + ".handover"
    assert take_over(name, raw) == HANDED
    with pytest.raises(BundleMismatchError):
        take_over(Digest.of(b"other").hex + ".handover", raw)
    with pytest.raises(ExchangeError):
        take_over("../../etc/passwd", raw)


# --- the table ---------------------------------------------------------------------------------------------------


def _published() -> DataFile:
    world = bundle_world()
    return parse_data(world.files["data.csv"], world.contract, provider="KZ", period=PERIOD)


def _with(table: SafeTable, key: CellKey, observation: Observation) -> SafeTable:
    return replace(table, rows={**table.rows, key: observation})


def _value(value: int | None, status: str = "A") -> Observation:
    return Observation(value=value, obs_status=status, conf_status="C" if status == "Q" else "N")


IN_UZ = ("IN", "UZ", "_T", "_T", "_T", "_T", "_T")
HIDDEN = ("IN", "TJ", "UZ", "_T", "_T", "_T", "_T")


def test_published_sums_add_up() -> None:
    world, table = bundle_world(), _published().table
    # Totals by hand from the invented register: 2,000 crossings in through KG and 1,436 through UZ.
    assert table.rows[("IN", "_T", "KG", "_T", "_T", "_T", "_T")].value == 812 + 640 + 455 + 27 + 66
    assert require_additive(table, world.contract) > 20
    with pytest.raises(AdditivityError) as refusal:
        require_additive(_with(table, IN_UZ, _value(1320)), world.contract)
    assert "1320" not in refusal.value.sentence()


def test_a_sum_with_an_unknown_part_is_not_checked() -> None:
    world, table = bundle_world(), _published().table
    checked = require_additive(table, world.contract)
    assert require_additive(_with(table, IN_UZ, _value(None, "O")), world.contract) < checked
    assert require_additive(table, world.contract, excluded=frozenset({IN_UZ})) < checked


def test_withheld_keys_are_those_of_the_report() -> None:
    report, data = parse_report(bundle_world().files["disclosure.json"]), _published()
    require_withheld(data, report)
    with pytest.raises(WithheldKeysError):
        require_withheld(replace(data, table=_with(data.table, HIDDEN, _value(141))), report)
    with pytest.raises(WithheldKeysError):
        require_withheld(replace(data, table=_with(data.table, IN_UZ, _value(None, "Q"))), report)
    with pytest.raises(WithheldKeysError):
        require_withheld(data, replace(report, excluded=(IN_UZ,)))
    with pytest.raises(CellCountError):
        require_withheld(data, replace(report, cells=report.cells + 1))


def test_withheld_cells_keep_the_contracts_floor() -> None:
    world, table = bundle_world(), _published().table
    assert audit_floor(table, world.contract) == 4


def test_a_withheld_cell_that_can_be_computed_breaks_the_floor() -> None:
    world, table = bundle_world(), _published().table
    # Of KG and TJ, through UZ and in all, one corner shown gives the other three by subtraction.
    shown = _with(table, HIDDEN, _value(141))
    with pytest.raises(IntervalFloorError) as refusal:
        audit_floor(shown, world.contract)
    assert refusal.value.facts == {"found": 3, "checked": 3}


def test_an_excluded_cell_is_as_unknown_as_a_withheld_one() -> None:
    world, table = bundle_world(), _published().table
    rows = {key: row for key, row in table.rows.items() if key != HIDDEN}
    barred = replace(table, rows=rows)
    with pytest.raises(IntervalFloorError):
        audit_floor(barred, world.contract)  # absent and not excluded: a published zero
    assert audit_floor(barred, world.contract, frozenset({HIDDEN})) == 4  # it keeps the floor too


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param(None, _value(3), "added", id="published for the first time"),
        pytest.param(_value(3), None, "removed", id="zero now"),
        pytest.param(_value(3), _value(4), "changed", id="another figure"),
        pytest.param(_value(3), _value(3, "P"), "changed", id="another status"),
        pytest.param(_value(3), _value(None, "Q"), "newly_withheld", id="withheld now"),
        pytest.param(None, _value(None, "Q"), "newly_withheld", id="withheld where a zero was published"),
        pytest.param(_value(None, "Q"), _value(3), "newly_unwithheld", id="shown now"),
        pytest.param(_value(None, "Q"), None, "newly_unwithheld", id="a zero shown where one was withheld"),
        pytest.param(_value(3), _value(3), None, id="as it was"),
        pytest.param(_value(None, "Q"), _value(None, "Q"), None, id="withheld as it was"),
    ],
)
def test_a_difference_says_what_happened_to_a_cell(
    before: Observation | None, after: Observation | None, found: str | None
) -> None:
    def table(row: Observation | None) -> SafeTable:
        rows: dict[CellKey, Observation] = {} if row is None else {IN_UZ: row}
        return SafeTable(provider="KZ", contract_id="CA-01-BORDER", period=PERIOD, rows=rows)

    names = ("added", "removed", "changed", "newly_withheld", "newly_unwithheld")
    compared = difference(table(before), table(after))
    assert {name for name in names if getattr(compared, name)} == ({found} if found else set())
    assert compared.empty == (found is None)


def test_without_an_earlier_release_everything_is_added_or_newly_withheld() -> None:
    compared = difference(None, _published().table)
    assert len(compared.newly_withheld) == 4
    assert len(compared.added) == len(_published().table.rows) - 4
