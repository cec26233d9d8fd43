"""KG's desk with an analyst at it: three months of KZ's bundles, pulled, and of KG's own releases, side by side."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from exchange.clearance import approve
from exchange.contract.reference import ContractRef
from exchange.encoding import Digest
from exchange.flow.clear import Case, record_approval, submit
from exchange.flow.prepare import Attribution, History, Preparation, prepare
from exchange.report import pooled_digest
from exchange.sdmx.data import write_data
from exchange.table import CellKey, Observation, SafeTable
from nodes.adapters.ledger_file import LedgerRelease, write_ledger
from nodes.adapters.node_folder import copy_contracts
from nodes.desk.main import build_desk, guarded
from nodes.settings import open_node
from tests.world.bundles import CLEARED, PERIOD, REGISTER, SECRET, VALID_UNTIL, BundleWorld, aggregate, bundle_world
from tests.world.desk_server import DeskServer, desk_server

EARLIER = ("2026-07", "2026-08")
SHARES = {"2026-07": 0.5, "2026-08": 0.8}
"""Of the register's crossings, in the months before."""
Figures = Mapping[CellKey, int | None]


def key(direction: str, citizenship: str = "_T") -> CellKey:
    """KG's crossings with KZ on the other side."""
    return (direction, citizenship, "KZ", "_T", "_T", "_T", "_T")


def own(
    arrivals: int, departures: int, *, kyrgyz: int | None = None, uzbek: int | None = None
) -> dict[CellKey, int | None]:
    """KG's arrivals from and departures to KZ, two parts of the departures by citizenship; None is withheld."""
    return {key("IN"): arrivals, key("OUT"): departures, key("OUT", "KG"): kyrgyz, key("OUT", "UZ"): uzbek}


MONTHS = (*EARLIER, PERIOD)
OWN: Mapping[str, Figures] = {
    "2026-07": own(740, 1_005, kyrgyz=960, uzbek=14),
    "2026-08": own(1_180, 1_590, kyrgyz=1_530, uzbek=None),
    "2026-09": own(1_500, 5_000, kyrgyz=4_700, uzbek=30),
}
"""KG's releases of the three months. KZ's register: 2,000 arrivals from KG in September, 1,001 in July and 1,601 in
August; 1,492 departures to KG."""


@dataclass(frozen=True)
class CorridorDesk:
    """The desk's server, and what lies in its folder."""

    server: DeskServer
    world: BundleWorld

    @property
    def node(self) -> Path:
        return self.server.node.path

    def pull(self, *periods: str) -> None:
        """KZ's bundles of these periods, as the gateway lays them down."""
        for period in periods:
            place = self.node / "pulled" / "KZ" / self.world.contract.id / f"{period}-r0-0123456789abcdef"
            place.mkdir(parents=True)
            for name, content in bundle_of(period).items():
                (place / name).write_bytes(content)

    def release(self, figures: Mapping[str, Figures]) -> None:
        """KG's own releases by period, in place of any before."""
        contract, made, tables = self.world.contract, [], {}
        for period, rows in figures.items():
            found = {cell: observation(value) for cell, value in rows.items()}
            safe = SafeTable(provider="KG", contract_id=contract.id, period=period, rows=found)
            data = write_data(safe, contract, revision=0, salt_secret=SECRET)
            tables[Digest.of(data)] = data
            made.append(
                LedgerRelease(
                    bundle=Digest.of(f"own {period}".encode()),
                    contract=ContractRef.of(contract),
                    linkage_group=contract.disclosure.linkage_group,
                    provider="KG",
                    period=period,
                    recipients=contract.recipients_of("KG"),
                    revision=0,
                    data=Digest.of(data),
                )
            )
        write_ledger(self.node / "desk" / "ledger", tuple(made), tables=tables)

    def add_contract(self, name: str) -> None:
        copy_contracts(self.node / "contracts", names=[(name, "1.0.0")])


def observation(value: int | None) -> Observation:
    status = ("A", "N") if value is not None else ("Q", "C")
    return Observation(value=value, obs_status=status[0], conf_status=status[1])


def corridor_desk(folder: Path) -> CorridorDesk:
    """KZ's desk of `desk_server`, made KG's, in the federation of `bundle_world`."""
    world, server = bundle_world(), desk_server(folder)
    for part in ("keys", "contracts"):
        shutil.rmtree(folder / part)
    shutil.copytree(world.federation.registry, folder / "keys", ignore=shutil.ignore_patterns("contracts"))
    shutil.copytree(world.federation.registry / "contracts", folder / "contracts")
    settings = folder / "node.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('"KZ"', '"KG"'), encoding="utf-8")
    context = build_desk(open_node(folder), clock=server.world.clock)
    node = replace(server.world, node=context.node)
    return CorridorDesk(DeskServer(node, context, guarded(context), server.passkeys), world)


@cache
def bundle_of(period: str) -> Mapping[str, bytes]:
    """KZ's bundle of a month, published; made once per process."""
    world = bundle_world()
    if period == PERIOD:
        return world.files
    table = aggregate(world.contract, {codes: round(count * SHARES[period]) for codes, count in REGISTER.items()})
    (prepared,) = prepare(
        Preparation(
            table=replace(table, period=period),
            contract=world.contract,
            history=History(pooled=pooled_digest([])),
            attribution=Attribution(title="INVENTED"),
            prepared_by="kz-01",
            secret=SECRET,
            progress=lambda _stage, _share: None,
        )
    )
    candidate = prepared.files
    case = submit(Case(candidate=candidate.candidate), by="kz-01", at=CLEARED, valid_until=VALID_UNTIL)
    common = case.common
    for officer in ("kz-02", "kz-03"):
        signer = world.federation.officer(officer)
        approval = approve(common, officer=officer, role="clearing", at=CLEARED, signer=signer)
        case = record_approval(case, approval, trust=world.trust, contract=world.contract, at=CLEARED)
    cleared = replace(world, candidate=candidate, case=case)
    return cleared.publish(cleared.seal())
