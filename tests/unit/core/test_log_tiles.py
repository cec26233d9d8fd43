"""Tiles and the growing tree: exact paths and bytes, however the log grew."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors.log import (
    EntryBundleError,
    LeafIndexError,
    LogError,
    TileBytesError,
    TilePathError,
    TreeRootError,
)
from exchange.log.merkle import consistency_proof, leaf_hash, verify_consistency, verify_inclusion
from exchange.log.tiles import (
    ENTRIES,
    Tile,
    format_entry_bundle,
    format_tile_path,
    hash_reader,
    parse_entry_bundle,
    parse_hash_tile,
    parse_tile_path,
    tile_at,
    tiles_between,
)
from exchange.log.tree import TreeState, edge_widths, entry_bundles_after
from tests.unit.core.log_samples import ORIGIN, SampleLog
from tests.world.log_by_hand import root_of

BIG = SampleLog(66_000)


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        pytest.param("tile/0/x001/x234/067", Tile(0, 1_234_067), id="the index 1234067 of tlog-tiles"),
        pytest.param("tile/0/x001/x000/x000/000", Tile(0, 1_000_000_000), id="four groups of digits"),
        pytest.param("tile/0/x009/x223/x372/x036/x854/x775/807", Tile(0, 2**63 - 1), id="the largest index"),
        pytest.param("tile/0/000.p/1", Tile(0, 0, 1), id="the first entry alone"),
        pytest.param("tile/63/999", Tile(63, 999), id="the highest level"),
        pytest.param("tile/entries/x001/000.p/255", Tile(ENTRIES, 1000, 255), id="a partial entry bundle"),
    ],
)
def test_a_tile_has_the_path_that_tlog_tiles_gives_it(path: str, tile: Tile) -> None:
    assert format_tile_path(tile) == path
    assert parse_tile_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("tile/00/000", id="a level with a leading zero"),
        pytest.param("tile/64/000", id="a level beyond 63"),
        pytest.param("tile/-1/000", id="a negative level"),
        pytest.param("tile/0/0", id="an index of one digit"),
        pytest.param("tile/0/x000/001", id="a leading group of zeroes"),
        pytest.param("tile/0/001/002", id="a group without its x"),
        pytest.param("tile/0/x001", id="no last group"),
        pytest.param("tile/0/000.p/0", id="an empty tile"),
        pytest.param("tile/0/000.p/256", id="a full tile as a partial one"),
        pytest.param("tile/0/000.p/01", id="a width with a leading zero"),
        pytest.param("tile/0/000/", id="a slash at the end"),
        pytest.param("tile/0/000\n", id="a newline at the end"),
        pytest.param("tile/0/٠٠٠", id="digits of another script"),
        pytest.param("tile/data/000", id="another kind of tile"),
        pytest.param("../tile/0/000", id="a way out of the folder"),
        pytest.param("tile/0/" + "x999/" * 20 + "999", id="an index beyond an int64"),
    ],
)
def test_any_other_spelling_of_a_tile_path_is_refused(path: str) -> None:
    with pytest.raises(TilePathError):
        parse_tile_path(path)


@given(st.text(alphabet="tile/0123x.p-entrs\n", max_size=30))
@settings(max_examples=150)
def test_a_tile_path_that_parses_is_written_back_alike(path: str) -> None:
    try:
        tile = parse_tile_path(path)
    except TilePathError:
        return
    assert format_tile_path(tile) == path


def test_a_log_of_70_000_has_the_tiles_that_tlog_tiles_counts() -> None:
    tiles = [tile for tile in tiles_between(0, 70_000) if tile.level != ENTRIES]
    assert Counter((tile.level, tile.width) for tile in tiles) == {
        (0, 256): 273,
        (0, 112): 1,
        (1, 256): 1,
        (1, 17): 1,
        (2, 1): 1,
    }


def test_a_log_of_256_has_a_full_tile_and_one_hash_above_it() -> None:
    assert set(tiles_between(0, 256)) == {Tile(ENTRIES, 0), Tile(0, 0), Tile(1, 0, 1)}
    assert edge_widths(256) == [0, 1]


def test_nothing_is_to_be_written_for_the_same_size() -> None:
    assert list(tiles_between(300, 300)) == []
    assert TreeState().append([]) == (TreeState(), ())
    assert entry_bundles_after(300, b"the bundle as it is", []) == ((), b"the bundle as it is")


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537])
def test_the_root_of_a_grown_tree_is_that_of_its_leaves(size: int) -> None:
    leaves = [leaf_hash(entry) for entry in BIG.entries[:size]]
    assert TreeState().append(leaves)[0].root() == root_of(leaves)


@given(st.lists(st.integers(0, 700), min_size=1, max_size=6))
@settings(max_examples=25)
def test_a_log_has_the_same_tiles_however_it_grew(batches: list[int]) -> None:
    sizes, edge = [0], b""
    for batch in batches:
        sizes.append(sizes[-1] + batch)
    grown = TreeState()
    files: dict[str, bytes] = {}
    for old, new in pairwise(sizes):
        grown, tiles = grown.append([leaf_hash(entry) for entry in BIG.entries[old:new]])
        bundles, edge = entry_bundles_after(old, edge, BIG.entries[old:new])
        assert edge == format_entry_bundle(BIG.entries[new - new % 256 : new])
        written = {**dict(tiles), **dict(bundles)}
        assert written.keys() == {format_tile_path(tile) for tile in tiles_between(old, new)}
        files |= written
    size = sizes[-1]
    assert grown == TreeState().append([leaf_hash(entry) for entry in BIG.entries[:size]])[0]
    assert grown == TreeState.from_edge(size, grown.edge)
    restored = TreeState.from_tiles(size, lambda tile: files[format_tile_path(tile)], root=grown.root(), origin=ORIGIN)
    assert restored == grown


def test_a_state_is_not_restored_from_tiles_that_lead_elsewhere() -> None:
    small = SampleLog(300)
    with pytest.raises(TreeRootError):
        TreeState.from_tiles(300, small.read_tile, root=BIG.state.root(), origin=ORIGIN)
    with pytest.raises(TileBytesError):
        TreeState.from_tiles(300, lambda _: b"\0" * 31, root=small.state.root(), origin=ORIGIN)
    with pytest.raises(TileBytesError):
        TreeState.from_edge(301, small.state.edge)


@given(st.integers(0, 65_999), st.integers(0, 66_000))
@settings(max_examples=25)
def test_proofs_out_of_tiles_verify(index: int, old_size: int) -> None:
    proof = BIG.proof(index, BIG.note(1))
    root = BIG.state.root()
    leaf = leaf_hash(BIG.entries[index])
    verify_inclusion(leaf, index=index, size=66_000, path=proof.path, root=root, origin=ORIGIN)
    verify_consistency(
        old_size=old_size,
        old_root=BIG.root(old_size),
        new_size=66_000,
        new_root=root,
        proof=consistency_proof(old_size, 66_000, BIG.read_hash),
        origin=ORIGIN,
    )


def test_a_full_tile_serves_where_the_partial_one_has_been_removed() -> None:
    read_hash = hash_reader(lambda tile: BIG.files[format_tile_path(Tile(tile.level, tile.index))], size=300)
    assert [read_hash(0, index) for index in range(300)] == [leaf_hash(entry) for entry in BIG.entries[:300]]


@pytest.mark.parametrize(
    ("level", "index"),
    [
        pytest.param(0, 300, id="a leaf beyond the size"),
        pytest.param(0, -1, id="a negative index"),
        pytest.param(5, 9, id="a subtree that is not complete"),
        pytest.param(9, 0, id="a subtree larger than the tree"),
    ],
)
def test_a_hash_that_the_tree_has_not_is_refused(level: int, index: int) -> None:
    read_hash = hash_reader(BIG.read_tile, size=300)
    with pytest.raises(LeafIndexError):
        read_hash(level, index)


def test_a_tile_beyond_the_log_does_not_exist() -> None:
    assert tile_at(0, 1, size=300) == Tile(0, 1, 44)
    for index in (-1, 2):
        with pytest.raises(LeafIndexError):
            tile_at(0, index, size=300)
    with pytest.raises(LeafIndexError):
        tile_at(0, 1, size=256)  # the next tile, which is empty
    with pytest.raises(LeafIndexError) as refused:
        tile_at(0, 0, size=0)
    assert refused.value.facts["origin"] == "tile/0/000"


def test_a_tile_begins_256_hashes_after_the_one_before() -> None:
    assert (Tile(0, 0).start, Tile(0, 3).start, Tile(1, 2).start) == (0, 768, 512)


def test_of_the_tiles_last_used_sixty_four_are_not_asked_for_again() -> None:
    asked: Counter[int] = Counter()

    def read(tile: Tile) -> bytes:
        asked[tile.index] += 1
        return BIG.read_tile(tile)

    read_hash = hash_reader(read, size=66_000)
    for index in (*range(64), 0, 64, 0, 1):
        read_hash(0, index * 256)
    # The sixty-fifth took the place of the one that was longest unused: tile 1, since tile 0 was used again.
    assert {index: count for index, count in asked.items() if count != 1} == {1: 2}


def test_the_tree_is_not_taken_up_from_a_tile_that_is_too_long() -> None:
    def read(tile: Tile) -> bytes:
        return BIG.read_tile(tile) + bytes(32)

    with pytest.raises(TileBytesError):
        TreeState.from_tiles(66_000, read, root=BIG.state.root(), origin=ORIGIN)


@pytest.mark.parametrize("length", [0, 31, 33, 64 * 32 - 1, 65 * 32, 256 * 32 + 32])
def test_a_tile_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(TileBytesError):
        parse_hash_tile(b"\0" * length, width=64)


@given(st.lists(st.binary(max_size=300), max_size=8))
@settings(max_examples=50)
def test_an_entry_bundle_is_read_back_as_written(entries: list[bytes]) -> None:
    assert parse_entry_bundle(format_entry_bundle(entries), width=len(entries)) == entries


@pytest.mark.parametrize(
    ("raw", "width", "entry"),
    [
        pytest.param(b"\x00\x01a\x00", 2, 1, id="a length cut short"),
        pytest.param(b"\x00\x01a\x00\x02b", 2, 1, id="an entry cut short"),
        pytest.param(b"", 1, 0, id="nothing"),
        pytest.param(b"\x00\x01a\x00\x01b", 1, 1, id="one entry too many"),
        pytest.param(b"\x00\x01a\x00", 1, 1, id="one byte too many"),
    ],
)
def test_an_entry_bundle_with_anything_else_is_refused(raw: bytes, width: int, entry: int) -> None:
    with pytest.raises(EntryBundleError) as refused:
        parse_entry_bundle(raw, width=width)
    assert refused.value.facts["entry"] == entry
    assert isinstance(refused.value, LogError)
