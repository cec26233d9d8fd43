"""The whole path to each partner and back, tried now: what an operator asks first when something does not work.

There: name, port, TLS, token, DPoP and clock, up to the partner's catalogue. Back: when the partner last brought its
own log here to be witnessed, which takes the same path in the other direction.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from time import monotonic

from fastapi import APIRouter
from starlette.responses import Response

from exchange.encoding import canonical_json, format_instant
from exchange.errors import ExchangeError
from exchange.log.checkpoint import read_checkpoint
from exchange.log.cosignature import verify_cosignature
from exchange.log.note import SignatureKind, VerifierKey
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import Member
from nodes.adapters.witness_store import witnessed_note
from nodes.gateway.context import GatewayContext


def router(context: GatewayContext) -> APIRouter:
    """`GET /local/doctor`."""
    routes = APIRouter(prefix="/local", tags=["local"])

    @routes.get("/doctor", response_class=Response)
    async def doctor() -> Response:
        """Every partner: whether it can be reached, whether it witnesses this log, when it was last here."""
        trust = context.trust.current()
        others = [member for member in trust.members.values() if member.id != context.member]
        troubles = context.cosigner.troubles()
        paths = await asyncio.gather(*(_path(context, member, troubles) for member in others))
        return Response(canonical_json({"partners": list(paths)}), media_type="application/json")

    return routes


async def _path(context: GatewayContext, member: Member, troubles: Mapping[str, str]) -> dict[str, object]:
    began = monotonic()
    problem: dict[str, object] | None = None
    try:
        await context.partner(member.id).catalogue()
    except ExchangeError as error:
        problem = {
            "code": error.code,
            "exit_code": error.exit_code,
            "message": {"en": error.sentence("en"), "ru": error.sentence("ru")},
            "mend": {"en": error.mend("en"), "ru": error.mend("ru")},
        }
    witness = _name(member, KeyPurpose.WITNESS)
    return {
        "member": member.id,
        "issuer": member.issuer,
        "milliseconds": round((monotonic() - began) * 1000),
        "problem": problem,
        "witness_trouble": troubles.get(witness) if witness is not None else "no-witness-key",
        "was_here_at": await _was_here_at(context, member),
    }


async def _was_here_at(context: GatewayContext, member: Member) -> str | None:
    """When this node last cosigned a checkpoint that the member brought."""
    origin = _name(member, KeyPurpose.LOG)
    if origin is None:
        return None
    origin_hash = hashlib.sha256(origin.encode()).hexdigest()
    raw = await context.store.read(lambda connection: witnessed_note(connection, origin_hash))
    if raw is None:
        return None
    _, note = read_checkpoint(raw)
    own = VerifierKey(name=context.witness_name, kind=SignatureKind.COSIGNATURE, key=context.witness.public)
    times = [verify_cosignature(line, note.text, witness=own, subject="cosignature") for line in note.lines_by(own)]
    return format_instant(max(times)) if times else None


def _name(member: Member, purpose: KeyPurpose) -> str | None:
    """The name of the member's log, or of its witness."""
    names = [key.vkey for key in member.keys if key.purpose is purpose and key.revoked_at is None]
    return next((vkey.partition("+")[0] for vkey in names if vkey is not None), None)
