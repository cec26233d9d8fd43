"""What an evidence file is cut from: the auditor's store as it was at the last run, and the contracts at hand."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from exchange.contract.parse import parse_contract
from exchange.encoding import Digest, parse_instant
from exchange.errors import ExchangeError
from exchange.flow.prove import Kept, KeptLog
from exchange.log.checkpoint import Checkpoint
from exchange.reconcile.dossier import Charge
from nodes.auditor.store import AuditStore


def logs_of(run: Mapping[str, object], store: AuditStore) -> dict[str, KeptLog]:
    """The logs as they were shown in a run, whole ones only, with every checkpoint ever seen."""
    logs = run["logs"]
    assert isinstance(logs, list)
    found: dict[str, KeptLog] = {}
    for log in logs:
        if log["root"] is None:
            continue
        checkpoint = Checkpoint(origin="", size=log["size"], root=bytes.fromhex(log["root"]))
        entries = store.log_under(log["member"], checkpoint)
        if len(entries) == checkpoint.size:
            found[log["member"]] = KeptLog(seen=store.checkpoints(log["member"]), entries=entries)
    return found


def kept_of(run: Mapping[str, object], store: AuditStore, *, contracts: Mapping[Digest, bytes]) -> Kept:
    """Everything that a run was decided from; `contracts` are those at hand, the store adds those asked for."""
    unanswered = run["unanswered"]
    assert isinstance(unanswered, list)
    return Kept(
        at=parse_instant(run["at"], subject="audit run"),
        logs=logs_of(run, store),
        signed=store.signed(),
        unanswered=frozenset((one["member"], Digest.parse(one["digest"], subject="audit run")) for one in unanswered),
        publications=store.publications(),
        contracts={**store.contracts(), **contracts},
    )


def charge_in(finding: Mapping[str, object]) -> Charge:
    """What an evidence file for a finding of a run's document is to prove."""
    entries = finding["entries"]
    assert isinstance(entries, list)
    return Charge(
        code=str(finding["code"]),
        party=str(finding["party"]),
        entries=tuple((one["member"], one["index"]) for one in entries),
    )


def read_codelists(folder: Path) -> dict[Digest, bytes]:
    """The code lists of a contracts folder, by the digest of their bytes."""
    return {Digest.of(raw): raw for raw in (file.read_bytes() for file in sorted(folder.glob("codelists/*.csv")))}


def read_contracts(folder: Path, codelists: Mapping[Digest, bytes]) -> dict[Digest, bytes]:
    """The contract files of a contracts folder by the contract's digest; a file that is none is passed over."""
    found: dict[Digest, bytes] = {}
    for file in sorted(folder.glob("*/*/contract.odcs.yaml")):
        raw = file.read_bytes()
        with suppress(ExchangeError):
            found[parse_contract(raw, codelists=codelists).digest] = raw
    return found
