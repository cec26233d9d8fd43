"""Anybody verifies a demo bundle offline; one changed bit anywhere and the right check refuses."""

import json
import random
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.stories.federation import Federation, verify

pytestmark = pytest.mark.story

FILES = (
    "datapackage.json",
    "data.csv",
    "disclosure.json",
    "clearance.json",
    "datapackage.jws",
    "publication.tlog-proof",
)


def unpacked(bundle: Path, to: Path) -> Path:
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(to)
    return to


def test_every_published_bundle_verifies_as_zip_and_as_folder(federation: Federation, tmp_path: Path) -> None:
    bundles = federation.bundles()
    assert len(bundles) == 16  # five states x three contracts, and GB
    for number, bundle in enumerate(bundles):
        assert verify(bundle, federation.home / "keys").code == 0, bundle
        assert verify(unpacked(bundle, tmp_path / str(number)), federation.home / "keys").code == 0, bundle


def test_a_bundle_has_exactly_its_six_files_in_the_one_legal_order(federation: Federation) -> None:
    for bundle in federation.bundles():
        with zipfile.ZipFile(bundle) as archive:
            assert tuple(archive.namelist()) == FILES
            assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
            assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_everything_under_the_home_that_looks_like_a_bundle_is_a_complete_one(federation: Federation) -> None:
    folders = [path.parent for path in federation.home.rglob("datapackage.json")]
    others = set(federation.home.rglob("*.zip")) - set(federation.bundles())  # which the test above verifies
    assert folders  # what the members pulled
    for folder in folders:
        assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    for path in (*folders[:5], *sorted(others)):
        assert verify(path, federation.home / "keys").code == 0, path


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_in_any_file_is_refused_by_name_of_the_check(
    federation: Federation, tmp_path: Path, name: str
) -> None:
    folder = unpacked(federation.bundles()[0], tmp_path / "bundle")
    intact = (folder / name).read_bytes()
    dice = random.Random(name)
    for _ in range(4):
        position, bit = dice.randrange(len(intact)), dice.randrange(8)
        changed = bytearray(intact)
        changed[position] ^= 1 << bit
        (folder / name).write_bytes(bytes(changed))
        ran = verify(folder, federation.home / "keys", "--json")
        assert ran.code == 3, (name, position, bit)
        report = json.loads(ran.out)
        assert report["failed"], (name, position, bit, report)
    (folder / name).write_bytes(intact)
    assert verify(folder, federation.home / "keys").code == 0


@pytest.mark.parametrize("stripped", [0, 1], ids=["Ed25519 stripped", "ML-DSA-65 stripped"])
def test_a_bundle_needs_both_signatures(federation: Federation, tmp_path: Path, stripped: int) -> None:
    folder = unpacked(federation.bundles()[0], tmp_path / "bundle")
    jws = json.loads((folder / "datapackage.jws").read_bytes())
    del jws["signatures"][stripped]
    (folder / "datapackage.jws").write_text(json.dumps(jws, separators=(",", ":"), sort_keys=True))
    ran = verify(folder, federation.home / "keys")
    assert ran.code == 3
    assert "signature" in (ran.out + ran.err).lower()


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(federation: Federation, tmp_path: Path, name: str) -> None:
    folder = unpacked(federation.bundles()[0], tmp_path / "bundle")
    (folder / name).unlink()
    assert verify(folder, federation.home / "keys").code == 3


def test_an_added_file_is_refused(federation: Federation, tmp_path: Path) -> None:
    folder = unpacked(federation.bundles()[0], tmp_path / "bundle")
    shutil.copyfile(folder / "data.csv", folder / "data-2.csv")
    ran = verify(folder, federation.home / "keys")
    assert ran.code == 3
    assert "data-2.csv" in ran.out + ran.err


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_result_is_one_sentence_for_each_check(federation: Federation, language: str) -> None:
    ran = verify(federation.bundles()[0], federation.home / "keys", "--lang", language)
    lines = [line for line in ran.out.splitlines() if line.strip()]
    assert len(lines) >= 10
    assert any("а" <= letter <= "я" for letter in ran.out) is (language == "ru")


def test_what_is_no_bundle_is_refused_without_a_traceback(federation: Federation, tmp_path: Path) -> None:
    (tmp_path / "noise.zip").write_bytes(b"PK\x03\x04 not a bundle")
    for path in (tmp_path / "noise.zip", tmp_path / "absent", tmp_path):
        assert verify(path, federation.home / "keys").code == 3
