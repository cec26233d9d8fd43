"""The way of a node's own commands to its gateway: HTTP on a Unix socket inside the node's private folder.

A socket's path may hold 107 bytes. A folder can lie deeper than that, so the folder is opened and the socket is
reached through `/proc/self/fd/<n>/`, which is always short.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import httpx

from exchange.errors import ExchangeError, ExitCode
from exchange.errors.settings import GatewayDownError
from nodes.settings import NodeFolder

WAIT_S = 120.0
"""A publication may wait for its quorum of witnesses; longer than this the gateway answers `waiting` by itself."""


class GatewayRefusedError(ExchangeError):
    """What the gateway answered, carried on with its own code, sentence and exit code."""

    code = "gateway-refused"
    en = "{message}"
    ru = "{message}"
    mend_en = "{mend}"
    mend_ru = "{mend}"

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(message=str(problem.get("detail", "")), mend=str(problem.get("mend", "")))
        self.problem = problem

    def as_json(self, language: str = "en") -> dict[str, object]:
        """The gateway's problem, with its own code."""
        del language
        return {
            "code": self.problem.get("code", self.code),
            "message": self.problem.get("detail", ""),
            "mend": self.problem.get("mend", ""),
            "facts": self.problem.get("facts", {}),
        }


class LocalGateway:
    """Calls the gateway of one node. Each call waits for the durable answer."""

    def __init__(self, node: NodeFolder, *, timeout_s: float = WAIT_S) -> None:
        self._node = node
        self._timeout_s = timeout_s

    def post(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        """POST JSON and read the JSON answer.

        Raises:
            GatewayDownError: Nobody answers on the socket.
            GatewayRefusedError: The gateway answered with a problem.
        """
        return self._call("POST", path, body)

    def get(self, path: str) -> dict[str, Any]:
        """GET a JSON answer; errors as in `post`."""
        return self._call("GET", path, None)

    def _call(self, method: str, path: str, body: dict[str, object] | None) -> dict[str, Any]:
        with _short(self._node.socket) as socket:
            transport = httpx.HTTPTransport(uds=socket)
            try:
                with httpx.Client(
                    transport=transport, base_url="http://gateway", timeout=self._timeout_s
                ) as client:
                    answer = client.request(method, path, json=body)
            except httpx.TransportError as error:
                raise GatewayDownError(member=self._node.member, node=self._node.member.lower()) from error
        document = cast("dict[str, Any]", answer.json())
        if answer.is_success:
            return document
        refused = GatewayRefusedError(document)
        refused.__dict__["exit_code"] = ExitCode(document.get("exit_code", ExitCode.ERROR))
        raise refused


@contextmanager
def _short(socket: Path) -> Iterator[str]:
    """A path to the socket that fits a sockaddr_un."""
    try:
        folder = os.open(socket.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield str(socket)
        return
    try:
        yield f"/proc/self/fd/{folder}/{socket.name}"
    finally:
        os.close(folder)
