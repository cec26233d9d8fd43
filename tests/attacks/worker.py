"""One worker of a gateway as a process of its own, over a store that it shares with others: `worker FOLDER PORT`.

It answers whatever appends nothing to the log (one process alone does that): tokens, the catalogue, contracts.
"""

import secrets
import socket
import sys
from pathlib import Path

import uvloop

from exchange.signing.keys import KeyPurpose
from nodes.adapters.key_files import read_signer
from nodes.gateway.main import GatewayKeys, build_gateway
from nodes.gateway.serve import GatewayServer, outward_config
from nodes.settings import open_node
from tests.world.bundles import COSIGNED
from tests.world.clock import StillClock


async def work(folder: Path, port: int) -> None:
    node = open_node(folder)
    transport, log, witness = (
        read_signer(node.private, purpose, passphrase=None, demo=True)
        for purpose in (KeyPurpose.TRANSPORT, KeyPurpose.LOG, KeyPurpose.WITNESS)
    )
    gateway = build_gateway(
        node,
        keys=GatewayKeys(transport=transport, log=log, witness=witness),
        clock=StillClock(COSIGNED),
        random=secrets.token_bytes,
        on_fatal=lambda error: sys.exit(str(error)),
    )
    gateway.context.sequencer.start()
    listening = socket.create_server(("127.0.0.1", port))
    await GatewayServer(outward_config(gateway.app, node)).serve([listening])


if __name__ == "__main__":
    uvloop.run(work(Path(sys.argv[1]), int(sys.argv[2])))
