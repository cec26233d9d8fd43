"""A small log with its witnesses, in memory, from fixed seeds."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.cosignature import cosign
from exchange.log.merkle import inclusion_proof, leaf_hash
from exchange.log.note import SignatureKind, SignedNote, VerifierKey, format_note
from exchange.log.proof import TlogProof
from exchange.log.tiles import Tile, format_tile_path, hash_reader
from exchange.log.tree import TreeState, entry_bundles_after
from exchange.signing.keys import Algorithm, SoftwareSigner
from tests.world.log_by_hand import root_of, vkey_of

ORIGIN = "kz.exchange.example/log"
NOON = datetime(2026, 10, 1, 12, 0, 0, tzinfo=UTC)
WITNESSES = ("gb", "iom", "kg", "tj", "tm", "uz")


def signer_of(name: str) -> SoftwareSigner:
    """The Ed25519 key that this name always has."""
    return SoftwareSigner.from_seed(Algorithm.ED25519, hashlib.sha256(name.encode()).digest())


LOG = signer_of(ORIGIN)
LOG_VKEY = vkey_of(ORIGIN, LOG, SignatureKind.LOG)


def witness_name(member: str) -> str:
    return f"{member}.exchange.example/witness"


def witness_vkey(member: str) -> VerifierKey:
    name = witness_name(member)
    return vkey_of(name, signer_of(name), SignatureKind.COSIGNATURE)


WITNESS_VKEYS: Mapping[str, VerifierKey] = {member: witness_vkey(member) for member in WITNESSES}


def cosigned(note: SignedNote, times: Mapping[str, datetime]) -> SignedNote:
    """The note with a cosignature of each of these witnesses at its time."""
    return note.with_lines(
        cosign(note.text, at=at, name=witness_name(member), signer=signer_of(witness_name(member)))
        for member, at in times.items()
    )


def one_minute_apart(members: Sequence[str], *, start: datetime = NOON) -> dict[str, datetime]:
    return {member: start + timedelta(minutes=number) for number, member in enumerate(members)}


class SampleLog:
    """A log of entries `b"entry 0"`, `b"entry 1"`, …, kept as tile files."""

    def __init__(self, size: int) -> None:
        self.entries = [b"entry %d" % index for index in range(size)]
        self.state, tiles = TreeState().append([leaf_hash(entry) for entry in self.entries])
        self.files = {**dict(tiles), **dict(entry_bundles_after(0, b"", self.entries)[0])}
        self.read_hash = hash_reader(self.read_tile, size=size)

    def read_tile(self, tile: Tile) -> bytes:
        return self.files[format_tile_path(tile)]

    def root(self, size: int) -> bytes:
        return root_of(leaf_hash(entry) for entry in self.entries[:size])

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        size = len(self.entries) if size is None else size
        return Checkpoint(origin=ORIGIN, size=size, root=self.root(size))

    def note(self, size: int | None = None) -> SignedNote:
        return sign_checkpoint(self.checkpoint(size), signer=LOG)

    def proof(self, index: int, note: SignedNote) -> TlogProof:
        return TlogProof(
            index=index,
            path=tuple(inclusion_proof(index, len(self.entries), self.read_hash)),
            checkpoint_note=format_note(note),
            extra=self.entries[index],
        )
