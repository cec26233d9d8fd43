"""Refusals that no other test asks for by their code: each provoked once, by what its page names as its cause."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from starlette.requests import Request

from exchange.__main__ import main as verify_offline
from exchange.bundle import open_bundle
from exchange.encoding import Digest, base64_encode, canonical_json
from exchange.errors import ExitCode
from exchange.errors.bundle import EntryMismatchError
from exchange.errors.exchange_ import (
    AssertionRefusedError,
    ContractUnknownError,
    FormRefusedError,
    ProofRefusedError,
)
from exchange.errors.officers import OfficerIdMissingError
from exchange.signing.dpop import open_assertion, open_proof
from exchange.signing.keys import KeyPurpose
from nodes.adapters.clock import SystemClock
from nodes.adapters.key_files import key_path, write_private_key
from nodes.demo.federation import found
from nodes.demo.processes import Running, remember
from nodes.web.forms import parse_form
from nodes.web.sessions import Officer
from tests.world.bundles import bundle_world
from tests.world.by_hand import Partner
from tests.world.contracts import contract_raw
from tests.world.desk import ASKED, DeskWorld, desk_world
from tests.world.federation import seeded, signer
from tests.world.gateways import GatewayWorld, gateway_world
from tests.world.keeping import Ran, run

NOW = datetime(2026, 10, 1, tzinfo=UTC)


# --- what is asked of a gateway -----------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path_factory.mktemp("federation"), published=False) as made:
        yield made


def code_of(answer: httpx.Response) -> str:
    code: str = answer.json()["code"]
    return code


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        pytest.param("/" + "a" * 1100, {}, "address-too-long", id="a long path"),
        pytest.param("/v1/catalogue", {"Content-Encoding": "gzip"}, "request-coding", id="a packed body"),
    ],
)
async def test_a_request_that_is_refused_for_its_form(
    world: GatewayWorld, path: str, headers: dict[str, str], code: str
) -> None:
    kg = Partner(world, "KG")
    assert code_of(await kg.http.post(kg.issuer + path, headers=headers, content=b"{}")) == code


@pytest.mark.asyncio(loop_scope="module")
async def test_a_contract_is_proposed_to_a_party_and_never_in_two_texts(world: GatewayWorld) -> None:
    for member, threshold, code in (("GB", 10, "not-a-party"), ("KG", 11, "contract-version-taken")):
        raw = contract_raw("CA-01-BORDER").replace(b"contributorsMin: 10", b"contributorsMin: %d" % threshold)
        partner = Partner(world, member)
        await partner.log_in()
        answer = await partner.post("/v1/contracts", canonical_json({"contract": base64_encode(raw)}))
        assert code_of(answer) == code


def test_a_gateway_knows_no_contract_that_nobody_gave_it(tmp_path: Path) -> None:
    from nodes.gateway.contract_book import ContractBook  # noqa: PLC0415  # needs a folder only

    book = ContractBook(tmp_path)
    with pytest.raises(ContractUnknownError):
        book.require(Digest.of(b"another"))


def test_what_authenticates_nobody_says_so() -> None:
    key = signer("refusals").public
    with pytest.raises(AssertionRefusedError):
        open_assertion("a.b.c", keys=[key], audience="https://kz.example", at=NOW, life_s=60, skew_s=10)
    with pytest.raises(ProofRefusedError):
        open_proof("a.b.c", keys=[key], method="GET", url="https://kz.example/", at=NOW, age_s=60, skew_s=10)


@pytest.mark.parametrize("body", [b"a=1&a=1", b"a=1&b=2", b"", b"a=\xff"])
def test_a_form_has_its_fields_once(body: bytes) -> None:
    form = Request({"type": "http", "headers": [(b"content-type", b"application/x-www-form-urlencoded")]})
    with pytest.raises(FormRefusedError):
        parse_form(form, body, required={"a"}, optional=())


# --- what is not what it claims -----------------------------------------------------------------------------------


def test_an_entry_about_another_contract_proves_no_publication() -> None:
    made = bundle_world()
    entry = made.entry(made.files, contract=Digest.of(b"another contract"))
    files = {**made.files, "publication.tlog-proof": made.proof(entry)}
    with pytest.raises(EntryMismatchError):
        open_bundle(files, trust=made.trust, contracts=made.shelf)


def test_a_path_that_is_not_there_is_unreadable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = verify_offline(["verify", str(tmp_path / "absent"), "--trust", str(tmp_path), "--json"])
    assert code == ExitCode.DOES_NOT_HOLD
    assert "bundle-unreadable" in capsys.readouterr().out


# --- what a desk refuses ------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> DeskWorld:
    return desk_world(tmp_path / "kz")


def refused(ran: Ran | object, code: str) -> None:
    err: str = ran.err  # type: ignore[union-attr, attr-defined]  # both kinds of Ran have it
    assert err.startswith(f"{code}: "), err


def test_a_folder_without_a_candidate_is_none(desk: DeskWorld, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(desk.run("bundle", "submit", str(tmp_path / "empty")), "candidate-folder")


def test_a_withdrawal_is_proposed_once_and_approved_after(desk: DeskWorld) -> None:
    desk.clear()
    propose = ("withdrawal", "propose", *ASKED, "--reason", "counted twice", "--officer")
    refused(desk.run(*propose, "kz-02"), "not-published")
    with desk.gateway():
        desk.act("bundle", "release", *ASKED)
    refused(desk.run("withdrawal", "approve", *ASKED, "--officer", "kz-03"), "withdrawal-not-found")
    desk.act(*propose, "kz-02")
    refused(desk.run(*propose, "kz-03"), "withdrawal-open")


def test_a_second_candidate_waits_for_the_first(desk: DeskWorld) -> None:
    desk.act("bundle", "submit", *ASKED)
    refused(desk.run("bundle", "submit", *ASKED), "case-open")


def test_a_contract_is_not_ended_before_its_notice(desk: DeskWorld) -> None:
    refused(desk.run("contract", "end", "CA-01", "--on", "2026-10-05"), "contract-notice-too-short")


def test_an_account_without_an_officer_s_id_signs_nothing() -> None:
    officer = object.__new__(Officer)
    for name, value in {"officer_id": None, "name": "Operator A"}.items():
        object.__setattr__(officer, name, value)
    with pytest.raises(OfficerIdMissingError):
        officer.require_officer_id()


# --- what a machine lacks -----------------------------------------------------------------------------------------


def test_a_code_that_no_error_has(tmp_path: Path) -> None:
    refused(run("errors", "no-such-code"), "code-unknown")
    refused(run("--home", tmp_path, "demo", "status"), "demo-absent")


def test_one_folder_holds_one_demo(tmp_path: Path) -> None:
    remember(tmp_path, [Running(member="KZ", pid=os.getpid(), address="http://127.0.0.1:1")])
    refused(run("--home", tmp_path, "demo", "up"), "demo-running")


def test_a_gateway_has_the_keys_that_the_registry_lists(tmp_path: Path) -> None:
    home = tmp_path / "home"
    found(home, ports=list(range(8941, 8948)), clock=SystemClock())
    path = key_path(home / "kz/private", KeyPurpose.TRANSPORT, signer("stranger").public.algorithm)
    path.unlink()
    write_private_key(
        path, signer("stranger"), purpose=KeyPurpose.TRANSPORT, passphrase=None, random=seeded("stranger")
    )
    refused(run("--node", home / "kz", "serve"), "key-missing")
