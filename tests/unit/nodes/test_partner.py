"""A client that trusts nothing a partner says: every surprise is an error that names the partner and the exit code."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from exchange.encoding import Digest
from exchange.errors import ExchangeError, ExitCode
from exchange.errors.exchange_ import PartnerMalformedError, PartnerUnreachableError
from exchange.errors.pull import BrokenOffError, OverlongError
from exchange.receipt import pull_id
from exchange.signing.dpop import open_assertion, open_proof
from nodes.adapters.partner import Caller, PartnerClient, PartnerLimits
from nodes.adapters.partner_problems import PartnerProblemError
from tests.world.clock import StillClock
from tests.world.federation import seeded, signer
from tests.world.gateways import Body

ISSUER = "http://kz.example"
NOW = datetime(2026, 10, 2, 11, 0, tzinfo=UTC)
KEY = signer("KG/transport")
BUNDLE = Digest.of(b"bundle")
Handler = Callable[[httpx.Request], httpx.Response]


def answer(content: bytes = b"", status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, stream=Body(content))


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    return answer(json.dumps({"code": code, "detail": "why", "mend": "how"}).encode(), status, **headers)


def token(kind: str = "DPoP", *, life_s: int = 300) -> httpx.Response:
    return answer(json.dumps({"access_token": "token", "token_type": kind, "expires_in": life_s}).encode())


class Partner:
    """Answers as told, token requests apart, and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception, tokens: tuple[httpx.Response, ...] = ()) -> None:
        self._answers = list(answers)
        self._tokens = list(tokens)
        self.asked: list[httpx.Request] = []
        self.token_requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            self.token_requests.append(request)
            return self._tokens.pop(0) if self._tokens else token()
        self.asked.append(request)
        given = self._answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return given


def client(
    partner: Handler, *, clock: StillClock | None = None, bytes_max: int = 1000, answer_bytes_max: int = 1000
) -> PartnerClient:
    caller = Caller(member="KG", signer=KEY, clock=clock or StillClock(NOW), random=seeded("partner"))
    limits = PartnerLimits(timeout_s=1.0, bundle_bytes_max=bytes_max, answer_bytes_max=answer_bytes_max)
    return PartnerClient(
        partner="KZ", issuer=ISSUER, caller=caller, limits=limits, transport=httpx.MockTransport(partner)
    )


async def nothing(_: Digest) -> None:
    """An attempt that nobody remembers."""


def read_proof(request: httpx.Request, *, access_token: str | None, path: str) -> str | None:
    proof = open_proof(
        request.headers["DPoP"],
        keys=[KEY.public],
        method=request.method,
        url=ISSUER + path,
        at=NOW,
        age_s=60,
        skew_s=10,
        access_token=access_token,
    )
    return proof.nonce


async def test_a_token_is_asked_for_once_with_an_assertion_and_a_proof_and_used_until_it_ages() -> None:
    partner, clock = Partner(*(answer(b'{"bundles":[],"next":null}') for _ in range(3))), StillClock(NOW)
    async with client(partner, clock=clock) as kz:
        await kz.catalogue()
        await kz.catalogue()
        clock.move(seconds=290)
        await kz.catalogue()
    assert len(partner.token_requests) == 2
    form = httpx.QueryParams(partner.token_requests[0].content.decode())
    said = open_assertion(form["client_assertion"], keys=[KEY.public], audience=ISSUER, at=NOW, life_s=60, skew_s=10)
    assert (said.member, form["grant_type"]) == ("KG", "client_credentials")
    assert read_proof(partner.token_requests[0], access_token=None, path="/oauth/token") is None
    assert partner.asked[0].headers["Authorization"] == "DPoP token"
    assert read_proof(partner.asked[0], access_token="token", path="/v1/catalogue") is None


async def test_a_server_that_wants_its_nonce_gets_a_new_assertion_and_new_proofs_with_it() -> None:
    partner = Partner(
        problem(401, "dpop-nonce-needed", DPoP_Nonce="n2", WWW_Authenticate='DPoP error="use_dpop_nonce"'),
        answer(b"zip", DPoP_Nonce="n3"),
        tokens=(answer(b'{"error":"use_dpop_nonce"}', 400, DPoP_Nonce="n1"), token()),
    )
    attempts: list[Digest] = []

    async def attempt(pull: Digest) -> None:
        attempts.append(pull)

    async with client(partner) as kz:
        served = await kz.bundle(BUNDLE, attempt=attempt)
    bodies = [httpx.QueryParams(one.content.decode()) for one in partner.token_requests]
    assert bodies[0]["client_assertion"] != bodies[1]["client_assertion"]
    path = f"/v1/bundles/{BUNDLE.hex}"
    assert read_proof(partner.token_requests[1], access_token=None, path="/oauth/token") == "n1"
    assert [read_proof(one, access_token="token", path=path) for one in partner.asked] == ["n1", "n2"]
    assert attempts == [pull_id(one.headers["DPoP"]) for one in partner.asked]
    assert served.pull == attempts[-1]


