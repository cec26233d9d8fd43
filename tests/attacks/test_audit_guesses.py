"""What IOM receives lets nobody test a guess: a right guess of every figure cannot be told from a wrong one."""

import hashlib
from itertools import product

from exchange.encoding import Digest
from tests.world.bundles import bundle_world

RECEIVED = ("datapackage.json", "disclosure.json", "clearance.json", "datapackage.jws", "publication.tlog-proof")
"""Every file of a bundle but data.csv: what the auditor reads."""


def digests_in(text: str) -> set[str]:
    return {text[i : i + 64] for i in range(len(text) - 63) if all(c in "0123456789abcdef" for c in text[i : i + 64])}


def digests_received() -> set[str]:
    """Every 64 hexadecimal digits in a row that stand anywhere in these files."""
    world = bundle_world()
    texts = [world.files[name].decode("utf-8", "replace") for name in RECEIVED]
    proof = world.files["publication.tlog-proof"].decode().splitlines()
    entry = world.entry({name: world.files[name] for name in RECEIVED[:4]}).decode()
    return set().union(*(digests_in(text) for text in [*texts, *proof, entry]))


def guesses(rows: list[str]) -> set[str]:
    """The true table in every form in which somebody without the file's salt could write it; single rows too."""
    without = [row.rpartition(",")[0] for row in rows]
    forged = [
        "\n".join([rows[0], *(f"{row},{salt}" for row in without[1:])]) for salt in ("", "A" * 26, "2" * 26, "7" * 26)
    ]
    texts = ["\n".join(without), "\n".join(without[1:]), *without[1:], *forged]
    return {text + end for text, end in product(texts, ("", "\n"))}


def test_the_digest_of_the_data_is_received_and_only_the_file_itself_gives_it() -> None:
    data = bundle_world().files["data.csv"]
    assert Digest.of(data).hex in digests_received()


def test_a_right_guess_of_the_whole_table_cannot_be_told_from_a_wrong_one() -> None:
    received = digests_received()
    rows = bundle_world().files["data.csv"].decode().splitlines()
    for guess, algorithm in product(guesses(rows), ("sha256", "sha3_256", "blake2s")):
        assert hashlib.new(algorithm, guess.encode()).hexdigest() not in received, guess[:80]


def test_no_figure_of_one_cell_gives_a_digest_that_iom_receives() -> None:
    """Values up to 10,000 for some published keys, alone and in the row of the file as far as the value."""
    received = digests_received()
    rows = bundle_world().files["data.csv"].decode().splitlines()[1:20]
    keys = [row.split(",") for row in rows]
    for key, value in product(keys, range(0, 10_000, 7)):
        for text in (f"{value}", ",".join([*key[:-4], str(value)])):
            assert hashlib.sha256(text.encode()).hexdigest() not in received


def test_the_salt_is_in_no_file_that_iom_receives() -> None:
    world = bundle_world()
    salt = world.files["data.csv"].decode().splitlines()[1].rpartition(",")[2]
    assert len(salt) == 26  # base32 of 128 bits
    assert not [name for name in RECEIVED if salt.encode() in world.files[name]]
