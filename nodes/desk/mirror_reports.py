"""What members released of both sides of a mirror, as this desk has it: its ledger, and pulled bundles, verified."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations

from exchange.bundle import open_bundle
from exchange.contract.choose import choose, version_number
from exchange.contract.exclusion import excluded_keys
from exchange.contract.model import DataContract, Mirror, Role
from exchange.contract.reference import ContractRef
from exchange.encoding import Digest
from exchange.errors.preparation import LedgerCopyError
from exchange.manifest import MANIFEST
from exchange.mirror import Comparison, Expectation, RatioModel, Reports, learn, mirror_statistics, pair_of
from exchange.table import Released
from nodes.adapters.desk_store import open_desk
from nodes.adapters.ledger_file import LEDGER, LedgerFile, LedgerTable, read_ledger
from nodes.desk.cases import Desk

TAKEN_BACK = frozenset({"logged", "withdrawn"})
"""The states of an own withdrawal from which on the figures no longer stand."""

_FOLDER = re.compile(r"(?P<period>[0-9Q-]+)-r(?P<revision>[0-9]+)-[0-9a-f]+\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """A contract and the one that mirrors it, with everything that members released under either.

    Attributes:
        counterpart: The contract that mirrors it; itself, where one contract asks both sides.
        members: Who provides either, sorted.
        comparisons: Of every two members, in order of members, period, corridor.
    """

    contract: DataContract
    mirror: Mirror
    counterpart: DataContract
    members: tuple[str, ...]
    comparisons: tuple[Comparison, ...] = field(repr=False)

    def expectations(self, chosen: Sequence[Comparison]) -> list[Expectation | None]:
        """What earlier periods of all corridors let expect of each ratio; None for parts and without an index."""
        totals = [one.entry for one in chosen if one.index is not None and one.entry.is_whole]
        learnt = {
            (whole, period): learn(self.comparisons, whole=whole, before=period)
            for whole, period in {(entry.whole, entry.period) for entry in totals}
        }
        return [_expected(one, learnt.get((one.entry.breakdown, one.entry.period))) for one in chosen]


def mirrored(desk: Desk, asked: str) -> Mirrored | DataContract:
    """Both sides of the contract a person means; the contract alone if nothing mirrors it, or nothing at hand does.

    Raises:
        ContractNotAtHandError, ContractAmbiguousError: None fits, or two ids begin like this.
        ExchangeError: A pulled bundle or the own ledger no longer verifies.
    """
    contracts = {(kept.contract.id, kept.contract.version): kept.contract for kept in desk.shelf.kept.values()}
    contract = contracts[choose(contracts, asked)[-1]]
    mirror = contract.mirror
    if mirror is None:
        return contract
    counterpart = _newest(list(contracts.values()), mirror.contract_id, mirror.major_version)
    if counterpart is None:
        return contract
    released = [*_own(desk, contract, counterpart), *_pulled(desk, contract, counterpart)]
    pairs = combinations if counterpart.id == contract.id else permutations
    members = sorted({*contract.members(Role.PROVIDER), *counterpart.members(Role.PROVIDER)})
    return Mirrored(
        contract=contract,
        mirror=mirror,
        counterpart=counterpart,
        members=tuple(members),
        comparisons=tuple(
            comparison
            for one, other in pairs(members, 2)
            for comparison in mirror_statistics(
                _reports(one, contract, released), _reports(other, counterpart, released), mirror
            )
        ),
    )


def _expected(one: Comparison, learnt: RatioModel | None) -> Expectation | None:
    pair = None if one.index is None else pair_of(one.entry)
    return None if pair is None or learnt is None or not learnt.pairs else learnt.expect_pair(pair)


def _newest(contracts: list[DataContract], contract_id: str, major: int) -> DataContract | None:
    fitting = [c for c in contracts if c.id == contract_id and version_number(c.version)[0] == major]
    return max(fitting, key=lambda c: version_number(c.version), default=None)


def _reports(member: str, contract: DataContract, released: list[Released]) -> Reports:
    """A member's releases under a contract's id and major version."""
    return Reports(
        member=member,
        contract=contract,
        releases=tuple(
            release for release in released if release.table.provider == member and _same(release.contract, contract)
        ),
    )


def _same(one: DataContract, other: DataContract) -> bool:
    return one.id == other.id and version_number(one.version)[0] == version_number(other.version)[0]


def _own(desk: Desk, *contracts: DataContract) -> Iterator[Released]:
    """This member's last release of each period that it has not taken back."""
    ledger = LedgerFile(folder=desk.ledger, contract_of=lambda ref: _contract_of(desk, ref))
    taken_back = _taken_back(desk)
    for contract in {contract.id: contract for contract in contracts}.values():
        group = contract.disclosure.linkage_group
        kept = [release for release in read_ledger(desk.ledger) if release.contract.id == contract.id]
        for period in sorted({release.period for release in kept}):
            tables = [t for t in ledger.tables(group, period=period) if t.release.contract.id == contract.id]
            last = max((t for t in tables if t.release.period == period), key=_rank)
            if last.release.bundle not in taken_back:
                yield _released(last)


def _rank(table: LedgerTable) -> tuple[int, int]:
    """The last revision; of releases to different circles, the one that most may see."""
    return (table.release.revision, len(table.release.recipients))


def _released(table: LedgerTable) -> Released:
    release = table.release
    return Released(
        contract=table.contract,
        revision=release.revision,
        table=table.table,
        recipients=release.recipients,
        bundle=release.bundle,
        excluded=excluded_keys(table.contract, provider=release.provider, recipients=release.recipients),
    )


def _contract_of(desk: Desk, ref: ContractRef) -> DataContract:
    found = desk.shelf.find(ref)
    if found is None:
        named = f"{ref.id} {ref.version} {ref.digest}"
        raise LedgerCopyError(
            file=str(desk.ledger / LEDGER), entry=named, expected="a contract in the node's folder", found="none"
        )
    return found


def _taken_back(desk: Desk) -> frozenset[Digest]:
    if not desk.store_file.exists():
        return frozenset()
    with open_desk(desk.store_file) as store:
        rows = [row for row in store.withdrawals() if row.state in TAKEN_BACK]
    return frozenset(Digest.parse(row.bundle, subject="desk.db: bundle") for row in rows)


def _pulled(desk: Desk, *contracts: DataContract) -> Iterator[Released]:
    """The last revision that was pulled of each partner and period, unless the partner took it back."""
    for contract_id in sorted({contract.id for contract in contracts}):
        last: dict[tuple[str, str], tuple[int, str]] = {}
        for folder in desk.node.pulled.glob(f"*/{contract_id}/*"):
            named = _FOLDER.match(folder.name)
            if named is not None:
                of = (folder.parent.parent.name, named["period"])
                last[of] = max(last.get(of, (0, "")), (int(named["revision"]), folder.name))
        for (provider, _), (_, name) in sorted(last.items()):
            folder = desk.node.pulled / provider / contract_id / name
            files = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
            bundle = Digest.of(files.get(MANIFEST, b""))
            opened = open_bundle(files, trust=desk.trust, contracts=desk.shelf)
            agreed = opened.publication.contract
            taken_back = (desk.node.taken_back / bundle.hex).exists()
            if opened.data is not None and agreed is not None and not taken_back:
                yield Released(
                    contract=agreed,
                    revision=opened.manifest.revision,
                    table=opened.data.table,
                    recipients=opened.manifest.recipients,
                    bundle=opened.digest,
                    excluded=frozenset(opened.publication.report.excluded),
                )
