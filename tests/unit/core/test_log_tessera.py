"""A log that nobody here wrote: Tessera's test log of 15 entries, with a checkpoint of every size."""

from pathlib import Path

import pytest

from exchange.log.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from exchange.log.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from exchange.log.note import SignatureKind, format_note, parse_vkey
from exchange.log.tiles import ENTRIES, Tile, format_tile_path, hash_reader, parse_entry_bundle
from exchange.log.tree import TreeState, entry_bundles_after
from tests.shared import shared
from tests.world.log_by_hand import root_of

# Source of the key: README.md beside the vectors (Tessera's testdata/build_log.sh).
VKEY = parse_vkey(
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx", kind=SignatureKind.LOG
)
SIZE = 15


@pytest.fixture
def log() -> Path:
    return shared("tlog-vectors/tessera-log/log")


def checkpoint_of(log: Path, size: int) -> Checkpoint:
    return open_checkpoint((log / f"checkpoint.{size}").read_bytes(), logs=[VKEY])


def entries_of(log: Path) -> list[bytes]:
    raw = (log / format_tile_path(Tile(ENTRIES, 0, SIZE))).read_bytes()
    return parse_entry_bundle(raw, width=SIZE)


def test_every_checkpoint_verifies_and_is_written_back_alike(log: Path) -> None:
    for size in range(SIZE + 1):
        raw = (log / f"checkpoint.{size}").read_bytes()
        assert checkpoint_of(log, size).size == size
        assert format_note(read_checkpoint(raw)[1]) == raw
    assert checkpoint_of(log, 0).root == EMPTY_ROOT


def test_every_checkpoint_is_the_root_of_its_entries(log: Path) -> None:
    leaves = [leaf_hash(entry) for entry in entries_of(log)]
    for size in range(SIZE + 1):
        assert checkpoint_of(log, size).root == root_of(leaves[:size])


def test_the_tiles_are_those_that_we_would_write(log: Path) -> None:
    entries = entries_of(log)
    state, edge = TreeState(), b""
    for size in range(SIZE):
        state, tiles = state.append([leaf_hash(entries[size])])
        bundles, edge = entry_bundles_after(size, edge, entries[size : size + 1])
        for path, content in (*tiles, *bundles):
            assert (log / path).read_bytes() == content
        assert state.root() == checkpoint_of(log, size + 1).root


def test_its_tiles_prove_every_entry_and_every_growth(log: Path) -> None:
    entries = entries_of(log)
    for size in range(1, SIZE + 1):
        read_hash = hash_reader(lambda tile: (log / format_tile_path(tile)).read_bytes(), size=size)
        root = checkpoint_of(log, size).root
        for index in range(size):
            proof = inclusion_proof(index, size, read_hash)
            leaf = leaf_hash(entries[index])
            verify_inclusion(leaf, index=index, size=size, path=proof, root=root, origin=VKEY.name)
        for old_size in range(size + 1):
            verify_consistency(
                old_size=old_size,
                old_root=checkpoint_of(log, old_size).root,
                new_size=size,
                new_root=root,
                proof=consistency_proof(old_size, size, read_hash),
                origin=VKEY.name,
            )
