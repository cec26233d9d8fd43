"""An audit report: one canonical JSON document, signed by the auditor's transport key; pages are written from it.

{"type": "audit-report/1", "auditor", and the members of an audit run's document}
"""

from collections.abc import Mapping

from exchange.encoding import JsonObject, canonical_json, parse_canonical_object, parse_instant, text_member
from exchange.errors.audit import NotAuditorError
from exchange.errors.encoding import FieldError
from exchange.signing.jws import sign_detached, verify_detached
from exchange.signing.keys import Algorithm, KeyPurpose, Signer
from exchange.signing.trust import Trust

REPORT_TYPE = "audit-report/1"
REPORT_TYP = "exchange-audit-report+jws"
REPORT_BYTES_MAX = 64 * 1024 * 1024
_SUBJECT = "audit report"


def format_report(run: Mapping[str, object], *, auditor: str) -> bytes:
    """The RFC 8785 bytes of the report on a run."""
    return canonical_json({**run, "type": REPORT_TYPE, "auditor": auditor})


def sign_report(report: bytes, *, signer: Signer) -> bytes:
    """A detached JWS over these bytes, by the auditor's transport key."""
    return sign_detached(report, typ=REPORT_TYP, signers=[signer])


def open_report(report: bytes, jws: bytes, *, trust: Trust) -> JsonObject:
    """The document, if the registry's auditor signed it with a key that counted when the audit decided.

    Raises:
        NotAuditorError: It names another member than the registry does as auditor of that time.
        TrustError: The signature does not hold.
        EncodingError: Not the one legal form.
    """
    document = parse_canonical_object(report, subject=_SUBJECT, bytes_max=REPORT_BYTES_MAX)
    for name, expected in (("type", REPORT_TYPE), ("auditor", "a member"), ("at", "a time")):
        if name not in document:
            raise FieldError(subject=_SUBJECT, field=name, expected=expected, found="nothing")
    if document["type"] != REPORT_TYPE:
        raise FieldError(subject=_SUBJECT, field="type", expected=REPORT_TYPE, found=str(document["type"])[:40])
    auditor, at = text_member(document, "auditor", subject=_SUBJECT), parse_instant(document["at"], subject=_SUBJECT)
    if auditor != trust.auditor_at(at):
        raise NotAuditorError(member=auditor[:16], auditor=trust.auditor_at(at))
    keys = trust.keys(auditor, KeyPurpose.TRANSPORT, at=at)
    verify_detached(jws, report, typ=REPORT_TYP, keys=keys, algorithms=(Algorithm.ED25519,))
    return document