async def test_a_token_that_is_refused_is_asked_for_anew_once() -> None:
    partner = Partner(problem(401, "token-refused"), answer(b"file"))
    async with client(partner) as kz:
        assert await kz.bundle_file(BUNDLE, "datapackage.json") == b"file"
    assert len(partner.token_requests) == 2


@pytest.mark.parametrize(
    ("given", "error", "exit_code"),
    [
        pytest.param(httpx.ConnectError("refused"), PartnerUnreachableError, ExitCode.UNREACHABLE, id="nobody listens"),
        pytest.param(httpx.ReadTimeout("slow"), PartnerUnreachableError, ExitCode.UNREACHABLE, id="no answer in time"),
        pytest.param(
            answer(status=302, Location="http://evil.example/"),
            PartnerMalformedError,
            ExitCode.DOES_NOT_HOLD,
            id="a redirect, which is not followed",
        ),
        pytest.param(answer(b"x" * 1001), PartnerMalformedError, ExitCode.DOES_NOT_HOLD, id="more than the limit"),
        pytest.param(answer(b"[1]"), PartnerMalformedError, ExitCode.DOES_NOT_HOLD, id="JSON that is no object"),
        pytest.param(
            answer(b'{"bundles":[],"next":3}'), PartnerMalformedError, ExitCode.DOES_NOT_HOLD, id="pages without end"
        ),
        pytest.param(
            problem(404, "not-found"), PartnerProblemError, ExitCode.NOT_AUTHORISED, id="unknown, or no party"
        ),
        pytest.param(
            problem(403, "contract-ended"), PartnerProblemError, ExitCode.CONTRACT_REFUSES, id="an ended contract"
        ),
        pytest.param(
            problem(403, "contract-suspended"), PartnerProblemError, ExitCode.CONTRACT_REFUSES, id="a suspended one"
        ),
        pytest.param(problem(410, "bundle-withdrawn"), PartnerProblemError, ExitCode.DOES_NOT_HOLD, id="withdrawn"),
        pytest.param(problem(409, "receipt-owed"), PartnerProblemError, ExitCode.NOT_AUTHORISED, id="a receipt owed"),
        pytest.param(problem(500, "bundle-damaged"), PartnerProblemError, ExitCode.DOES_NOT_HOLD, id="its own damage"),
        pytest.param(problem(503, "log-uncosigned"), PartnerProblemError, ExitCode.UNREACHABLE, id="not able to serve"),
        pytest.param(answer(b"<html>", 500), PartnerProblemError, ExitCode.NOT_AUTHORISED, id="a page for people"),
    ],
)
async def test_every_surprise_names_the_partner_and_has_its_exit_code(
    given: httpx.Response | Exception, error: type[ExchangeError], exit_code: ExitCode
) -> None:
    async with client(Partner(given)) as kz:
        with pytest.raises(error) as refusal:
            await kz.catalogue()
    assert refusal.value.exit_code is exit_code
    assert "KZ" in refusal.value.sentence("en")
    assert "KZ" in refusal.value.sentence("ru")


async def test_a_bearer_token_is_not_used() -> None:
    async with client(Partner(tokens=(token("Bearer"),))) as kz:
        with pytest.raises(PartnerMalformedError):
            await kz.catalogue()


async def test_a_token_said_to_live_beyond_any_date_is_asked_for_anew_after_an_hour() -> None:
    clock = StillClock(NOW)
    partner = Partner(answer(b"file"), answer(b"file"), answer(b"file"), tokens=(token(life_s=2**53),))
    async with client(partner, clock=clock) as kz:
        for seconds, asked in ((0, 1), (3000, 1), (3000, 2)):
            clock.move(seconds=seconds)
            assert await kz.bundle_file(BUNDLE, "datapackage.json") == b"file"
            assert len(partner.token_requests) == asked


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        pytest.param(b'{"bundles":[{}],"next":%d}', "more than 256 pages", id="another page for ever"),
        pytest.param(
            b'{"bundles":[' + b"{}," * 60_000 + b'{}],"next":%d}', "more than 100000 bundles", id="a million rows"
        ),
    ],
)
async def test_a_catalogue_without_end_is_given_up_and_the_next_call_is_served(page: bytes, reason: str) -> None:
    pages = [answer(page % number) for number in range(1, 258)]
    async with client(Partner(*pages), answer_bytes_max=1_000_000) as kz:
        with pytest.raises(PartnerMalformedError, match=reason):
            await kz.catalogue()
    async with client(Partner(answer(b'{"bundles":[{}],"next":null}'))) as kz:
        assert await kz.catalogue() == ({},)


