"""Killed with SIGKILL at every step between cleared and published: nothing, or a bundle that a restart publishes.

strace delivers the signal as the gateway enters the system call, so each step is hit exactly and not by luck. One
publication is killed again and again, a step further each time, and must come through all the same.
"""

import os
from itertools import pairwise

import pytest

from exchange.errors.demo import DemoProcessError
from tests.stories.faulty import FaultyFederation, soon
from tests.stories.federation import verify

pytestmark = [pytest.mark.story, pytest.mark.long, pytest.mark.usefixtures("strace")]

UNREACHABLE = 5
COMMITS = (1, 3, 6)
"""At which of its own commits, counted from its start, the writer is killed."""


def killer(call: str, *paths: object, when: int = 1) -> list[str]:
    """A wrapper that kills the gateway as it enters this system call on one of these paths for the `when`th time.

    strace counts for each thread; every path here is written by one thread only.
    """
    watched = [word for path in paths for word in ("-P", str(path))]
    inject = f"inject={call}:signal=SIGKILL:when={when}"
    return ["strace", "-D", "-f", "-qq", "-o", os.devnull, "-e", "signal=none", *watched, "-e", inject]


def handed_over(faulty: FaultyFederation, member: str, period: str) -> str:
    """Clear, and seal while the gateway is down: the hand-over waits in the outbox; its digest."""
    faulty.clear(member, period)
    faulty.stop(member)
    before = set((faulty.node(member) / "desk" / "outbox").glob("*.handover"))
    refusal = faulty.refused("bundle", "release", "CA-01", period, node=member, code=UNREACHABLE)
    assert f"the gateway of {member} does not answer on its local socket" in refusal
    (sealed,) = set((faulty.node(member) / "desk" / "outbox").glob("*.handover")) - before
    return sealed.stem


def require_published(faulty: FaultyFederation, member: str, period: str, digest: str) -> None:
    """Once, under its entry, listed, verifiable, and nothing left over."""
    released = faulty.released(member, period)
    assert released["bundle"] == f"sha256:{digest}"
    assert faulty.release(member, period) == released
    entries = faulty.logged(member, type="bundle.published", bundle=f"sha256:{digest}")
    assert len(entries) == 1
    assert [one["bundle"] for one in faulty.offered(member, period, to="TJ")] == [f"sha256:{digest}"]
    assert verify(faulty.zip_of(member, digest), faulty.home / "keys").code == 0
    assert {name for name in faulty.bundle_files(member) if name.startswith(digest)} == {f"{digest}.zip"}


def test_a_publication_killed_at_each_of_its_files_is_published_once_after_the_restart(
    faulty: FaultyFederation,
) -> None:
    digest = handed_over(faulty, "KZ", "2026-09")
    node, size = faulty.node("KZ"), faulty.checkpoint("KZ")[0]
    bundles = node / "bundles"
    bundles.mkdir(exist_ok=True)
    waiting, listed = bundles / f"{digest}.waiting", bundles / f"{digest}.zip"

    def killed(call: str, *paths: object) -> None:
        """Killed at this call: in a release while the bundle has no entry, else as the gateway takes it up again."""
        faulty.begin("KZ", *killer(call, *paths))
        if entry_is_absent:
            faulty.ready("KZ")
            assert faulty.run_apart("bundle", "release", "CA-01", "2026-09", node="KZ") == UNREACHABLE
        assert faulty.died("KZ"), f"{call} {paths} was never reached"

    entry_is_absent = True
    killed("rename", f"{waiting}.writing")
    assert faulty.bundle_files("KZ") & {waiting.name, listed.name} == set()

    killed("fsync", bundles)  # the file has its name, and no entry yet
    assert waiting.exists()
    assert not faulty.logged("KZ", type="bundle.published")

    # Two clearances were logged by now; the third comes before the publication, whose tile is the one that is missed.
    size_then = faulty.checkpoint("KZ")[0]
    assert size_then == size + 2
    killed("rename", node / "log" / "tile" / "entries" / "000.p" / f"{size_then + 2}.writing")
    assert not faulty.logged("KZ", type="bundle.published")
    assert not listed.exists()

    entry_is_absent = False
    killed("rename", node / "log" / "checkpoint.writing")
    assert not listed.exists()
    killed("rename", f"{listed}.writing")
    assert waiting.exists()
    assert not listed.exists()
    killed("fsync", bundles)  # the ZIP has its name, and is not listed
    assert waiting.exists()
    assert verify(listed, faulty.home / "keys").code == 0
    killed("unlink", waiting)  # listed, and only the tidying is missing
    assert waiting.exists()

    faulty.start("KZ")
    soon("the waiting file is removed", lambda: not waiting.exists())
    require_published(faulty, "KZ", "2026-09", digest)


def test_a_publication_killed_at_commit_after_commit_is_published_once(faulty: FaultyFederation) -> None:
    digest = handed_over(faulty, "KG", "2026-09")
    logs = [faulty.entries("KG")]
    for commit in COMMITS:
        faulty.begin("KG", *killer("fdatasync", faulty.node("KG") / "state.db-wal", when=commit))
        try:
            faulty.ready("KG")
        except DemoProcessError:
            pass  # it died before it answered: its own start commits too
        else:
            assert faulty.run_apart("bundle", "release", "CA-01", "2026-09", node="KG") in {0, UNREACHABLE}
        if not faulty.died("KG", within_s=1):
            faulty.kill("KG")
        logs.append(faulty.entries("KG"))
        assert len(faulty.logged("KG", type="bundle.published", bundle=f"sha256:{digest}")) <= 1
    faulty.start("KG")
    require_published(faulty, "KG", "2026-09", digest)
    logs.append(faulty.entries("KG"))
    for earlier, later in pairwise(logs):
        assert later[: len(earlier)] == earlier


def test_the_audit_holds_nothing_against_members_whose_machines_crashed(faulty: FaultyFederation) -> None:
    (offered,) = faulty.offered("KZ", "2026-09", to="KG")
    faulty.act("pull", "kz", "CA-01", "2026-09", node="KG")
    faulty.require_clean_audit(offered["bundle"])
