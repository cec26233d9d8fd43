"""Reads one log folder with PyPI's aics-tlog, an independent C2SP implementation; prints the size or fails.

Run by its own interpreter, which has that package and none of ours: `read_log.py LOG_FOLDER VKEY_FILE [CHECKPOINT]`.
"""

import sys
from pathlib import Path

from aics_tlog.checkpoint import checkpoint_from_note, verify_checkpoint
from aics_tlog.note import parse_note, parse_vkey
from aics_tlog.tiles import (
    TILE_ENTRIES,
    FileSystemTileReader,
    parse_entry_bundle,
    tile_width_at,
    tree_root_from_tiles,
)
from aics_tlog.tree import MerkleTree


def main(log: Path, vkey: Path, signed: Path) -> int:
    key = parse_vkey(vkey.read_text(encoding="ascii").strip())
    note = parse_note(signed.read_bytes())
    result = verify_checkpoint(note, key, expected_origin=key.name)
    if not result.log_ok:
        raise SystemExit(f"the checkpoint does not verify: {result.error}")
    checkpoint, _ = checkpoint_from_note(note)
    reader = FileSystemTileReader(log)
    # This reader asks for a tile even in an empty log (RFC 6962 §2.1 names its root).
    if checkpoint.size and tree_root_from_tiles(reader, checkpoint.size) != checkpoint.root:
        raise SystemExit("the hash tiles do not give the checkpoint's root")
    leaves = []
    for bundle in range(-(-checkpoint.size // TILE_ENTRIES)):
        raw = reader.read_entry_bundle(bundle, tile_width_at(checkpoint.size, 0, bundle))
        leaves += parse_entry_bundle(raw)
    if MerkleTree(leaves).root() != checkpoint.root:
        raise SystemExit("the entries do not give the checkpoint's root")
    print(checkpoint.size)
    return 0


if __name__ == "__main__":
    log = Path(sys.argv[1])
    sys.exit(main(log, Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else log / "checkpoint"))
