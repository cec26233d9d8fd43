"""`exchange serve`: one process with two servers, one on the port for partners, one on the socket for own commands."""

import asyncio
import fcntl
import gc
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import uvicorn
import uvloop
from starlette.types import ASGIApp

from exchange.errors import ExitCode
from exchange.errors.node import NodeLockedError
from exchange.errors.trust import RegistryExpiredError
from exchange.signing.keys import KeyPurpose
from nodes.adapters.clock import SystemClock
from nodes.adapters.key_files import read_passphrase, read_signer
from nodes.adapters.tls_files import server_context
from nodes.adapters.trust_folder import load_trust
from nodes.gateway.main import Gateway, GatewayKeys, build_gateway
from nodes.gateway.registry import refresh_at_start
from nodes.gateway.safe_start import require_closed_channel, require_right_clock
from nodes.settings import NodeFolder
from nodes.terminal import CommandParser, Invocation
from nodes.web.passage import networks
from nodes.web.wire import WireLimits, bounded

SOCKET_MODE = 0o600
BACKLOG = 512
KEEP_ALIVE_S = 65
STOP_S = 5
LOCK = "gateway.lock"
SWITCH_S = 0.0005
"""How long a thread may hold the interpreter while another wants it. The log's writer gives it up at every flush to the
disk; with Python's default of 5 ms it would wait that long after each, and everybody for it."""
FATAL_EXIT = 70
"""EX_SOFTWARE: the node stopped itself; a supervisor may start it again, and the restart rule decides."""
_LOG = logging.getLogger("exchange.gateway")


def serve(call: Invocation) -> int:
    """`exchange --node kz serve`: run the gateway until it is told to end."""
    call.parse(CommandParser(call.command, "run the member's gateway"))
    node = call.require_node()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    # It warns of each malformed request: whoever can send one could fill the disk.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    with locked(node):
        keys = _keys(node)  # with keys that others can read it asks nobody anything
        require_closed_channel(node)
        _wake(node)
        gateway = build_gateway(
            node, keys=keys, clock=SystemClock(), random=secrets.token_bytes, on_fatal=_stop_at_once
        )
        require_right_clock(gateway.context)
        sys.setswitchinterval(SWITCH_S)
        # What is loaded now lives as long as the process: the collector need not walk it again and again.
        gc.collect()
        gc.freeze()
        issuer = node.settings.gateway.issuer
        call.output.say(en=f"{node.member}: gateway at {issuer}", ru=f"{node.member}: шлюз на {issuer}")
        uvloop.run(_run(gateway, node))
    return ExitCode.FINE


def _wake(node: NodeFolder) -> None:
    """A node that was off for longer than its registry was valid asks the others before anything else."""
    clock = SystemClock()
    try:
        load_trust(node.keys, at=clock.now())
    except RegistryExpiredError:
        asyncio.run(refresh_at_start(node, clock))


async def _run(gateway: Gateway, node: NodeFolder) -> None:
    settings = node.settings.gateway
    outward = GatewayServer(outward_config(gateway.app, node))
    inward = GatewayServer(_config(gateway.local, protocol="httptools"))
    port, local = _listen(settings.host, settings.port), listen_local(node.socket)
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    servers: list[asyncio.Task[None]] = []
    try:
        # Nobody is answered before contracts and publications are taken up: a node that has not read its folder yet
        # would say that it holds no such contract, and a partner would believe it.
        await gateway.start()
        servers += [asyncio.create_task(outward.serve([port])), asyncio.create_task(inward.serve([local]))]
        await asyncio.wait([asyncio.create_task(ending.wait()), *servers], return_when=asyncio.FIRST_COMPLETED)
    finally:
        outward.should_exit = inward.should_exit = True
        if servers:
            await asyncio.wait(servers, timeout=STOP_S)
        await gateway.stop()
        node.socket.unlink(missing_ok=True)


class GatewayServer(uvicorn.Server):
    """A uvicorn server that leaves signals to the process: there are two of them in it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing."""
        yield


def outward_config(app: ASGIApp, node: NodeFolder) -> uvicorn.Config:
    """The server that partners reach: bounded on the wire, with the node's own TLS if its settings name it.

    Raises:
        TrustError, FileRefusedError: The certificate or its key is not to be had, or open to others.
    """
    settings = node.settings.gateway
    limits = settings.limits
    wire = WireLimits(
        head_bytes_max=limits.head_bytes_max,
        head_fields_max=limits.head_fields_max,
        request_s=limits.request_s,
        answer_s=limits.answer_s,
        connections_max=limits.connections_max,
        connections_of_one_max=limits.connections_of_one_max,
        unbounded=networks(settings.trusted_proxies),
    )
    config = _config(app, protocol=bounded(wire))
    if settings.tls is not None:
        context = server_context(node.path, settings.tls)
        config.ssl_context_factory = lambda _config, _default: context
    return config


def _config(app: ASGIApp, *, protocol: type[asyncio.Protocol] | Literal["httptools"]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
        backlog=BACKLOG,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.set_inheritable(False)
    return listening


def listen_local(path: Path) -> socket.socket:
    """A Unix socket for the owner alone; its path may be longer than a socket's address, so the folder is opened."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    before = os.umask(0o177)  # closed to others from its first moment
    try:
        listening.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.umask(before)
        os.close(folder)
    path.chmod(SOCKET_MODE)
    return listening


@contextmanager
def locked(node: NodeFolder) -> Iterator[None]:
    """One writer per folder: a second one would sign a second history.

    Raises:
        NodeLockedError: Another process writes there.
    """
    descriptor = os.open(node.private / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, SOCKET_MODE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NodeLockedError(folder=str(node.path)) from error
        yield
    finally:
        os.close(descriptor)


def _keys(node: NodeFolder) -> GatewayKeys:
    file, demo = node.settings.passphrase_file, node.settings.demo
    passphrase = None if file is None else read_passphrase(node.path / file)
    transport, log, witness = (
        read_signer(node.private, purpose, passphrase=passphrase, demo=demo)
        for purpose in (KeyPurpose.TRANSPORT, KeyPurpose.LOG, KeyPurpose.WITNESS)
    )
    return GatewayKeys(transport=transport, log=log, witness=witness)


def _stop_at_once(error: BaseException) -> None:
    """Fail-stop: after an error past the commit, what is on the disk is unknown; nothing more is answered."""
    _LOG.critical("the node stops: %s", error, exc_info=error)
    logging.shutdown()
    os._exit(FATAL_EXIT)
