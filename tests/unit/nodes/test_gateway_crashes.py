"""Killed at any step of a publication: after a start there is nothing, or the bundle published under one entry.

A kill leaves what is on the disk: the process's part is cut off here at a named step, dropped without its last words,
and another gateway started on the same folder.
"""

import asyncio
import errno
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exchange.encoding import Digest
from exchange.flow.publish import PublicationState
from exchange.log.entry import EntryType
from nodes.gateway.main import Gateway
from tests.world.bundles import COSIGNED, bundle_world
from tests.world.by_hand import Partner, address, entries, hand_over
from tests.world.clock import StillClock
from tests.world.gateways import GatewayWorld, Network, gateway_world, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIVE = ("KG", "TJ", "TM", "UZ", "KZ")


class KilledError(BaseException):
    """What nobody catches."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def agreed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A federation that signed the contract, at rest."""
    folder = tmp_path_factory.mktemp("agreed")
    async with gateway_world(folder, published=False) as world:
        await world.agree()
    return folder


@pytest_asyncio.fixture(loop_scope="module")
async def world(agreed: Path, tmp_path: Path) -> AsyncIterator[GatewayWorld]:
    shutil.copytree(agreed, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("gateway.sock"))
    made = GatewayWorld(tmp_path, bundle_world(), StillClock(COSIGNED), Network())
    for member in FIVE:
        await made.start(member)
    sequencer = made.gateways["KZ"].context.sequencer
    await sequencer.gate.opened.wait()
    await sequencer.catch_up()  # what the start itself writes is not the step that a test cuts off
    yield made
    for member in tuple(made.gateways):
        await made.stop(member)


def killing(world: GatewayWorld, owner: Any, name: str, *, before: bool) -> asyncio.Event:  # noqa: ANN401  # any part
    """Cut the process off before or after the next call of this method; the event tells when."""
    loop, happened, plain = asyncio.get_running_loop(), asyncio.Event(), getattr(owner, name)

    def cut(*arguments: object, **named: object) -> object:
        if not before:
            plain(*arguments, **named)
        loop.call_soon_threadsafe(happened.set)
        raise KilledError

    setattr(owner, name, cut)
    return happened


async def drop(world: GatewayWorld, gateway: Gateway) -> None:
    """What the operating system does with a killed process: its connections end, nothing is finished."""
    world.network.apps.pop(world.port("KZ"), None)
    world.gateways.pop("KZ")
    context = gateway.context
    await context.background.stop()
    await context.cosigner.stop()
    await context.sequencer.stop()
    await gateway.network.aclose()
    context.store.close()


STEPS: list[tuple[str, Callable[[Gateway], tuple[Any, str]], bool, bool]] = [
    ("before the hand-over is kept", lambda g: (g.context.library, "keep_waiting"), True, False),
    ("before its entry", lambda g: (g.context.library, "keep_waiting"), False, False),
    ("before the commit", lambda g: (g.context.sequencer.log, "stage"), True, False),
    ("after the commit, before the tiles", lambda g: (g.context.sequencer.log, "accept"), True, True),
    ("after the tiles, before the checkpoint", lambda g: (g.context.files, "write"), False, True),
    ("after the checkpoint, before it is public", lambda g: (g.context.sequencer.log, "_checkpointed"), False, True),
    ("before the ZIP is kept", lambda g: (g.context.library, "keep_zip"), True, True),
    ("after the ZIP, before it is listed", lambda g: (g.context.library, "keep_zip"), False, True),
]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("step", "before", "survives"),
    [pytest.param(step, before, survives, id=name) for name, step, before, survives in STEPS],
)
async def test_a_kill_leaves_nothing_or_a_bundle_that_gets_published(
    world: GatewayWorld, step: Callable[[Gateway], tuple[Any, str]], before: bool, survives: bool
) -> None:
    gateway = world.gateways["KZ"]
    size = gateway.context.sequencer.log.size
    happened = killing(world, *step(gateway), before=before)
    handing = asyncio.create_task(hand_over(world))
    await asyncio.wait_for(happened.wait(), 30)
    await asyncio.sleep(0.1)
    handing.cancel()
    with suppress(asyncio.CancelledError, KilledError):
        await handing
    await drop(world, gateway)

    await world.start("KZ")
    context = world.gateways["KZ"].context
    await context.sequencer.gate.opened.wait()
    await context.sequencer.catch_up()
    library = context.library
    if survives:
        await until(lambda: [one.state for one in library.all()] == [PublicationState.PUBLISHED])
        await until(lambda: not list(world.node("KZ").bundles.glob("*.waiting")))  # the last step, after the listing

    published = [entry for entry in entries(world)[size:] if entry.type is EntryType.BUNDLE_PUBLISHED]
    bundles = world.node("KZ").bundles
    assert len(published) == len(library.all()) == (1 if survives else 0)
    assert len(list(bundles.glob("*.zip"))) == (1 if survives else 0)
    assert not list(bundles.glob("*.waiting"))
    assert not list(bundles.glob("*.writing"))
    if not survives:
        assert (await hand_over(world)).status_code == 200  # and the officers' work is not lost
    kg = Partner(world, "KG")
    await kg.log_in()
    assert (await kg.get(address(world))).status_code == 200


async def test_a_full_disk_refuses_pulls_and_publications_and_heals(world: GatewayWorld) -> None:
    assert (await hand_over(world)).status_code == 200
    kz = world.gateways["KZ"].context
    kg = Partner(world, "KG")
    await kg.log_in()
    size = kz.sequencer.log.size
    plain = kz.files.write

    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    kz.files.write = full
    refused = await kg.get(address(world))
    again = await kg.get(address(world))
    health = await kg.http.get(kg.issuer + "/health/ready")
    kz.files.write = plain
    served = await kg.get(address(world))

    assert [(one.status_code, one.json()["code"]) for one in (refused, again)] == [(503, "storage-full")] * 2
    assert "storage-full" in health.json()["reasons"]
    assert served.status_code == 200
    # The first refused pull reached the log before the disk filled up; audit settles it as one never delivered.
    assert [entry.type for entry in entries(world)[size:]] == [EntryType.PULL_SERVED] * 2
    assert Digest.of(served.content).hex in served.headers["ETag"]
