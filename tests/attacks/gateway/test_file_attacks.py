"""Attacks on what is served: bundles, files, tiles and evidence that are not for this caller, or not there at all."""

import asyncio
import time

import pytest

from exchange.encoding import Digest
from tests.attacks.gateway.conftest import Members
from tests.world.by_hand import Partner, address, digest_of
from tests.world.served import HOST, ServedGateway

pytestmark = pytest.mark.asyncio(loop_scope="package")

BUNDLE = "/v1/bundles/"
UNKNOWN = "0" * 64
HIDDEN: list[tuple[str, str]] = [
    ("a bundle that is not there", BUNDLE + UNKNOWN),
    ("a file of a bundle that is not there", f"{BUNDLE}{UNKNOWN}/data.csv"),
    ("a digest in capitals", BUNDLE + "A" * 64),
    ("a digest with its algorithm", f"{BUNDLE}sha256:{UNKNOWN}"),
    ("half a digest", BUNDLE + "0" * 32),
    ("a digest and more", f"{BUNDLE}{UNKNOWN}00"),
    ("a file that no bundle has", BUNDLE + "{digest}/passwd"),
    ("a file in capitals", BUNDLE + "{digest}/DATA.CSV"),
    ("the whole under a file's name", BUNDLE + "{digest}/zip"),
    ("a file with a zero byte", BUNDLE + "{digest}/data.csv%00"),
    ("a file with a dot before it", BUNDLE + "{digest}/.data.csv"),
    ("a key beside the bundles", BUNDLE + "{digest}/..%5c..%5cprivate%5ctransport.key"),
    ("a withdrawal that is none", BUNDLE + "{digest}/withdrawal.json"),
    ("a contract that is not there", "/v1/contracts/CA-99-NONE/1.0.0"),
    ("a version that is not there", "/v1/contracts/CA-01-BORDER/9.9.9"),
    ("evidence that is not there", f"/log/evidence/{UNKNOWN}"),
    ("evidence by no digest", "/log/evidence/x"),
]  # fmt: skip


@pytest.mark.parametrize("path", [pytest.param(path, id=name) for name, path in HIDDEN])
async def test_what_is_not_there_is_one_answer(kg: Partner, path: str) -> None:
    answer = await kg.get(path.replace("{digest}", digest_of(kg.world).hex))

    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert answer.json()["facts"] == {}


OPEN: list[tuple[str, str]] = [
    ("out of the registry", "/trust/metadata/..%2f..%2fnode.toml"),
    ("out of the registry, plainly", "/trust/targets/../../private/gateway/log-ed25519.key"),
    ("out of the registry, encoded twice", "/trust/targets/..%252f..%252fnode.toml"),
    ("out of the registry, by backslashes", "/trust/targets/..%5c..%5cnode.toml"),
    ("out of the registry, from the root", "/trust/targets//etc/passwd"),
    ("out of the registry, from the root, encoded", "/trust/targets/%2fetc%2fpasswd"),
    ("a hidden file of the registry", "/trust/targets/.git/config"),
    ("a zero byte in the registry", "/trust/metadata/root.json%00.json"),
    ("no version", "/trust/metadata/00.root.json"),
    ("out of the log", "/log/tile/..%2f..%2f..%2fstate.db"),
    ("a tile in another spelling", "/log/tile/0/0"),
    ("a tile with a zero too many", "/log/tile/0/x000/000"),
    ("a tile of a level that is not there", "/log/tile/64/000"),
    ("a tile of width nothing", "/log/tile/0/000.p/0"),
    ("a tile wider than a tile", "/log/tile/0/000.p/256"),
    ("a tile that is not there yet", "/log/tile/0/x999/x999/999"),
    ("a negative tile", "/log/tile/0/-01"),
    ("a checkpoint by no origin", "/witness/..%2f..%2fstate.db/checkpoint"),
    ("a mirror that is none", f"/mirror/{UNKNOWN}/checkpoint"),
]  # fmt: skip


@pytest.mark.parametrize("path", [pytest.param(path, id=name) for name, path in OPEN])
@pytest.mark.asvs("V8.2.2")
async def test_no_address_leads_out_of_its_folder(served: ServedGateway, path: str) -> None:
    status, answer = await served.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    assert status == 404, answer
    assert b"[gateway]" not in answer
    assert b"root:" not in answer


CLOSED: list[tuple[str, str, str, int]] = [
    ("entries of the log, by a partner", "KG", "/log/tile/entries/000.p/1", 404),
    ("refused checkpoints, by a partner", "KG", f"/witness/{UNKNOWN}/rivals", 404),
    ("the figures, by the auditor", "IOM", "{address}/data.csv", 403),
    ("the whole, by the auditor", "IOM", "{address}", 403),
    ("the whole, by a stranger", "GB", "{address}", 404),
    ("the figures, by a stranger", "GB", "{address}/data.csv", 404),
    ("a signature, by a stranger", "GB", "{address}/datapackage.jws", 404),
    ("why it was withdrawn, by a stranger", "GB", "{address}/withdrawal.json", 404),
    ("the contract, by a stranger", "GB", "{contract}", 404),
]  # fmt: skip


