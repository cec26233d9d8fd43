"""What preparation knows of earlier releases, of the counterparts' and of public statistics, before it protects."""

from exchange.contract.exclusion import excluded_keys
from exchange.contract.model import DataContract
from exchange.contract.reference import ContractRef
from exchange.disclosure import Pool, Released
from exchange.errors.preparation import LedgerCopyError
from exchange.flow.prepare import History
from exchange.signing.trust import Trust
from nodes.adapters.contract_folder import ContractShelf
from nodes.adapters.ledger_file import LEDGER, LedgerFile, LedgerTable
from nodes.adapters.other_figures import read_mirrors, read_outside
from nodes.settings import NodeFolder

OUTSIDE = "outside"
"""The folder at the desk for public statistics."""


def read_history(
    node: NodeFolder, contract: DataContract, *, period: str, shelf: ContractShelf, trust: Trust
) -> History:
    """The ledger's copy, the bundles pulled from the counterparts of an exact mirror, and outside statistics.

    Raises:
        LedgerCopyError: The ledger or a released table is not what the ledger says.
        OutsideFigureError: A file of public statistics is not in its form.
    """
    ledger = LedgerFile(folder=node.desk / "ledger", contract_of=lambda ref: _contract_of(shelf, ref, node))
    group = contract.disclosure.linkage_group
    return History(
        pooled=ledger.pooled(group),
        pool=Pool(
            releases=tuple(_released(found) for found in ledger.tables(group, period=period)),
            mirrors=read_mirrors(node.pulled, contract, member=node.member, period=period, trust=trust, shelf=shelf),
            outside=read_outside(node.desk / OUTSIDE, contract, period=period),
        ),
    )


def _released(found: LedgerTable) -> Released:
    release = found.release
    return Released(
        contract=found.contract,
        revision=release.revision,
        table=found.table,
        recipients=release.recipients,
        bundle=release.bundle,
        excluded=excluded_keys(found.contract, provider=release.provider, recipients=release.recipients),
    )


def _contract_of(shelf: ContractShelf, ref: ContractRef, node: NodeFolder) -> DataContract:
    found = shelf.find(ref)
    if found is None:
        named = f"{ref.id} {ref.version} {ref.digest}"
        file = str(node.desk / "ledger" / LEDGER)
        raise LedgerCopyError(file=file, entry=named, expected="a contract in the node's folder", found="none")
    return found
