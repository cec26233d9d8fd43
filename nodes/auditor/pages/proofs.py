"""Proofs of what a timeline shows: cut from the kept logs, checked here, and handed out to be checked again elsewhere.

A proof is a C2SP tlog-proof that carries the entry, and the witness policy that judges it: a browser, or any other
program that knows these formats, decides from the two alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from exchange.errors import ExchangeError
from exchange.errors.log import QuorumError
from exchange.flow.prove import KeptLog
from exchange.log.checkpoint import Checkpoint, open_checkpoint
from exchange.log.entry import parse_entry
from exchange.log.merkle import HASH_BYTES, inclusion_proof, leaf_hash, parents, verify_inclusion
from exchange.log.policy import WitnessPolicy, format_policy, parse_policy
from exchange.log.proof import TlogProof, format_proof
from exchange.publication.logged import require_witnessed
from exchange.signing.trust import Trust


class Check(StrEnum):
    """What is checked of a proof, in the order of C2SP tlog-proof."""

    ENTRY = "entry"
    INCLUSION = "inclusion"
    LOG = "log"
    WITNESSES = "witnesses"


class Held(StrEnum):
    """What came of a check; `waiting` is a quorum that is not there yet."""

    HOLDS = "holds"
    FAILS = "fails"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The proof of one entry, and what this server found of it.

    Attributes:
        tlog: The C2SP tlog-proof, with the entry's exact bytes.
        policy: The C2SP tlog-policy that judges it.
        cosigned_at: When the quorum was complete; None: no quorum yet.
        witnesses: Who cosigned, by their names in the policy.
        refusals: Of the checks that do not hold or wait, why.
    """

    member: str
    index: int
    checkpoint: Checkpoint
    tlog: bytes = field(repr=False)
    policy: bytes = field(repr=False)
    cosigned_at: datetime | None
    witnesses: tuple[str, ...]
    checks: Mapping[Check, Held]
    refusals: tuple[ExchangeError, ...]

    @property
    def held(self) -> Held:
        """All checks together."""
        found = self.checks.values()
        return next((worst for worst in (Held.FAILS, Held.WAITING) if worst in found), Held.HOLDS)


class LogTree:
    """The hashes over a log's complete subtrees; made once, 64 bytes an entry.

    Args:
        entries: All of them, in order.
    """

    def __init__(self, entries: Iterable[bytes]) -> None:
        row = [leaf_hash(entry) for entry in entries]
        self._rows = [b"".join(row)]
        while len(row) > 1:
            row = parents(row)
            self._rows.append(b"".join(row))

    def read_hash(self, level: int, index: int) -> bytes:
        """The hash over the leaves `[index << level, (index + 1) << level)`, all present."""
        return self._rows[level][index * HASH_BYTES : (index + 1) * HASH_BYTES]


class Prover:
    """Proves entries of the logs of one audit.

    Args:
        logs: As they were shown.
        trust: The registry, whose policies judge.
    """

    def __init__(self, logs: Mapping[str, KeptLog], trust: Trust) -> None:
        self._logs = logs
        self._trust = trust
        self._trees: dict[str, LogTree] = {}

    def prove(self, member: str, index: int) -> Proof | None:
        """The proof of an entry under the first checkpoint known to cover it; None where either is not there."""
        log = self._logs.get(member)
        found = None if log is None else _first_over(index, log)
        if log is None or found is None:
            return None
        (checkpoint, note), entry = found, log.entries[index]
        path = tuple(inclusion_proof(index, checkpoint.size, self._tree(member, log.entries).read_hash))
        proof = TlogProof(index=index, path=path, checkpoint_note=note, extra=entry)
        policy, cosigned_at, witnesses = self._judge(member, note)
        refusals = {
            Check.ENTRY: _refusal(lambda: parse_entry(entry)),
            Check.INCLUSION: _refusal(lambda: _require_included(proof, entry, checkpoint)),
            Check.LOG: _refusal(lambda: open_checkpoint(note, logs=policy.logs)),
            Check.WITNESSES: _refusal(
                lambda: require_witnessed(note, provider=member, trust=self._trust, every_line=False)
            ),
        }
        return Proof(
            member=member,
            index=index,
            checkpoint=checkpoint,
            tlog=format_proof(proof),
            policy=format_policy(policy),
            cosigned_at=cosigned_at,
            witnesses=witnesses,
            checks={check: _held(error) for check, error in refusals.items()},
            refusals=tuple(error for error in refusals.values() if error is not None),
        )

    def _tree(self, member: str, entries: Sequence[bytes]) -> LogTree:
        if member not in self._trees:
            self._trees[member] = LogTree(entries)
        return self._trees[member]

    def _judge(self, member: str, note: bytes) -> tuple[WitnessPolicy, datetime | None, tuple[str, ...]]:
        """The policy that judges a checkpoint, when its quorum was complete, and who cosigned it."""
        try:
            policy, cosigned = require_witnessed(note, provider=member, trust=self._trust, every_line=False)
        except ExchangeError:
            policy = parse_policy(self._trust.policies[member])
            try:
                return policy, None, tuple(policy.cosignatures(note)[1])
            except ExchangeError:
                return policy, None, ()
        return policy, cosigned.cosigned_at, cosigned.witnesses


def _first_over(index: int, log: KeptLog) -> tuple[Checkpoint, bytes] | None:
    """The checkpoint over an entry that was cosigned first, with its note; where none was, the smallest."""
    over = [one for one in log.seen if index < one.checkpoint.size <= len(log.entries)]
    cosigned = [(one.cosigned_at, one.checkpoint.size, one.checkpoint, one.note) for one in over if one.cosigned_at]
    if cosigned:
        return min(cosigned, key=lambda found: found[:2])[2:]
    found = min(over, key=lambda one: one.checkpoint.size, default=None)
    return None if found is None else (found.checkpoint, found.note)


def _require_included(proof: TlogProof, entry: bytes, checkpoint: Checkpoint) -> None:
    verify_inclusion(
        leaf_hash(entry),
        index=proof.index,
        size=checkpoint.size,
        path=proof.path,
        root=checkpoint.root,
        origin=checkpoint.origin,
    )


def _refusal(check: Callable[[], object]) -> ExchangeError | None:
    try:
        check()
    except ExchangeError as error:
        return error
    return None


def _held(error: ExchangeError | None) -> Held:
    if error is None:
        return Held.HOLDS
    return Held.WAITING if isinstance(error, QuorumError) else Held.FAILS
