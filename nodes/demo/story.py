"""The demo's story: contracts signed, bundles built, four eyes, release, pulls, audit; then one bundle is altered."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from exchange.errors import ExitCode
from exchange.errors.demo import DemoStepError
from nodes.demo.federation import AUDITOR, CONTRACTS, DemoFederation, gather_statements, open_federation
from nodes.demo.registers import DemoRegister
from nodes.demo.stage import Ended, Stage
from nodes.terminal import Output

SIGN = "nodes.desk.contract_life_commands:sign"
STATUS = "nodes.desk.contract_commands:status"
BUILD = "nodes.preparation.commands:build"
SUBMIT = "nodes.desk.bundle_commands:submit"
RELEASE = "nodes.desk.bundle_commands:release"
APPROVE = "nodes.desk.clearance_commands:approve"
PULL = "nodes.gateway.commands:pull"
AUDIT = "nodes.auditor.commands:run"

PULLERS = ("KZ", "KG", "TJ", "TM", "UZ")
BUILDERS = 2
IN_FORCE_S = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One bundle of the story: who makes it, from which register."""

    member: str
    register: DemoRegister

    @property
    def asked(self) -> tuple[str, str]:
        """Contract and period, as a person types them."""
        return self.register.contract, self.register.period


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the story leaves for its last screen."""

    green: Ended
    red: Ended
    blamed: str


def tell(stage: Stage, releases: list[Release]) -> Told:
    """Play the whole story; any step that ends otherwise than told raises.

    Raises:
        DemoStepError: The step, the exit code expected and found, and the message.
    """
    with _chapter(stage, en="contracts", ru="договоры"):
        _sign_contracts(stage)
    with _chapter(stage, en=f"{len(releases)} bundles built", ru=f"построено наборов: {len(releases)}"):
        _build(stage, releases)
    with _chapter(stage, en="four eyes", ru="правило четырёх глаз"):
        _four_eyes(stage, releases[0])
    with _chapter(stage, en="cleared and published", ru="согласовано и опубликовано"):
        _by_member(releases, lambda release: _clear_and_release(stage, release))
    with _chapter(stage, en="pulled, verified, receipted", ru="получено, проверено, подтверждено"):
        with ThreadPoolExecutor(max_workers=len(PULLERS)) as pool:
            pulls = sum(pool.map(lambda puller: _pull_all(stage, puller, releases), PULLERS))
        stage.tell(en=f"  {pulls} pulls, each with a receipt", ru=f"  получений: {pulls}, каждое с квитанцией")
    with _chapter(stage, en="IOM audits: all green", ru="МОМ проверяет: всё в порядке"):
        green = stage.act(AUDIT, member=AUDITOR)
    with _chapter(stage, en="one bundle at rest is altered", ru="один набор в хранилище изменён"):
        red, blamed = _altered(stage, releases[0])
    gather_statements(stage.federation)
    return Told(green=green, red=red, blamed=blamed)


def _sign_contracts(stage: Stage) -> None:
    """Every member signs what it is a party of, side by side; then each waits until all of it binds."""
    agreed = [(f"{contract_id}/{version}", _parties(contract_id, version)) for contract_id, version in CONTRACTS]

    def one_member(member: str) -> None:
        for contract, parties in agreed:
            if member in parties:
                stage.act(SIGN, contract, member=member)

    members = sorted({member for _, parties in agreed for member in parties})
    with ThreadPoolExecutor(max_workers=len(members)) as pool:
        list(pool.map(one_member, members))
    for contract, parties in agreed:
        for member in parties:
            _await_in_force(stage, contract, member)
        name, signed = contract.replace("/", " "), " ".join(parties)
        stage.tell(en=f"  {name}: signed by {signed}", ru=f"  {name}: подписали {signed}")
    gather_statements(stage.federation)


def _parties(contract_id: str, version: str) -> tuple[str, ...]:
    five = ("KZ", "KG", "TJ", "TM", "UZ", "IOM")
    return (*five, "GB") if (contract_id, version) == CONTRACTS[-1] else five


def _await_in_force(stage: Stage, contract: str, member: str) -> None:
    """Wait until the statements of all parties have reached this member and are cosigned in its log."""
    deadline = time.monotonic() + IN_FORCE_S
    while True:
        ended = stage.attempt(STATUS, contract, member=member)
        if ended.code == ExitCode.FINE:
            return
        if time.monotonic() > deadline:
            missing = str(ended.result.get("contracts", ended.message))
            raise DemoStepError(step=f"{member} {contract} in force", expected=0, found=ended.code, message=missing)
        time.sleep(0.1)


def _build(stage: Stage, releases: list[Release]) -> None:
    """Build all candidates, two at a time, each in a process of its own, as a ministry's machine would.

    The last, GB's, takes longest and is begun first, so that nobody waits for it alone.
    """
    with ProcessPoolExecutor(max_workers=BUILDERS, mp_context=get_context("spawn")) as pool:
        begun = [pool.submit(build_one, stage.federation.home, release) for release in reversed(releases)]
        for release, job in zip(releases, reversed(begun), strict=True):
            ended = job.result()
            if ended.code != ExitCode.FINE:
                step = f"{release.member} bundle build {' '.join(release.asked)}"
                raise DemoStepError(step=step, expected=0, found=ended.code, message=ended.message)
            rows, cells, withheld = (ended.result[name] for name in ("rows", "cells", "withheld"))
            stage.tell(
                en=f"  {release.member} {' '.join(release.asked)}: {rows['in_period']:,} records, "
                f"{cells} cells, {withheld} withheld",
                ru=f"  {release.member} {' '.join(release.asked)}: записей {rows['in_period']:,}, "
                f"ячеек {cells}, скрыто {withheld}",
            )


def build_one(home: Path, release: Release) -> Ended:
    """One build, in a worker process."""
    from nodes.adapters.clock import SystemClock  # noqa: PLC0415  # a worker starts with this module alone

    output = Output(json=True, language="en")
    stage = Stage(federation=open_federation(home), clock=SystemClock(), output=output)
    return stage.attempt(
        BUILD,
        *release.asked,
        "--from",
        str(release.register.file),
        "--mapping",
        str(release.register.mapping),
        "--officer",
        f"{release.member.lower()}-01",
        member=release.member,
    )


def _four_eyes(stage: Stage, release: Release) -> None:
    """The preparer cannot approve, and one officer is not two."""
    asked = release.asked
    officer = release.member.lower()
    stage.act(SUBMIT, *asked, member=release.member)
    refused = stage.attempt(APPROVE, *asked, "--officer", f"{officer}-01", member=release.member)
    _refused(stage, refused, f"{officer}-01 approves the own candidate", f"{officer}-01 одобряет своего кандидата")
    stage.act(APPROVE, *asked, "--officer", f"{officer}-02", member=release.member)
    refused = stage.attempt(APPROVE, *asked, "--officer", f"{officer}-02", member=release.member)
    _refused(stage, refused, f"{officer}-02 approves twice", f"{officer}-02 одобряет дважды")
    refused = stage.attempt(RELEASE, *asked, member=release.member)
    _refused(stage, refused, "release with one approval", "выпуск с одним одобрением")


def _refused(stage: Stage, ended: Ended, english: str, russian: str) -> None:
    if ended.code == ExitCode.FINE:
        raise DemoStepError(step=english, expected=3, found=0, message="it was allowed")
    stage.tell(en=f"  refused: {english}: {ended.message}", ru=f"  отказано: {russian}: {ended.message}")


def _clear_and_release(stage: Stage, release: Release) -> None:
    asked = release.asked
    officer = release.member.lower()
    begun = stage.attempt("nodes.desk.clearance_commands:listing", member=release.member).result["candidates"]
    mine = [case for case in begun if case["contract"]["id"].startswith(asked[0]) and case["period"] == asked[1]]
    if not mine:
        stage.act(SUBMIT, *asked, member=release.member)
    approved = mine[0]["approved_by"] if mine else []
    for clearing in (f"{officer}-02", f"{officer}-03"):
        if clearing not in approved:
            stage.act(APPROVE, *asked, "--officer", clearing, member=release.member)
    released = stage.act(RELEASE, *asked, member=release.member)
    if released.result.get("state") != "published":
        raise DemoStepError(step=f"{release.member} release", expected=0, found=0, message=str(released.result))


def _by_member(releases: list[Release], work: Callable[[Release], None]) -> None:
    """Each ministry works at its own pace, one release after the other."""

    def one_member(member: str) -> None:
        for release in releases:
            if release.member == member:
                work(release)

    members = sorted({release.member for release in releases})
    with ThreadPoolExecutor(max_workers=len(members)) as pool:
        list(pool.map(one_member, members))


def _pull_all(stage: Stage, puller: str, releases: list[Release]) -> int:
    """One member pulls every bundle that names it; how many there were."""
    offered = [release for release in releases if release.member != puller]
    for release in offered:
        stage.act(PULL, release.member.lower(), *release.asked, member=puller)
    return len(offered)


def _altered(stage: Stage, release: Release) -> tuple[Ended, str]:
    """Flip one bit of a stored bundle; the next pull refuses it, the audit says whose fault it is; restore it."""
    asked = (release.member.lower(), *release.asked)
    stored = _stored_bundle(stage.federation, release)
    intact = stored.read_bytes()
    place = intact.index(b"dataflow,") + 12  # inside data.csv
    stored.write_bytes(intact[:place] + bytes([intact[place] ^ 1]) + intact[place + 1 :])
    try:
        refused = stage.act(PULL, *asked, member="KG", expect=ExitCode.DOES_NOT_HOLD)
        stage.tell(en=f"  KG pulls again: refused: {refused.message}", ru=f"  KG получает снова: {refused.message}")
        red = stage.act(AUDIT, member=AUDITOR, expect=ExitCode.DOES_NOT_HOLD)
    finally:
        stored.write_bytes(intact)
    blamed = sorted({str(finding["party"]) for finding in red.result["findings"]})
    if blamed != [release.member]:
        raise DemoStepError(step="audit blames the publisher", expected=3, found=3, message=", ".join(blamed))
    stage.tell(
        en=f"  IOM audits: at fault: {release.member}; the bundle is restored",
        ru=f"  МОМ проверяет: виновная сторона: {release.member}; набор восстановлен",
    )
    stage.act(PULL, *asked, member="KG")
    return red, release.member


def _stored_bundle(federation: DemoFederation, release: Release) -> Path:
    """The published ZIP of this register's bundle at its publisher."""
    contract, period = (part.lower() for part in release.asked)
    beginning, middle = f'"name":"{release.member.lower()}-{contract}', f"-{period}-r"
    for path in sorted(federation.nodes[release.member].bundles.glob("*.zip")):
        manifest = path.read_bytes()[:65536].decode("utf-8", errors="replace")
        if beginning in manifest and middle in manifest:
            return path
    raise DemoStepError(step="find the stored bundle", expected=0, found=1, message=beginning)


@contextmanager
def _chapter(stage: Stage, *, en: str, ru: str) -> Iterator[None]:
    """A heading, and how long what follows took."""
    stage.tell(en=f"▸ {en}", ru=f"▸ {ru}")
    began = time.monotonic()
    yield
    stage.tell(en=f"  ({time.monotonic() - began:.1f} s)", ru=f"  ({time.monotonic() - began:.1f} с)")
