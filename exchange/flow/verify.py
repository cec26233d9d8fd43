"""Verifying a bundle offline, from bytes alone: the registry, the contracts and the bundle as mappings of files.

Time is what the witnesses' cosignatures say: registry metadata that has expired since is a notice, since a bundle
verifies for ever. `exchange.__main__` reads the files; the node's `exchange verify` runs the same code.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exchange.bundle import FloorAudit, OpenedBundle, open_bundle, unpack_zip
from exchange.contract.model import DataContract
from exchange.contract.parse import parse_contract
from exchange.contract.reference import ContractRef
from exchange.encoding import Digest, format_instant
from exchange.errors import ExchangeError, Language
from exchange.errors.contract import ContractNotSignedError, StatementUnwitnessedError
from exchange.errors.trust import RegistryFileError
from exchange.flow.agree import require_in_force
from exchange.flow.stated import Judged, filed, judge_statements
from exchange.publication import Check, Checklist, CheckName
from exchange.publication.verify import InForce
from exchange.signing.trust import FIRST_ROOT, Trust, open_trust

_CONTRACT = re.compile(r"contracts/([A-Z0-9-]+)/([0-9.]+)/contract\.odcs\.yaml\Z")
_CODELIST = re.compile(r"contracts/codelists/[^/]+\.csv\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of the checks.

    Attributes:
        checks: In order; the last one failed if `error` is there.
        opened: The bundle with its table, if all checks held.
        error: The refusal.
    """

    checks: tuple[Check, ...]
    opened: OpenedBundle | None = field(default=None, repr=False)
    error: ExchangeError | None = None

    @property
    def holds(self) -> bool:
        """Whether every check that could be made held."""
        return self.error is None

    def as_json(self, language: Language = "en") -> dict[str, object]:
        """The verdict for a program."""
        failed = next((check.name.value for check in self.checks if check.error is self.error), None)
        return {
            "holds": self.holds,
            "bundle": None if self.opened is None else str(self.opened.digest),
            "failed": None if self.holds else failed,
            "error": None if self.error is None else self.error.as_json(language),
            "checks": [check.as_json(language) for check in self.checks],
        }


@dataclass(slots=True)
class FolderShelf:
    """The contracts of a trust folder, parsed when asked for (`exchange.publication.ContractShelf`)."""

    files: Mapping[str, bytes]
    trust: Trust
    _parsed: dict[str, DataContract] = field(default_factory=dict)

    def find(self, ref: ContractRef) -> DataContract | None:
        """The contract of this id and version, None if its file is absent; the comparison refuses another digest.

        Raises:
            ContractError: The file of that id and version cannot be read.
        """
        path = f"contracts/{ref.id}/{ref.version}/contract.odcs.yaml"
        return self._contract(path) if path in self.files else None

    @property
    def in_force(self) -> InForce:
        """Judges by the statements beside each version."""
        return self._require_in_force

    def _require_in_force(self, contract: DataContract, provider: str, at: datetime) -> None:
        own = f"contracts/{contract.id}/{contract.version}/contract.odcs.yaml"
        others = [
            path
            for path in self.files
            if (match := _CONTRACT.match(path)) is not None and match[1] == contract.id and path != own
        ]
        versions = [(self._contract(path), self._judged(path, provider, at).counting) for path in sorted(others)]
        said = self._judged(own, provider, at)
        try:
            require_in_force(contract, said.counting, at=at, provider=provider, versions=versions)
        except ContractNotSignedError as error:
            for statement in said.unwitnessed:
                raise StatementUnwitnessedError(
                    contract=contract.id, version=contract.version, party=statement.party, at=format_instant(at)
                ) from error
            raise

    def _contract(self, path: str) -> DataContract:
        if path not in self._parsed:
            lists = {Digest.of(raw): raw for name, raw in self.files.items() if _CODELIST.match(name)}
            self._parsed[path] = parse_contract(self.files[path], codelists=lists)
        return self._parsed[path]

    def _judged(self, path: str, provider: str, at: datetime) -> Judged:
        folder = path.removesuffix("contract.odcs.yaml") + "statements/"
        files = {name.removeprefix(folder): raw for name, raw in self.files.items() if name.startswith(folder)}
        return judge_statements(filed(files), trust=self.trust, at=at, provider=provider)


def verify(
    bundle: Mapping[str, bytes] | bytes,
    folder: Mapping[str, bytes],
    *,
    at: datetime,
    audit: FloorAudit | None = None,
) -> Verdict:
    """Every check of a bundle, as far as the first that does not hold.

    Args:
        bundle: Its files by name, or the bytes of its ZIP.
        folder: The trust folder's files by path: `metadata/…`, `targets/…`, `contracts/…`.
        at: Now; it decides nothing but which registry metadata is noted as expired.
        audit: How to check the contract's interval floor; None leaves that unchecked.
    """
    record = Checklist()
    try:
        files = _unpacked(bundle, record) if isinstance(bundle, bytes) else bundle
        trust = _trust(folder, at, record)
        opened = open_bundle(files, trust=trust, contracts=FolderShelf(folder, trust), audit=audit, checklist=record)
    except ExchangeError as error:
        return Verdict(checks=record.checks, error=error)
    return Verdict(checks=record.checks, opened=opened)


def _unpacked(raw: bytes, record: Checklist) -> dict[str, bytes]:
    with record.check(CheckName.ZIP_FORM) as facts:
        files = unpack_zip(raw)
        facts["size_bytes"] = len(raw)
    return files


def _trust(folder: Mapping[str, bytes], at: datetime, record: Checklist) -> Trust:
    try:
        if FIRST_ROOT not in folder:
            raise RegistryFileError(file=FIRST_ROOT, reason="absent")
        return open_trust(folder, root=folder[FIRST_ROOT], at=at, expired="notice")
    except ExchangeError as error:
        record.fail(CheckName.TRUST, error)
        raise
