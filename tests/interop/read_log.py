"""Reads one log folder with PyPI's aics-tlog, an independent C2SP implementation; prints the size or fails.

Run by its own interpreter, which has that package and none of ours: `read_log.py LOG_FOLDER VKEY_FILE`.
"""

import sys
from pathlib import Path

from aics_tlog.checkpoint import checkpoint_from_note, verify_checkpoint
from aics_tlog.note import parse_note, parse_vkey
from aics_tlog.tiles import FileSystemTileReader, read_entry, tree_root_from_tiles
from aics_tlog.tree import MerkleTree


def main(log: Path, vkey: Path) -> int:
    key = parse_vkey(vkey.read_text(encoding="ascii").strip())
    note = parse_note((log / "checkpoint").read_bytes())
    result = verify_checkpoint(note, key, expected_origin=key.name)
    if not result.log_ok:
        raise SystemExit(f"the checkpoint does not verify: {result.error}")
    checkpoint, _ = checkpoint_from_note(note)
    reader = FileSystemTileReader(log)
    if tree_root_from_tiles(reader, checkpoint.size) != checkpoint.root:
        raise SystemExit("the hash tiles do not give the checkpoint's root")
    leaves = [read_entry(reader, index, checkpoint.size) for index in range(checkpoint.size)]
    if MerkleTree(leaves).root() != checkpoint.root:
        raise SystemExit("the entries do not give the checkpoint's root")
    print(checkpoint.size)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
