"""The way to the witnesses of the own log: who they are, where they listen, and one call."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

import httpx

from exchange.log.note import VerifierKey, format_vkey
from exchange.log.policy import WitnessPolicy, parse_policy
from exchange.signing.trust import Trust

ANSWER_BYTES_MAX = 64 * 1024
"""A cosignature line or a size; anything longer is neither."""
ANSWER_S_MAX = 30.0
"""For one call from its beginning to its end: an answer that came byte by byte would hold up a round for ever."""
PLAIN = {"Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A witness of the policy and where its node listens."""

    name: str
    vkey: VerifierKey
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessPlan:
    """The policy of the own log as the registry gives it now, and its witnesses' addresses."""

    policy: WitnessPolicy
    witnesses: tuple[Witness, ...]


class WitnessCalls(Protocol):
    """The way to a witness; it leaves the process."""

    async def add_checkpoint(self, issuer: str, body: bytes) -> tuple[int, bytes]:
        """POST the body to the witness; status and body of the answer.

        Raises:
            OSError: It cannot be reached.
        """
        ...


class HttpWitnesses:
    """Witnesses over HTTP, C2SP tlog-witness.

    Args:
        client: The way to them.
        answer_s: How long one call may take in all.
    """

    def __init__(self, client: httpx.AsyncClient, *, answer_s: float = ANSWER_S_MAX) -> None:
        self._client = client
        self._answer_s = answer_s

    async def add_checkpoint(self, issuer: str, body: bytes) -> tuple[int, bytes]:
        """POST to `<issuer>/witness/add-checkpoint`.

        Raises:
            OSError: It cannot be reached.
        """
        address, content = f"{issuer}/witness/add-checkpoint", bytearray()
        try:
            async with (
                asyncio.timeout(self._answer_s),
                self._client.stream("POST", address, content=body, headers=PLAIN) as answer,
            ):
                async for chunk in answer.aiter_raw():
                    content += chunk
                    if len(content) > ANSWER_BYTES_MAX:
                        raise ConnectionError("overlong answer")
        except (httpx.HTTPError, TimeoutError) as error:
            raise ConnectionError(type(error).__name__) from error
        return answer.status_code, bytes(content)


def plan_of(trust: Trust, member: str) -> WitnessPlan:
    """The policy of a member's log and where its witnesses listen, as the registry gives them now."""
    policy = parse_policy(trust.policies[member])
    issuers = {
        listed.vkey: other.issuer
        for other in trust.members.values()
        for listed in other.keys
        if listed.vkey is not None
    }
    witnesses = tuple(
        Witness(name=name, vkey=vkey, issuer=issuers[format_vkey(vkey)])
        for name, vkey in policy.witnesses.items()
        if format_vkey(vkey) in issuers
    )
    return WitnessPlan(policy=policy, witnesses=witnesses)
