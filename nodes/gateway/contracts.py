"""Contracts between members: read, propose, and say something about one; any party may relay any party's statement."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.encoding import (
    base64_decode,
    base64_encode,
    canonical_json,
    parse_json_object,
    require_members,
    text_member,
)
from exchange.errors.exchange_ import NotFoundError
from exchange.errors.node import RequestMalformedError
from nodes.gateway.access import Door
from nodes.gateway.agreements import Agreements
from nodes.gateway.context import GatewayContext
from nodes.gateway.contract_book import Held

JSON = "application/json"


def router(context: GatewayContext, door: Door, agreements: Agreements) -> APIRouter:
    """`/v1/contracts…`."""
    routes = APIRouter(tags=["contracts"])

    @routes.get("/v1/contracts", response_class=Response)
    async def listing(request: Request) -> Response:
        """The contracts that the caller is a party of."""
        caller = await door.admit(request)
        held = [one for one in context.contracts.all() if caller.auditor or caller.member in one.contract.members()]
        names = [
            {"id": one.contract.id, "version": one.contract.version, "digest": str(one.contract.digest)} for one in held
        ]
        return Response(canonical_json({"contracts": names}), media_type=JSON)

    @routes.get("/v1/contracts/{contract_id}/{version}", response_class=Response)
    async def contract(request: Request, contract_id: str, version: str) -> Response:
        """A contract's text and every statement about it; for its parties and the auditor."""
        caller = await door.admit(request)
        held = context.contracts.by_name(contract_id, version)
        if held is None or not (caller.auditor or caller.member in held.contract.members()):
            raise NotFoundError
        return Response(canonical_json(contract_document(held)), media_type=JSON)

    @routes.post("/v1/contracts", response_class=Response)
    async def propose(request: Request) -> Response:
        """Propose a contract; the caller and this member must be parties."""
        caller = await door.admit(request)
        raw = base64_member(await request.body(), "contract")
        kept = await agreements.propose(raw, by=caller.member)
        return Response(canonical_json({"digest": str(kept.digest)}), 201, media_type=JSON)

    @routes.post("/v1/contracts/{contract_id}/{version}/statements", response_class=Response)
    async def statement(request: Request, contract_id: str, version: str) -> Response:
        """A party's statement about this contract, by whichever party it comes."""
        caller = await door.admit(request)
        held = context.contracts.by_name(contract_id, version)
        if held is None or caller.member not in held.contract.members():
            raise NotFoundError
        taken = await agreements.take(await request.body(), by=caller.member, about=held.contract)
        document = {"statement": str(taken.statement.digest), "index": taken.index}
        return Response(canonical_json(document), 201 if taken.new else 200, media_type=JSON)

    return routes


def contract_document(held: Held) -> dict[str, object]:
    """A contract with its statements, as both interfaces give it."""
    return {
        "id": held.contract.id,
        "version": held.contract.version,
        "digest": str(held.contract.digest),
        "contract": base64_encode(held.contract.raw),
        "statements": [base64_encode(statement.raw) for statement in held.statements],
    }


def base64_member(body: bytes, name: str) -> bytes:
    """The bytes in a JSON body of exactly one member, base64.

    Raises:
        JsonError, FieldError, Base64Error: Any other body.
        RequestMalformedError: An empty one.
    """
    document = parse_json_object(body, subject="request")
    require_members(document, {name}, subject="request")
    raw = base64_decode(text_member(document, name, subject="request"), subject=name)
    if not raw:
        raise RequestMalformedError(subject=name, reason="expected bytes, found none")
    return raw
