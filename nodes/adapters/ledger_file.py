"""The copy of the disclosure ledger that the desk exports and preparation reads (DESIGN.md §5).

`ledger.json` is the RFC 8785 form of `{"type": "ledger/1", "releases": [{bundle, contract: {id, version, digest}, data,
linkage_group, period, provider, recipients, revision}…]}`, sorted by bundle digest: one entry for every
`bundle.published` entry of this member's log, waiting, superseded and withdrawn ones included. `bundle` and `data` are
digests; the released `data.csv` of an entry lies beside it as `released/<64 hex of data>.csv`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from exchange.codes import parse_period
from exchange.contract.model import DataContract
from exchange.contract.reference import ContractRef, member_id, member_ids
from exchange.contract.statistic import related_periods
from exchange.encoding import (
    Digest,
    Json,
    JsonObject,
    canonical_json,
    int_member,
    parse_canonical_object,
    require_members,
    text_member,
)
from exchange.errors.encoding import EncodingError, FieldError
from exchange.errors.preparation import LedgerCopyError
from exchange.report import pooled_digest
from exchange.sdmx.data import read_data
from exchange.table import SafeTable
from nodes.adapters.durable import write_durably

LEDGER = "ledger.json"
LEDGER_TYPE = "ledger/1"

_MEMBERS = {"bundle", "contract", "data", "linkage_group", "period", "provider", "recipients", "revision"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRelease:
    """One publication in the ledger."""

    bundle: Digest
    contract: ContractRef
    linkage_group: str
    provider: str
    period: str
    recipients: tuple[str, ...]
    revision: int
    data: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTable:
    """One publication with its table, read under the contract it was released under."""

    release: LedgerRelease
    contract: DataContract
    table: SafeTable = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFile:
    """The copy as a folder.

    Attributes:
        folder: Holds ledger.json and released/.
        contract_of: The contract that an earlier release was made under, by its reference.
    """

    folder: Path
    contract_of: Callable[[ContractRef], DataContract]

    def pooled(self, linkage_group: str) -> Digest:
        """The digest over every publication of this linkage group; of nothing, if there is no ledger yet."""
        return pooled_digest(r.bundle for r in read_ledger(self.folder) if r.linkage_group == linkage_group)

    def tables(self, linkage_group: str, *, period: str) -> tuple[LedgerTable, ...]:
        """What was released in a linkage group of a period, of its wholes and parts, revisions in order.

        Raises:
            LedgerCopyError: The ledger or a released table is not what the ledger says.
        """
        group = [release for release in read_ledger(self.folder) if release.linkage_group == linkage_group]
        periods = related_periods(period, [release.period for release in group])
        found = [release for release in group if release.period in periods]
        found.sort(key=lambda r: (r.provider, r.contract.id, r.period, r.recipients, r.revision))
        expected: dict[tuple[object, ...], int] = {}
        for release in found:
            identity = (release.provider, release.contract.id, release.period, release.recipients)
            if release.revision != expected.setdefault(identity, 0):
                number = expected[identity]
                raise _refusal(self.folder, str(release.bundle), f"revision {number}", release.revision)
            expected[identity] += 1
        return tuple(self._table(release) for release in found)

    def _table(self, release: LedgerRelease) -> LedgerTable:
        file = released_file(self.folder, release.data)
        raw = file.read_bytes()
        if Digest.of(raw) != release.data:
            raise _refusal(self.folder, str(release.bundle), str(release.data), str(Digest.of(raw)))
        contract = self.contract_of(release.contract)
        table = read_data(raw, contract, provider=release.provider, period=release.period)
        return LedgerTable(release=release, contract=contract, table=table)


def released_file(folder: Path, data: Digest) -> Path:
    """Where the released table with this digest lies."""
    return folder / "released" / f"{data.hex}.csv"


def read_ledger(folder: Path) -> tuple[LedgerRelease, ...]:
    """Read ledger.json; a folder without one is a ledger without a release.

    Raises:
        LedgerCopyError: The file is not one that `write_ledger` wrote.
    """
    file = folder / LEDGER
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        return ()
    try:
        document = parse_canonical_object(raw, subject=LEDGER)
        require_members(document, {"type", "releases"}, subject=LEDGER)
        releases = tuple(_release(item) for item in _listed(document))
    except EncodingError as error:
        raise _refusal(folder, "(file)", "a ledger written by the desk", error.sentence()) from error
    if _format(releases) != raw:
        raise _refusal(folder, "(file)", "releases sorted by bundle, each once", "another order")
    return releases


def write_ledger(folder: Path, releases: tuple[LedgerRelease, ...], *, tables: dict[Digest, bytes]) -> None:
    """Export the ledger: the released tables first, then the list, each complete before it gets its name.

    Args:
        folder: Of the copy.
        releases: All of them.
        tables: The `data.csv` of those whose file is not in the folder yet, by digest.
    """
    for digest, raw in tables.items():
        write_durably(released_file(folder, digest), raw)
    write_durably(folder / LEDGER, _format(releases))


def _format(releases: tuple[LedgerRelease, ...]) -> bytes:
    ordered = sorted({release.bundle: release for release in releases}.items())
    return canonical_json({"type": LEDGER_TYPE, "releases": [_as_json(release) for _, release in ordered]})


def _as_json(release: LedgerRelease) -> JsonObject:
    return {
        "bundle": str(release.bundle),
        "contract": release.contract.as_json(),
        "data": str(release.data),
        "linkage_group": release.linkage_group,
        "period": release.period,
        "provider": release.provider,
        "recipients": list(release.recipients),
        "revision": release.revision,
    }


def _listed(document: JsonObject) -> list[Json]:
    listed = document["releases"]
    if document["type"] != LEDGER_TYPE or not isinstance(listed, list):
        raise FieldError(subject=LEDGER, field="type", expected=LEDGER_TYPE, found="another document")
    return listed


def _release(item: Json) -> LedgerRelease:
    if not isinstance(item, dict):
        raise FieldError(subject=LEDGER, field="releases", expected="objects", found=type(item).__name__)
    require_members(item, _MEMBERS, subject=LEDGER)
    period = text_member(item, "period", subject=LEDGER)
    return LedgerRelease(
        bundle=Digest.parse(item["bundle"], subject=f"{LEDGER}: bundle"),
        contract=ContractRef.parse(item["contract"], subject=LEDGER),
        linkage_group=text_member(item, "linkage_group", subject=LEDGER),
        provider=member_id(item, "provider", subject=LEDGER),
        period=str(parse_period(period)),
        recipients=member_ids(item, "recipients", subject=LEDGER),
        revision=int_member(item, "revision", subject=LEDGER),
        data=Digest.parse(item["data"], subject=f"{LEDGER}: data"),
    )


def _refusal(folder: Path, entry: str, expected: str, found: str | int) -> LedgerCopyError:
    return LedgerCopyError(file=str(folder / LEDGER), entry=entry, expected=expected, found=found)
