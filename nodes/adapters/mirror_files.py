"""A copy of another member's log, whole: entries, hash tiles and the newest checkpoint a quorum cosigned (decision 50).

Laid out as C2SP tlog-tiles, so that any reader of a log reads the copy. It only ever grows, and only by entries whose
tree leads from what is kept to a cosigned root.
"""

from collections.abc import Sequence
from pathlib import Path

from exchange.errors.log import LogError, TreeRootError
from exchange.log.merkle import leaf_hash
from exchange.log.policy import CosignedCheckpoint, WitnessPolicy
from exchange.log.tiles import (
    ENTRIES,
    TILE_WIDTH,
    Tile,
    format_entry_bundle,
    format_tile_path,
    parse_entry_bundle,
    tile_at,
)
from exchange.log.tree import TreeState, entry_bundles_after
from nodes.adapters.tile_files import TileFiles


class MirroredLog:
    """One log's copy in a folder; one process writes it."""

    def __init__(self, folder: Path, *, origin: str) -> None:
        self._origin = origin
        self.files = TileFiles(folder)
        self._state: TreeState | None = None

    def size(self, policy: WitnessPolicy) -> int:
        """How many entries are kept; 0 where the copy cannot be read, so that it is fetched again."""
        if self._state is None:
            self._state = self._read(policy)
        return self._state.size

    def extend(self, entries: Sequence[bytes], seen: CosignedCheckpoint, note: bytes) -> None:
        """Keep the entries from the kept size to the checkpoint's, and then the checkpoint.

        Raises:
            TreeRootError: They do not lead from what is kept to the cosigned root: two histories, or a lying operator.
            TileDiffersError, OSError: The disk.
        """
        assert self._state is not None  # `size` said where to begin
        state, tiles = self._state.append([leaf_hash(entry) for entry in entries])
        if (state.size, state.root()) != (seen.size, seen.root):
            raise TreeRootError(
                origin=self._origin, size=seen.size, expected=seen.root.hex(), computed=state.root().hex()
            )
        bundles, _ = entry_bundles_after(self._state.size, self._edge(), entries)
        self.files.write((*bundles, *tiles))
        self.files.publish(note)
        self._state = state

    def _read(self, policy: WitnessPolicy) -> TreeState:
        note = self.files.checkpoint()
        if note is None:
            return TreeState()
        try:
            kept = policy.check(note)
            state = TreeState.from_tiles(kept.size, self.files.read_tile, root=kept.root, origin=self._origin)
            self._bundle(kept.size)
        except LogError:
            return TreeState()
        return state

    def _edge(self) -> bytes:
        """The partial entry bundle at the right edge."""
        assert self._state is not None
        return format_entry_bundle(self._bundle(self._state.size))

    def _bundle(self, size: int) -> list[bytes]:
        width = size % TILE_WIDTH
        if not width:
            return []
        tile = tile_at(ENTRIES, size // TILE_WIDTH, size=size)
        raw = self.files.read(format_tile_path(tile))
        if raw is None:
            raw = self.files.read_tile(Tile(ENTRIES, tile.index))  # the full one took its place
            return parse_entry_bundle(raw, width=TILE_WIDTH)[:width]
        return parse_entry_bundle(raw, width=width)
