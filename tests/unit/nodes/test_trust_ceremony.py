"""docs/ceremony.md by its own words: every command of the page, in its order, by members with throw-away keys."""

import io
import json
import os
import re
import secrets
import shlex
import shutil
import textwrap
from pathlib import Path

import pytest

from exchange.encoding import base64url_decode, canonical_json
from exchange.errors import ExitCode
from exchange.signing.keys import SoftwareSigner
from nodes.adapters.clock import SystemClock
from nodes.adapters.key_files import read_private_key, write_private_key
from nodes.adapters.trust_folder import load_trust
from nodes.cli.main import main
from nodes.cli.registry_table import REGISTRY_COMMANDS
from nodes.custody.trust_propose import _KINDS
from nodes.terminal import Output
from tests.world.clock import StillClock
from tests.world.founding import CUSTODY, REGISTRAR, Founders
from tests.world.keeping import PASSPHRASE, write_passphrase
from tests.world.passkeys import Authenticator

pytestmark = pytest.mark.long

PAGE = Path(__file__).resolve().parents[3] / "docs" / "ceremony.md"
BLOCK = re.compile(r"^( *)```(sh|toml)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
CHANGES = re.compile(r"^\| [^|]+ \| (`[^|]+) \| [^|]+ \|$", re.MULTILINE)
"""The proposals of a row; whatever of them is in code."""
OTHERS = ("KG", "IOM", "TM")
KZ_DELEGATION = tuple(f"media-{person}/{folder}/delegation.key" for person in "ab" for folder in ("custody", "new"))
PASSKEY = Authenticator("kz-02")


def blocks(language: str) -> list[str]:
    """The fenced blocks of this language, their lines joined where a backslash says so."""
    found = [match[3] for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8")) if match[2] == language]
    return [re.sub(r"\\\n *", "", block) for block in found]


def proposals() -> list[str]:
    """What each row of the table of changes proposes; a word alone is done elsewhere on the page."""
    table = PAGE.read_text(encoding="utf-8").partition("## Every later change")[2].partition("### ")[0]
    spans = [span for cell in CHANGES.findall(table) for span in re.findall(r"`([^`]+)`", cell)]
    return [span for span in spans if " " in span and not span.startswith("--")]


class Table:
    """All members at one table: KZ does what the page says, the others have their keys in clear."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = StillClock(SystemClock().now().replace(microsecond=0))
        self.founders = Founders(home / "others", auditor="IOM", registrars=("IOM", "KG"))
        for folder in ("media-a", "media-b", "iom"):
            (home / folder).mkdir()
        for name in ("passphrase", "media-a/passphrase", "media-b/passphrase", "iom/passphrase"):
            write_passphrase(home / name)
        write_passphrase(home / "new-passphrase", PASSPHRASE + b" anew")
        (home / "federation.toml").write_text(textwrap.dedent(blocks("toml")[0]), encoding="utf-8")
        for member in OTHERS:
            file = self.founders.applies(member, issuer=f"https://{member.lower()}.example:8443")
            file.rename(home / f"{member.lower()}.application")
        for role, use in REGISTRAR.items():  # IOM's, sealed as on its own machine
            key = read_private_key(self.founders.custody("IOM", role), purpose=use, passphrase=None, demo=True)
            assert isinstance(key, SoftwareSigner)
            path = home / "iom" / "registrar" / f"{role}.key"
            write_private_key(path, key, purpose=use, passphrase=PASSPHRASE, random=secrets.token_bytes)
        self.clock.move(minutes=1)

    def run(self, *words: str) -> tuple[int, str]:
        self.clock.move(seconds=10)
        out, err = io.StringIO(), io.StringIO()
        code = main([*words], clock=self.clock, output=Output(json=False, language="en", out=out, err=err))
        return code, out.getvalue() + err.getvalue()

    def act(self, line: str) -> str:
        """A command of the page, which must succeed; the others do their part where it is theirs."""
        words = shlex.split(line)
        if words[:2] == ["cp", "-r"]:
            shutil.copytree(words[2], words[3], dirs_exist_ok=True)
            return ""
        assert words[0] == "exchange", line
        code, text = self.run(*words[1:])
        assert code == ExitCode.FINE, (line, text)
        if words[1:3] == ["trust", "propose"]:
            self.others_sign(words[words.index("-o") + 1])
        if words[3:5] == ["passkey", "ask"]:
            self.answer(text)
        return text

    def others_sign(self, change: str) -> None:
        """KG, IOM and TM sign whatever their keys may sign."""
        registry = ["--registry", "registry"] if Path("registry").exists() else []
        for member in OTHERS:
            for role in CUSTODY:
                if role.partition("-")[0] in self.uses(change, member):
                    key = str(self.founders.custody(member, role))
                    self.sign_if_it_may(change, "--demo", "--key", key, *registry)

    def uses(self, change: str, member: str) -> set[str]:
        """Which kinds of keys of this member the change asks for."""
        roles = {entry["role"] for entry in json.loads(Path(change, "proposal.json").read_bytes())["metadata"]}
        return roles & {"root", "targets"} | ({"delegation"} if member.lower() in roles else set())

    def sign_if_it_may(self, change: str, *words: str) -> None:
        code, text = self.run("trust", "sign", change, *words)
        assert code == ExitCode.FINE or "may sign none of" in text, text

    def decide(self, number: int, proposed: str) -> str:
        """A row of the table: propose, sign, apply, publish; what the signers read."""
        change, at = f"change-{number}", ("--registry", "registry")
        said = self.act(f"exchange trust propose {proposed} --registry registry -o {change}")
        for key in KZ_DELEGATION if "delegation" in self.uses(change, "KZ") else ():
            if Path(key).exists():
                self.sign_if_it_may(change, "--key", key, *at, "--passphrase-file", "passphrase")
        self.act(f"exchange trust apply {change} --registry registry")
        keys = " ".join(f"--key {self.founders.custody('IOM', role)}" for role in REGISTRAR)
        self.act(f"exchange trust publish --registry registry --demo {keys} --to kz/keys")
        return said

    def answer(self, asked: str) -> None:
        """The officer's passkey answers on the desk's page."""
        challenge = re.search(r"challenge: (\S+)", asked)
        assert challenge is not None
        proof = PASSKEY.prove(base64url_decode(challenge[1], subject="challenge"))
        Path("kz-02.answer").write_bytes(canonical_json(proof.as_json()))

    def applications(self) -> None:
        """What the rows of the table name, made as the page says above them."""
        credential = PASSKEY.register()
        document = {"jwk": credential.jwk(), "passkey": credential.place()}
        Path("kz-02.credential").write_bytes(canonical_json(document))
        for file, (member, folder, roles) in {
            "kz-root": ("KZ", "media-a/new", "root"),
            "kz-targets": ("KZ", "media-a/new", "targets"),
            "kz-new-a": ("KZ", "media-a/new", "delegation"),
            "kz-new-b": ("KZ", "media-b/new", "delegation"),
            "kg-registrar": ("KG", "kg", "snapshot timestamp"),
            "tm-registrar": ("TM", "tm", "snapshot timestamp"),
        }.items():
            options = f"--folder {folder} --passphrase-file passphrase"
            self.act(f"exchange key new {roles} {options}")
            self.act(f"exchange key apply {roles} -o {file}.application --member {member} {options}")
        trust = load_trust(Path("kz/keys"), at=self.clock.now())
        Path("kz.tlog-policy").write_bytes(trust.policies["KZ"])


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.chdir(tmp_path)
    umask = os.umask(0o077)
    try:
        return Table(tmp_path)
    finally:
        os.umask(umask)


@pytest.mark.timeout(900)  # a hundred keys are opened, each for a third of a second of CPU
def test_every_command_of_the_page_holds_in_its_order(table: Table) -> None:
    *before, last = blocks("sh")
    for block in before:
        if "passkey ask" in block:
            table.applications()
        for line in filter(None, map(str.strip, block.splitlines())):
            table.act(line)
    said = {row: table.decide(number, row) for number, row in enumerate(proposals())}
    assert "KZ is the auditor" in said["auditor --member KZ"]
    for line in filter(None, map(str.strip, last.splitlines())):
        told = table.act(line)
    assert "confirmed" in told
    code, shown = table.run("--node", "kz", "trust", "show")
    published = 2 + len(said)  # the founding, the theft, the rows
    assert (code, f"registry version {published}" in shown) == (0, True), shown


def test_the_page_names_every_kind_of_change_and_every_command() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert {row.split()[0] for row in proposals()} | {"found", "log"} == _KINDS.keys()
    named = re.sub(r" --node \w+", "", text)
    assert [one.words for one in REGISTRY_COMMANDS if f"exchange {one.words}" not in named] == []
