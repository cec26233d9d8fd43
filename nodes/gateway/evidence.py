"""Evidence: a log entry by its evidence digest, with its proof and the signed bytes; for auditor and counterpart."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from sqlalchemy import Connection, select
from starlette.responses import Response

from exchange.encoding import Digest, base64_encode, canonical_json
from exchange.errors.encoding import DigestError
from exchange.errors.exchange_ import NotFoundError
from nodes.adapters.tables import EntryRow, EvidenceRow, table_of
from nodes.gateway.access import Door
from nodes.gateway.context import GatewayContext


@dataclass(frozen=True, slots=True)
class Evidence:
    """An entry and the bytes whose digest it carries."""

    index: int
    entry: bytes
    counterpart: str | None
    media_type: str
    raw: bytes


def router(context: GatewayContext, door: Door) -> APIRouter:
    """`GET /log/evidence/{digest}`."""
    routes = APIRouter(tags=["log"])

    @routes.get("/log/evidence/{digest}", response_class=Response)
    async def evidence(request: Request, digest: str) -> Response:
        """The entry with this evidence digest, its tlog-proof, and the signed evidence."""
        caller = await door.admit(request)
        found = await context.store.read(lambda connection: find_evidence(connection, _digest(digest)))
        if found is None or not (caller.auditor or caller.member == found.counterpart):
            raise NotFoundError
        document = {
            "index": found.index,
            "entry": base64_encode(found.entry),
            "proof": (await context.cosigner.best_proof(found.index, found.entry)).decode("utf-8"),
            "evidence": base64_encode(found.raw),
            "media_type": found.media_type,
        }
        return Response(canonical_json(document), media_type="application/json")

    return routes


def find_evidence(connection: Connection, digest: Digest) -> Evidence | None:
    """The first entry with this evidence digest, and the evidence."""
    entries, evidence = table_of(EntryRow), table_of(EvidenceRow)
    row = connection.execute(
        select(entries.c["index"].label("position"), entries.c.raw, entries.c.counterpart)
        .where(entries.c.evidence == str(digest))
        .order_by(entries.c["index"])
        .limit(1)
    ).first()
    kept = connection.execute(
        select(evidence.c.media_type, evidence.c.raw).where(evidence.c.digest == str(digest))
    ).first()
    if row is None or kept is None:
        return None
    return Evidence(row.position, bytes(row.raw), row.counterpart, kept.media_type, bytes(kept.raw))


def _digest(text: str) -> Digest:
    try:
        return Digest.parse_hex(text, subject="address")
    except DigestError as error:
        raise NotFoundError from error
