"""Requests whose end two readers would see in different places, and addresses that two readers would take for others.

A proxy before the node reads each request first. Whatever it could read otherwise than the node is refused and the
connection ended: the request hidden behind it is never answered ("request smuggling", RFC 9112 §11.2).
"""

import pytest

from tests.attacks.gateway.test_host_attacks import CHUNKED, GET, POST
from tests.world.by_hand import Partner
from tests.world.served import ServedGateway

pytestmark = pytest.mark.asyncio(loop_scope="package")

HIDDEN = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
FRAMINGS: dict[str, bytes] = {
    "a length with a sign": POST + b"Content-Length: +4\r\n\r\nabcd",
    "a length in hex": POST + b"Content-Length: 0x4\r\n\r\nabcd",
    "a length of nothing": POST + b"Content-Length:\r\n\r\nabcd",
    "a length that is a list": POST + b"Content-Length: 4, 4\r\n\r\nabcd",
    "a length in Arabic digits": POST + b"Content-Length: \xd9\xa4\r\n\r\nabcd",
    "a length beyond 64 bits": POST + b"Content-Length: 18446744073709551620\r\n\r\nabcd",
    "two equal lengths": POST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "a coding after a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a coding twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "a second coding": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a coding on a folded line": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a coding in quotes": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "a coding with a parameter": POST + b"Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n",
    "length first, then coding": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": POST.replace(b"/1.1", b"/1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk's size with a sign": CHUNKED + b"+1\r\na\r\n0\r\n\r\n",
    "a chunk's size with 0x": CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
    "a chunk's size with an underscore": CHUNKED + b"0_1\r\na\r\n0\r\n\r\n",
    "a chunk's size below nothing": CHUNKED + b"-1\r\na\r\n0\r\n\r\n",
    "a chunk's size ended by a line feed": CHUNKED + b"1\na\r\n0\r\n\r\n",
    "a line feed in a chunk's extension": CHUNKED + b"1;a\nb\r\na\r\n0\r\n\r\n",
    "a chunk ended by two bytes of something": CHUNKED + b"1\r\naXX0\r\n\r\n",
    "lines that end with a line feed": GET.replace(b"\r\n", b"\n") + b"\n",
    "a line feed within the head": GET + b"X: a\nContent-Length: 4\r\n\r\nabcd",
    "a field without a colon": GET + b"Transfer-Encoding chunked\r\n\r\n",
    "a tab before the colon": POST + b"Content-Length\t: 4\r\n\r\nabcd",
    "a tab after the method": b"GET\t/v1/catalogue HTTP/1.1\r\nHost: x\r\n\r\n",
    "a blank in the address": b"GET /v1/cata logue HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method in lower case": b"get /v1/catalogue HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP in lower case": b"GET /v1/catalogue http/1.1\r\nHost: x\r\n\r\n",
    "HTTP/1.01": b"GET /v1/catalogue HTTP/1.01\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("request_", FRAMINGS.values(), ids=FRAMINGS.keys())
async def test_what_hides_behind_a_request_is_never_answered(served: ServedGateway, request_: bytes) -> None:
    status, answer = await served.raw(request_ + HIDDEN)

    assert status in {0, 400}, answer
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b'"status":200' not in answer


@pytest.mark.parametrize(
    "path",
    [
        "//v1/catalogue", "/v1//catalogue", "/v1/./catalogue", "/v1/../v1/catalogue", "/v1%2fcatalogue",
        "/v1/%2e%2e/v1/catalogue", "/v1/%252e%252e/health/live", "/V1/catalogue", "/v1/catalogue/", "/v1/catalogue;a=b",
        "/v1/catalogue%00", "/v1/catalogue%0a", "/v1/catalogue%20", "/v1\\catalogue", "/v1/catalog%c5%ab",
        "/v1/%ef%bd%83atalogue", "/v1/catalogue%e2%80%8b", "/v1/bundles/..%2f..%2fprivate",
    ],
)  # fmt: skip
async def test_another_spelling_of_an_address_is_another_address(served: ServedGateway, kg: Partner, path: str) -> None:
    """Even for a member with a token, and a proof for exactly this spelling."""
    named = f"Authorization: DPoP {kg.token}\r\nDPoP: {kg.proof('GET', path)}\r\n\r\n".encode("latin-1")
    status, answer = await served.raw(b"GET %s HTTP/1.1\r\nHost: x\r\n" % path.encode("latin-1") + named)

    assert status in {400, 401, 404}, answer
    assert b'"bundles"' not in answer


async def test_a_proof_for_one_spelling_does_not_open_another(served: ServedGateway, kg: Partner) -> None:
    proof = kg.proof("GET", "/v1/catalogue")
    named = f"Authorization: DPoP {kg.token}\r\nDPoP: {proof}\r\n\r\n".encode()
    status, _ = await served.raw(b"GET /v1/%63atalogue HTTP/1.1\r\nHost: x\r\n" + named)

    assert status in {401, 404}


@pytest.mark.parametrize(
    "method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "MOVE"]
)
async def test_no_other_method_does_anything(served: ServedGateway, kg: Partner, method: str) -> None:
    named = f"Authorization: DPoP {kg.token}\r\nDPoP: {kg.proof(method, '/v1/catalogue')}\r\n\r\n".encode()
    status, _ = await served.raw(f"{method} /v1/catalogue HTTP/1.1\r\nHost: x\r\n".encode() + named)

    assert status in {401, 405}


@pytest.mark.parametrize(
    "query", ["limit=1&limit=2", "limit=1;limit=2", "limit=%D9%A1", "limit=+1", "limit=1e1", "x=1"]
)
async def test_a_parameter_twice_or_in_another_spelling_is_refused(
    served: ServedGateway, kg: Partner, query: str
) -> None:
    named = f"Authorization: DPoP {kg.token}\r\nDPoP: {kg.proof('GET', '/v1/catalogue')}\r\n\r\n".encode()
    status, answer = await served.raw(f"GET /v1/catalogue?{query} HTTP/1.1\r\nHost: x\r\n".encode() + named)

    assert status == 400, answer
