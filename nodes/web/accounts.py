"""Accounts: who lets whom in. Two administrators enrol an account, or a new passkey of one that lost its own.

One proposes and another approves; the approver gets a code, once, and hands it to the person, who shows a passkey with
it. An account that has a passkey adds another by showing it. At its founding a desk has no administrator: its first two
are invited at the machine itself, and nobody else ever is. Every such act is a line of the console's own journal: the
log of the member has entries for the keys that the registry lists (`key.changed`), and these are none.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from exchange.clearance.passkey import challenge_of
from exchange.encoding import format_instant, parse_instant
from exchange.errors.node import RequestMalformedError
from exchange.errors.officers import (
    AccountTakenError,
    AccountUnknownError,
    AdministratorsFewError,
    EnrolmentRefusedError,
    FoundingOverError,
    SecondAdministratorError,
)
from exchange.signing.passkey import PasskeyCredential
from nodes.adapters.account_store import AccountRow, EnrolmentRow, IdentityRow, PasskeyRow
from nodes.adapters.clock import Clock
from nodes.adapters.officer_db import OfficerDb, OfficerStore
from nodes.settings import ConsoleSettings
from nodes.web.challenges import Challenges
from nodes.web.login import Asked
from nodes.web.names import looks, require_words
from nodes.web.passkeys import NewPasskey, credential_name, format_credential
from nodes.web.roles import Role, require_compatible
from nodes.web.sessions import Officer

ADMINISTRATORS_MIN = 2
CODE_BYTES = 20
"""160 bits: 32 letters and digits of base32."""
ID_BYTES = 9
FOUNDING = "founding"
"""In the place of an administrator's account, for the invitations that found a console."""
ENROL, ADD = "console.enrolment/1", "console.passkey/1"
_OFFICER = re.compile(r"[a-z][a-z0-9]{1,15}-[0-9a-z]{1,16}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The account that is to be.

    Attributes:
        name: For this ministry's own eyes.
        officer: The id under which the registry lists the officer, if the account is for one.
        roles: Compatible with each other.
        identity: Issuer and subject, where the ministry's identity provider signs the person in too.
        account: The account that gets a new passkey; then all else is that account's.
    """

    name: str
    officer: str | None
    roles: frozenset[Role]
    identity: tuple[str, str] | None = None
    account: str | None = None


class Accounts:
    """The accounts of one console.

    Args:
        db: Where they are kept.
        challenges: What a new passkey is to prove.
        settings: Limits, and the console's origin.
        clock: The time.
        member: Whose console it is, for refusals.
    """

    def __init__(
        self, db: OfficerDb, challenges: Challenges, settings: ConsoleSettings, clock: Clock, *, member: str
    ) -> None:
        self._db = db
        self._challenges = challenges
        self._settings = settings
        self._clock = clock
        self._member = member

    # --- two administrators ----------------------------------------------------------------------------------------

    def propose(self, by: Officer, wanted: Wanted) -> str:
        """Propose an account, or a new passkey of one; the enrolment's id.

        Raises:
            RolesExcludedError, RequestMalformedError, AccountTakenError, AccountUnknownError: It cannot be.
        """
        with self._db.begin() as store:
            row = self._enrolment(store, wanted, proposed_by=by.account)
            store.accounts.note(at=self._now(), account=by.account, act="propose enrolment", subject=row.name)
        return row.id

    def approve(self, by: Officer, enrolment: str) -> str:
        """Another administrator approves; the code for the person, which is shown this once.

        Raises:
            AccountUnknownError: No such enrolment waits.
            SecondAdministratorError: The one who proposed it.
            EnrolmentRefusedError: It was approved already, or has run out.
        """
        with self._db.begin() as store:
            row = store.accounts.enrolment(enrolment)
            if row is None:
                raise AccountUnknownError(what="enrolment")
            if row.proposed_by == by.account:
                raise SecondAdministratorError(account=by.name)
            if row.approved_by is not None or self._is_over(row):
                raise EnrolmentRefusedError
            code = self._approved(store, row, by=by.account)
            store.accounts.note(at=self._now(), account=by.account, act="approve enrolment", subject=row.name)
        return code

    def invite(self, wanted: Wanted, *, password: str | None = None) -> str:
        """A founding invitation, by whoever holds the machine; the code.

        Args:
            wanted: An operator; in a demonstration any account.
            password: Of a demonstration's account, as a PHC string; with it the account is there at once.

        Raises:
            FoundingOverError: The console has its administrators, or another role is asked for.
        """
        with self._db.begin() as store:
            founding = self._administrators(store) < ADMINISTRATORS_MIN and wanted.roles == {Role.OPERATOR}
            if password is None and not founding:
                raise FoundingOverError(member=self._member)
            row = self._enrolment(store, wanted, proposed_by=FOUNDING)
            code = self._approved(store, row, by=FOUNDING)
            store.accounts.note(at=self._now(), account=FOUNDING, act="invite", subject=row.name)
            if password is not None:
                self._account(store, row).password = password
        return code

    def close(self, by: Officer, account: str) -> None:
        """Close an account for good, and end its sessions.

        Raises:
            AccountUnknownError: There is none, or it is closed.
            AdministratorsFewError: Fewer than two administrators would be left.
        """
        with self._db.begin() as store:
            row = self._open(store, account)
            row.closed_at = format_instant(self._now())
            store.accounts.keep(row)
            if Role.OPERATOR in _roles(row):
                self._require_administrators(store)
            store.sessions.end_sessions_of(account)
            store.accounts.note(at=self._now(), account=by.account, act="close account", subject=row.name)

    def end_sessions(self, by: Officer, account: str) -> None:
        """End every session of an account, whatever it was doing.

        Raises:
            AccountUnknownError: There is none.
        """
        with self._db.begin() as store:
            if store.accounts.account(account) is None:
                raise AccountUnknownError(what="account")
            store.sessions.end_sessions_of(account)
            store.accounts.note(at=self._now(), account=by.account, act="end sessions", subject=account)

    # --- the person ------------------------------------------------------------------------------------------------

    def ask_enrolled(self, code: str) -> tuple[Asked, EnrolmentRow]:
        """What a new passkey is to prove, for the holder of a code.

        Raises:
            EnrolmentRefusedError: The code opens nothing.
        """
        with self._db.begin() as store:
            row = self._opened(store, code)
            statement = self._challenges.statement(ENROL, enrolment=row.id, name=row.name)
            handle = self._challenges.issue(store, statement, kind=ENROL, account=row.id)
        return Asked(handle, challenge_of(statement)), row

    def enrol(self, code: str, handle: str, new: NewPasskey, *, label: str) -> str:
        """The account, with its passkey; the code is used up.

        Raises:
            EnrolmentRefusedError, StatementStaleError: The code or the handle opens nothing.
            PasskeyError, SignatureError: The passkey does not hold.
            AccountTakenError: The name, officer, identity or passkey has an account by now.
            RequestMalformedError: The label does not print.
        """
        with self._db.begin() as store:
            row = self._opened(store, code)
            statement = self._challenges.take(store, handle, kind=ENROL, account=row.id)
        credential = new.open(statement, origin=self._settings.origin)
        with self._db.begin() as store:
            row = self._opened(store, code)
            account = self._account(store, row)
            if row.account is not None:
                self._end_all(store, row.account)
            self._add(store, account.id, credential, label)
            store.accounts.note(at=self._now(), account=account.id, act="enrol", subject=account.name)
        return account.id

    def ask_another(self, officer: Officer) -> Asked:
        """What another passkey of the own account is to prove."""
        statement = self._challenges.statement(ADD, account=officer.account)
        with self._db.begin() as store:
            handle = self._challenges.issue(store, statement, kind=ADD, account=officer.account)
            kept = store.accounts.passkeys_of(officer.account)
        return Asked(handle, challenge_of(statement), tuple(row.credential for row in kept))

    def add(self, officer: Officer, handle: str, new: NewPasskey, *, label: str) -> str:
        """Another passkey of the own account, after a step-up with one that it has; its name.

        Raises:
            StatementStaleError, PasskeyError, SignatureError, AccountTakenError, RequestMalformedError: As in `enrol`.
        """
        with self._db.begin() as store:
            statement = self._challenges.take(store, handle, kind=ADD, account=officer.account)
        credential = new.open(statement, origin=self._settings.origin)
        with self._db.begin() as store:
            self._open(store, officer.account)
            self._add(store, officer.account, credential, label)
            store.accounts.note(at=self._now(), account=officer.account, act="add passkey", subject=label)
        return credential_name(credential.credential_id)

    def revoke(self, officer: Officer, credential: str) -> None:
        """A passkey of the own account counts no more; the last one goes only with the account.

        Every other session of the account ends: the passkey may have begun it.

        Raises:
            AccountUnknownError: The account has no such passkey, or no other.
        """
        with self._db.begin() as store:
            kept = [row for row in store.accounts.passkeys_of(officer.account) if row.revoked_at is None]
            row = next((row for row in kept if row.credential == credential), None)
            if row is None or len(kept) == 1:
                raise AccountUnknownError(what="passkey beside another")
            row.revoked_at = format_instant(self._now())
            store.accounts.keep(row)
            for session in store.sessions.sessions_of(officer.account):
                if session.handle != officer.session:
                    store.sessions.end_session(session)
            store.accounts.note(at=self._now(), account=officer.account, act="revoke passkey", subject=row.label)

    # --- rows ------------------------------------------------------------------------------------------------------

    def _enrolment(self, store: OfficerStore, wanted: Wanted, *, proposed_by: str) -> EnrolmentRow:
        if wanted.account is not None:
            kept = self._open(store, wanted.account)
            wanted = Wanted(name=kept.name, officer=kept.officer, roles=_roles(kept), account=kept.id)
        else:
            _require_wanted(wanted)
            self._require_free(store, wanted.name, wanted.officer, wanted.identity)
        issuer, subject = wanted.identity or (None, None)
        row = EnrolmentRow(
            id=secrets.token_urlsafe(ID_BYTES),
            account=wanted.account,
            name=wanted.name,
            officer=wanted.officer,
            roles=" ".join(sorted(wanted.roles)),
            issuer=issuer,
            subject=subject,
            proposed_by=proposed_by,
            expires_at=format_instant(self._now() + timedelta(seconds=self._settings.enrolment_s)),
        )
        store.accounts.keep(row)
        return row

    def _approved(self, store: OfficerStore, row: EnrolmentRow, *, by: str) -> str:
        code = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode("ascii")
        row.approved_by, row.code_sha256 = by, _sha256(code)
        store.accounts.keep(row)
        return code

    def _opened(self, store: OfficerStore, code: str) -> EnrolmentRow:
        row = store.accounts.enrolment_by_code(_sha256(code))
        if row is None or row.used_at is not None or row.approved_by is None or self._is_over(row):
            raise EnrolmentRefusedError
        return row

    def _account(self, store: OfficerStore, row: EnrolmentRow) -> AccountRow:
        """The account that an enrolment is for; the enrolment is used up."""
        at = format_instant(self._now())
        row.used_at = at
        store.accounts.keep(row)
        if row.account is not None:
            return self._open(store, row.account)
        identity = None if row.issuer is None or row.subject is None else (row.issuer, row.subject)
        self._require_free(store, row.name, row.officer, identity)
        account = AccountRow(
            id=secrets.token_urlsafe(ID_BYTES), name=row.name, officer=row.officer, roles=row.roles, made_at=at
        )
        store.accounts.keep(account)
        if identity is not None:
            store.accounts.keep(IdentityRow(issuer=identity[0], subject=identity[1], account=account.id))
        return account

    def _add(self, store: OfficerStore, account: str, credential: PasskeyCredential, label: str) -> None:
        require_words(label, subject="label")
        name = credential_name(credential.credential_id)
        if store.accounts.passkey(name) is not None:
            raise AccountTakenError(what="passkey")
        store.accounts.keep(
            PasskeyRow(
                credential=name,
                account=account,
                document=format_credential(credential),
                label=label,
                sign_count=credential.sign_count,
                added_at=format_instant(self._now()),
            )
        )

    def _end_all(self, store: OfficerStore, account: str) -> None:
        """Whoever lost a passkey has lost what it opened: the earlier ones and every session count no more."""
        for kept in store.accounts.passkeys_of(account):
            kept.revoked_at = kept.revoked_at or format_instant(self._now())
            store.accounts.keep(kept)
        store.sessions.end_sessions_of(account)

    def _open(self, store: OfficerStore, account: str) -> AccountRow:
        row = store.accounts.account(account)
        if row is None or row.closed_at is not None:
            raise AccountUnknownError(what="account")
        return row

    def _require_free(
        self, store: OfficerStore, name: str, officer: str | None, identity: tuple[str, str] | None
    ) -> None:
        taken = (
            ("name", next((row for row in store.accounts.accounts() if looks(row.name) == looks(name)), None)),
            ("officer id", None if officer is None else store.accounts.account_of_officer(officer)),
            ("identity", None if identity is None else store.accounts.identity(*identity)),
        )
        for what, found in taken:
            if found is not None:
                raise AccountTakenError(what=what)

    def _administrators(self, store: OfficerStore) -> int:
        return sum(
            account.closed_at is None
            and Role.OPERATOR in _roles(account)
            and any(passkey.revoked_at is None for passkey in store.accounts.passkeys_of(account.id))
            for account in store.accounts.accounts()
        )

    def _require_administrators(self, store: OfficerStore) -> None:
        left = self._administrators(store)
        if left < ADMINISTRATORS_MIN:
            raise AdministratorsFewError(expected=ADMINISTRATORS_MIN, found=left)

    def _is_over(self, row: EnrolmentRow) -> bool:
        return self._now() >= parse_instant(row.expires_at, subject="accounts.db")

    def _now(self) -> datetime:
        return self._clock.now()


def _require_wanted(wanted: Wanted) -> None:
    require_compatible(wanted.roles)
    require_words(wanted.name, subject="name")
    if wanted.officer is not None and _OFFICER.match(wanted.officer) is None:
        raise RequestMalformedError(subject="officer", reason="an officer id such as kz-02")


def _roles(row: AccountRow) -> frozenset[Role]:
    return frozenset(_named(row.roles.split()))


def _named(names: Collection[str]) -> list[Role]:
    return [Role(name) for name in names]


def _sha256(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogateescape")).hexdigest()
