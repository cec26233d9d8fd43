"""Files and folders appear whole under their names, or not at all."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from nodes.adapters.durable import write_durably, write_folder_durably, write_whole


class HalfReadable(Mapping[str, bytes]):
    """Files of which the second cannot be had."""

    def __getitem__(self, name: str) -> bytes:
        if name == "b":
            raise OSError(28, "No space left on device")
        return b"whole"

    def __iter__(self) -> Iterator[str]:
        return iter("ab")

    def __len__(self) -> int:
        return 2


def listed(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    write_durably(tmp_path / "x" / "y", b"1")
    write_durably(tmp_path / "x" / "y", b"2")
    assert (tmp_path / "x" / "y").read_bytes() == b"2"
    assert listed(tmp_path) == ["x", "x/y"]


def test_a_file_that_cannot_take_its_name_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError):
        write_durably(tmp_path / "taken", b"1")
    assert listed(tmp_path) == ["taken"]


def test_a_folder_replaces_an_older_one_whole(tmp_path: Path) -> None:
    write_folder_durably(tmp_path / "f", {"a": b"1", "b": b"2"})
    write_folder_durably(tmp_path / "f", {"a": b"3"})
    assert listed(tmp_path) == ["f", "f/a"]
    assert (tmp_path / "f" / "a").read_bytes() == b"3"


def test_a_folder_that_breaks_off_leaves_the_older_one(tmp_path: Path) -> None:
    write_folder_durably(tmp_path / "f", {"a": b"1"})
    with pytest.raises(OSError, match="No space left"):
        write_folder_durably(tmp_path / "f", HalfReadable())
    assert listed(tmp_path) == ["f", "f/a"]
    assert (tmp_path / "f" / "a").read_bytes() == b"1"


def test_what_a_crash_left_of_a_sole_writer_is_overwritten_by_the_next_attempt(tmp_path: Path) -> None:
    (tmp_path / "f.writing").write_bytes(b"a longer half of what was to be")
    write_durably(tmp_path / "f", b"1", sole=True)
    assert listed(tmp_path) == ["f"]
    assert (tmp_path / "f").read_bytes() == b"1"


def test_a_file_that_others_write_too_is_written_under_a_name_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "f.writing").write_bytes(b"another's")
    write_durably(tmp_path / "f", b"1")
    assert (tmp_path / "f").read_bytes() == b"1"
    assert (tmp_path / "f.writing").read_bytes() == b"another's"


def test_of_several_files_none_has_its_name_before_all_are_written(tmp_path: Path) -> None:
    (tmp_path / "second").write_bytes(b"a file where a folder must be")
    with pytest.raises(OSError, match="second"):
        write_whole([(tmp_path / "first", b"1"), (tmp_path / "second" / "file", b"2")])
    assert listed(tmp_path) == ["second"]
