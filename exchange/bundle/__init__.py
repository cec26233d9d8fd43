"""The bundle: what leaves a country, as files and as one ZIP, packed and opened with every check (DESIGN.md §7).

`zipform` is the one legal ZIP; `opening` verifies a bundle with its table; `floor` recomputes what an attacker could
know (it loads a solver, so it is imported only where that is asked for); `difference` compares two releases.
"""

from exchange.bundle.difference import Difference, difference
from exchange.bundle.opening import FloorAudit, OpenedBundle, OpenedHandover, open_bundle, open_handover
from exchange.bundle.zipform import MEDIA_TYPE, ZIP_BYTES_MAX, pack_handover, pack_zip, unpack_handover, unpack_zip
from exchange.publication import ContractShelf

__all__ = [
    "MEDIA_TYPE",
    "ZIP_BYTES_MAX",
    "ContractShelf",
    "Difference",
    "FloorAudit",
    "OpenedBundle",
    "OpenedHandover",
    "difference",
    "open_bundle",
    "open_handover",
    "pack_handover",
    "pack_zip",
    "unpack_handover",
    "unpack_zip",
]
