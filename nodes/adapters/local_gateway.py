"""The way of a node's own commands to its gateway: HTTP on a Unix socket inside the node's private folder.

A socket's path may hold 107 bytes. A folder can lie deeper than that, so the folder is opened and the socket is
reached through `/proc/self/fd/<n>/`, which is always short.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from exchange.errors import ExchangeError, ExitCode
from exchange.errors.settings import GatewayAnswerError, GatewayDownError
from nodes.settings import NodeFolder

WAIT_S = 120.0
"""A publication may wait for its quorum of witnesses; longer than this the gateway answers `logged` by itself."""


class GatewayRefusedError(ExchangeError):
    """What the gateway refused, carried on with its own code, sentence, mend and exit code."""

    code = "gateway-refused"
    en = "{problem}: {message}"
    ru = "{problem}: {message}"
    mend_en = "{mend}"
    mend_ru = "{mend}"

    def __init__(self, problem: dict[str, Any]) -> None:
        code = str(problem["code"])
        super().__init__(problem=code, message=str(problem["detail"]), mend=str(problem.get("mend", "")))
        self.problem = problem
        self.__dict__.update(code=code, en="{message}", ru="{message}", exit_code=_exit_code(problem))

    def as_json(self, language: str = "en") -> dict[str, object]:
        """The gateway's problem, in the language it was asked for."""
        del language
        named = {name: self.problem.get(name, "") for name in ("code", "mend")}
        return {**named, "message": self.problem["detail"], "facts": self.problem.get("facts", {})}


class LocalGateway:
    """Calls the gateway of one node. Each call waits for the durable answer."""

    def __init__(self, node: NodeFolder, *, timeout_s: float = WAIT_S, language: str = "en") -> None:
        self._node = node
        self._timeout_s = timeout_s
        self._language = language

    def post(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        """POST JSON and read the JSON answer.

        Raises:
            GatewayDownError: Nobody answers on the socket.
            GatewayRefusedError: The gateway answered with a problem.
            GatewayAnswerError: It answered with something else.
        """
        return self._call("POST", path, body)

    def get(self, path: str) -> dict[str, Any]:
        """GET a JSON answer; errors as in `post`."""
        return self._call("GET", path, None)

    def _call(self, method: str, path: str, body: dict[str, object] | None) -> dict[str, Any]:
        try:
            with self._listening() as address:
                transport = httpx.HTTPTransport(uds=address)
                headers = {"Accept-Language": self._language}
                with httpx.Client(
                    transport=transport, base_url="http://gateway", timeout=self._timeout_s, headers=headers
                ) as client:
                    answer = client.request(method, path, json=body)
        except (httpx.TransportError, OSError) as error:
            raise GatewayDownError(member=self._node.member, node=self._node.member.lower()) from error
        return self._read(answer)

    @contextmanager
    def _listening(self) -> Iterator[str]:
        """A path to the socket that fits a sockaddr_un, once somebody is seen to listen there.

        Raises:
            OSError: Nobody does. Asked here, since the HTTP client leaves a refused socket open.
        """
        path = self._node.socket
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            address = f"/proc/self/fd/{folder}/{path.name}"
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(self._timeout_s)
                probe.connect(address)
            yield address
        finally:
            os.close(folder)

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        """The answer's document, or the refusal in it."""
        try:
            document = answer.json()
        except (json.JSONDecodeError, UnicodeDecodeError):
            document = None
        if isinstance(document, dict):
            if answer.is_success:
                return document
            if "code" in document and "detail" in document:
                raise GatewayRefusedError(document)
        raise GatewayAnswerError(
            member=self._node.member,
            node=self._node.member.lower(),
            code=answer.status_code,
            detail=answer.reason_phrase or "-",
        )


def _exit_code(problem: dict[str, Any]) -> ExitCode:
    try:
        return ExitCode(problem.get("exit_code", ExitCode.ERROR))
    except ValueError:
        return ExitCode.ERROR
