"""The local interface, on a Unix socket that only this node's own commands reach: what the desk asks of the gateway.

Each answer comes when what it says is durable. A refusal is a problem with the core's code and the exit code to end
with.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from exchange.clearance import verify_clearance
from exchange.encoding import Digest, canonical_json, format_instant
from exchange.errors.exchange_ import NotAPartyError, NotOurBundleError
from exchange.log.entry import EntryType
from nodes.adapters.contract_store import keep_evidence
from nodes.adapters.publication_store import KeptPublication
from nodes.adapters.pull_store import debts
from nodes.adapters.sequencer import LogDraft, Transaction
from nodes.gateway import local_pulls
from nodes.gateway.agreements import Agreements
from nodes.gateway.context import GatewayContext
from nodes.gateway.contract_book import Held
from nodes.gateway.contracts import base64_member, contract_document
from nodes.gateway.health import red_reasons, warnings
from nodes.gateway.own_delegation import OwnMember
from nodes.gateway.publishing import CLEARANCE_MEDIA_TYPE, Publishing

JSON = "application/json"
STATEMENT_WAIT_S = 5.0


class HandOverBody(BaseModel):
    """A hand-over: a file on this machine."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    file: str = Field(pattern=r"^/", max_length=4096)


def router(context: GatewayContext, own: OwnMember, agreements: Agreements, publishing: Publishing) -> APIRouter:
    """`/local/…`."""
    routes = APIRouter(prefix="/local", tags=["local"])
    _publication_routes(routes, context, publishing)
    _agreement_routes(routes, context, agreements)
    routes.include_router(local_pulls.router(context))

    @routes.get("/status", response_class=Response)
    async def status() -> Response:
        """The log, its cosignatures, the health, and who owes receipts."""
        return _json(await _status(context, own))

    return routes


def _publication_routes(routes: APIRouter, context: GatewayContext, publishing: Publishing) -> None:
    @routes.post("/hand-overs", response_class=Response)
    async def hand_over(body: HandOverBody) -> Response:
        """Publish a hand-over; 202 while it still waits for its quorum."""
        kept = await publishing.take(Path(body.file), wait_s=context.settings.publication_wait_s)
        return _json(publication_document(kept), 200 if kept.zip_sha256 is not None else 202)

    @routes.get("/publications", response_class=Response)
    async def publications(bundle: str | None = None) -> Response:
        """Every publication of this member, or the one with this digest."""
        wanted = None if bundle is None else Digest.parse(bundle, subject="bundle")
        found = [kept for kept in context.library.all() if wanted in {None, kept.bundle}]
        return _json({"publications": [publication_document(kept) for kept in found]})

    @routes.post("/clearances", response_class=Response)
    async def clearance(request: Request) -> Response:
        """Log that officers cleared: `clearance.decided`, with the clearance as its evidence."""
        raw = base64_member(await request.body(), "clearance")
        done = await context.sequencer.submit(_clearing(context, raw))
        return _json({"index": done.result}, 201)


def _agreement_routes(routes: APIRouter, context: GatewayContext, agreements: Agreements) -> None:
    @routes.post("/contracts", response_class=Response)
    async def propose(request: Request) -> Response:
        """Hold a contract's text."""
        contract = await agreements.propose(base64_member(await request.body(), "contract"), by=context.member)
        return _json({"digest": str(contract.digest)}, 201)

    @routes.get("/contracts", response_class=Response)
    async def contracts() -> Response:
        """Every contract here, who said what, and where it stands."""
        return _json({"contracts": [_standing(context, held) for held in context.contracts.all()]})

    @routes.post("/statements", response_class=Response)
    async def statement(request: Request) -> Response:
        """This member's own statement: logged, waits a while for its effect, carried to the others."""
        taken = await agreements.take(base64_member(await request.body(), "statement"), by=context.member)
        if taken.statement.party != context.member:
            raise NotAPartyError(contract=str(taken.statement.contract), member=taken.statement.party)
        await agreements.wait_effective(taken, wait_s=STATEMENT_WAIT_S)
        effective = agreements.effective(taken.statement)
        document = {"statement": str(taken.statement.digest), "index": taken.index, "effective": effective}
        return _json(document, 201 if taken.new else 200)


def publication_document(kept: KeptPublication) -> dict[str, object]:
    """One publication for the desk."""
    return {
        "bundle": str(kept.bundle),
        "contract": {"id": kept.contract_id, "version": kept.contract_version, "digest": str(kept.contract)},
        "linkage_group": kept.linkage_group,
        "period": kept.period,
        "recipients": list(kept.recipients),
        "revision": kept.revision,
        "supersedes": None if kept.supersedes is None else str(kept.supersedes),
        "not_before": format_instant(kept.not_before),
        "valid_until": format_instant(kept.valid_until),
        "state": kept.state.value,
        "index": kept.index,
        "at": format_instant(kept.at),
        "zip": None if kept.zip_sha256 is None else str(kept.zip_sha256),
    }


async def _status(context: GatewayContext, own: OwnMember) -> dict[str, object]:
    cosigned = context.cosigner.cosigned
    owed = await context.store.read(debts)
    return {
        "member": context.member,
        "log": {
            "origin": context.sequencer.log.origin,
            "size": context.sequencer.log.size,
            "root": context.sequencer.log.checkpoint.root.hex(),
            "cosigned_size": cosigned.checkpoint.size if cosigned is not None else 0,
        },
        "registry": context.registry.version(),
        "health": red_reasons(context, own),
        "warnings": warnings(context),
        "witnesses": context.cosigner.troubles(),
        "debts": [
            {"puller": debt.puller, "bundle": debt.bundle, "contract": debt.contract_id, "since": debt.since}
            for debt in owed
        ],
    }


def _standing(context: GatewayContext, held: Held) -> dict[str, object]:
    provider = context.member if context.member in held.contract.members() else None
    return {
        **contract_document(held),
        "effective": sorted(str(statement.digest) for statement in held.effective),
        "state": context.contracts.state(held, provider=None, at=context.clock.now()).value,
        "provider": provider,
    }


def _clearing(context: GatewayContext, raw: bytes) -> Callable[[Transaction], int]:
    """The work that logs a clearance which holds."""
    clearance = verify_clearance(raw, trust=context.trust.current(), at=context.clock.now(), contract=None)
    common = clearance.common
    if common.provider != context.member:
        raise NotOurBundleError(bundle=str(common.data), expected=context.member, found=common.provider)
    digest = Digest.of(raw)

    def work(transaction: Transaction) -> int:
        keep_evidence(transaction.connection, digest, CLEARANCE_MEDIA_TYPE, raw)
        return transaction.append(LogDraft(type=EntryType.CLEARANCE_DECIDED, contract=common.contract, evidence=digest))

    return work


def _json(document: Mapping[str, object], status: int = 200) -> Response:
    return Response(canonical_json(document), status, media_type=JSON)
