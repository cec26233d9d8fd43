"""What anybody can verify of a bundle without a figure: manifest, signatures, log, clearance, disclosure report.

IOM runs this very code on every bundle of every member. It reaches no table and no reader of data.csv, so what it
concludes it concludes without one value. `checks` names the checks, `verify` runs them.
"""

from exchange.publication.checks import Check, Checklist, CheckName, Standing
from exchange.publication.compare import bundle_title
from exchange.publication.verify import (
    BUNDLE_FILES,
    HANDOVER_FILES,
    PROOF,
    SIGNATURES,
    Cleared,
    ContractShelf,
    OneContract,
    Publication,
    verify_cleared,
    verify_publication,
)

__all__ = [
    "BUNDLE_FILES",
    "HANDOVER_FILES",
    "PROOF",
    "SIGNATURES",
    "Check",
    "CheckName",
    "Checklist",
    "Cleared",
    "ContractShelf",
    "OneContract",
    "Publication",
    "Standing",
    "bundle_title",
    "verify_cleared",
    "verify_publication",
]
