"""What must agree: the manifest with its contract, and the clearance and the report with the manifest."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta

from exchange.clearance import Clearance
from exchange.codes import parse_period
from exchange.contract.exclusion import excluded_keys
from exchange.contract.model import DataContract, Role
from exchange.encoding import format_instant
from exchange.errors.bundle import BundleMismatchError, ContractMismatchError, EmbargoError
from exchange.manifest import CLEARANCE, DISCLOSURE, Manifest
from exchange.pattern import Shape
from exchange.report import DisclosureReport, pooling


def bundle_title(contract: DataContract, *, provider: str, period: str) -> str:
    """How every title under this contract ends; words such as SYNTHETIC and a colon may stand before it."""
    return f"{contract.title['en']}, {provider}, {period}"


def compare_contract(manifest: Manifest, contract: DataContract) -> None:
    """Refuse a manifest that the contract's text does not allow.

    Raises:
        ContractMismatchError: Digest, id, version, provider, frequency, dimensions, decimals or title.
        EmbargoError: Readable before the contract's embargo has ended.
    """
    provider = manifest.provider
    period = parse_period(manifest.period)
    compared: dict[str, tuple[str, str]] = {
        "digest": (str(contract.digest), str(manifest.contract.digest)),
        "id": (contract.id, manifest.contract.id),
        "version": (contract.version, manifest.contract.version),
        "frequency": (contract.calendar.frequency, period.frequency.value),
        "dimensions": (", ".join(d.id for d in contract.dimensions), ", ".join(manifest.dimensions)),
        "decimals": ("no" if not contract.decimals else "yes", "no" if manifest.whole else "yes"),
    }
    if provider not in contract.members(Role.PROVIDER):
        compared["provider"] = (", ".join(contract.members(Role.PROVIDER)), provider)
    for field, (expected, found) in compared.items():
        if expected != found:
            raise ContractMismatchError(field=field, expected=expected, found=found)
    title = bundle_title(contract, provider=provider, period=manifest.period)
    if manifest.title != title and not manifest.title.endswith(f": {title}"):
        raise ContractMismatchError(field="title", expected=title, found=manifest.title)
    embargo_ends = datetime.combine(period.end + timedelta(days=1 + contract.embargo_days), time.min, UTC)
    if manifest.not_before < embargo_ends:
        raise EmbargoError(expected=format_instant(embargo_ends), found=format_instant(manifest.not_before))


def compare_clearance(clearance: Clearance, manifest: Manifest) -> None:
    """Refuse a clearance of something else than this manifest describes.

    Raises:
        BundleMismatchError: The first member that differs.
    """
    common = clearance.common
    _require_equal(
        CLEARANCE,
        {
            "provider": (manifest.provider, common.provider),
            "contract": (manifest.contract.digest, common.contract),
            "period": (manifest.period, common.period),
            "revision": (manifest.revision, common.revision),
            "supersedes": (manifest.supersedes, common.supersedes),
            "not_before": (format_instant(manifest.not_before), format_instant(common.not_before)),
            "recipients": (", ".join(manifest.recipients), ", ".join(common.recipients)),
            "data": (manifest.data.digest, common.data),
            "disclosure": (manifest.disclosure.digest, common.disclosure),
            "labels": (manifest.labels, common.labels),
        },
    )


def compare_report(report: DisclosureReport, manifest: Manifest, clearance: Clearance) -> None:
    """Refuse a disclosure report of something else than this manifest and clearance describe.

    Raises:
        BundleMismatchError: The first member that differs.
    """
    _require_equal(
        DISCLOSURE,
        {
            "provider": (manifest.provider, report.provider),
            "contract": (manifest.contract.digest, report.contract.digest),
            "contract id": (manifest.contract.id, report.contract.id),
            "contract version": (manifest.contract.version, report.contract.version),
            "period": (manifest.period, report.period),
            "revision": (manifest.revision, report.revision),
            "dimensions": (", ".join(manifest.dimensions), ", ".join(report.dimensions)),
            "pooled": (clearance.common.pooled, report.pooled),
        },
    )


def compare_rules(report: DisclosureReport, contract: DataContract, *, recipients: tuple[str, ...]) -> None:
    """Refuse a disclosure report that the contract's disclosure clause does not allow for these recipients.

    Raises:
        ContractMismatchError: Method, profile, zeros or pooling; a withheld key of no table; other excluded keys than
            the contract bars them from.
    """
    rules = contract.disclosure
    compared = {
        "method": (rules.method, report.method),
        "profile": (rules.profile, report.profile),
        "zeros": (rules.zeros.value, report.zeros),
        "pooling": (pooling(contract, report.provider), report.pooling),
    }
    for field, (expected, found) in compared.items():
        if expected != found:
            raise ContractMismatchError(field=field, expected=expected, found=found)
    # A key barred by nobody would be a hole in every sum; one that is not named would read as a published zero.
    barred = excluded_keys(contract, provider=report.provider, recipients=recipients)
    if different := barred ^ frozenset(report.excluded):
        expected = f"the {len(barred)} keys barred for {', '.join(recipients)}"
        found = f"{len(report.excluded)} keys, first difference {'.'.join(min(different))}"
        raise ContractMismatchError(field="excluded", expected=expected, found=found)
    shape = Shape(contract)
    for key in report.withheld:
        if not shape.holds(key):
            raise ContractMismatchError(field="withheld", expected="keys of its tables", found=".".join(key))


def _require_equal(subject: str, compared: Mapping[str, tuple[object, object]]) -> None:
    for field, (expected, found) in compared.items():
        if expected != found:
            raise BundleMismatchError(subject=subject, field=field, expected=str(expected), found=str(found))
