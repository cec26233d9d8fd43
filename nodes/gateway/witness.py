"""The witness endpoint (C2SP tlog-witness): cosigns other members' checkpoints, never two histories of one log.

Compare and store happen in the writer's one transaction, durable before the cosignature leaves; so neither racing
requests nor a crash between them can get two contradicting cosignatures. After a start a log is refused until the
witness has caught up with what others saw of it (`takeover`).
"""

from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.encoding import base64_encode, canonical_json
from exchange.errors.exchange_ import NotFoundError
from exchange.errors.log import WitnessConflictError, WitnessError
from exchange.log.note import SignatureKind, SignatureLine, VerifierKey, parse_vkey
from exchange.log.policy import parse_policy
from exchange.log.witness import SIZE_MEDIA_TYPE, AddCheckpoint, parse_add_checkpoint, require_authentic
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import Member, Trust
from nodes.adapters.witness_store import rivals, witnessed_note
from nodes.gateway.access import Door, require_auditor
from nodes.gateway.context import GatewayContext
from nodes.gateway.log_files import file_route
from nodes.gateway.mirroring import Mirror
from nodes.gateway.takeover import Takeover
from nodes.gateway.witnessing import Witness
from nodes.web.problems import problem

_TEXT = "text/plain; charset=utf-8"
_FRESH = {"Cache-Control": "no-cache"}


def router(context: GatewayContext, door: Door, mirror: Mirror) -> APIRouter:
    """`POST /witness/add-checkpoint`, and what the witness saw, for monitors and the auditor."""
    routes = APIRouter(tags=["witness"])
    witness = Witness(context)
    takeover = Takeover(context, witness)

    @routes.post("/witness/add-checkpoint", response_class=Response)
    async def add_checkpoint(request: Request) -> Response:
        """Cosign a checkpoint that is consistent with the one cosigned before."""
        try:
            line = await _cosign(context, takeover, witness, parse_add_checkpoint(await request.body()))
        except WitnessConflictError as error:
            # As a header: the framework would add a charset to any text type, and C2SP names this one exactly.
            return Response(error.body, error.http_status, headers={"Content-Type": SIZE_MEDIA_TYPE})
        except WitnessError as error:
            return problem(error, status=error.http_status)
        mirror.hear()
        return Response(str(line).encode("utf-8"), media_type=_TEXT)

    @file_route(routes, "/witness/{origin_hash}/checkpoint")
    async def latest(origin_hash: str) -> Response:
        """The checkpoint of a log that this witness cosigned last."""
        note = await context.store.read(lambda connection: witnessed_note(connection, origin_hash))
        if note is None:
            raise NotFoundError
        return Response(note, media_type=_TEXT, headers=_FRESH)

    @routes.get("/witness/{origin_hash}/rivals", response_class=Response)
    async def seen_rivals(request: Request, origin_hash: str) -> Response:
        """For the auditor: every checkpoint of a log, signed by it, that was not shown to continue the cosigned one."""
        require_auditor(await door.admit(request))
        notes = await context.store.read(lambda connection: rivals(connection, origin_hash))
        document = {"checkpoints": [base64_encode(note) for note in notes]}
        return Response(canonical_json(document), media_type="application/json", headers=_FRESH)

    return routes


async def _cosign(context: GatewayContext, takeover: Takeover, witness: Witness, asked: AddCheckpoint) -> SignatureLine:
    origin = asked.checkpoint.origin
    logs = logs_of(context.trust.current(), origin, own=context.sequencer.log.origin, at=context.clock.now())
    require_authentic(asked, logs=logs)  # a stranger's request must not take the one writer's time
    await takeover.require(origin, logs)
    return await witness.cosign(asked, logs)


def logs_of(trust: Trust, origin: str, *, own: str, at: datetime) -> Sequence[VerifierKey]:
    """The keys of the log with this origin that count now; none for a stranger, and none for the node's own log.

    A suspended member's log is witnessed on: what it did stays provable. While one key replaces another, both count.
    A log that takes another's place is known once the majority's policy names it: its member alone does not decide it.
    """
    if origin == own:
        return ()
    return [
        parse_vkey(listed.vkey, kind=SignatureKind.LOG)
        for member in trust.members.values()
        if member.before(origin) is None or origin in _judged(trust, member)
        for listed in member.keys
        if listed.purpose is KeyPurpose.LOG
        and listed.vkey is not None
        and listed.vkey.partition("+")[0] == origin
        and listed.counts_at(at)
    ]


def _judged(trust: Trust, member: Member) -> set[str]:
    """The names of the logs that the policy of a member's log speaks of."""
    return {vkey.name for vkey in parse_policy(trust.policies.get(member.id, b"quorum none\n")).logs}
