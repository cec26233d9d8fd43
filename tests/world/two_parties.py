"""KZ and KG alone agree on the asylum contract, among seven members: nobody else is asked, IOM neither."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from exchange.contract.model import DataContract
from exchange.contract.parse import parse_contract
from tests.world.asylum import asylum_contract
from tests.world.asylum_desk import AsylumWorld, unsigned_world
from tests.world.contracts import codelists

PARTIES = ("KG", "KZ")
EMBARGO_DAYS = 30
"""Over long ago for the year of the register, so it hides nothing that a test does not date anew."""


def two_party_text(*, version: str = "1.0.0", contributors_min: int = 20, embargo_days: int = 0) -> bytes:
    """The asylum contract between these two: the other parties cut out, and with them what an auditor would read."""
    lines = asylum_contract().raw.decode().splitlines(keepends=True)
    kept: list[str] = []
    taken = True
    for line in lines:
        if line.startswith("    - username: "):
            taken = line.split()[2] in PARTIES
        elif line.startswith("roles:"):
            kept.append("\n")
            taken = True
        elif line.startswith("  - role: auditor"):
            taken = False
        elif line.startswith("slaProperties:"):
            kept.append("\n")
            taken = True
        if taken:
            kept.append(line)
    text = "".join(kept).replace("version: 1.0.0", f"version: {version}")
    text = text.replace("contributorsMin: 20", f"contributorsMin: {contributors_min}")
    return text.replace("property: embargo\n    value: 0", f"property: embargo\n    value: {embargo_days}").encode()


def two_party_contract(*, version: str = "1.0.0", contributors_min: int = 20, embargo_days: int = 0) -> DataContract:
    raw = two_party_text(version=version, contributors_min=contributors_min, embargo_days=embargo_days)
    return parse_contract(raw, codelists=codelists())


def two_party_world(folder: Path) -> AbstractAsyncContextManager[AsylumWorld]:
    """Seven gateways, of which two hold the contract; nobody has signed it yet."""
    return unsigned_world(folder, two_party_contract(embargo_days=EMBARGO_DAYS))
