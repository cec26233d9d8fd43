"""Pulled and published: what lies here of partners and of the own releases, with figures, checks, and downloads."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Annotated, TypeAlias

from fastapi import Depends, Request
from fastapi import Path as InPath
from fastapi.routing import APIRouter
from starlette.responses import Response

from exchange.contract.model import DataContract
from exchange.contract.reference import ContractRef
from exchange.encoding import Digest
from exchange.errors.bundle import ResourceDigestError
from exchange.errors.exchange_ import NotFoundError
from exchange.flow.verify import Verdict, verify
from exchange.manifest import DATA, Manifest
from exchange.publication import BUNDLE_FILES
from exchange.sdmx.data import read_data
from exchange.table import SafeTable
from nodes.adapters.desk_store import open_desk
from nodes.adapters.ledger_file import LedgerRelease, read_ledger, released_file
from nodes.desk.cases import Desk
from nodes.desk.pages.chart import chart_of
from nodes.desk.pages.downloads import table_csv, table_xlsx
from nodes.desk.pages.names import UNITS, said_text
from nodes.desk.pages.table import table_view
from nodes.desk.server.bundle_routes import pulled_folders
from nodes.desk.server.context import DeskContext
from nodes.desk.sheet import table_rows
from nodes.desk.withdrawing import WITHDRAWN
from nodes.web.pages.files import CSV_TYPE
from nodes.web.pages.lists import Listing, add_files
from nodes.web.pages.locale import Reader
from nodes.web.pages.prepared import PreparedFiles
from nodes.web.pages.rendering import Pages
from nodes.web.pages.routes import page_router
from nodes.web.roles import Action, allows
from nodes.web.sessions import May, Officer

Seeing = Annotated[Officer, Depends(May(Action.PULLED_READ))]
Address = Annotated[str, InPath(pattern=r"^[0-9a-f]{64}$")]
Writer: TypeAlias = Callable[[SafeTable, DataContract, Reader, str], bytes]
"""A table as a file; the text is the bundle's digest."""
PARQUET = "application/vnd.apache.parquet"
PARQUET_WRITER = "nodes.desk.pages.parquet"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A bundle whose table lies here.

    Attributes:
        folder: Of a partner's bundle, with all six files; None for an own release, whose table is in the ledger.
    """

    bundle: Digest
    provider: str
    contract: ContractRef
    period: str
    revision: int
    recipients: tuple[str, ...]
    data: Digest
    folder: Path | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What a download of it is called."""
        return f"{self.provider}-{self.contract.id}-{self.period}-r{self.revision}".lower()


LIST: Listing[Held] = Listing(
    name="bundles",
    page="/bundles",
    columns={
        "bundle": lambda one: str(one.bundle),
        "provider": lambda one: one.provider,
        "contract": lambda one: one.contract.id,
        "version": lambda one: one.contract.version,
        "period": lambda one: one.period,
        "revision": lambda one: one.revision,
        "recipients": lambda one: one.recipients,
        "came": lambda one: "released" if one.folder is None else "pulled",
    },
    filters=("provider", "contract", "period"),
)


def router(web: Pages, context: DeskContext) -> APIRouter:
    """`GET /bundles` and its files, `/bundles/{digest}`, and its `table.csv`, `table.xlsx` and `table.parquet`."""
    routes = page_router(web)
    _looking(routes, web, context)
    _downloading(routes, web, context)
    return routes


def _looking(routes: APIRouter, web: Pages, context: DeskContext) -> None:
    @routes.get("/bundles")
    def listing(request: Request, officer: Seeing) -> Response:
        desk = context.desk()
        facts: dict[str, object] = {
            "officer": officer,
            "list": LIST.show(_newest_first(desk), request.query_params),
            "titles": {kept.contract.digest: kept.contract.title for kept in desk.shelf.kept.values()},
            "own": desk.node.member,
            "offers": allows(Action.CATALOGUE_READ, officer.roles),
        }
        return web.page(request, "zone/bundles.html", facts)

    add_files(routes, LIST, Action.PULLED_READ, lambda _: _newest_first(context.desk()))

    @routes.get("/bundles/{digest}")
    def one(request: Request, digest: Address, officer: Seeing) -> Response:
        desk = context.desk()
        held, contract, table = _opened(desk, digest)
        reader = Reader(web.catalogue(request).language)
        whole = "whole" in request.query_params
        rows = tuple(table_rows(table, contract))
        view = table_view(rows, contract, reader, request.query_params, whole=whole)
        facts: dict[str, object] = {
            "officer": officer,
            "held": held,
            "contract": contract,
            "limitations": said_text(contract.limitations, web.catalogue(request).core),
            "unit": UNITS.get(contract.unit, contract.unit),
            "view": view,
            "chart": chart_of(rows, view, request.query_params),
            "withdrawn": _is_withdrawn(desk, held),
            "whole": whole,
            "withheld": len(table.withheld_keys()),
            "verdict": None if held.folder is None else _verified(desk, held.folder),
            "checked_at": desk.now,
            "core": web.catalogue(request).core,
            "cite": f"{held.provider}, {held.contract.id} {held.contract.version}, {held.period}, {held.bundle}",
        }
        return web.page(request, "zone/bundle.html", facts)


