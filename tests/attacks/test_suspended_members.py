"""A member that the others suspend is out at every gateway with its next refresh, whatever it holds by then."""

from pathlib import Path

import pytest

from exchange.flow import ceremony
from nodes.adapters.trust_folder import write_trust_files
from nodes.settings import GatewaySettings
from tests.attacks.test_tokens import assertion
from tests.world.by_hand import Partner, address
from tests.world.ceremonies import Living
from tests.world.gateways import gateway_world

MAJORITY = ("KZ", "TJ", "TM", "UZ")


@pytest.mark.asvs("V8.3.2", "V10.4.9")
async def test_a_suspended_members_token_proof_and_assertion_open_nothing_any_more(tmp_path: Path) -> None:
    async with gateway_world(tmp_path) as world:
        kg, tj = Partner(world, "KG"), Partner(world, "TJ")
        await kg.log_in()
        await tj.log_in()
        assert (await kg.get(address(world))).status_code == 200
        living = Living(world.bundle.federation, at=world.clock.now())
        decided = ceremony.suspend_member(living.base, "KG", at=living.at)
        living.decide(decided, living.signers("targets", MAJORITY))
        world.clock.move(seconds=1)

        write_trust_files(world.node("KZ").keys, living.files)  # as its next refresh does

        for path in (address(world), "/v1/catalogue"):
            refused = await kg.get(path)
            assert (refused.status_code, refused.json()["code"]) == (401, "token-refused")
        assert (await kg.ask_token()).json()["error"] == "invalid_client"
        assert (await kg.ask_token(form={"client_assertion": assertion(kg, reg=1)})).json()["error"] == "invalid_client"
        assert (await tj.get("/v1/catalogue")).status_code == 200


def test_every_gateway_refreshes_in_less_than_half_of_the_minute_that_a_suspension_may_take() -> None:
    settings = GatewaySettings(issuer="https://kz.example", port=443)
    bounds = GatewaySettings.model_fields["registry_refresh_s"].metadata
    upper = next(bound.le for bound in bounds if hasattr(bound, "le"))

    assert settings.registry_refresh_s <= upper == 30
