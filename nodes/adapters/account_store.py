"""Officers' accounts in SQLite: names, roles, passkeys, identities, enrolments, and the journal of who let whom in.

Names never leave this file's machine: outside an officer is a pseudonymous id. The journal only grows: the database
itself refuses to change or delete a line of it.
"""

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, Session, SQLModel, col, func, select

from exchange.encoding import format_instant

STEP_1 = (
    """CREATE TABLE account (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, officer TEXT UNIQUE, roles TEXT NOT NULL,
       password TEXT, made_at TEXT NOT NULL, closed_at TEXT) WITHOUT ROWID""",
    """CREATE TABLE passkey (credential TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account (id),
       document BLOB NOT NULL, label TEXT NOT NULL, sign_count INTEGER NOT NULL, added_at TEXT NOT NULL,
       revoked_at TEXT) WITHOUT ROWID""",
    "CREATE INDEX passkey_account ON passkey (account)",
    """CREATE TABLE identity (issuer TEXT NOT NULL, subject TEXT NOT NULL,
       account TEXT NOT NULL REFERENCES account (id), PRIMARY KEY (issuer, subject)) WITHOUT ROWID""",
    """CREATE TABLE enrolment (id TEXT PRIMARY KEY, account TEXT, name TEXT NOT NULL, officer TEXT,
       roles TEXT NOT NULL, issuer TEXT, subject TEXT, proposed_by TEXT NOT NULL, approved_by TEXT,
       code_sha256 TEXT UNIQUE, expires_at TEXT NOT NULL, used_at TEXT) WITHOUT ROWID""",
    """CREATE TABLE journal (id INTEGER PRIMARY KEY, at TEXT NOT NULL, account TEXT NOT NULL, act TEXT NOT NULL,
       subject TEXT NOT NULL)""",
    """CREATE TRIGGER journal_stays_as_written BEFORE UPDATE ON journal
       BEGIN SELECT RAISE(ABORT, 'the journal is never changed'); END""",
    """CREATE TRIGGER journal_stays_whole BEFORE DELETE ON journal
       BEGIN SELECT RAISE(ABORT, 'the journal is never shortened'); END""",
)


class AccountRow(SQLModel, table=True):
    """An account; `roles` are separated by blanks, `password` is an argon2id PHC string of a demonstration."""

    __tablename__: ClassVar[str] = "account"

    id: str = Field(primary_key=True)
    name: str
    officer: str | None = None
    roles: str
    password: str | None = None
    made_at: str
    closed_at: str | None = None


class PasskeyRow(SQLModel, table=True):
    """A passkey that signs an account in; `document` is the credential as `nodes.web.passkeys` writes it."""

    __tablename__: ClassVar[str] = "passkey"

    credential: str = Field(primary_key=True)
    account: str
    document: bytes
    label: str
    sign_count: int
    added_at: str
    revoked_at: str | None = None


class IdentityRow(SQLModel, table=True):
    """Whom the ministry's identity provider means by a subject; never an e-mail address, which is given anew."""

    __tablename__: ClassVar[str] = "identity"

    issuer: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    account: str


class EnrolmentRow(SQLModel, table=True):
    """A new account, or a new passkey of one (`account`): proposed by one administrator, approved by another."""

    __tablename__: ClassVar[str] = "enrolment"

    id: str = Field(primary_key=True)
    account: str | None = None
    name: str
    officer: str | None = None
    roles: str
    issuer: str | None = None
    subject: str | None = None
    proposed_by: str
    approved_by: str | None = None
    code_sha256: str | None = None
    expires_at: str
    used_at: str | None = None


class JournalRow(SQLModel, table=True):
    """Who did what to whose account, and when."""

    __tablename__: ClassVar[str] = "journal"

    id: int | None = Field(default=None, primary_key=True)
    at: str
    account: str
    act: str
    subject: str


class AccountStore:
    """All reads and writes of accounts; inside one transaction of `nodes.adapters.officer_db`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def keep(self, row: AccountRow | PasskeyRow | IdentityRow | EnrolmentRow) -> None:
        """Add or change a row."""
        self._session.add(row)
        self._session.flush()

    def account(self, account: str) -> AccountRow | None:
        """The account of this id."""
        return self._session.get(AccountRow, account)

    def account_named(self, name: str) -> AccountRow | None:
        """The account of this name."""
        return self._session.exec(select(AccountRow).where(AccountRow.name == name)).first()

    def account_of_officer(self, officer: str) -> AccountRow | None:
        """The account of this officer."""
        return self._session.exec(select(AccountRow).where(AccountRow.officer == officer)).first()

    def accounts(self) -> list[AccountRow]:
        """Every account, by name."""
        return sorted(self._session.exec(select(AccountRow)).all(), key=lambda row: row.name)

    def passkey(self, credential: str) -> PasskeyRow | None:
        """The passkey of this credential id."""
        return self._session.get(PasskeyRow, credential)

    def passkeys_of(self, account: str) -> list[PasskeyRow]:
        """Every passkey an account ever had, oldest first."""
        rows = self._session.exec(select(PasskeyRow).where(PasskeyRow.account == account)).all()
        return sorted(rows, key=lambda row: (row.added_at, row.credential))

    def identity(self, issuer: str, subject: str) -> IdentityRow | None:
        """Whom this issuer means by this subject."""
        return self._session.get(IdentityRow, (issuer, subject))

    def identities_of(self, account: str) -> list[IdentityRow]:
        """Under which subjects an account is known to identity providers."""
        return list(self._session.exec(select(IdentityRow).where(IdentityRow.account == account)).all())

    def enrolment(self, enrolment: str) -> EnrolmentRow | None:
        """The enrolment of this id."""
        return self._session.get(EnrolmentRow, enrolment)

    def enrolment_by_code(self, code_sha256: str) -> EnrolmentRow | None:
        """The enrolment that this code opens."""
        return self._session.exec(select(EnrolmentRow).where(EnrolmentRow.code_sha256 == code_sha256)).first()

    def enrolments(self) -> list[EnrolmentRow]:
        """Every enrolment that was not used, the one that ends first first."""
        rows = self._session.exec(select(EnrolmentRow).where(col(EnrolmentRow.used_at).is_(None))).all()
        return sorted(rows, key=lambda row: (row.expires_at, row.id))

    def note(self, *, at: datetime, account: str, act: str, subject: str) -> None:
        """One more line of the journal."""
        self._session.add(JournalRow(at=format_instant(at), account=account, act=act, subject=subject))
        self._session.flush()

    def journal(self, *, before: int | None, most: int) -> list[JournalRow]:
        """The last lines of the journal, newest first; `before` a number of a line, for the page after it."""
        asked = select(JournalRow).order_by(col(JournalRow.id).desc()).limit(most)
        if before is not None:
            asked = asked.where(col(JournalRow.id) < before)
        return list(self._session.exec(asked).all())

    def journal_page(self, *, account: str | None, skip: int, most: int) -> tuple[list[JournalRow], int]:
        """Lines of the journal, newest first, `skip` of them left out; of one account or of all; and how many."""
        of = [] if account is None else [col(JournalRow.account) == account]
        asked = select(JournalRow).where(*of).order_by(col(JournalRow.id).desc()).offset(skip).limit(most)
        found = self._session.exec(select(func.count()).select_from(JournalRow).where(*of)).one()
        return list(self._session.exec(asked).all()), found