async def test_a_delivery_that_breaks_off_keeps_the_signed_word_that_came_before() -> None:
    broken = httpx.Response(200, headers={"Exchange-Delivery": "a.b.c"}, stream=Body(b"zip", breaks_off=True))
    async with client(Partner(broken)) as kz:
        with pytest.raises(BrokenOffError) as refusal:
            await kz.bundle(BUNDLE, attempt=nothing)
    assert refusal.value.delivery == "a.b.c"
    assert refusal.value.exit_code is ExitCode.UNREACHABLE


async def test_a_bundle_has_a_limit_of_its_own() -> None:
    async with client(Partner(answer(b"x" * 11, Exchange_Delivery="a.b.c")), bytes_max=10) as kz:
        with pytest.raises(OverlongError) as refusal:
            await kz.bundle(BUNDLE, attempt=nothing)
    assert (refusal.value.delivery, refusal.value.exit_code) == ("a.b.c", ExitCode.DOES_NOT_HOLD)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        pytest.param(httpx.ConnectError("refused"), PartnerUnreachableError, id="never sent: there was no pull"),
        pytest.param(httpx.ConnectTimeout("slow"), PartnerUnreachableError, id="never connected: there was no pull"),
        pytest.param(httpx.ReadTimeout("slow"), BrokenOffError, id="sent and not answered: it may have been served"),
        pytest.param(httpx.RemoteProtocolError("cut"), BrokenOffError, id="cut before the answer"),
        pytest.param(answer(b"<html>", 502), BrokenOffError, id="something on the way failed"),
        pytest.param(problem(500, "internal"), BrokenOffError, id="the partner failed and does not say when"),
        pytest.param(problem(500, "bundle-damaged"), PartnerProblemError, id="refused before anything was served"),
        pytest.param(problem(503, "storage-full"), PartnerProblemError, id="refused for now"),
    ],
)
async def test_a_request_that_may_have_been_served_is_never_taken_for_none(
    given: httpx.Response | Exception, error: type[ExchangeError]
) -> None:
    async with client(Partner(given)) as kz:
        with pytest.raises(error):
            await kz.bundle(BUNDLE, attempt=nothing)


async def test_a_header_that_can_be_no_delivery_counts_as_none() -> None:
    async with client(Partner(answer(b"zip", Exchange_Delivery="x" * 20_000))) as kz:
        assert (await kz.bundle(BUNDLE, attempt=nothing)).delivery == ""


async def test_the_catalogue_is_read_page_by_page() -> None:
    partner = Partner(answer(b'{"bundles":[{"n":1}],"next":7}'), answer(b'{"bundles":[{"n":2}],"next":null}'))
    async with client(partner) as kz:
        assert await kz.catalogue(contract="CA-01") == ({"n": 1}, {"n": 2})
    assert dict(partner.asked[1].url.params) == {"contract": "CA-01", "since": "7"}


@pytest.mark.parametrize(
    ("issuer", "allowed"),
    [
        pytest.param("http://127.0.0.1:9", False, id="loopback"),
        pytest.param("http://10.0.0.1:9", False, id="a private range"),
        pytest.param("http://169.254.169.254", False, id="a cloud's metadata"),
        pytest.param("http://[::1]:9", False, id="loopback of IPv6"),
        pytest.param("http://127.0.0.1:9", True, id="loopback in a test federation: nobody listens there"),
    ],
)
async def test_a_partner_on_a_private_address_is_refused_unless_the_settings_say_so(issuer: str, allowed: bool) -> None:
    caller = Caller(member="KG", signer=KEY, clock=StillClock(NOW), random=seeded("partner"))
    limits = PartnerLimits(timeout_s=1.0, bundle_bytes_max=10, private_addresses=allowed)
    async with PartnerClient(partner="KZ", issuer=issuer, caller=caller, limits=limits) as kz:
        with pytest.raises(PartnerUnreachableError) as refusal:
            await kz.checkpoint()
    assert ("private address" in refusal.value.sentence()) is not allowed


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    partner = Partner(answer(b"note"))
    async with client(partner) as kz:
        assert await kz.checkpoint() == b"note"
