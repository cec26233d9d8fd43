"""Figures of others that a candidate is audited with: pulled mirrors and public statistics."""

from pathlib import Path

import pytest

from exchange.contract.model import TOTAL
from exchange.errors.bundle import ResourceDigestError
from exchange.errors.preparation import OutsideFigureError
from nodes.adapters.other_figures import read_mirrors, read_outside
from tests.world.bundles import PERIOD, BundleWorld, bundle_world

HEADER = "DIRECTION,CITIZENSHIP,COUNTERPART,BORDER_REGION,MODE,SEX,AGE,TIME_PERIOD,OBS_VALUE"
ROW = f"IN,KG,KG,_T,_T,_T,_T,{PERIOD},1907"


@pytest.fixture
def world() -> BundleWorld:
    return bundle_world()


class TestMirrors:
    """KG reads what it pulled from KZ."""

    def test_what_was_pulled_of_the_mirror_is_a_release_of_the_counterpart(
        self, world: BundleWorld, tmp_path: Path
    ) -> None:
        _pulled(tmp_path, world.files)
        (found,) = _mirrors(world, tmp_path, PERIOD)
        assert (found.table.provider, found.contract.id, found.revision) == ("KZ", "CA-01-BORDER", 0)
        assert found.table.withheld_keys()
        assert "KG" in found.recipients

    def test_other_periods_and_the_own_bundles_are_left_alone(self, world: BundleWorld, tmp_path: Path) -> None:
        _pulled(tmp_path, world.files)
        assert _mirrors(world, tmp_path, "2026-08") == ()
        assert len(_mirrors(world, tmp_path, "2026-Q3")) == 1
        assert _mirrors(world, tmp_path, PERIOD, member="KZ") == ()

    def test_a_pulled_bundle_that_was_altered_since_stops_the_build(self, world: BundleWorld, tmp_path: Path) -> None:
        data = world.files["data.csv"]
        _pulled(tmp_path, {**world.files, "data.csv": data.replace(b",A,N,", b",E,N,", 1)})
        with pytest.raises(ResourceDigestError):
            _mirrors(world, tmp_path, PERIOD)


class TestOutside:
    """A file of a national statistical office."""

    def test_rows_of_the_contracts_cells_are_known_figures(self, world: BundleWorld, tmp_path: Path) -> None:
        other = "IN,KG,KG,KZ-75,_T,_T,_T,2026-09,812"  # the contract has no table of citizenship by region
        _laid_down(tmp_path, HEADER, ROW, other, ROW.replace(PERIOD, "2026-08"))
        (found,) = read_outside(tmp_path, world.contract, period=PERIOD)
        assert (found.source, found.period) == (f"yearbook {PERIOD}", PERIOD)
        assert found.cells == {("IN", "KG", "KG", TOTAL, TOTAL, TOTAL, TOTAL): 1907}

    def test_without_a_file_nothing_is_known(self, world: BundleWorld, tmp_path: Path) -> None:
        assert read_outside(tmp_path, world.contract, period=PERIOD) == ()

    @pytest.mark.parametrize(
        ("lines", "line"),
        [
            pytest.param([HEADER.replace("SEX", "GENDER"), ROW], 1, id="another column"),
            pytest.param([HEADER, ROW + ",1"], 2, id="a field too many"),
            pytest.param([HEADER, ROW.replace("KG", "QQ", 1)], 2, id="an unknown code"),
            pytest.param([HEADER, ROW.replace("IN", "_T", 1)], 2, id="a total of what is never summed"),
            pytest.param([HEADER, ROW.replace(PERIOD, "Sept")], 2, id="another spelling of the period"),
            pytest.param([HEADER, ROW.replace("1907", "1 907")], 2, id="another spelling of the number"),
            pytest.param([HEADER, ROW.replace("1907", "-3")], 2, id="a negative number"),
            pytest.param([HEADER, ROW, ROW], 3, id="a cell twice"),
        ],
    )
    def test_any_other_form_is_refused_by_its_line(
        self, world: BundleWorld, tmp_path: Path, lines: list[str], line: int
    ) -> None:
        _laid_down(tmp_path, *lines)
        with pytest.raises(OutsideFigureError) as refusal:
            read_outside(tmp_path, world.contract, period=PERIOD)
        assert refusal.value.facts["line"] == line
        assert "1907" not in refusal.value.sentence()


def _mirrors(world: BundleWorld, pulled: Path, period: str, *, member: str = "KG") -> tuple[object, ...]:
    return read_mirrors(pulled, world.contract, member=member, period=period, trust=world.trust, shelf=world.shelf)


def _pulled(folder: Path, files: dict[str, bytes]) -> None:
    place = folder / "KZ" / "CA-01-BORDER" / f"{PERIOD}-r0-0123456789abcdef"
    place.mkdir(parents=True)
    for name, content in files.items():
        (place / name).write_bytes(content)


def _laid_down(folder: Path, *lines: str) -> None:
    place = folder / "CA-01-BORDER"
    place.mkdir(parents=True)
    (place / "yearbook.csv").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
