"""A federation founded by commands alone, every Ed25519 key in its member's token: no process ever holds one."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from exchange.errors import ExitCode
from exchange.signing.token_uri import TokenUri, format_token_uri
from tests.world.keeping import Ran, run, write_passphrase
from tests.world.tokens import make_token

pytestmark = pytest.mark.story

MEMBERS = {"KZ": "state", "KG": "state", "IOM": "organisation"}
OFFICERS = {"01": "data", "02": "clearing", "03": "clearing", "04": "contract"}
ADDRESSES = dict(zip(MEMBERS, ("http://127.0.0.1:8981", "http://127.0.0.1:8982", "http://127.0.0.1:8983"), strict=True))


def act(*words: object) -> Ran:
    ran = run(*words)
    assert ran.code == ExitCode.FINE, (words, ran.out, ran.err)
    return ran


@dataclass(frozen=True)
class Applicant:
    """A member before the founding: three persons' folders, a token, and what they hand in."""

    id: str
    home: Path
    token: TokenUri
    passphrase: Path

    def make(self, person: str, *uses: str) -> None:
        for use in uses:
            uri = format_token_uri(replace(self.token, object=f"{person} {use}"))
            purpose, _, officer = use.partition(" ")
            named = ["--officer", officer] if officer else []
            act("key", "new", purpose, *named, *self._options(person), "--token", uri)

    def apply(self, person: str, *words: object) -> Path:
        written = self.home / f"{person}.json"
        act("key", "apply", "-o", written, "--member", self.id, *self._options(person), *words)
        return written

    def _options(self, person: str) -> tuple[object, ...]:
        return ("--folder", self.home / person, "--passphrase-file", self.passphrase)


def applications(member: Applicant) -> list[Path]:
    """The node's keys, and those of two persons who meet nobody else with them."""
    folder = member.id.lower()
    member.make("node", "bundle", "contract", "transport", "log", "witness")
    member.make("node", *(f"officer {folder}-{number}" for number in OFFICERS))
    member.make("first", "root", "targets", "delegation", "snapshot", "timestamp")
    member.make("second", "delegation")
    roles = [word for number, role in OFFICERS.items() for word in ("--officer", f"{folder}-{number}={role}")]
    named = ("--issuer", ADDRESSES[member.id], "--origin", f"{folder}.exchange.example", *roles)
    return [member.apply("node", *named), member.apply("first"), member.apply("second")]


def federation_file(path: Path) -> Path:
    lines = ['auditor = "IOM"', f"registrars = {sorted(MEMBERS)}", "[name]", 'en = "Federation"', 'ru = "Федерация"']
    for member, kind in MEMBERS.items():
        lines += [f"[members.{member}]", f'kind = "{kind}"', f"[members.{member}.name]", 'en = "x"', 'ru = "ы"']
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_federation_is_founded_by_commands_with_every_key_in_a_token(tmp_path: Path) -> None:
    passphrase = write_passphrase(tmp_path / "passphrase")
    members = []
    for member in MEMBERS:
        (tmp_path / member).mkdir()
        members.append(Applicant(member, tmp_path / member, make_token(tmp_path / member), passphrase))
    files = [word for member in members for file in applications(member) for word in ("--application", file)]
    change, registry = tmp_path / "change", tmp_path / "registry"
    act(
        "trust", "propose", "found", "-o", change, "--federation", federation_file(tmp_path / "federation.toml"), *files
    )
    for member in members:
        held = ("first/root", "first/targets", "first/delegation", "second/delegation")
        act("trust", "sign", change, *(word for key in held for word in ("--key", member.home / f"{key}.key")))
    act("trust", "apply", change, "--registry", registry)
    first = tmp_path / "IOM" / "first"
    act("trust", "publish", "--registry", registry, "--key", first / "snapshot.key", "--key", first / "timestamp.key")

    node = tmp_path / "node"
    act("init", node, "--member", "KZ", "--issuer", ADDRESSES["KZ"], "--registry", registry)
    shutil.copytree(tmp_path / "KZ" / "node", node / "private", dirs_exist_ok=True)
    keys = act("--node", node, "key", "list", "--json").keys
    assert len(keys) == 7 + len(OFFICERS)
    assert {key["registry"] for key in keys} == {"listed"}
    assert {key["kept"] for key in keys if key["algorithm"] == "Ed25519"} == {"token"}
    assert {key["kept"] for key in keys if key["algorithm"] == "ML-DSA-65"} == {"sealed"}
