"""The gateway's interface as OpenAPI 3.1: every address with every status it answers, each body with its schema.

FastAPI knows the addresses and their parameters; what each answers, to whom, is said here in one table, because the
handlers answer with bytes that the core wrote. A test asks the running gateway whatever the document permits, and more,
and holds each answer to it (tests/stories/test_openapi.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from exchange.bundle.zipform import MEDIA_TYPE as ZIP
from nodes.web.answers import refusals

JSON, BYTES, TEXT = "application/json", "application/octet-stream", "text/plain"
VERSION = "1"
DPOP = "dpop"
_LIMITS = (408, 431)
"""What the wire answers besides what any address may: too slow, and a head too large."""

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operation:
    """What one address answers.

    Attributes:
        answers: The schema of each body by status and media type.
        refused: Statuses of refusals beyond what any address may answer.
        token: Whether an access token and a DPoP proof are asked for.
        body: Media type and schema of the request's body.
    """

    answers: Mapping[int, Mapping[str, Schema]]
    refused: Sequence[int] = ()
    token: bool = False
    body: tuple[str, Schema] | None = None


def described(api: FastAPI) -> FastAPI:
    """The application, with its document."""

    def document() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = _document(api)
        return api.openapi_schema

    api.openapi = document  # type: ignore[method-assign]  # the way that FastAPI itself names for it
    return api


def _document(api: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=api.title, version=VERSION, routes=api.routes)
    document.pop("components", None)  # FastAPI's own model of a refusal, which no address here answers with
    document["components"] = {
        "securitySchemes": {
            DPOP: {
                "type": "http",
                "scheme": "DPoP",
                "description": "An access token of /oauth/token, and a DPoP proof (RFC 9449) for each request.",
            }
        }
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _fill(operation, _OPERATIONS[method, path])
    return document


def _fill(operation: dict[str, Any], said: _Operation) -> None:
    answers = {
        str(status): {
            "description": "as asked for",
            "content": {kind: {"schema": schema} for kind, schema in bodies.items()},
        }
        for status, bodies in said.answers.items()
    }
    refused = {str(status): answer for status, answer in refusals(*_LIMITS, *said.refused).items()}
    # Where a refusal has a form of its own beside the problem, both may come.
    for status in refused.keys() & answers.keys():
        answers[status]["content"] |= refused[status]["content"]
    operation["responses"] = {**refused, **answers}
    if said.token:
        operation["security"] = [{DPOP: []}]
    if said.body is not None:
        media_type, schema = said.body
        operation["requestBody"] = {"required": True, "content": {media_type: {"schema": schema}}}


def _object(**members: Schema) -> Schema:
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_STRING: Schema = {"type": "string"}
_INDEX: Schema = {"type": "integer", "minimum": 0}
_DIGEST: Schema = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_BASE64: Schema = {"type": "string", "contentEncoding": "base64"}
_BINARY: Schema = {}
"""Bytes: no schema of JSON says anything about them."""
_CONTRACT = _object(id=_STRING, version=_STRING, digest=_DIGEST)
_ITEM = _object(
    bundle=_DIGEST,
    provider=_STRING,
    contract=_CONTRACT,
    period=_STRING,
    revision=_INDEX,
    supersedes=_or_null(_DIGEST),
    not_before=_STRING,
    index=_INDEX,
    at=_STRING,
    state=_STRING,
)
_OAUTH_ERROR = _object(error=_STRING, error_description=_STRING)
_TOKEN = _object(access_token=_STRING, token_type={"const": "DPoP"}, expires_in={"type": "integer", "minimum": 1})
_TOKEN_ASKED = ("grant_type", "client_assertion_type", "client_assertion")
_TOKEN_FORM: Schema = {
    "type": "object",
    "properties": dict.fromkeys((*_TOKEN_ASKED, "scope", "resource", "client_id"), _STRING),
    "required": list(_TOKEN_ASKED),
    "additionalProperties": False,
}
_ACKNOWLEDGED = _object(receipt=_DIGEST, index=_INDEX)
_SAID = _object(statement=_DIGEST, index=_INDEX)
_TOKEN_HELD = (401, 403, 404)
_BUNDLE = (401, 403, 404, 409, 410)

_OPERATIONS: Mapping[tuple[str, str], _Operation] = {
    ("get", "/.well-known/oauth-authorization-server"): _Operation(answers={200: {JSON: {"type": "object"}}}),
    ("post", "/oauth/token"): _Operation(
        answers={
            200: {JSON: _TOKEN},
            400: {JSON: _OAUTH_ERROR},
            401: {JSON: _OAUTH_ERROR},
            429: {JSON: _OAUTH_ERROR},
        },
        body=("application/x-www-form-urlencoded", _TOKEN_FORM),
    ),
    ("get", "/v1/catalogue"): _Operation(
        answers={200: {JSON: _object(bundles=_list(_ITEM), next=_or_null(_INDEX))}}, refused=(401, 403), token=True
    ),
    ("get", "/v1/bundles/{digest}"): _Operation(answers={200: {ZIP: _BINARY}}, refused=_BUNDLE, token=True),
    ("get", "/v1/bundles/{digest}/{file}"): _Operation(
        answers={200: {JSON: _BINARY, BYTES: _BINARY, TEXT: _BINARY, "text/csv": _BINARY}},
        refused=_BUNDLE,
        token=True,
    ),
    ("post", "/v1/receipts"): _Operation(
        answers={200: {JSON: _ACKNOWLEDGED}, 201: {JSON: _ACKNOWLEDGED}},
        refused=(401, 403, 404, 409, 422),
        token=True,
        body=("application/jose", _STRING),
    ),
    ("get", "/v1/contracts"): _Operation(
        answers={200: {JSON: _object(contracts=_list(_CONTRACT))}}, refused=(401, 403), token=True
    ),
    ("post", "/v1/contracts"): _Operation(
        answers={201: {JSON: _object(digest=_DIGEST)}},
        refused=(*_TOKEN_HELD, 409, 422),
        token=True,
        body=(JSON, _object(contract=_BASE64)),
    ),
    ("get", "/v1/contracts/{contract_id}/{version}"): _Operation(
        answers={
            200: {
                JSON: _object(id=_STRING, version=_STRING, digest=_DIGEST, contract=_BASE64, statements=_list(_BASE64))
            }
        },
        refused=_TOKEN_HELD,
        token=True,
    ),
    ("post", "/v1/contracts/{contract_id}/{version}/statements"): _Operation(
        answers={200: {JSON: _SAID}, 201: {JSON: _SAID}},
        refused=(*_TOKEN_HELD, 409, 422),
        token=True,
        body=("application/jose+json", {"type": "object"}),
    ),
    ("get", "/trust/metadata/{file}"): _Operation(answers={200: {BYTES: _BINARY}}, refused=(404,)),
    ("get", "/trust/targets/{path}"): _Operation(answers={200: {BYTES: _BINARY}}, refused=(404,)),
    ("get", "/log/checkpoint"): _Operation(answers={200: {TEXT: _STRING}}, refused=(404,)),
    ("get", "/log/tile/{path}"): _Operation(answers={200: {BYTES: _BINARY}}, refused=_TOKEN_HELD),
    ("get", "/log/evidence/{digest}"): _Operation(
        answers={
            200: {JSON: _object(index=_INDEX, entry=_BASE64, proof=_STRING, evidence=_BASE64, media_type=_STRING)}
        },
        refused=_TOKEN_HELD,
        token=True,
    ),
    ("post", "/witness/add-checkpoint"): _Operation(
        answers={200: {TEXT: _STRING}, 409: {"text/x.tlog.size": _STRING}},
        refused=(403, 404, 409, 422),
        body=(TEXT, _STRING),
    ),
    ("get", "/witness/{origin_hash}/checkpoint"): _Operation(answers={200: {TEXT: _STRING}}, refused=(404,)),
    ("get", "/witness/{origin_hash}/rivals"): _Operation(
        answers={200: {JSON: _object(checkpoints=_list(_BASE64))}}, refused=_TOKEN_HELD, token=True
    ),
    ("get", "/mirror/{origin_hash}/checkpoint"): _Operation(answers={200: {TEXT: _STRING}}, refused=(404,)),
    ("get", "/mirror/{origin_hash}/tile/{path}"): _Operation(answers={200: {BYTES: _BINARY}}, refused=_TOKEN_HELD),
    ("get", "/health/live"): _Operation(answers={200: {JSON: {"type": "object"}}}),
    ("get", "/health/ready"): _Operation(answers={200: {JSON: {"type": "object"}}, 503: {JSON: {"type": "object"}}}),
    ("get", "/errors/{code}"): _Operation(answers={200: {"text/markdown": _STRING}}, refused=(404,)),
}
