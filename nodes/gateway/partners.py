"""Clients of other members' gateways, which keep the node's registry up with what those act under."""

import httpx

from exchange.signing.keys import Random, Signer
from nodes.adapters.clock import Clock
from nodes.adapters.partner import Caller
from nodes.adapters.partner_calls import partner_limits
from nodes.adapters.relay import RelayClient
from nodes.adapters.trust_folder import TrustCache
from nodes.gateway.registry import Registry
from nodes.settings import NodeFolder


class Partners:
    """Clients of other members' gateways, one each, made when first needed and again when an address changes."""

    def __init__(  # what a client needs
        self,
        node: NodeFolder,
        registry: Registry,
        trust: TrustCache,
        signer: Signer,
        clock: Clock,
        random: Random,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        self._trust = trust
        self._caller = Caller(
            member=node.member,
            signer=signer,
            clock=clock,
            random=random,
            registry=registry.version,
            met=lambda partner, version: registry.meet(version, of=partner),
        )
        self._transport = transport
        self._limits = partner_limits(node)
        self._clients: dict[tuple[str, str], RelayClient] = {}

    def __call__(self, member: str) -> RelayClient:
        """The client of this member's gateway.

        Raises:
            UnknownMemberError: There is no such member.
        """
        issuer = self._trust.current().member(member).issuer
        key = (member, issuer)
        if key not in self._clients:
            self._clients[key] = RelayClient(
                partner=member, issuer=issuer, caller=self._caller, limits=self._limits, transport=self._transport
            )
        return self._clients[key]
