"""Contract statements as they lie in a folder, judged by what is witnessed and not by their own word (decision 46).

statements/<sha256 of the statement>.jws
statements/<sha256 of the statement>.<member>.tlog-proof    its entry in that member's log, under a quorum's checkpoint

Whoever steals a contract key can sign with an old date. So what binds, a signature or a resumption, counts only if its
key counted when witnesses first saw it; without a proof, at the time that is judged. What stops is believed sooner.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from exchange.encoding import Digest
from exchange.errors.contract import StatementError
from exchange.errors.trust import UnknownKeyError
from exchange.log.entry import LogEntry
from exchange.log.proof import verify_proof
from exchange.publication.logged import read_logged, require_witnessed
from exchange.signing.trust import Trust
from exchange.statement import Statement, StatementType, open_statement

STATEMENT_SUFFIX = ".jws"
PROOF_SUFFIX = ".tlog-proof"
BINDS = frozenset({StatementType.SIGNED, StatementType.RESUMED})
"""These have effect once their entry is cosigned; the others stop an exchange from arrival."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledStatement:
    """A statement's file and the proofs beside it, nothing of which is verified."""

    raw: bytes = field(repr=False)
    proofs: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """An entry about a statement, and when its quorum was complete."""

    entry: LogEntry
    cosigned_at: datetime


def filed(files: Mapping[str, bytes]) -> tuple[FiledStatement, ...]:
    """Join a statements folder's files, by name, each statement with its proofs; other files are not looked at."""
    found = []
    for name in sorted(files):
        if name.endswith(STATEMENT_SUFFIX):
            stem = name.removesuffix(STATEMENT_SUFFIX)
            proofs = [one for one in sorted(files) if one.startswith(f"{stem}.") and one.endswith(PROOF_SUFFIX)]
            found.append(FiledStatement(raw=files[name], proofs=tuple(files[one] for one in proofs)))
    return tuple(found)


def proof_name(statement: Digest, member: str) -> str:
    """Under which name the proof from this member's log lies beside a statement."""
    return f"{statement.hex}.{member.lower()}{PROOF_SUFFIX}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A contract's statements as they count at a time.

    Attributes:
        counting: What decides whether the contract binds.
        unwitnessed: Signatures and resumptions by a key that did not count, or that nobody had seen cosigned.
    """

    counting: tuple[Statement, ...]
    unwitnessed: tuple[Statement, ...]


def judge_statements(
    found: Iterable[FiledStatement], *, trust: Trust, at: datetime, provider: str | None = None
) -> Judged:
    """The statements that count for whoever judges a contract at a time.

    Args:
        found: As they lie in the folder.
        trust: The registry.
        at: The time that is judged: of a bundle its cosigned time.
        provider: Whose publication is judged, if one is: what its own log had not seen cosigned by then did not bind
            it, and what entered its log later did not stop it.

    Raises:
        TrustError: A signature does not hold under any key that its party ever had.
        EncodingError, LogError: A file is not what it must be, or a proof does not hold.
        StatementError: The same, or a proof is of something else.
    """
    counting: list[Statement] = []
    unwitnessed: list[Statement] = []
    for one in found:
        statement = open_statement(one.raw, trust=trust)
        seen = [_verify(proof, statement, trust) for proof in one.proofs]
        own = next((entry for entry in seen if entry.entry.node == provider), None)
        if statement.type in BINDS:
            first = min((entry.cosigned_at for entry in seen), default=at)
            counts = _counts(statement, trust, first) and (own is None or own.cosigned_at <= at)
            (counting if counts else unwitnessed).append(statement)
        elif own is None or own.entry.at <= at:
            counting.append(statement)
    return Judged(counting=tuple(counting), unwitnessed=tuple(unwitnessed))


def _counts(statement: Statement, trust: Trust, at: datetime) -> bool:
    """Whether the keys that signed it were its party's at this time; that the signatures hold is known."""
    try:
        open_statement(statement.raw, trust=trust, at=at)
    except UnknownKeyError:
        return False
    return True


def _verify(proof: bytes, statement: Statement, trust: Trust) -> _Seen:
    read, entry = read_logged(proof)
    required = {
        "type": (statement.type.value, entry.type.value),
        "contract": (str(statement.contract), str(entry.contract)),
        "evidence": (str(statement.digest), str(entry.evidence)),
    }
    for name, (expected, present) in required.items():
        if expected != present:
            raise StatementError(
                contract=str(statement.contract),
                party=statement.party,
                expected=f"a proof of an entry whose {name} is {expected}",
                found=present,
            )
    policy, _ = require_witnessed(read.checkpoint_note, provider=entry.node, trust=trust)
    return _Seen(entry=entry, cosigned_at=verify_proof(read, read.extra or b"", policy).cosigned_at)
