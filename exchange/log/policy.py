"""Witness policies (C2SP tlog-policy): which logs and witnesses are known, and how many of them make a quorum.

A policy file is written by people: spaces, comments and blank lines are theirs, as C2SP allows; `format_policy` writes
the plain form. Octets above 0x7F are opaque, so names are kept as bytes decoded with surrogates, never normalised.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from exchange.errors.log import (
    DuplicateSignatureError,
    LogLineError,
    LogTextError,
    PolicyKeyError,
    PolicyNameError,
    PolicyQuorumError,
    QuorumError,
    UnknownSignerError,
)
from exchange.log.checkpoint import Checkpoint, read_checkpoint, require_log_signature
from exchange.log.cosignature import verify_cosignature
from exchange.log.note import SignatureKind, SignatureLine, VerifierKey, format_vkey, parse_vkey, shown

POLICY_BYTES_MAX = 64 * 1024
NAMES_MAX = 128
"""Witnesses and groups together; C2SP asks for at least 32 of each."""

WITNESSES_MIN = 2
"""No quorum of ours is smaller (DESIGN.md §9)."""

_SUBJECT = "witness policy"
_NONE = "none"
_FORBIDDEN = re.compile(rb"[^\x09\x0a\x20-\x7e\x80-\xff]")
_COUNT = re.compile(r"[1-9][0-9]{0,3}\Z")


class Group(NamedTuple):
    """At least `threshold` of these witnesses and groups."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignedCheckpoint:
    """A checkpoint that its log signed and a quorum of witnesses cosigned.

    Args:
        checkpoint: What they signed.
        cosigned_at: The time at which the quorum was complete: witnesses' timestamps in ascending order, the one that
            completes it (DESIGN.md §7).
        witnesses: The names, in the policy, of every witness whose cosignature verified, in order of time.
    """

    checkpoint: Checkpoint
    cosigned_at: datetime
    witnesses: tuple[str, ...]

    @property
    def origin(self) -> str:
        """The log."""
        return self.checkpoint.origin

    @property
    def size(self) -> int:
        """Entries under this checkpoint."""
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        """The root hash, 32 bytes."""
        return self.checkpoint.root


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessPolicy:
    """Logs, witnesses and the quorum that makes a checkpoint count.

    Args:
        logs: The logs judged by this policy.
        witnesses: Verifier keys by the name the policy gives them.
        groups: In order of definition, so that a group only refers to earlier ones.
        quorum: The name of a witness or group; None if no cosignature is asked for.
    """

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, VerifierKey]
    groups: tuple[Group, ...] = ()
    quorum: str | None = field(default=None)

    def is_met_by(self, witnesses: Collection[str]) -> bool:
        """Whether these witnesses, each counted once, make the quorum."""
        met = set(witnesses) & self.witnesses.keys()
        for group in self.groups:
            if sum(member in met for member in group.members) >= group.threshold:
                met.add(group.name)
        return self.quorum is not None and self.quorum in met

    def witness_of(self, line: SignatureLine) -> str | None:
        """The name of the witness whose key a signature line claims."""
        return next((name for name, vkey in self.witnesses.items() if line.by(vkey)), None)

    def check(self, note: bytes, *, every_line: bool = False) -> CosignedCheckpoint:
        """Verify a signed checkpoint: the log's signature, each known witness's, and the quorum.

        Args:
            note: The signed checkpoint.
            every_line: Also refuse lines by anybody else, and any line twice, as a bundle's proof must (DESIGN.md §7);
                otherwise such lines are ignored, as C2SP signed-note asks.

        Raises:
            LogTextError, LogLineError: It is not a canonical checkpoint.
            OriginError, SignatureMissingError: Not by a log of this policy.
            SignatureLineError, CosignatureTimeError: A line claims a known key and does not verify.
            UnknownSignerError, DuplicateSignatureError: Only with `every_line`.
            QuorumError: Too few witnesses; `quorum none` is never enough, since nothing then tells the time.
        """
        checkpoint, times = self.cosignatures(note)
        if every_line:
            self._require_known_lines(checkpoint, note)
        ordered = tuple(sorted(times, key=lambda name: (times[name], name)))
        return CosignedCheckpoint(
            checkpoint=checkpoint, cosigned_at=times[self._completing(checkpoint, ordered)], witnesses=ordered
        )

    def cosignatures(self, note: bytes) -> tuple[Checkpoint, dict[str, datetime]]:
        """A checkpoint that a log of this policy signed, and when each witness cosigned it; perhaps none did.

        Raises:
            LogError: As `check`, but for the quorum.
        """
        checkpoint, parsed = read_checkpoint(note)
        require_log_signature(checkpoint, parsed, logs=self.logs)
        times: dict[str, datetime] = {}
        for line in parsed.signatures:
            name = self.witness_of(line)
            if name is not None:
                at = verify_cosignature(line, parsed.text, witness=self.witnesses[name], subject=str(checkpoint))
                # One witness counts once, however often it signed; its first word is when it saw the tree.
                times[name] = min(at, times.get(name, at))
        return checkpoint, times

    def _completing(self, checkpoint: Checkpoint, ordered: Sequence[str]) -> str:
        """The witness with which the quorum is complete."""
        for count, name in enumerate(ordered, 1):
            if self.is_met_by(ordered[:count]):
                return name
        raise QuorumError(
            origin=checkpoint.origin,
            size=checkpoint.size,
            quorum=shown(self.quorum or _NONE),
            witnesses=", ".join(map(shown, ordered)),
        )

    def _require_known_lines(self, checkpoint: Checkpoint, note: bytes) -> None:
        logs = [vkey for vkey in self.logs if vkey.name == checkpoint.origin]
        seen: set[tuple[str, bytes]] = set()
        for line in read_checkpoint(note)[1].signatures:
            facts = {"subject": str(checkpoint), "signer": line.name, "key_id": line.key_id.hex()}
            if self.witness_of(line) is None and not any(line.by(vkey) for vkey in logs):
                raise UnknownSignerError(**facts)
            if (line.name, line.key_id) in seen:
                raise DuplicateSignatureError(**facts)
            seen.add((line.name, line.key_id))


