"""The Merkle tree of RFC 6962 over SHA-256: hashes, audit paths, consistency proofs, and their verification.

A subtree is named `(level, index)`: the hash over the leaves `[index << level, (index + 1) << level)`, all present.
`read_hash(level, index)` gives such a hash; where it comes from (tiles, a table, memory) is the caller's.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

from exchange.errors.log import (
    ConsistencyLengthError,
    ConsistencyProofError,
    InclusionLengthError,
    InclusionProofError,
    LeafIndexError,
    SizeOrderError,
)

HASH_BYTES = 32
SIZE_MAX = 2**63 - 1
"""Sizes and indexes beyond this are refused everywhere, as other C2SP programs hold them in an int64."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962 §2.1)."""

ReadHash: TypeAlias = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry), RFC 6962 §2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), RFC 6962 §2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def parents(row: Sequence[bytes]) -> list[bytes]:
    """The nodes above pairs of neighbours; a last one without a sibling is left out."""
    sha256 = hashlib.sha256
    pairs = iter(row)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]


def range_root(start: int, end: int, read_hash: ReadHash) -> bytes:
    """The hash over the leaves `[start, end)`, a range that occurs in an RFC 6962 proof (`start` is aligned)."""
    subtrees = []
    while start < end:
        level = (end - start).bit_length() - 1
        subtrees.append(read_hash(level, start >> level))
        start += 1 << level
    return fold(subtrees)


def fold(subtrees: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, largest first (RFC 6962 §2.1); of none, the empty tree's."""
    if not subtrees:
        return EMPTY_ROOT
    *larger, root = subtrees
    for left in reversed(larger):
        root = node_hash(left, root)
    return root


def inclusion_proof(index: int, size: int, read_hash: ReadHash) -> list[bytes]:
    """PATH(index, D[size]), RFC 6962 §2.1.1: from the leaf's sibling up to the root's child.

    Raises:
        LeafIndexError: There is no such leaf at this size.
    """
    if not 0 <= index < size:
        raise LeafIndexError(origin="inclusion proof", index=index, size=size)
    return _path(index, 0, size, read_hash)[::-1]


def consistency_proof(old_size: int, new_size: int, read_hash: ReadHash) -> list[bytes]:
    """PROOF(old_size, D[new_size]), RFC 6962 §2.1.2; empty from size 0 and between equal sizes.

    Raises:
        SizeOrderError: The old size is the larger one.
    """
    if not 0 <= old_size <= new_size:
        raise SizeOrderError(origin="consistency proof", old_size=old_size, new_size=new_size)
    if old_size in {0, new_size}:
        return []
    proof: list[bytes] = []
    start, end = 0, new_size
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            proof.append(range_root(middle, end, read_hash))
            end = middle
        else:
            proof.append(range_root(start, middle, read_hash))
            start = middle
    if start:
        # SUBPROOF with b = false: the old root is not known to the verifier at this node, so it is told.
        proof.append(range_root(start, end, read_hash))
    return proof[::-1]


def verify_inclusion(leaf: bytes, *, index: int, size: int, path: Sequence[bytes], root: bytes, origin: str) -> None:
    """Check that the leaf hash stands at `index` in the tree of `size` with this root.

    Raises:
        LeafIndexError: No such leaf at this size.
        InclusionLengthError: The path cannot be one from this index at this size.
        InclusionProofError: The path leads to another root.

    Source: RFC 9162 §2.1.3.2.
    """
    # Step 1.
    if not 0 <= index < size:
        raise LeafIndexError(origin=origin, index=index, size=size)
    expected_hashes = inclusion_length(index, size)
    if len(path) != expected_hashes:
        raise InclusionLengthError(origin=origin, index=index, size=size, expected=expected_hashes, found=len(path))
    # Steps 2 to 4; sn never reaches 0 too early nor stays above it, since the length is right.
    fn, sn, computed = index, size - 1, leaf
    for sibling in path:
        if fn & 1 or fn == sn:
            computed = node_hash(sibling, computed)
            while not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            computed = node_hash(computed, sibling)
        fn, sn = fn >> 1, sn >> 1
    # Step 5.
    if computed != root:
        raise InclusionProofError(origin=origin, index=index, size=size, expected=root.hex(), computed=computed.hex())


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes], origin: str
) -> None:
    """Check that the tree of `new_size` only appends to the tree of `old_size`.

    Raises:
        SizeOrderError: The old size is the larger one.
        ConsistencyLengthError: The proof cannot be one between these sizes.
        ConsistencyProofError: The proof leads to another root at `size`, the old or the new one.

    Source: RFC 9162 §2.1.4.2; from size 0 and between equal sizes, the empty proof.
    """
    sizes: dict[str, str | int] = {"origin": origin, "old_size": old_size, "new_size": new_size}
    if not 0 <= old_size <= new_size:
        raise SizeOrderError(**sizes)
    expected_hashes = consistency_length(old_size, new_size)
    if len(proof) != expected_hashes:
        raise ConsistencyLengthError(**sizes, expected=expected_hashes, found=len(proof))
    if old_size in {0, new_size}:
        known = EMPTY_ROOT if old_size == 0 else new_root
        _require_root(old_root, known, size=old_size, sizes=sizes)
        return
    computed_old, computed_new = _roots_of_consistency(old_size, new_size, old_root, proof)
    _require_root(old_root, computed_old, size=old_size, sizes=sizes)
    _require_root(new_root, computed_new, size=new_size, sizes=sizes)


def inclusion_length(index: int, size: int) -> int:
    """How many hashes PATH(index, D[size]) has."""
    # Below the level where the path leaves the right edge every level has a sibling; above it, only left ones.
    inner = (index ^ (size - 1)).bit_length()
    return inner + (index >> inner).bit_count()


def consistency_length(old_size: int, new_size: int) -> int:
    """How many hashes PROOF(old_size, D[new_size]) has."""
    if old_size in {0, new_size}:
        return 0
    shift = (old_size & -old_size).bit_length() - 1
    # The proof is the inclusion path of the last complete subtree of the old tree, and that subtree's own hash
    # unless it is the whole old tree.
    last = (old_size >> shift) - 1
    length = inclusion_length(last, ((new_size - 1) >> shift) + 1)
    return length + (1 if last else 0)


def _roots_of_consistency(old_size: int, new_size: int, old_root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    # RFC 9162 §2.1.4.2, steps 2 to 6; the length is already known to be right (steps 1 and 7).
    path = proof if old_size & (old_size - 1) else [old_root, *proof]
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if fn & 1 or fn == sn:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, sibling)
        fn, sn = fn >> 1, sn >> 1
    return old, new


def _require_root(expected: bytes, computed: bytes, *, size: int, sizes: dict[str, str | int]) -> None:
    if expected != computed:
        raise ConsistencyProofError(**sizes, size=size, expected=expected.hex(), computed=computed.hex())


def _path(index: int, start: int, end: int, read_hash: ReadHash) -> list[bytes]:
    """The audit path from the root down."""
    path: list[bytes] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_root(middle, end, read_hash))
            end = middle
        else:
            path.append(range_root(start, middle, read_hash))
            start = middle
    return path


def _split(count: int) -> int:
    """The largest power of two smaller than `count` (RFC 6962 §2.1)."""
    return 1 << ((count - 1).bit_length() - 1)
