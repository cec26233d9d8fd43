"""`/api/ledger`, `/api/catalogues/{partner}`, `/api/pulls`, `/api/pulled…`: what was released, what partners gave."""

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath
from pydantic import Field
from starlette.responses import Response

from exchange.encoding import Digest
from exchange.errors.exchange_ import NotFoundError
from exchange.flow.offer import PURPOSE_DEFAULT
from exchange.manifest import CLEARANCE, DATA, DISCLOSURE, MANIFEST, Manifest, parse_manifest
from exchange.publication import PROOF, SIGNATURES
from nodes.adapters.ledger_file import LedgerRelease, read_ledger
from nodes.desk.acts import DeskAct
from nodes.desk.server.candidate_documents import ContractName, contract_name
from nodes.desk.server.context import DeskContext
from nodes.web.answers import ACT, SIGNED_IN, Body, Document, Fresh, refusals
from nodes.web.pages.files import attached
from nodes.web.problems import language_of
from nodes.web.roles import Action
from nodes.web.sessions import May, Officer

PULL_TIMEOUT_S = 600.0
"""A slow partner has its own limits in the gateway; this one only ends a wait for a gateway that hangs."""
FILES = (MANIFEST, DATA, DISCLOSURE, CLEARANCE, SIGNATURES, PROOF)
_MEMBER = r"^[A-Za-z][A-Za-z0-9]{1,15}$"
_Text = Annotated[str, Field(min_length=1, max_length=64)]


class PullBody(Body):
    """Which bundle of which partner, and what for; the contract says which purposes it permits."""

    partner: str = Field(pattern=_MEMBER)
    contract: _Text
    period: str = Field(min_length=4, max_length=16)
    purpose: str = Field(default=PURPOSE_DEFAULT, pattern=r"^[a-z][a-z0-9_]{0,63}$")


class LedgerLine(Document):
    """A publication that counts for whatever is released later."""

    bundle: str
    contract: ContractName
    linkage_group: str
    provider: str
    period: str
    recipients: list[str]
    revision: int
    data: str


class LedgerDocument(Document):
    """The disclosure ledger."""

    releases: list[LedgerLine]


class OfferLine(Document):
    """A bundle that a partner offers."""

    bundle: str
    provider: str
    contract: ContractName
    period: str
    revision: int
    state: str


class OffersDocument(Document):
    """What a partner offers this member."""

    bundles: list[OfferLine]


class PulledNowDocument(OfferLine):
    """A bundle that was pulled, verified, logged and receipted."""

    pull: str
    already_there: bool
    receipt_taken: bool


class PulledLine(Document):
    """A bundle of a partner that lies here, verified when it came."""

    bundle: str
    title: str
    provider: str
    contract: ContractName
    period: str
    revision: int
    recipients: list[str]


class PulledDocument(Document):
    """Every bundle of a partner that lies here."""

    bundles: list[PulledLine]


def router(context: DeskContext) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/api", tags=["bundles"], default_response_class=Fresh)
    _released(routes, context)
    _offered(routes, context)
    _pulled(routes, context)
    return routes


def _released(routes: APIRouter, context: DeskContext) -> None:
    @routes.get("/ledger", responses=refusals(*SIGNED_IN, 422))
    def ledger(_: Annotated[Officer, Depends(May(Action.LEDGER_READ))]) -> LedgerDocument:
        """Every publication of this member; digests, no figures."""
        return LedgerDocument(releases=[_ledger_line(one) for one in read_ledger(context.desk().ledger)])


def _offered(routes: APIRouter, context: DeskContext) -> None:
    @routes.get("/catalogues/{partner}", responses=refusals(*SIGNED_IN, *ACT))
    def catalogue(
        request: Request,
        partner: Annotated[str, InPath(pattern=_MEMBER)],
        _: Annotated[Officer, Depends(May(Action.CATALOGUE_READ))],
        contract: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9-]{1,64}$")] = None,
    ) -> OffersDocument:
        """What a partner offers this member, asked of it now by the own gateway."""
        query = "" if contract is None else f"?contract={contract}"
        gateway = context.gateway(language_of(request))
        return gateway.shaped(gateway.get(f"/local/catalogues/{partner}{query}"), OffersDocument)

    @routes.post("/pulls", status_code=201, responses=refusals(*SIGNED_IN, *ACT))
    def pull(
        request: Request, officer: Annotated[Officer, Depends(May(Action.PULL))], body: PullBody
    ) -> PulledNowDocument:
        """Pull, verify, log and receipt the newest revision of a partner's bundle."""
        gateway = context.gateway(language_of(request), timeout_s=PULL_TIMEOUT_S)
        context.console.note(officer, DeskAct.PULL, f"{body.partner} {body.contract} {body.period}")
        found = gateway.post("/local/pulls", dict(body.model_dump()))
        return gateway.shaped({name: found[name] for name in found if name != "folder"}, PulledNowDocument)


def _pulled(routes: APIRouter, context: DeskContext) -> None:
    @routes.get("/pulled", responses=refusals(*SIGNED_IN, 422))
    def pulled(_: Annotated[Officer, Depends(May(Action.PULLED_READ))]) -> PulledDocument:
        """Every bundle of a partner that lies here."""
        found = pulled_folders(context.node.pulled)
        return PulledDocument(bundles=[_pulled_line(digest, manifest) for digest, (_, manifest) in found.items()])

    @routes.get(
        "/pulled/{bundle}/{file}",
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {}}}, **refusals(*SIGNED_IN, 404, 422)},
    )
    def file(
        bundle: Annotated[str, InPath(pattern=r"^[0-9a-f]{64}$")],
        file: Literal[FILES],  # type: ignore[valid-type]  # the six names, written once
        _: Annotated[Officer, Depends(May(Action.PULLED_READ))],
    ) -> Response:
        """One file of a pulled bundle, as it came."""
        found = pulled_folders(context.node.pulled).get(Digest(bundle))
        if found is None:
            raise NotFoundError
        content = (found[0] / file).read_bytes()
        return attached(content, file, "application/octet-stream")


def pulled_folders(pulled: Path) -> dict[Digest, tuple[Path, Manifest]]:
    """The folders of pulled bundles by their digests; those under the node's own folder only.

    Raises:
        EncodingError: A manifest was altered.
    """
    found: dict[Digest, tuple[Path, Manifest]] = {}
    for file in sorted(pulled.glob(f"*/*/[!.]*/{MANIFEST}")):
        raw = file.read_bytes()
        found[Digest.of(raw)] = (file.parent, parse_manifest(raw))
    return found


def _ledger_line(one: LedgerRelease) -> LedgerLine:
    return LedgerLine(
        bundle=str(one.bundle),
        contract=contract_name(one.contract),
        linkage_group=one.linkage_group,
        provider=one.provider,
        period=one.period,
        recipients=list(one.recipients),
        revision=one.revision,
        data=str(one.data),
    )


def _pulled_line(digest: Digest, manifest: Manifest) -> PulledLine:
    return PulledLine(
        bundle=str(digest),
        title=manifest.title,
        provider=manifest.provider,
        contract=contract_name(manifest.contract),
        period=manifest.period,
        revision=manifest.revision,
        recipients=list(manifest.recipients),
    )