def _downloading(routes: APIRouter, web: Pages, context: DeskContext) -> None:
    prepared = PreparedFiles(web)

    def answer(request: Request, officer: Officer, digest: str, media_type: str, write: Writer) -> Response:
        desk, ending = context.desk(), request.url.path.rpartition(".")[2]
        held, contract, raw = _checked(desk, digest)
        reader = Reader(web.catalogue(request).language)

        def make() -> bytes:
            table = read_data(raw, contract, provider=held.provider, period=held.period)
            return write(table, contract, reader, str(held.bundle))

        return prepared.answer(
            request,
            officer,
            make,
            key=(digest, ending, reader.language),
            name=f"{held.name}.{ending}",
            media_type=media_type,
            back=f"/bundles/{digest}",
        )

    @routes.get("/bundles/{digest}/table.csv")
    def as_csv(request: Request, digest: Address, officer: Seeing) -> Response:
        return answer(request, officer, digest, CSV_TYPE, _table_csv)

    @routes.get("/bundles/{digest}/table.xlsx")
    def as_xlsx(request: Request, digest: Address, officer: Seeing) -> Response:
        return answer(request, officer, digest, XLSX, _table_xlsx)

    @routes.get("/bundles/{digest}/table.parquet")
    def as_parquet(request: Request, digest: Address, officer: Seeing) -> Response:
        return answer(request, officer, digest, PARQUET, _table_parquet)


def _table_csv(table: SafeTable, contract: DataContract, reader: Reader, _: str) -> bytes:
    return table_csv(table, contract, reader)


def _table_xlsx(table: SafeTable, contract: DataContract, reader: Reader, source: str) -> bytes:
    return table_xlsx(table, contract, reader, source=source)


def _table_parquet(table: SafeTable, contract: DataContract, _: Reader, source: str) -> bytes:
    writer = import_module(PARQUET_WRITER)  # it holds 55 MB that no other answer needs
    content: bytes = writer.table_parquet(table, contract, source=source)
    return content


def held_bundles(desk: Desk) -> list[Held]:
    """Partners' bundles that were pulled, and the own releases."""
    pulled = [_pulled(digest, *found) for digest, found in pulled_folders(desk.node.pulled).items()]
    return [*pulled, *(_released(one) for one in read_ledger(desk.ledger))]


def _newest_first(desk: Desk) -> list[Held]:
    return sorted(held_bundles(desk), key=lambda one: (one.period, one.contract.id, one.provider), reverse=True)


def _pulled(digest: Digest, folder: Path, manifest: Manifest) -> Held:
    return Held(
        bundle=digest,
        provider=manifest.provider,
        contract=manifest.contract,
        period=manifest.period,
        revision=manifest.revision,
        recipients=manifest.recipients,
        data=manifest.data.digest,
        folder=folder,
    )


def _released(one: LedgerRelease) -> Held:
    return Held(
        bundle=one.bundle,
        provider=one.provider,
        contract=one.contract,
        period=one.period,
        revision=one.revision,
        recipients=one.recipients,
        data=one.data,
    )


def _opened(desk: Desk, digest: str) -> tuple[Held, DataContract, SafeTable]:
    """A bundle with its contract and table; errors as in `_checked`."""
    held, contract, raw = _checked(desk, digest)
    return held, contract, read_data(raw, contract, provider=held.provider, period=held.period)


def _checked(desk: Desk, digest: str) -> tuple[Held, DataContract, bytes]:
    """A bundle with its contract and its table's bytes.

    Raises:
        NotFoundError: No such bundle lies here, or its contract does not.
        ResourceDigestError: Its table was altered since; nothing of it is shown.
    """
    held = next((one for one in held_bundles(desk) if one.bundle.hex == digest), None)
    contract = None if held is None else desk.shelf.find(held.contract)
    if held is None or contract is None:
        raise NotFoundError
    file = released_file(desk.ledger, held.data) if held.folder is None else held.folder / DATA
    raw = file.read_bytes()
    if Digest.of(raw) != held.data:
        raise ResourceDigestError(path=DATA, expected=str(held.data), computed=str(Digest.of(raw)))
    return held, contract, raw


def _is_withdrawn(desk: Desk, held: Held) -> bool:
    """Whether the bundle was taken back, as this desk knows."""
    if held.folder is not None:
        return (desk.node.taken_back / held.bundle.hex).is_dir()
    if not desk.store_file.exists():
        return False
    with open_desk(desk.store_file) as store:
        row = store.withdrawal(str(held.bundle))
    return row is not None and row.state == WITHDRAWN


def _verified(desk: Desk, folder: Path) -> Verdict:
    """Every check of a pulled bundle, made now, from the files that lie here alone."""
    node = desk.node
    trust = {str(file.relative_to(node.keys)): file.read_bytes() for file in node.keys.rglob("*") if file.is_file()}
    contracts = {
        f"contracts/{file.relative_to(node.contracts)}": file.read_bytes()
        for file in node.contracts.rglob("*")
        if file.is_file()
    }
    bundle = {name: (folder / name).read_bytes() for name in BUNDLE_FILES}
    return verify(bundle, {**trust, **contracts}, at=desk.now)
