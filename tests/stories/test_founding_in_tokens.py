"""A federation founded by commands alone, every Ed25519 key in its member's token: no process ever holds one."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import ExitCode
from exchange.signing.token_uri import TokenUri, format_token_uri
from tests.world.keeping import Ran, run, write_passphrase
from tests.world.tokens import make_token

pytestmark = [pytest.mark.story, pytest.mark.long]

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


@dataclass(frozen=True)
class Founded:
    """What a founding leaves: the registry, who has which keys, and KZ's node."""

    registry: Path
    members: dict[str, Applicant]
    node: Path

    def carry_out(self, change: Path, signers: Sequence[tuple[str, str]]) -> None:
        """Sign by each of these keys, apply, publish."""
        for member, key in signers:
            act("trust", "sign", change, *self._base, "--key", self.members[member].home / f"{key}.key")
        act("trust", "apply", change, "--registry", self.registry)
        first = self.members["IOM"].home / "first"
        held = ("--key", first / "snapshot.key", "--key", first / "timestamp.key")
        act("trust", "publish", "--registry", self.registry, *held)

    @property
    def _base(self) -> tuple[object, ...]:
        return ("--registry", self.registry) if self.registry.exists() else ()

    def listed(self) -> list[dict[str, Any]]:
        return act("--node", self.node, "key", "list", "--json").keys


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    home = tmp_path_factory.mktemp("founded")
    passphrase = write_passphrase(home / "passphrase")
    members = {}
    for member in MEMBERS:
        (home / member).mkdir()
        members[member] = Applicant(member, home / member, make_token(home / member), passphrase)
    files = [word for member in members.values() for file in applications(member) for word in ("--application", file)]
    act("trust", "propose", "found", "-o", home / "change", "--federation", federation_file(home / "fed.toml"), *files)
    founded = Founded(home / "registry", members, home / "node")
    held = ("first/root", "first/targets", "first/delegation", "second/delegation")
    founded.carry_out(home / "change", [(member, key) for member in MEMBERS for key in held])
    act("init", founded.node, "--member", "KZ", "--issuer", ADDRESSES["KZ"], "--registry", founded.registry)
    shutil.copytree(home / "KZ" / "node", founded.node / "private", dirs_exist_ok=True)
    return founded


def test_a_federation_is_founded_by_commands_with_every_key_in_a_token(founded: Founded) -> None:
    keys = founded.listed()
    assert len(keys) == 7 + len(OFFICERS)
    assert {key["registry"] for key in keys} == {"listed"}
    assert {key["kept"] for key in keys if key["algorithm"] == "Ed25519"} == {"token"}
    assert {key["kept"] for key in keys if key["algorithm"] == "ML-DSA-65"} == {"sealed"}


def test_a_key_is_changed_by_commands_and_used_once_it_is_listed(founded: Founded, tmp_path: Path) -> None:
    kz = founded.members["KZ"]
    options = ("--passphrase-file", kz.passphrase)
    token = ("--token", format_token_uri(replace(kz.token, object="node next transport")))
    node = ("--node", founded.node, "key")
    (new,) = act(*node, "new", "transport", "--next", *token, "--json").keys
    act(*node, "apply", "transport", "--next", "-o", tmp_path / "application.json", *options)
    assert run(*node, "use", "transport").code == ExitCode.DOES_NOT_HOLD
    asked = ("--registry", founded.registry, "--application", tmp_path / "application.json")
    act("trust", "propose", "rotate", "--member", "KZ", "-o", tmp_path / "change", *asked)
    founded.carry_out(tmp_path / "change", [("KZ", "first/delegation"), ("KZ", "second/delegation")])
    shutil.copytree(founded.registry, founded.node / "keys", dirs_exist_ok=True)
    act(*node, "use", "transport")
    (used,) = [key for key in founded.listed() if key["purpose"] == "transport"]
    assert (used["kid"], used["registry"], used["kept"]) == (new["kid"], "listed", "token")
