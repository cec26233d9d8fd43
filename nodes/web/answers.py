"""What an officers' interface says of its answers in OpenAPI: documents as closed models, refusals as problems."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue
from starlette.responses import JSONResponse

from nodes.web.problems import MEDIA_TYPE, NO_STORE

Responses = dict[int | str, dict[str, Any]]

ANY = (400, 413, 414, 415, 429, 500, 503)
"""What any address may answer: a form that is none, limits, and a node that cannot work."""
SIGNED_IN = (401, 403)
"""What every address for officers may answer besides."""
ACT = (404, 409, 422)
"""What an act may answer: nothing of that name, not now, does not hold."""


class Body(BaseModel):
    """A request's body: nothing unknown, nothing coerced."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Document(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(Document):
    """A refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    mend: str
    facts: dict[str, JsonValue]
    exit_code: int


_PROBLEM = Problem.model_json_schema()


class Fresh(JSONResponse):
    """An answer that no cache keeps: what officers see is not left behind in a browser."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """The answer's own headers, and that it is not to be kept."""
        super().init_headers({**NO_STORE, **(headers or {})})


def refusals(*statuses: int) -> Responses:
    """The refusals of a route, each a problem."""
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
        for status in sorted({*ANY, *statuses})
    }
