"""The witness endpoint (C2SP tlog-witness): cosigns other members' checkpoints, never two histories of one log.

Compare and store happen in the writer's one transaction, durable before the cosignature leaves; so neither racing
requests nor a crash between them can get two contradicting cosignatures.
"""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.errors.log import WitnessConflictError, WitnessError
from exchange.log.note import SignatureKind, VerifierKey, parse_vkey
from exchange.log.witness import SIZE_MEDIA_TYPE, AddCheckpoint, answer, decide, parse_add_checkpoint, require_authentic
from exchange.signing.keys import KeyPurpose
from exchange.signing.trust import Trust
from nodes.adapters.sequencer import Transaction
from nodes.adapters.witness_store import keep_witnessed, latest_witnessed
from nodes.gateway.context import GatewayContext
from nodes.web.problems import plain_problem


def router(context: GatewayContext) -> APIRouter:
    """`POST /witness/add-checkpoint`."""
    routes = APIRouter(tags=["witness"])

    @routes.post("/witness/add-checkpoint", response_class=Response)
    async def add_checkpoint(request: Request) -> Response:
        """Cosign a checkpoint that is consistent with the one cosigned before."""
        try:
            asked = parse_add_checkpoint(await request.body())
            logs = logs_of(context.trust.current(), asked.checkpoint.origin, own=context.sequencer.log.origin)
            require_authentic(asked, logs=logs)  # a stranger's request must not take the one writer's time
            await context.sequencer.submit(lambda transaction: _witness(transaction, asked, logs), gated=False)
        except WitnessConflictError as error:
            # As a header: the framework would add a charset to any text type, and C2SP names this one exactly.
            return Response(error.body, error.http_status, headers={"Content-Type": SIZE_MEDIA_TYPE})
        except WitnessError as error:
            return plain_problem(error.code, error.http_status, error.sentence())
        # The time is taken after the checkpoint is durable: it says that this was seen by then.
        line = answer(asked, at=context.clock.now(), name=context.witness_name, signer=context.witness)
        return Response(line, media_type="text/plain; charset=utf-8")

    return routes


def logs_of(trust: Trust, origin: str, *, own: str) -> Sequence[VerifierKey]:
    """The keys of the log with this origin that count now; none for a stranger, and none for the node's own log.

    A member's log key that was revoked stays in the registry; only `log_vkey`, the current one, is witnessed.
    """
    if origin == own:
        return ()
    return [
        parse_vkey(member.log_vkey, kind=SignatureKind.LOG)
        for member in trust.members.values()
        if member.log_vkey.partition("+")[0] == origin
        and any(listed.purpose is KeyPurpose.LOG and listed.vkey == member.log_vkey for listed in member.keys)
    ]


def _witness(transaction: Transaction, asked: AddCheckpoint, logs: Sequence[VerifierKey]) -> None:
    latest = latest_witnessed(transaction.connection, asked.checkpoint.origin)
    accepted = decide(asked, latest=latest, logs=logs)
    keep_witnessed(transaction.connection, accepted, asked.note)
