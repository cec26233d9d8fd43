"""The tree of RFC 6962, held to its own recursive definition and to vectors by others."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors.log import (
    ConsistencyLengthError,
    ConsistencyProofError,
    InclusionLengthError,
    InclusionProofError,
    LeafIndexError,
    LogError,
    SizeOrderError,
)
from exchange.log.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    range_root,
    verify_consistency,
    verify_inclusion,
)
from tests.world.log_by_hand import root_of

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "rfc6962.json").read_text())
SMALL = 33
ENTRIES = [b"%d" % index for index in range(70)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


# RFC 6962 §2.1: MTH, PATH and PROOF as the text defines them, over lists of entries.


def split(count: int) -> int:
    k = 1
    while 2 * k < count:
        k *= 2
    return k


def mth(d: list[bytes]) -> bytes:
    if not d:
        return hashlib.sha256(b"").digest()
    if len(d) == 1:
        return hashlib.sha256(b"\x00" + d[0]).digest()
    k = split(len(d))
    return hashlib.sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: list[bytes]) -> list[bytes]:
    if len(d) == 1:
        return []
    k = split(len(d))
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: list[bytes], *, b: bool) -> list[bytes]:
    if m == len(d):
        return [] if b else [mth(d)]
    k = split(len(d))
    if m <= k:
        return [*subproof(m, d[:k], b=b), mth(d[k:])]
    return [*subproof(m - k, d[k:], b=False), mth(d[:k])]


ROOTS = [mth(ENTRIES[:size]) for size in range(SMALL + 1)]


def read_hash(level: int, index: int) -> bytes:
    return mth(ENTRIES[index << level : (index + 1) << level])


def check_consistency(old_size: int, new_size: int, proof: list[bytes], **roots: bytes) -> None:
    verify_consistency(
        old_size=old_size,
        old_root=roots.get("old_root", ROOTS[old_size]),
        new_size=new_size,
        new_root=roots.get("new_root", ROOTS[new_size]),
        proof=proof,
        origin="log",
    )


def test_the_roots_are_those_that_other_implementations_published() -> None:
    inputs = [bytes.fromhex(text) for text in VECTORS["leaf_inputs"]]
    for size, root in enumerate(VECTORS["roots"]):
        assert root_of(leaf_hash(entry) for entry in inputs[:size]).hex() == root
    assert VECTORS["roots"][0] == EMPTY_ROOT.hex()


def example_hashes() -> tuple[dict[str, bytes], list[bytes]]:
    """The letters of RFC 6962 §2.1.3 as hashes over seven entries."""
    letters = dict(zip(VECTORS["example"]["leaves"], LEAVES, strict=False))
    for letter, children in VECTORS["example"]["nodes"].items():
        letters[letter] = node_hash(letters[children[0]], letters[children[1]])
    return letters, LEAVES[:7]


def test_audit_paths_of_the_example_tree_are_those_of_rfc_6962_section_2_1_3() -> None:
    letters, _ = example_hashes()
    for index, expected in VECTORS["example"]["audit_paths"].items():
        assert inclusion_proof(int(index), 7, read_hash) == [letters[letter] for letter in expected]


def test_consistency_proofs_of_the_example_tree_are_those_of_rfc_6962_section_2_1_3() -> None:
    letters, _ = example_hashes()
    assert node_hash(letters["k"], letters["l"]) == ROOTS[7]
    for old_size, expected in VECTORS["example"]["consistency_proofs"].items():
        assert consistency_proof(int(old_size), 7, read_hash) == [letters[letter] for letter in expected]


def test_every_root_equals_the_recursive_definition() -> None:
    for size in range(SMALL + 1):
        assert root_of(LEAVES[:size]) == ROOTS[size]
        assert range_root(0, size, read_hash) == ROOTS[size]


def test_every_inclusion_proof_of_small_trees_equals_the_definition_and_verifies() -> None:
    for size in range(1, SMALL + 1):
        for index in range(size):
            proof = inclusion_proof(index, size, read_hash)
            assert proof == path(index, ENTRIES[:size])
            verify_inclusion(LEAVES[index], index=index, size=size, path=proof, root=ROOTS[size], origin="log")


def test_every_consistency_proof_of_small_trees_equals_the_definition_and_verifies() -> None:
    for new_size in range(SMALL + 1):
        for old_size in range(new_size + 1):
            proof = consistency_proof(old_size, new_size, read_hash)
            expected = subproof(old_size, ENTRIES[:new_size], b=True) if old_size else []
            assert proof == expected
            check_consistency(old_size, new_size, proof)


def test_an_inclusion_proof_proves_its_own_index_and_size_only() -> None:
    for size in range(1, 18):
        for index in range(size):
            proof = inclusion_proof(index, size, read_hash)
            for other_index in range(size):
                if other_index != index:
                    with pytest.raises(LogError):
                        verify_inclusion(
                            LEAVES[index],
                            index=other_index,
                            size=size,
                            path=proof,
                            root=ROOTS[size],
                            origin="log",
                        )


def test_a_consistency_proof_proves_its_own_sizes_only() -> None:
    for new_size in range(2, 18):
        for old_size in range(1, new_size):
            proof = consistency_proof(old_size, new_size, read_hash)
            for other in range(1, new_size):
                if other != old_size:
                    with pytest.raises(LogError):
                        check_consistency(other, new_size, proof)


@given(st.data())
@settings(max_examples=60)
def test_no_changed_hash_in_a_proof_verifies(data: st.DataObject) -> None:
    new_size = data.draw(st.integers(2, SMALL))
    old_size = data.draw(st.integers(1, new_size - 1))
    proof = consistency_proof(old_size, new_size, read_hash)
    changed = data.draw(st.integers(0, len(proof) - 1))
    proof[changed] = hashlib.sha256(proof[changed]).digest()
    with pytest.raises(ConsistencyProofError):
        check_consistency(old_size, new_size, proof)
    index = data.draw(st.integers(0, new_size - 1))
    audit_path = inclusion_proof(index, new_size, read_hash)
    changed = data.draw(st.integers(0, len(audit_path) - 1))
    audit_path[changed] = hashlib.sha256(audit_path[changed]).digest()
    with pytest.raises(InclusionProofError):
        verify_inclusion(
            LEAVES[index],
            index=index,
            size=new_size,
            path=audit_path,
            root=ROOTS[new_size],
            origin="log",
        )


@given(st.integers(1, 2**62), st.data())
@settings(max_examples=60)
def test_proofs_of_huge_trees_verify_with_a_made_up_right_edge(size: int, data: st.DataObject) -> None:
    # Hashes of subtrees are made up; what holds them together is only the shape of the proofs.
    def made_up(level: int, index: int) -> bytes:
        return hashlib.sha256(b"%d %d" % (level, index)).digest()

    index = data.draw(st.integers(0, size - 1))
    leaf = made_up(0, index)
    audit_path = inclusion_proof(index, size, made_up)
    computed = leaf
    with pytest.raises(InclusionProofError) as refused:
        verify_inclusion(computed, index=index, size=size, path=audit_path, root=b"", origin="log")
    assert len(audit_path) <= 63
    verify_inclusion(
        leaf,
        index=index,
        size=size,
        path=audit_path,
        root=bytes.fromhex(str(refused.value.facts["computed"])),
        origin="log",
    )


@pytest.mark.parametrize(
    ("index", "size", "change", "refusal"),
    [
        pytest.param(5, 5, list, LeafIndexError, id="an index at the size"),
        pytest.param(-1, 5, list, LeafIndexError, id="a negative index"),
        pytest.param(2, 5, lambda hashes: hashes[:-1], InclusionLengthError, id="a hash too few"),
        pytest.param(2, 5, lambda hashes: [*hashes, hashes[0]], InclusionLengthError, id="a hash too many"),
        pytest.param(2, 5, lambda hashes: hashes[::-1], InclusionProofError, id="hashes in the other order"),
    ],
)
def test_an_inclusion_proof_is_refused_with_its_reason(
    index: int, size: int, change: Callable[[list[bytes]], list[bytes]], refusal: type[LogError]
) -> None:
    proof = change(inclusion_proof(2, 5, read_hash))
    with pytest.raises(refusal):
        verify_inclusion(LEAVES[2], index=index, size=size, path=proof, root=ROOTS[5], origin="log")


@pytest.mark.parametrize(
    ("old_size", "new_size", "proof", "roots", "refusal"),
    [
        pytest.param(6, 5, [], {}, SizeOrderError, id="from the larger size"),
        pytest.param(-1, 5, [], {}, SizeOrderError, id="from a negative size"),
        pytest.param(0, 5, [b"\0" * 32], {}, ConsistencyLengthError, id="a proof from the empty tree"),
        pytest.param(5, 5, [b"\0" * 32], {}, ConsistencyLengthError, id="a proof between equal sizes"),
        pytest.param(4, 5, [], {}, ConsistencyLengthError, id="no proof where one is needed"),
        pytest.param(5, 5, [], {"old_root": ROOTS[4]}, ConsistencyProofError, id="two roots at one size"),
        pytest.param(
            0, 5, [], {"old_root": ROOTS[4]}, ConsistencyProofError, id="an empty tree with a root of its own"
        ),
    ],
)
def test_a_consistency_proof_is_refused_with_its_reason(
    old_size: int, new_size: int, proof: list[bytes], roots: dict[str, bytes], refusal: type[LogError]
) -> None:
    with pytest.raises(refusal):
        check_consistency(old_size, new_size, proof, **roots)


def test_a_wrong_proof_names_the_expected_and_the_computed_root() -> None:
    with pytest.raises(InclusionProofError) as refused:
        verify_inclusion(LEAVES[0], index=0, size=2, path=[LEAVES[1]], root=ROOTS[3], origin="kz.example/log")
    assert str(refused.value) == (
        f"inclusion of leaf 0 in kz.example/log at size 2: expected root {ROOTS[3].hex()}, computed {ROOTS[2].hex()}"
    )


def test_no_proof_exists_for_a_leaf_beyond_the_tree_or_back_in_time() -> None:
    with pytest.raises(LeafIndexError):
        inclusion_proof(3, 3, read_hash)
    with pytest.raises(SizeOrderError):
        consistency_proof(4, 3, read_hash)
