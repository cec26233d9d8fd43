"""The clearance `clearance.json`: what exactly officers let leave the country, and each officer's proof (DESIGN.md §6).

The common part names the digests of the table and of its disclosure report, the readers and the last day. Each officer
signs the RFC 8785 form of the common part plus `{decision, officer, role, at}`. Nothing is approved in general: change
one byte of what leaves and every approval is void, because the signatures are over its digest.
"""

from exchange.clearance.form import (
    Approval,
    Clearance,
    ClearanceCommon,
    KeyProof,
    Proof,
    approval_by_passkey,
    approval_statement,
    decision,
    format_clearance,
    parse_approvals,
    parse_clearance,
)
from exchange.clearance.rules import (
    APPROVAL_TYP,
    CLEARING_ROLE,
    OFFICERS_MIN,
    VALIDITY_DAYS_MAX,
    ApprovalClause,
    approve,
    require_approved,
    require_clearing_officer,
    require_counting,
    require_enough,
    require_proven,
    require_valid_until,
    require_valid_until_within,
    sign_with_key,
    statement_to_approve,
    verify_clearance,
)
from exchange.signing.members import ProofKind

__all__ = [
    "APPROVAL_TYP",
    "CLEARING_ROLE",
    "OFFICERS_MIN",
    "VALIDITY_DAYS_MAX",
    "Approval",
    "ApprovalClause",
    "Clearance",
    "ClearanceCommon",
    "KeyProof",
    "Proof",
    "ProofKind",
    "approval_by_passkey",
    "approval_statement",
    "approve",
    "decision",
    "format_clearance",
    "parse_approvals",
    "parse_clearance",
    "require_approved",
    "require_clearing_officer",
    "require_counting",
    "require_enough",
    "require_proven",
    "require_valid_until",
    "require_valid_until_within",
    "sign_with_key",
    "statement_to_approve",
    "verify_clearance",
]
