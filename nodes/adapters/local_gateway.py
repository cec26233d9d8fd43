"""The way of a node's own commands to its gateway: HTTP on a Unix socket inside the node's private folder.

A socket's path may hold 107 bytes. A folder can lie deeper than that, so the folder is opened and the socket is
reached through `/proc/self/fd/<n>/`, which is always short.
"""

import json
import os
import socket
from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from exchange.errors import ExchangeError, ExitCode
from exchange.errors.settings import GatewayAnswerError, GatewayDownError
from nodes.settings import NodeFolder

Shape = TypeVar("Shape", bound=BaseModel)
WAIT_S = 120.0
"""A publication may wait for its quorum of witnesses; longer than this the gateway answers `logged` by itself."""
_AS_THEY_ARE = "/?&=%:,+@"
"""In an address, whose parts its writers quote; whatever else a person typed is quoted here."""


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


class _SocketConnection(HTTPConnection):
    """HTTP on a Unix socket; one that cannot be reached leaves nothing open."""

    def __init__(self, path: Path, *, timeout_s: float) -> None:
        super().__init__("gateway", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(self.timeout)
            sock.connect(f"/proc/self/fd/{folder}/{self._path.name}")
        except OSError:
            sock.close()
            raise
        finally:
            os.close(folder)
        self.sock = sock


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

    def shaped(self, answer: Mapping[str, object], shape: type[Shape]) -> Shape:
        """An answer in the shape that is expected of it.

        Raises:
            GatewayAnswerError: It has another, as a gateway of another version may; only members are named.
        """
        try:
            return shape.model_validate(answer)
        except ValidationError as error:
            wrong = sorted({".".join(str(part) for part in one["loc"]) for one in error.errors(include_input=False)})
        raise self._no_answer(200, ", ".join(wrong))

    def _call(self, method: str, path: str, body: dict[str, object] | None) -> dict[str, Any]:
        headers = {"Accept-Language": self._language, "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode("utf-8")
        try:
            with closing(_SocketConnection(self._node.socket, timeout_s=self._timeout_s)) as connection:
                connection.request(method, quote(path, safe=_AS_THEY_ARE), content, headers)
                answer = connection.getresponse()
                raw = answer.read()
        except (HTTPException, OSError) as error:
            raise GatewayDownError(member=self._node.member, node=self._node.asked) from error
        return self._read(answer.status, answer.reason, raw)

    def _read(self, status: int, reason: str, raw: bytes) -> dict[str, Any]:
        """The answer's document, or the refusal in it."""
        try:
            document = json.loads(raw)
        except (json.JSONDecodeError, UnicodeDecodeError):
            document = None
        if isinstance(document, dict):
            if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                return document
            if "code" in document and "detail" in document:
                raise GatewayRefusedError(document)
        raise self._no_answer(status, reason or "-")

    def _no_answer(self, code: int, detail: str) -> GatewayAnswerError:
        return GatewayAnswerError(member=self._node.member, node=self._node.asked, code=code, detail=detail)


def _exit_code(problem: dict[str, Any]) -> ExitCode:
    try:
        return ExitCode(problem.get("exit_code", ExitCode.ERROR))
    except ValueError:
        return ExitCode.ERROR
