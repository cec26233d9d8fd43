"""The client of another member's gateway that also carries contracts and statements there."""

from exchange.encoding import base64_encode, canonical_json
from nodes.adapters.partner import PartnerClient


class RelayClient(PartnerClient):
    """A partner to whom this member's contracts and statements are carried."""

    async def propose(self, raw: bytes) -> None:
        """Propose a contract's text; one that the partner holds already changes nothing there."""
        body = canonical_json({"contract": base64_encode(raw)})
        await self._json("POST", "/v1/contracts", content=body, media_type="application/json")

    async def statement(self, contract_id: str, version: str, raw: bytes) -> None:
        """Relay a party's statement about a contract."""
        path = f"/v1/contracts/{contract_id}/{version}/statements"
        await self._json("POST", path, content=raw, media_type="application/jose+json")
