"""How an officer is asked for a passkey over a statement about a release, and how the answer comes back.

It is the officer's passkey of the registry, by which partners will know the approval; the desk's own passkeys only sign
people in.
"""

from pydantic import Field

from exchange.clearance import Approval
from exchange.clearance.form import approval_by_passkey
from exchange.clearance.passkey import challenge_of
from exchange.encoding import base64url_encode
from exchange.errors.officers import OfficerDiffersError
from nodes.desk.cases import Desk
from nodes.desk.server.context import DeskContext
from nodes.web.answers import Body, Document
from nodes.web.passkeys import ProofBody
from nodes.web.session_routes import SECRET_CHARS_MAX
from nodes.web.sessions import Officer


class StatementDocument(Document):
    """What the officer's passkey is to prove: its challenge is the SHA-256 of the statement."""

    handle: str
    challenge: str
    statement: str = Field(description="base64url of the bytes that are approved")
    credential: str
    rp_id: str


class ProvenBody(Body):
    """An assertion over the statement behind this handle."""

    handle: str = Field(max_length=SECRET_CHARS_MAX)
    proof: ProofBody


def ask(context: DeskContext, desk: Desk, officer: Officer, statement: bytes, *, kind: str) -> StatementDocument:
    """Keep a statement for this officer's proof.

    Raises:
        UnknownOfficerError, ForeignOfficerError: The registry lists no passkey of this officer and member.
    """
    passkey = desk.officer_passkey(officer.require_officer_id())
    with context.console.db.begin() as store:
        handle = context.console.challenges.issue(store, statement, kind=kind, account=officer.account)
    return StatementDocument(
        handle=handle,
        challenge=base64url_encode(challenge_of(statement)),
        statement=base64url_encode(statement),
        credential=base64url_encode(passkey.credential_id),
        rp_id=passkey.rp_id,
    )


def answered(context: DeskContext, officer: Officer, body: ProvenBody, *, kind: str) -> tuple[bytes, Approval]:
    """The statement that this officer was asked for, and the approval that it makes; whether it counts is asked later.

    Raises:
        StatementStaleError: This officer was not asked for it just now, or has answered already.
        OfficerDiffersError: The account has become another officer's since.
    """
    proof = body.proof.proof()
    with context.console.db.begin() as store:
        statement = context.console.challenges.take(store, body.handle, kind=kind, account=officer.account)
    approval = approval_by_passkey(statement, proof)
    if approval.officer != officer.officer_id:
        raise OfficerDiffersError(expected=officer.officer_id or "-", found=approval.officer)
    return statement, approval
