"""A log's side of C2SP tlog-witness by PyPI's aics-witness and aics-tlog: grows a log and has our witness cosign it.

Run by its own interpreter, which has those packages and none of ours:

    feed_witness.py WITNESS_URL WITNESS_VKEY_FILE ORIGIN SEED_HEX ENTRIES_FILE SIZE…

ENTRIES_FILE holds the entries that the log begins with, one a line in hex. Each SIZE is asked for in turn; one below
the size before is asked for as another history of that size. Prints a line for each: `cosigned SIZE` or `STATUS SIZE`.
"""

import sys
from pathlib import Path

from aics_tlog.checkpoint import Checkpoint, sign_checkpoint
from aics_tlog.note import parse_vkey
from aics_tlog.tree import MerkleTree
from aics_witness.feeder import WitnessAhead, WitnessClient, WitnessRejected
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ANY_AGE_S = 10**10  # the witness under test has a clock of its own


def main(url: str, vkey_file: str, origin: str, seed: str, entries_file: str, sizes: list[int]) -> int:
    witness = parse_vkey(Path(vkey_file).read_text(encoding="utf-8").strip())
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    shared = [bytes.fromhex(line) for line in Path(entries_file).read_text(encoding="ascii").split()]
    client = WitnessClient(url, witness, max_age_seconds=ANY_AGE_S, max_future_seconds=ANY_AGE_S, max_attempts=20)
    newest = 0
    for size in sizes:
        history = "grown" if size > newest else "another"
        leaves = [*shared, *(f"{history} {number}".encode() for number in range(len(shared), size))][:size]
        if history == "another":
            leaves[-1] = b"another"
        tree = MerkleTree(leaves)
        note = sign_checkpoint(Checkpoint(origin, size, tree.root()), key, origin)
        try:
            client.submit(note.to_bytes(), tree.consistency_proof)
            said, newest = "cosigned", size
        except WitnessRejected as refusal:
            said = str(refusal.status)
        except WitnessAhead:
            said = "ahead"
        sys.stdout.write(f"{said} {size}\n")
    return 0


if __name__ == "__main__":
    url, vkey_file, origin, seed, entries_file, *sizes = sys.argv[1:]
    sys.exit(main(url, vkey_file, origin, seed, entries_file, [int(size) for size in sizes]))
