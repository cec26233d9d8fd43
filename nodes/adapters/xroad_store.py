"""What the configured X-Road security server said about requests: kept as metadata beside the pull id."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from exchange.encoding import Digest, canonical_json, format_instant
from nodes.adapters.store import driver_of

_KEEP = "INSERT OR IGNORE INTO xroad (proof, member, headers, at) VALUES (?, ?, ?, ?)"


def keep_xroad(connection: Connection, *, proof: Digest, member: str, headers: Mapping[str, str], at: datetime) -> None:
    """Remember the headers of an authenticated request by its proof."""
    row = (str(proof), member, canonical_json(dict(headers)).decode("ascii"), format_instant(at))
    driver_of(connection).execute(_KEEP, row)
