"""An operator looks at the own log, proves an entry of it, and after a restored backup gets it back from IOM."""

import shutil
from pathlib import Path

import pytest

from exchange.log.policy import parse_policy
from exchange.log.proof import parse_proof, verify_proof
from nodes.adapters.clock import SystemClock
from nodes.adapters.trust_folder import load_trust
from tests.stories.faulty import FaultyFederation, soon

pytestmark = [pytest.mark.story, pytest.mark.long]

DOES_NOT_HOLD, ERROR = 3, 1


def test_an_entry_is_shown_and_proved_for_anybody(faulty: FaultyFederation, tmp_path: Path) -> None:
    shown = faulty.act("log", "show", "--count", "1", "--type", "contract.signed", node="UZ")
    (entry,) = shown["entries"]
    proof = tmp_path / "entry.tlog-proof"
    said = faulty.run("log", "prove", str(entry["index"]), "-o", str(proof), node="uz")
    assert said.out.startswith(f"entry {entry['index']} of uz.exchange.example/log, proved at size "), said
    policy = parse_policy(load_trust(faulty.home / "keys", at=SystemClock().now()).policies["UZ"])
    read = parse_proof(proof.read_bytes())
    assert read.extra is not None
    assert verify_proof(read, read.extra, policy).size > entry["index"]


@pytest.mark.asvs("V16.4.3")
def test_a_restored_backup_signs_nothing_until_its_log_is_recovered(faulty: FaultyFederation, tmp_path: Path) -> None:
    offered = faulty.offered("KZ", "2026-02", to="KG")
    digest = offered[0]["bundle"] if offered else faulty.published("KZ", "2026-02")
    faulty.stop("KZ")
    shutil.copytree(faulty.node("KZ"), tmp_path / "backup")
    faulty.start("KZ")
    faulty.act("pull", "kz", "CA-01", "2026-02", node="KG")
    lost, size = faulty.entries("KZ"), faulty.checkpoint("KZ")[0]
    copy = next(
        file
        for file in (faulty.node("IOM") / "mirror").glob("*/checkpoint")
        if file.read_bytes().startswith(b"kz.exchange.example/log\n")
    )
    soon("IOM holds all of it", lambda: int(copy.read_bytes().split(b"\n")[1]) >= size)

    faulty.stop("KZ")
    shutil.rmtree(faulty.node("KZ"))
    shutil.copytree(tmp_path / "backup", faulty.node("KZ"))
    faulty.start("KZ")
    soon("it knows that it is behind", lambda: "log-behind-witness" in faulty.run("health", node="kz").out)
    beside = faulty.refused("log", "recover", node="KZ", code=ERROR)
    assert beside.startswith("node-locked: ")
    faulty.stop("KZ")
    recovered = faulty.act("log", "recover", node="KZ")
    assert recovered["size"] >= size > recovered["before"]
    assert {"pull.served", "receipt.got"} <= recovered["types"].keys()
    faulty.start("KZ")

    soon("it is well", lambda: faulty.run("health", node="kz").code == 0)
    assert faulty.entries("KZ")[:size] == lost
    faulty.act("pull", "kz", "CA-01", "2026-02", node="KG")
    audit = faulty.run("--json", "audit", "run", node="iom").json
    assert [one["code"] for one in audit["findings"] if one["party"] == "KZ"] == []
    assert {log["verdict"] for log in audit["logs"]} == {"holds"}
    assert {one["fault"] for one in audit["exchanges"] if one["bundle"] == digest} == {""}