def quorum_policy(log: VerifierKey, witnesses: Mapping[str, VerifierKey]) -> WitnessPolicy:
    """The exchange's policy for one log: two thirds of the witnesses, rounded up, at least two (DESIGN.md §9).

    Raises:
        PolicyQuorumError: Fewer than two witnesses: there is no quorum that binds the operator.
    """
    if len(witnesses) < WITNESSES_MIN:
        raise PolicyQuorumError(found=f"{len(witnesses)} witnesses")
    threshold = max(WITNESSES_MIN, -(-2 * len(witnesses) // 3))
    group = Group("two-thirds", threshold, tuple(witnesses))
    return WitnessPolicy(logs=(log,), witnesses=dict(witnesses), groups=(group,), quorum=group.name)


def format_policy(policy: WitnessPolicy) -> bytes:
    """The plain form: logs, witnesses, groups, quorum, one space between items."""
    lines = [
        *(f"log {format_vkey(log)}" for log in policy.logs),
        *(f"witness {name} {format_vkey(vkey)}" for name, vkey in policy.witnesses.items()),
        *(f"group {name} {threshold} {' '.join(members)}" for name, threshold, members in policy.groups),
        f"quorum {policy.quorum or _NONE}",
    ]
    return "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")


def parse_policy(raw: bytes) -> WitnessPolicy:
    """Read a tlog-policy file.

    Raises:
        LogTextError: Too long, a forbidden octet, or a last line that does not end.
        LogLineError: A line that is not one of log, witness, group, quorum, or a malformed number.
        VerifierKeyError: A key that is malformed, or of a kind this exchange does not verify.
        PolicyNameError: A name used twice, not defined before, reserved, or in two groups.
        PolicyKeyError: One public key for two logs, two witnesses, or a log and a witness.
        PolicyQuorumError: Not exactly one quorum line.

    Source: C2SP tlog-policy.
    """
    reader = _PolicyReader()
    for number, line in enumerate(_lines_of(raw), 1):
        words = [word for word in re.split("[ \t]+", line) if word]
        if words and not words[0].startswith("#"):
            reader.read(words, number)
    return reader.policy()


@dataclass(slots=True)
class _PolicyReader:
    """What the lines read so far have defined."""

    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[str, VerifierKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    grouped: set[str] = field(default_factory=set)
    quorums: list[str | None] = field(default_factory=list)

    def read(self, words: Sequence[str], number: int) -> None:
        """One line that is neither blank nor a comment."""
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self._log(vkey, number)
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                self._witness(name, vkey, number)
            case ["group", name, count, _, *_]:
                self._group(name, count, tuple(words[3:]), number)
            case ["quorum", name]:
                self._quorum(name, number)
            case _:
                expected = (
                    "log <vkey> [<url>] | witness <name> <vkey> [<url>] | group <name> <k> <name>… | quorum <name>"
                )
                raise LogLineError(subject=_SUBJECT, line=number, expected=expected, found=shown(words[0]))

    def policy(self) -> WitnessPolicy:
        """What all lines together define."""
        if len(self.quorums) != 1:
            raise PolicyQuorumError(found=len(self.quorums))
        return WitnessPolicy(
            logs=tuple(self.logs),
            witnesses=dict(self.witnesses),
            groups=tuple(self.groups.values()),
            quorum=self.quorums[0],
        )

    def _log(self, text: str, number: int) -> None:
        vkey = parse_vkey(text, kind=SignatureKind.LOG, subject=_at(number))
        self._require_new_key(vkey, vkey.name, number)
        self.logs.append(vkey)

    def _witness(self, name: str, text: str, number: int) -> None:
        vkey = parse_vkey(text, kind=SignatureKind.COSIGNATURE, subject=_at(number))
        self._require_new_name(name, number)
        self._require_new_key(vkey, name, number)
        self.witnesses[name] = vkey

    def _group(self, name: str, count: str, members: tuple[str, ...], number: int) -> None:
        self._require_new_name(name, number)
        for member in members:
            self._require_defined(member, number)
            # In one group only, so that nobody counts twice towards the quorum.
            if member in self.grouped:
                raise PolicyNameError(line=number, name=shown(member), expected="<member of one group only>")
            self.grouped.add(member)
        threshold = {"any": 1, "all": len(members)}.get(count)
        if threshold is None:
            threshold = int(count) if _COUNT.match(count) else 0
        if not 1 <= threshold <= len(members):
            expected = f"any | all | 1 to {len(members)}"
            raise LogLineError(subject=_SUBJECT, line=number, expected=expected, found=shown(count))
        self.groups[name] = Group(name, threshold, members)

    def _quorum(self, name: str, number: int) -> None:
        if name != _NONE:
            self._require_defined(name, number)
        self.quorums.append(None if name == _NONE else name)

    def _require_defined(self, name: str, number: int) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise PolicyNameError(line=number, name=shown(name), expected="<defined on an earlier line>")

    def _require_new_name(self, name: str, number: int) -> None:
        if name == _NONE or name in self.witnesses or name in self.groups:
            raise PolicyNameError(line=number, name=shown(name), expected="<new>")
        if len(self.witnesses) + len(self.groups) >= NAMES_MAX:
            raise PolicyNameError(line=number, name=shown(name), expected=f"<among the first {NAMES_MAX}>")

    def _require_new_key(self, vkey: VerifierKey, name: str, number: int) -> None:
        # C2SP forbids it among logs and among witnesses; a log that is its own witness would witness nothing.
        if any(other.key == vkey.key for other in (*self.logs, *self.witnesses.values())):
            raise PolicyKeyError(line=number, name=shown(name))


def _lines_of(raw: bytes) -> Iterable[str]:
    if len(raw) > POLICY_BYTES_MAX:
        raise LogTextError(subject=_SUBJECT, expected=f"at most {POLICY_BYTES_MAX} bytes", found=f"{len(raw)} bytes")
    forbidden = _FORBIDDEN.search(raw)
    if forbidden is not None:
        found = f"0x{forbidden.group().hex()} at byte {forbidden.start()}"
        raise LogTextError(subject=_SUBJECT, expected="tab, newline, 0x20-0x7E, 0x80-0xFF", found=found)
    *lines, rest = raw.decode("utf-8", "surrogateescape").split("\n")
    if rest:
        raise LogTextError(subject=_SUBJECT, expected="<lines, each ended by a newline>", found=shown(rest))
    return lines


def _at(number: int) -> str:
    return f"{_SUBJECT} line {number}"
