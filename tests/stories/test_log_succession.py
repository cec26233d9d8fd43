"""A log ends and another takes its place, by the commands of docs/ceremony.md over real processes.

The partner and the auditor witness the next log from where the earlier one stood, also after a start of their own, and
the audit reads both as one history.
"""

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.errors import ExitCode
from exchange.log.checkpoint import read_checkpoint
from nodes.cli.main import main
from nodes.demo.processes import free_ports
from tests.stories.test_trust_life import Life, until
from tests.unit.nodes.test_trust_ceremony import PAGE
from tests.world.founding import PAIR, REGISTRAR, Founders

pytestmark = [pytest.mark.story, pytest.mark.long, pytest.mark.timeout(900)]  # a busy machine takes its time

MEMBERS = ("KZ", "KG", "IOM")
OTHERS = ("KG", "IOM")
PORT_FIRST = 8841
FIRST, SECOND = "kz.exchange.example/log", "kz-2.exchange.example/log"
BLOCK = re.compile(r"^ *```sh story\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """The section's commands, in order."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## A new log\n")[2].partition("\n## ")[0]
    lines = re.sub(r"\\\n *", "", "".join(BLOCK.findall(section))).splitlines()
    return [shlex.split(line)[1:] for line in lines]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    ports = dict(zip(MEMBERS, free_ports(len(MEMBERS), first=PORT_FIRST), strict=True))
    umask = os.umask(0o077)
    founders = Founders(tmp_path_factory.mktemp("succession"), auditor="IOM", registrars=MEMBERS)
    life = Life(founders, ports)
    try:
        founders.found(MEMBERS, [founders.applies(member, issuer=life.issuer(member)) for member in MEMBERS])
        for member in MEMBERS:
            life.lay_out(member)
        for person, role in zip("ab", PAIR, strict=True):
            place(founders.custody("KZ", role), founders.home / f"media-{person}" / "custody" / "delegation.key")
        for role in REGISTRAR:
            place(founders.custody("IOM", role), founders.home / "iom" / "registrar" / f"{role}.key")
        life.start(*MEMBERS)
        yield life
    finally:
        life.stop()
        os.umask(umask)


def place(key: Path, path: Path) -> None:
    """A key where the page has it; in clear, as all of a rehearsal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(key, path)


def head(life: Life) -> tuple[str, int, set[str]]:
    """Name and size of KZ's published log, and which other members' witnesses signed for it; nothing before a first."""
    file = life.node("KZ").log / "checkpoint"
    if not file.exists():
        return "", 0, set()
    checkpoint, note = read_checkpoint(file.read_bytes())
    signed = {line.name.partition(".")[0].upper() for line in note.signatures}
    return checkpoint.origin, checkpoint.size, signed & set(OTHERS)


def grows(life: Life, *, beyond: int) -> None:
    """KZ's log has more entries than before, and both others have cosigned them."""
    until(lambda: head(life)[1] > beyond and head(life)[2] == set(OTHERS))


def act(life: Life, words: list[str]) -> None:
    """A command of the page, as a rehearsal; where a log's quorum is awaited it is given again."""
    rehearsed = shlex.split(re.sub(r" --passphrase-file \S+", "", shlex.join(words)))
    if rehearsed[:2] in (["trust", "sign"], ["trust", "publish"]):
        rehearsed.append("--demo")
    if words[2] == "log":
        until(lambda: main([*rehearsed]) == ExitCode.FINE)
    else:
        life.founders.run(*rehearsed)


def test_a_log_ends_and_partner_and_auditor_go_on_with_the_next(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(life.founders.home)
    until(lambda: head(life)[2] == set(OTHERS))
    assert head(life)[0] == FIRST
    for words in commands():
        if words[2:4] == ["key", "use"]:
            closed = head(life)
            assert (closed[0], closed[2]) == (FIRST, set(OTHERS))
            life.stop("KZ")
        act(life, words)
        if words[:2] == ["trust", "propose"]:
            targets = [life.founders.custody(member, "targets") for member in OTHERS]
            life.founders.sign(Path(words[words.index("-o") + 1]), targets)
        if words[:2] == ["trust", "publish"]:
            life.everywhere(2, MEMBERS)
        if words[2:4] == ["key", "use"]:
            life.start("KZ")
            until(lambda: head(life)[0] == SECOND)
    grows(life, beyond=closed[1])

    # Who starts anew takes the next log over before it witnesses any more of it.
    life.stop(*OTHERS)
    life.start(*OTHERS)
    before = head(life)[1]
    version = life.founders.decide("renew", "--role", "kz", signers=life.pair("KZ"), to=life.to())
    life.everywhere(version, MEMBERS)
    grows(life, beyond=before)

    audited = life.command("IOM", "audit", "run")
    assert audited["findings"] == []
    assert head(life)[0] == SECOND
