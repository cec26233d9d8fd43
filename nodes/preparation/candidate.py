"""The candidate as a folder, whole or not at all; what its protection cost; and the preparation zone's secret."""

import json
from dataclasses import asdict
from pathlib import Path

from exchange.disclosure import Loss
from exchange.errors.preparation import OutputRefusedError, PreparationSecretError
from exchange.flow.candidate import CANDIDATE, CandidateFiles, parse_candidate
from nodes.adapters.durable import write_durably, write_folder_durably
from nodes.adapters.node_folder import SECRET_BYTES


def read_secret(private: Path) -> bytes:
    """The preparation zone's 32 random bytes: `private/preparation/secret`, made when the node was.

    The release salts and the parameters really used come from it. It is never made anew here: another secret would
    silently change both.

    Raises:
        PreparationSecretError: It is missing, or not 32 bytes.
    """
    file = private / "preparation" / "secret"
    try:
        secret = file.read_bytes()
    except FileNotFoundError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise PreparationSecretError(file=str(file), bytes_expected=SECRET_BYTES, bytes_found=len(secret))
    return secret


def write_loss(loss: Loss, work: Path, *, name: str) -> Path:
    """Write what a candidate's protection cost, for the data officer alone: never into its folder, which leaves."""
    file = work / "losses" / f"{name}.json"
    write_durably(file, json.dumps(asdict(loss), indent=2).encode("utf-8") + b"\n")
    file.chmod(0o600)
    return file


def write_candidate(files: CandidateFiles, folder: Path) -> Path:
    """Write the candidate's folder under its final name only when it is complete and durable.

    An older candidate in its place is replaced; any other folder is left alone.

    Raises:
        FieldError: Its words, taken from the mapping, are ones that a desk would refuse.
        OutputRefusedError: Something else lies there.
        OSError: The disk is full or the folder read-only; nothing of the candidate is left.
    """
    if folder.exists() and not (folder / CANDIDATE).is_file():
        raise OutputRefusedError(folder=str(folder))
    written = files.files()
    parse_candidate(written[CANDIDATE])
    write_folder_durably(folder, written)
    return folder
