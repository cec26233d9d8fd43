"""KZ's desk and all gateways in one world, agreed on the asylum contract: what a build makes goes the whole way."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from exchange.bundle import unpack_handover
from exchange.contract.model import DataContract
from exchange.signing.keys import KeyPurpose
from exchange.statement import sign_statement
from nodes.cli.main import main
from nodes.terminal import Output
from tests.world.asylum import MAPPING, PERIOD, asylum_contract, register_csv
from tests.world.bundles import SECRET, SIGNED, BundleWorld, bundle_world
from tests.world.desk import ANSWERS, Ran
from tests.world.gateways import GatewayWorld, gateway_world
from tests.world.local_gateway import listening

ASKED = ("CA-12", PERIOD)


@dataclass
class AsylumWorld:
    """Seven gateways, and KZ's officers with its register."""

    gateways: GatewayWorld
    register: Path
    mapping: Path

    def run(self, *words: str) -> Ran:
        """A command at KZ's node."""
        out, err = io.StringIO(), io.StringIO()
        output = Output(json="--json" in words, language="en", out=out, err=err)
        node = str(self.gateways.node("KZ").path)
        code = main(["--node", node, *words], clock=self.gateways.clock, output=output)
        return Ran(code, out.getvalue(), err.getvalue())

    def act(self, *words: str) -> Ran:
        ran = self.run(*words)
        assert ran.code == 0, ran.err
        return ran

    def build(self, *words: str) -> list[dict[str, Any]]:
        """The candidates that a build made."""
        extract = ("--from", str(self.register), "--mapping", str(self.mapping))
        found: list[dict[str, Any]] = json.loads(self.act("--json", "bundle", "build", *ASKED, *extract, *words).out)[
            "candidates"
        ]
        return found

    def clear(self, reader: str) -> None:
        """Submitted, and approved by both clearing officers."""
        self.act("bundle", "submit", *ASKED, reader)
        for officer in ("kz-02", "kz-03"):
            self.act("clearance", "approve", *ASKED, reader, "--officer", officer)

    async def release(self, reader: str) -> dict[str, bytes]:
        """Sealed at the desk, handed to the real gateway, published; the five files."""
        node = self.gateways.node("KZ")
        known = set(node.outbox.glob("*.handover"))
        with listening(node.socket, ANSWERS) as posted:
            self.act("bundle", "release", *ASKED, reader)
        (file,) = set(node.outbox.glob("*.handover")) - known
        bodies = dict(posted)
        for path in ("/local/clearances", "/local/hand-overs"):
            answer = await self.gateways.local("KZ", "POST", path, bodies[path])
            assert answer.is_success, answer.text
        return unpack_handover(file.read_bytes())


@asynccontextmanager
async def asylum_world(folder: Path) -> AsyncIterator[AsylumWorld]:
    """All have signed the contract, and it is in force."""
    async with unsigned_world(folder, asylum_contract()) as world:
        world.gateways.clock.move(days=1)
        await world.gateways.agree()
        yield world


@asynccontextmanager
async def unsigned_world(folder: Path, contract: DataContract) -> AsyncIterator[AsylumWorld]:
    """Seven gateways, of which the parties hold the contract and nobody has signed it yet; KZ has its register."""
    async with gateway_world(folder / "nodes", published=False, bundle=_agreed(contract)) as gateways:
        secret = gateways.node("KZ").private / "preparation" / "secret"
        secret.parent.mkdir(mode=0o700)
        secret.write_bytes(SECRET)
        secret.chmod(0o600)
        register, mapping = folder / "register.csv", folder / "MAP.toml"
        register.write_text(register_csv(), encoding="utf-8")
        mapping.write_text(MAPPING, encoding="utf-8")
        yield AsylumWorld(gateways, register, mapping)


def _agreed(contract: DataContract) -> BundleWorld:
    """The federation of the bundle world, with this contract signed by its parties; its bundle is of no use here."""
    world = bundle_world()
    statements = tuple(
        sign_statement(
            type="contract.signed",
            contract=contract.digest,
            party=party,
            at=SIGNED,
            effective=SIGNED,
            signer=world.federation.hybrid(party, KeyPurpose.CONTRACT),
        )
        for party in contract.members()
    )
    return replace(world, contract=contract, statements=statements)