@pytest.mark.parametrize(("member", "path", "status"), [pytest.param(*rest, id=name) for name, *rest in CLOSED])
@pytest.mark.asvs("V8.2.2", "V8.2.3", "V8.4.1")
async def test_nobody_gets_what_is_not_for_them(members: Members, member: str, path: str, status: int) -> None:
    caller = await members.get(member)
    contract = caller.world.bundle.contract
    path = path.replace("{address}", address(caller.world))
    answer = await caller.get(path.replace("{contract}", f"/v1/contracts/{contract.id}/{contract.version}"))

    assert answer.status_code == status
    assert answer.json()["code"] == {403: "auditor-no-data", 404: "not-found"}[status]
    assert "Exchange-Delivery" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/log/checkpoint", "/log/tile/0/000.p/1", "/trust/metadata/1.root.json", "/log/tile/-1"]
)
async def test_a_file_is_asked_for_by_head_with_the_same_answer_and_no_body(served: ServedGateway, path: str) -> None:
    whole, head = [await _to_the_end(served, method, path) for method in ("GET", "HEAD")]
    assert head.partition(b"\r\n")[0] == whole.partition(b"\r\n")[0]
    assert _names(head) == _names(whole)
    assert whole.partition(b"\r\n\r\n")[2]
    assert not head.partition(b"\r\n\r\n")[2]


async def _to_the_end(served: ServedGateway, method: str, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, served.port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


def _names(answer: bytes) -> list[bytes]:
    return sorted(line.partition(b":")[0].lower() for line in answer.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:])


CALLS: list[tuple[str, str, int]] = [
    ("PUT", "/v1/receipts", 405),
    ("DELETE", "{address}", 405),
    ("PATCH", "/v1/contracts", 405),
    ("POST", "/log/checkpoint", 405),
    ("HEAD", "{address}", 405),
    ("POST", "{address}", 405),
    ("OPTIONS", "/oauth/token", 405),
    ("GET", "/oauth/token", 405),
    ("GET", "/v1/catalogue/", 404),
    ("GET", "//v1/catalogue", 404),
    ("GET", "/v1/../v1/bundles/", 404),
    ("GET", "/openapi.json", 404),
    ("GET", "/docs", 404),
    ("GET", "/local/status", 404),
    ("POST", "/local/pulls", 404),
    ("POST", "/local/hand-overs", 404),
    ("GET", "/metrics", 404),
    ("GET", "/.git/config", 404),
    ("GET", "/oauth/introspect", 404),
    ("POST", "/oauth/register", 404),
    ("GET", "/.well-known/jwks.json", 404),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status"), [pytest.param(*c, id=f"{c[0]} {c[1]}") for c in CALLS])
async def test_no_other_call_is_answered(served: ServedGateway, method: str, path: str, status: int) -> None:
    path = path.replace("{address}", address(served.world))
    found, _ = await served.raw(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())

    assert found == status


PAGES = ("limit=0", "limit=-1", "limit=100000", "limit=x", "since=-1", "since=1e9", "since=99999999999999999999")


@pytest.mark.parametrize("query", [*PAGES, "contract=" + "a" * 65])
async def test_a_page_of_the_catalogue_has_bounds(kg: Partner, query: str) -> None:
    headers = {"Authorization": f"DPoP {kg.token}", "DPoP": kg.proof("GET", "/v1/catalogue")}
    answer = await kg.http.get(f"{kg.issuer}/v1/catalogue?{query}", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "request-malformed")


@pytest.mark.parametrize("digest", [UNKNOWN, "x", Digest.of(b"another").hex])
async def test_a_proof_is_spent_on_whatever_is_not_there(kg: Partner, digest: str) -> None:
    proof = kg.proof("GET", BUNDLE + digest)

    first, again = await kg.get(BUNDLE + digest, proof=proof), await kg.get(BUNDLE + digest, proof=proof)

    assert (first.status_code, again.status_code) == (404, 401)
    assert again.json()["code"] == "replayed"


async def test_never_a_party_and_not_there_take_the_same_time(served: ServedGateway, members: Members) -> None:
    served.world.clock.move(minutes=61)  # what exists is logged as refused: the slowest it can be
    gb = await members.get("GB")
    took: dict[str, list[float]] = {}
    bodies = set()
    for rounds in range(60):
        for path in (address(served.world), BUNDLE + UNKNOWN):
            began = time.perf_counter()
            bodies.add((await gb.get(path)).content)
            took.setdefault(path, []).append(time.perf_counter() - began)
        party, nothing = (min(times) for times in took.values())  # what else the machine does only adds to them
        if rounds >= 11 and abs(party - nothing) < 0.02:
            break  # a busy machine gets more rounds, the same bound

    assert len(bodies) == 1
    assert min(party, nothing) >= served.world.gateways["KZ"].context.settings.hidden_answer_ms / 1000
    assert abs(party - nothing) < 0.02


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"Range": "bytes=0-1"}, id="two bytes"),
        pytest.param({"Range": "bytes=0-1,5-9,-1"}, id="three ranges"),
        pytest.param({"Range": "bytes=99999999-"}, id="what lies behind the end"),
        pytest.param({"If-Range": '"x"', "Range": "bytes=0-1"}, id="two bytes of another file"),
        pytest.param({"If-Modified-Since": "Thu, 01 Jan 2099 00:00:00 GMT"}, id="newer than the future"),
        pytest.param({"X-HTTP-Method-Override": "DELETE"}, id="another method"),
        pytest.param({"X-Original-URL": "/health/live", "X-Rewrite-URL": "/health/live"}, id="another address"),
        pytest.param({"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "evil.example"}, id="another host"),
        pytest.param({"Connection": "close, authorization, dpop"}, id="without its own headers"),
        pytest.param({"Upgrade": "websocket", "Connection": "Upgrade"}, id="another protocol"),
    ],
)
async def test_a_file_is_served_whole_whatever_a_request_adds(kg: Partner, more: dict[str, str]) -> None:
    path = address(kg.world, "datapackage.json")
    headers = {"Authorization": f"DPoP {kg.token}", "DPoP": kg.proof("GET", path), **more}

    answer = await kg.http.get(kg.issuer + path, headers=headers)

    assert (answer.status_code, answer.content) == (200, kg.world.bundle.files["datapackage.json"])
    assert "evil.example" not in str(answer.headers)
