"""A history that KZ shows to one partner alone is found by the auditor, also once KZ's log key counts no more."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx

from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.note import format_note
from exchange.receipt import open_delivery, sign_delivery
from exchange.signing.keys import KeyPurpose
from nodes.gateway.bundles import DELIVERY_HEADER
from tests.unit.nodes.test_log_succession import FIRST, SECOND, Succession, codes
from tests.world.gateways import Change, gateway_world, until


def forking(line: Succession, forks: list[Checkpoint]) -> Change:
    """KZ puts a checkpoint of another history into its deliveries, with its own two keys."""
    federation = line.world.bundle.federation
    transport = federation.signer("KZ", KeyPurpose.TRANSPORT)

    def change(_: httpx.Request, answer: httpx.Response) -> httpx.Response:
        if DELIVERY_HEADER in answer.headers:
            says = open_delivery(answer.headers[DELIVERY_HEADER], keys=[transport.public])
            fork = Checkpoint(origin=FIRST, size=says.index + 1, root=b"\x01" * 32)
            forks.append(fork)
            note = format_note(sign_checkpoint(fork, signer=line.keys[FIRST]))
            answer.headers[DELIVERY_HEADER] = sign_delivery(replace(says, checkpoint=note.decode()), signer=transport)
        return answer

    return change


async def test_a_fork_shown_to_one_partner_outlives_the_key_that_signed_it(tmp_path: Path) -> None:
    async with gateway_world(tmp_path / "federation") as world:
        line, forks = Succession(world), list[Checkpoint]()
        world.network.change = forking(line, forks)
        assert (await world.pull("KG")).is_success
        world.network.change = None
        await line.cosigned()
        note = world.gateways["KZ"].context.files.checkpoint() or b""
        (fork,) = forks
        assert fork.size == line.gateway_log.size  # of the same size as the history that the witnesses saw
        cosigner = world.gateways["KG"].context.cosigner
        size = world.gateways["KG"].context.sequencer.log.size
        await until(lambda: cosigner.cosigned is not None and cosigner.cosigned.checkpoint.size >= size)

        # No auditor has looked yet. KZ's log ends, its key counts no more from this moment on, and another continues.
        await world.stop("KZ")
        line.decide(SECOND, cut=note, overlap=timedelta(0))
        await line.restart(SECOND)
        await line.cosigned()
        assert codes(await line.audit(tmp_path)) == [("KZ", "log-forked")]
