"""Proofs on the auditor's timeline: cut from the kept logs, true to what is kept, red where it was altered."""

import asyncio
import json
import shutil
import sqlite3
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from exchange.log.policy import parse_policy
from exchange.log.proof import parse_proof, verify_proof
from nodes.auditor.commands import AUDIT_DB
from nodes.auditor.pages.app import AuditorContext, auditor_app
from nodes.auditor.pages.kept import LastAudit
from nodes.settings import NodeFolder
from tests.world.auditors import audited, auditor_console, browser_of
from tests.world.desk_server import Browser
from tests.world.gateways import gateway_world


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> tuple[AuditorContext, str]:
    """IOM's console after an audit of a federation in which KG pulled, and the bundle's digest."""

    async def run(folder: Path) -> tuple[AuditorContext, str]:
        async with gateway_world(folder) as world:
            assert (await world.pull("KG")).status_code == 200
            digest = world.gateways["KZ"].context.library.all()[0].bundle
            await audited(world)
            return auditor_console(world), digest.hex

    return asyncio.run(run(tmp_path_factory.mktemp("federation")))


@pytest.fixture(scope="module")
def audit(console: tuple[AuditorContext, str]) -> tuple[Browser, Path, str]:
    """The auditor signed in; the auditor's store; the bundle's digest."""
    context, digest = console
    return browser_of(context), context.node.path / AUDIT_DB, digest


def tree_hash(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, as it is written there."""
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return sha256(b"\x01" + tree_hash(entries[:split]) + tree_hash(entries[split:])).digest()


def entries_of(store: Path, member: str) -> list[bytes]:
    query = 'SELECT raw FROM audited_entry WHERE member = ? ORDER BY "index"'
    with sqlite3.connect(store) as db:
        return [bytes(raw) for (raw,) in db.execute(query, (member,))]


def test_each_proof_carries_the_kept_entry_and_a_root_over_all_entries(audit: tuple[Browser, Path, str]) -> None:
    browser, store, digest = audit
    document = browser.get(f"/exchanges/{digest}/proofs.json").json()
    assert document["subject"] == f"sha256:{digest}"
    assert {one["log"] for one in document["proofs"]} == {"KZ", "KG"}
    for one in document["proofs"]:
        proof = parse_proof(one["proof"].encode())
        entries = entries_of(store, one["log"])
        _, size, root, *_ = proof.checkpoint_note.decode().splitlines()
        assert (proof.index, proof.extra) == (one["index"], entries[one["index"]])
        assert b64decode(root) == tree_hash(entries[: int(size)])


def test_proof_and_keys_are_files_that_decide_by_themselves(audit: tuple[Browser, Path, str]) -> None:
    browser, _, digest = audit
    for one in browser.get(f"/exchanges/{digest}/proofs.json").json()["proofs"]:
        address = f"/logs/{one['log']}/{one['index']}"
        proof = parse_proof(browser.get(f"{address}.tlog-proof").content)
        policy = parse_policy(browser.get(f"{address}.tlog-policy").content)
        assert proof.extra is not None
        assert len(verify_proof(proof, proof.extra, policy).witnesses) >= 4  # two thirds of six


def test_what_the_browser_is_to_compare_stands_on_the_page(audit: tuple[Browser, Path, str]) -> None:
    browser, store, digest = audit
    page = BeautifulSoup(browser.get(f"/exchanges/{digest}").text, "lxml")
    shown = page.select("[data-proof]")
    assert shown
    for one in shown:
        entry = json.loads(entries_of(store, str(one["data-log"]))[int(str(one["data-index"]))])
        assert (one["data-type"], one["data-at"]) == (entry["type"], entry["at"])
        assert one["data-evidence"] == entry.get("evidence", "")
        keys = page.select_one(f"#policy-{one['data-policy']}")
        assert keys is not None
        assert keys.text.startswith(f"log {one['data-origin']}+")
        assert [tag.text for tag in one.select("tbody .govuk-tag--green")] == ["holds"] * 4


@pytest.mark.parametrize("path", ["/logs/KZ/99999.tlog-proof", "/logs/XX/0.tlog-proof", "/logs/XX/0.tlog-policy"])
def test_a_proof_of_nothing_is_not_found(audit: tuple[Browser, Path, str], path: str) -> None:
    assert audit[0].get(path).status_code == 404


def test_a_stranger_gets_no_proof(audit: tuple[Browser, Path, str]) -> None:
    browser, _, digest = audit
    stranger = Browser(browser.app, browser.passkey)
    for path in (f"/exchanges/{digest}/proofs.json", "/logs/KZ/0.tlog-proof"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in")


def test_an_entry_altered_in_the_auditors_own_store_turns_its_logs_proofs_red(
    console: tuple[AuditorContext, str], audit: tuple[Browser, Path, str], tmp_path: Path
) -> None:
    context, digest = console
    folder = tmp_path / "iom"
    shutil.copytree(context.node.path, folder, ignore=shutil.ignore_patterns("*.sock"))
    with sqlite3.connect(folder / AUDIT_DB) as db:  # another salt: still an entry in its one spelling
        (raw,) = db.execute('SELECT raw FROM audited_entry WHERE member = "KG" AND "index" = 0').fetchone()
        entry = json.loads(raw)
        salt = ("B" if entry["salt"][0] == "A" else "A") + entry["salt"][1:]
        altered = bytes(raw).replace(entry["salt"].encode(), salt.encode())
        db.execute('UPDATE audited_entry SET raw = ? WHERE member = "KG" AND "index" = 0', (altered,))
    altered_audit = LastAudit(NodeFolder(folder, context.node.settings), context.console.clock)
    browser = Browser(auditor_app(replace(context, audit=altered_audit)), audit[0].passkey)
    browser.act(browser.sign_in())
    page = BeautifulSoup(browser.get(f"/exchanges/{digest}").text, "lxml")
    found = {
        (one["data-log"], tag.text) for one in page.select("[data-proof]") for tag in one.select("summary .govuk-tag")
    }
    assert found == {
        ("KZ", "holds"), ("KZ", "not checked"), ("KG", "does not hold"), ("KG", "not checked"),
    }  # fmt: skip
    assert "computed" in page.text
