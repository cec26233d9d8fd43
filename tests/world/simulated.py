"""Seeded months of a federation: pulls that overlap, crash, get lost and are tried again, by clocks that are off.

An honest month must leave no finding; a month in which one side does one wrong thing must leave findings against that
side alone. Every step is a generator's, so that the scheduler may put any other step in between.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from exchange.encoding import Digest
from exchange.log.checkpoint import Checkpoint
from exchange.log.entry import EntryType, LogEntry, format_entry
from exchange.log.merkle import leaf_hash
from exchange.log.tree import TreeState
from exchange.reconcile import reconcile
from exchange.reconcile.logs import contradictions
from exchange.reconcile.model import SeenCheckpoint
from exchange.signing.trust import RegistryRef
from tests.world.pull_logs import BUNDLE, CONTRACT, DATA, REGISTRY, RIGHT, WRONG, PullLogs, bundle_named

SKEW_S_MAX = 120
PULLERS = ("KG", "TJ")
OVERDUE = timedelta(days=15)
"""Longer than the 14 days that a puller has for its receipt where the contract's text is not there."""

Steps: TypeAlias = Iterator[None]


@dataclass
class Month(PullLogs):
    """Logs whose members' clocks are off, and what witnesses cosigned of them."""

    dice: random.Random = field(default_factory=random.Random)
    skew: dict[str, timedelta] = field(default_factory=dict)
    trees: dict[str, TreeState] = field(default_factory=dict)
    seen: dict[str, list[SeenCheckpoint]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for member in self.members:
            self.skew[member] = timedelta(seconds=self.dice.randint(-SKEW_S_MAX, SKEW_S_MAX))
            self.trees[member], self.seen[member], self.cosigned[member] = TreeState(), [], []
        super().__post_init__()

    def log(self, member: str, kind: EntryType, **facts: object) -> int:
        self.at += timedelta(seconds=self.dice.randint(1, 30))
        true, self.at = self.at, self.at + self.skew[member]
        index = super().log(member, kind, **facts)
        self.at = true
        raw = format_entry(self.logs[member][index])
        self.trees[member], _ = self.trees[member].append([leaf_hash(raw)])
        if self.dice.random() < 0.5:
            self.cosign(member)
        return index

    def cosign(self, member: str) -> None:
        """A quorum cosigns the log as it is, some seconds later by the witnesses' clocks."""
        at = self.at + timedelta(seconds=self.dice.randint(0, 20))
        size = len(self.logs[member])
        self.cosigned[member].append((size, at))
        checkpoint = Checkpoint(origin=f"{member.lower()}/log", size=size, root=self.trees[member].root())
        self.seen[member].append(SeenCheckpoint(checkpoint=checkpoint, note=b"", cosigned_at=at))

    def findings(self) -> list[tuple[str, str]]:
        """Code and party of everything that an audit finds now."""
        raws = {member: [format_entry(entry) for entry in log] for member, log in self.logs.items()}
        logs = [
            (error.code, member)
            for member in self.members
            for error in contradictions(member, raws[member], self.seen[member])
        ]
        return [*logs, *((one.reason.code, one.party) for one in reconcile(self.gathered()).findings)]


def play(month: Month, stories: list[Steps], *, steps_max: int | None = None) -> None:
    """Take steps of these stories in any order, until all are told or so many steps are taken."""
    taken = 0
    while stories and (steps_max is None or taken < steps_max):
        story = month.dice.choice(stories)
        taken += 1
        if next(story, "told") == "told":
            stories.remove(story)


# --- honest, whatever happens ----------------------------------------------------------------------------------------


def pulls(month: Month, puller: str) -> Steps:
    """A pull that is tried until it succeeds: the request, the answer, the receipt may be lost, either side may die."""
    while True:
        pull = month.request(puller)
        accident = month.dice.choice(("none", "none", "request", "answer", "puller", "bytes"))
        yield
        if accident == "request":
            continue  # it never arrived: nobody logged anything
        index = month.serve(pull, puller)
        yield
        if accident in {"answer", "puller"}:
            yield from _settles(month, pull, None, puller, "incomplete")
            continue
        delivery = month.deliver(pull, puller, index=index)
        yield
        if accident == "bytes":
            yield from _settles(month, pull, delivery, puller, "delivery-content")
            continue
        yield from _settles(month, pull, delivery, puller, None)
        return


def _settles(month: Month, pull: Digest, delivery: Digest | None, puller: str, code: str | None) -> Steps:
    """Received or refused, logged, and acknowledged; the receipt may be lost for ever."""
    entry = month.take(pull, delivery, puller, code=code)
    yield
    verdict = "accepted" if code is None else code if code == "incomplete" else f"rejected:{code}"
    receipt = month.give(pull, delivery, entry, puller, verdict=verdict)
    yield
    if month.dice.random() < 0.8:
        month.get(pull, receipt, puller)


def beats(month: Month, member: str) -> Steps:
    """A log without other news."""
    month.log(member, EntryType.HEARTBEAT)
    yield


def honest(seed: int) -> list[tuple[str, str]]:
    """The findings of an honest month; there must be none."""
    month = _month(seed)
    stories = _bustle(month)
    if month.dice.random() < 0.5:
        # Audited in the middle of it, while deadlines run.
        play(month, stories, steps_max=month.dice.randint(0, 40))
        month.audited_after = timedelta(seconds=month.dice.randint(0, 3600))
    else:
        play(month, stories)
        month.audited_after = OVERDUE
    if month.dice.random() < 0.2:
        month.not_collected.add(month.dice.choice(PULLERS))
    return month.findings()


def _month(seed: int) -> Month:
    month = Month(dice=random.Random(seed))
    month.publish(not_before=month.at - timedelta(hours=1))
    return month


def _bustle(month: Month) -> list[Steps]:
    whose = [month.dice.choice(PULLERS) for _ in range(month.dice.randint(1, 5))]
    return [*(pulls(month, puller) for puller in whose), *(beats(month, member) for member in month.members)]


# --- one side does one wrong thing -----------------------------------------------------------------------------------


def _served(month: Month, puller: str, **delivery: object) -> tuple[Digest, Digest]:
    pull = month.request(puller)
    index = month.serve(pull, puller)
    return pull, month.deliver(pull, puller, index=index, **delivery)  # type: ignore[arg-type]  # by name


def not_logged(month: Month, puller: str) -> Steps:
    pull = month.request(puller)
    yield
    yield from _settles(month, pull, month.deliver(pull, puller, index=0), puller, None)


def invented(month: Month, puller: str) -> Steps:
    month.serve(month.request(puller, signed_by="KZ"), puller)
    yield


def altered(month: Month, puller: str) -> Steps:
    pull, delivery = _served(month, puller, content=WRONG, file="data.csv")
    yield
    yield from _settles(month, pull, delivery, puller, "resource-digest")


def two_contents(month: Month, puller: str) -> Steps:
    for content, code in ((RIGHT, None), (WRONG, "signature-invalid")):
        pull, delivery = _served(month, puller, content=content)
        yield from _settles(month, pull, delivery, puller, code)


def wrong_recipient(month: Month, _: str) -> Steps:
    pull, delivery = _served(month, "IOM")
    yield from _settles(month, pull, delivery, "IOM", None)


def uncleared(month: Month, _: str) -> Steps:
    month.publish(bundle_named("uncleared"), cleared=False, clearance=Digest.of(b"none"), period="2026-08")
    yield


def revision_skipped(month: Month, _: str) -> Steps:
    month.publish(bundle_named("r2"), revision=2, supersedes=BUNDLE)
    yield


def forged_receipt(month: Month, puller: str) -> Steps:
    pull, delivery = _served(month, puller)
    entry = month.take(pull, delivery, puller)
    month.give(pull, delivery, entry, puller)
    yield
    month.get(pull, month.give(pull, delivery, entry, puller, signed_by="KZ", logged=False), puller)


def served_twice(month: Month, puller: str) -> Steps:
    pull, delivery = _served(month, puller)
    yield from _settles(month, pull, delivery, puller, None)
    month.serve(pull, puller)


def served_withdrawn(month: Month, _: str) -> Steps:
    """KZ withdraws a bundle that nobody has received, and serves it all the same; the connection breaks."""
    gone = bundle_named("withdrawn")
    month.publish(gone, period="2026-07", not_before=month.at - timedelta(hours=1))
    month.log("KZ", EntryType.BUNDLE_WITHDRAWN, contract=CONTRACT, bundle=gone, evidence=Digest.of(b"w"))
    yield
    pull = month.request("TJ", gone)
    month.serve(pull, "TJ", gone)
    entry = month.take(pull, None, "TJ", code="incomplete", bundle=gone)
    month.give(pull, None, entry, "TJ", verdict="incomplete", bundle=gone, about=gone)


def _clock(month: Month, off: timedelta) -> None:
    month.cosign("KZ")
    month.skew["KZ"] += off
    month.log("KZ", EntryType.HEARTBEAT)
    month.skew["KZ"] -= off
    month.cosign("KZ")


def clock_ahead(month: Month, _: str) -> Steps:
    _clock(month, timedelta(minutes=20))
    yield


def clock_behind(month: Month, _: str) -> Steps:
    _clock(month, -timedelta(minutes=20))
    yield


def silent(month: Month, puller: str) -> Steps:
    month.serve(month.request(puller), puller)
    yield


def delivery_invented(month: Month, puller: str) -> Steps:
    pull = month.request(puller)
    delivery = month.deliver(pull, puller, index=0, signed_by=puller)
    yield from _settles(month, pull, delivery, puller, None)


def unsigned_accepted(month: Month, puller: str) -> Steps:
    pull, delivery = _served(month, puller, signed_by=puller)
    yield from _settles(month, pull, delivery, puller, None)


def rejected_wrongly(month: Month, puller: str) -> Steps:
    pull, delivery = _served(month, puller, content=DATA, file="data.csv")
    yield from _settles(month, pull, delivery, puller, "signature-invalid")


def contradicting_receipt(month: Month, puller: str) -> Steps:
    pull, delivery = _served(month, puller)
    entry = month.take(pull, delivery, puller)
    yield
    changes = month.dice.choice(({"verdict": "rejected:manifest-form"}, {"delivery": Digest.of(b"other")}))
    month.give(pull, delivery, entry, puller, **changes)


def receipt_unlogged(month: Month, puller: str) -> Steps:
    pull, delivery = _served(month, puller)
    entry = month.take(pull, delivery, puller)
    yield
    month.get(pull, month.give(pull, delivery, entry, puller, logged=False), puller)
    month.log(puller, EntryType.HEARTBEAT)


def receipt_owed(month: Month, puller: str) -> Steps:
    pull, delivery = _served(month, puller)
    yield
    month.take(pull, delivery, puller)


def evidence_hidden(month: Month, puller: str) -> Steps:
    pull, delivery = _served(month, puller)
    yield from _settles(month, pull, delivery, puller, "signature-invalid")
    del month.signed[delivery]
    month.withheld.add((puller, delivery))


def _foreign_registry(month: Month, member: str) -> Steps:
    """Act once under a registry state that nobody ever signed, and show none."""
    named = Digest.of(f"a registry of {member}'s own".encode())
    month.log(member, EntryType.HEARTBEAT, registry=RegistryRef(version=REGISTRY.version, sha256=named))
    month.withheld.add((member, named))
    yield


def registry_of_publisher(month: Month, _: str) -> Steps:
    yield from _foreign_registry(month, "KZ")


def registry_of_puller(month: Month, puller: str) -> Steps:
    yield from _foreign_registry(month, puller)


def received_twice(month: Month, puller: str) -> Steps:
    pull, delivery = _served(month, puller)
    yield from _settles(month, pull, delivery, puller, None)
    month.take(pull, delivery, puller)


def another_bundle_named(month: Month, puller: str) -> Steps:
    pull, delivery = _served(month, puller)
    yield
    month.give(pull, delivery, month.take(pull, delivery, puller, bundle=bundle_named("another")), puller)


BY_PUBLISHER: dict[str, Callable[[Month, str], Steps]] = {
    "pull-not-logged-by-publisher": not_logged,
    "pull-invented-by-publisher": invented,
    "delivered-altered": altered,
    "delivered-two-contents": two_contents,
    "wrong-recipient": wrong_recipient,
    "published-without-clearance": uncleared,
    "revision-out-of-order": revision_skipped,
    "receipt-forged": forged_receipt,
    "pull-logged-twice": served_twice,
    "served-after-withdrawal": served_withdrawn,
    "clock-skew": clock_ahead,
    "clock-set-back": clock_behind,
    "registry-invented": registry_of_publisher,
}
BY_PULLER: dict[str, Callable[[Month, str], Steps]] = {
    "pull-not-logged-by-puller": silent,
    "pull-invented-by-puller": delivery_invented,
    "accepted-without-delivery": unsigned_accepted,
    "rejected-wrongly": rejected_wrongly,
    "receipt-contradicts": contradicting_receipt,
    "receipt-not-logged": receipt_unlogged,
    "receipt-not-given": receipt_owed,
    "evidence-withheld": evidence_hidden,
    "registry-invented": registry_of_puller,
    "pull-logged-twice": received_twice,
    "digest-differs": another_bundle_named,
}


def rewrite(month: Month, member: str) -> str:
    """Change one old entry that was cosigned; the code to expect."""
    month.cosign(member)
    index = month.dice.randrange(len(month.logs[member]))
    old = month.logs[member][index]
    month.logs[member][index] = LogEntry(
        **{name: getattr(old, name) for name in old.__dataclass_fields__} | {"salt": bytes(16)}
    )
    return "log-rewritten"


def cut_off(month: Month, member: str) -> str:
    """Take back the newest cosigned entries; the code to expect."""
    month.log(member, EntryType.HEARTBEAT)
    month.cosign(member)
    del month.logs[member][-month.dice.randint(1, len(month.logs[member]) - 1) :]
    month.cosigned[member] = [one for one in month.cosigned[member] if one[0] <= len(month.logs[member])]
    return "log-rolled-back"


def attacked(seed: int) -> tuple[str, str, list[tuple[str, str]]]:
    """A month with one attack: its code, its culprit, and the findings; those must be of the culprit alone."""
    month = _month(seed)
    puller = month.dice.choice(PULLERS)
    month.audited_after = OVERDUE
    if month.dice.random() < 0.15:
        play(month, _bustle(month))
        culprit = month.dice.choice(("KZ", puller))
        code = month.dice.choice((rewrite, cut_off))(month, culprit)
        return code, culprit, month.findings()
    culprit, attacks = month.dice.choice((("KZ", BY_PUBLISHER), (puller, BY_PULLER)))
    code = month.dice.choice(sorted(attacks))
    play(month, [*_bustle(month), attacks[code](month, puller)])
    return code, culprit, month.findings()
