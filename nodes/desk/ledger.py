"""The disclosure ledger at the desk: what was released, and whether a candidate was audited against all of it."""

from exchange.contract.model import DataContract
from exchange.encoding import Digest
from exchange.flow.candidate import Candidate, CandidateFiles
from exchange.report import require_pooled
from nodes.adapters.ledger_file import LedgerRelease, read_ledger, write_ledger
from nodes.desk.cases import Desk


def require_fresh(desk: Desk, candidate: Candidate, contract: DataContract) -> None:
    """Refuse a candidate that was audited before something else in its linkage group was released.

    Raises:
        StalePooledError: The two digests; the candidate must be built again.
    """
    group = contract.disclosure.linkage_group
    released = [r.bundle for r in read_ledger(desk.ledger) if r.linkage_group == group]
    require_pooled(candidate.pooled, released)


def is_recorded(desk: Desk, bundle: Digest) -> bool:
    """Whether the ledger knows this bundle: it is in the log, whatever became of it since."""
    return any(release.bundle == bundle for release in read_ledger(desk.ledger))


def record_release(desk: Desk, files: CandidateFiles, contract: DataContract, bundle: Digest) -> None:
    """Write a release into the ledger: from the moment it is in the log, it counts, published or waiting."""
    candidate = files.candidate
    release = LedgerRelease(
        bundle=bundle,
        contract=candidate.contract,
        linkage_group=contract.disclosure.linkage_group,
        provider=candidate.provider,
        period=candidate.period,
        recipients=candidate.recipients,
        revision=candidate.revision,
        data=candidate.data,
    )
    known = read_ledger(desk.ledger)
    if release not in known:
        write_ledger(desk.ledger, (*known, release), tables={candidate.data: files.data})
