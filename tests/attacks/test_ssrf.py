"""No connection goes where the public network does not lead, whatever a name says, and no redirect is followed."""

import asyncio
from collections.abc import Sequence
from typing import Self

import httpx
import pytest

from exchange.errors.exchange_ import PartnerMalformedError, PartnerUnreachableError
from nodes.adapters.outbound import PRIVATE, PublicTransport, machine_context
from nodes.adapters.partner import Caller, PartnerClient, PartnerLimits
from nodes.adapters.witness_calls import ANSWER_BYTES_MAX, HttpWitnesses
from tests.world.bundles import COSIGNED
from tests.world.clock import StillClock
from tests.world.federation import seeded, signer
from tests.world.gateways import Body

NOT_PUBLIC = [
    "127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1",
    "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::",
    "2001:db8::1",
]  # fmt: skip


class Names:
    """Answers with the next of these each time, as an attacker's name server would."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, _: str) -> Sequence[str]:
        self.asked += 1
        if not self._answers:
            raise OSError("no such host")
        return self._answers.pop(0)


async def refusal(names: Names, address: str = "http://partner.example:9/x") -> str:
    async with httpx.AsyncClient(transport=PublicTransport(machine_context(), resolve=names)) as client:
        with pytest.raises(httpx.ConnectError) as refused:
            await client.get(address)
    return str(refused.value)


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_a_name_with_an_address_that_is_not_public_is_not_connected_to(address: str) -> None:
    assert await refusal(Names([address])) == PRIVATE
    assert await refusal(Names(["8.8.8.8", address])) == PRIVATE


async def test_a_name_without_an_address_is_no_partner() -> None:
    assert "no address" in await refusal(Names())


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "017700000001", "[::1]", "localhost", "127.1"])
async def test_no_spelling_of_loopback_is_connected_to(host: str) -> None:
    async with httpx.AsyncClient(transport=PublicTransport(machine_context())) as client:
        with pytest.raises(httpx.ConnectError, match=f"{PRIVATE}|no address"):
            await client.get(f"http://{host}:9/")


async def test_a_name_that_answers_differently_the_next_moment_gains_nothing() -> None:
    """DNS rebinding: judged and connected to is one address; a second question is a second judgement."""
    names = Names(["127.0.0.1"], ["8.8.8.8"])

    assert await refusal(names) == PRIVATE
    assert names.asked == 1


class Listener:
    """Counts who connects, on loopback."""

    def __init__(self) -> None:
        self.heard = 0

    async def __aenter__(self) -> Self:
        async def hear(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.heard += 1
            writer.close()

        self._server = await asyncio.start_server(hear, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()


async def test_nothing_is_sent_to_a_private_address_at_all() -> None:
    async with Listener() as listener:
        assert await refusal(Names(["127.0.0.1"]), f"http://kz.example:{listener.port}/") == PRIVATE
        assert listener.heard == 0


def calls(answer: httpx.Response, asked: list[httpx.Request]) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    return httpx.MockTransport(handle)


async def test_a_partners_redirect_is_not_followed() -> None:
    asked: list[httpx.Request] = []
    away = httpx.Response(307, headers={"Location": "http://169.254.169.254/"}, stream=Body(b""))
    caller = Caller(member="KG", signer=signer("KG/transport"), clock=StillClock(COSIGNED), random=seeded("partner"))
    limits = PartnerLimits(timeout_s=1.0, bundle_bytes_max=10)
    async with PartnerClient(
        partner="KZ", issuer="http://kz.example", caller=caller, limits=limits, transport=calls(away, asked)
    ) as kz:
        with pytest.raises(PartnerMalformedError):
            await kz.checkpoint()
    assert [request.url.host for request in asked] == ["kz.example"]


async def test_a_witnesses_answer_is_read_as_far_as_one_can_be() -> None:
    async with httpx.AsyncClient(
        transport=calls(httpx.Response(200, stream=Body(bytes(ANSWER_BYTES_MAX * 4))), [])
    ) as client:
        with pytest.raises(ConnectionError, match="overlong"):
            await HttpWitnesses(client).add_checkpoint("http://kz.example", b"")


async def test_a_private_partner_is_named_with_the_reason() -> None:
    caller = Caller(member="KG", signer=signer("KG/transport"), clock=StillClock(COSIGNED), random=seeded("partner"))
    limits = PartnerLimits(timeout_s=1.0, bundle_bytes_max=10)
    async with PartnerClient(partner="KZ", issuer="http://[::1]:9", caller=caller, limits=limits) as kz:
        with pytest.raises(PartnerUnreachableError) as refused:
            await kz.checkpoint()
    assert PRIVATE in refused.value.sentence()
