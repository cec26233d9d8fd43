"""Which program judges: the digest under which an audit remembers what it found in order (decision 56)."""

import platform
from importlib.metadata import distributions
from pathlib import Path

import exchange
from exchange.encoding import Digest, canonical_json


def program_digest() -> Digest:
    """Every file of the rules, the interpreter, and the version of every package beside them.

    No number that somebody has to raise: whatever a verdict may rest on changes it.
    """
    folder = Path(exchange.__file__).parent
    files = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return Digest.of(
        canonical_json(
            {
                "rules": {file.relative_to(folder).as_posix(): str(Digest.of(file.read_bytes())) for file in files},
                "python": platform.python_version(),
                "packages": sorted([one.name, one.version] for one in distributions()),
            }
        )
    )
