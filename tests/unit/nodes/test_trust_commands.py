"""`exchange trust …` as officials use it: by folders and files, offline, in both languages."""

import io
import json
import shutil
from pathlib import Path

import pytest

from exchange.flow import ceremony, ceremony_offices
from exchange.flow.ceremony_keys import merged
from exchange.signing.keys import KeyPurpose, RegistryRole
from exchange.signing.words import fingerprint_words
from nodes.adapters.trust_folder import load_trust, write_trust_files
from nodes.cli.main import main
from nodes.gateway.own_delegation import Known, OwnMember, delegation_of, read_known, write_known
from nodes.settings import open_node
from nodes.terminal import Output
from tests.world.ceremonies import FIVE, Living
from tests.world.clock import FOUNDED, StillClock
from tests.world.federation import Federation, found
from tests.world.tokens import KEYS


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    return found(tmp_path_factory.mktemp("five"), StillClock(), FIVE)


class Desk:
    """One machine with a registry copy and the keys of whoever sits at it."""

    def __init__(self, federation: Federation, folder: Path) -> None:
        self.registry = folder / "registry"
        shutil.copytree(federation.registry, self.registry)
        self.federation = federation
        self.folder = folder
        self.clock = StillClock(FOUNDED)
        self.clock.move(hours=1)

    def run(self, *words: str, lang: str = "en") -> tuple[int, str]:
        out, err = io.StringIO(), io.StringIO()
        output = Output(json="--json" in words, language="ru" if lang == "ru" else "en", out=out, err=err)
        code = main([*words], clock=self.clock, output=output)
        return code, out.getvalue() + err.getvalue()

    def key(self, member: str, role: str) -> str:
        return str(self.federation.custody / member.lower() / f"{role}.key")

    def suspension(self) -> Path:
        change = self.folder / "change"
        at = ("--registry", str(self.registry))
        assert self.run("trust", "propose", "suspend", "--member", "TJ", "-o", str(change), *at)[0] == 0
        return change

    def sign(self, change: Path, *members: str, to: Path | None = None) -> tuple[int, str]:
        keys = [word for member in members for word in ("--key", self.key(member, "targets"))]
        words = ["--registry", str(self.registry), "--demo", *keys, *(["-o", str(to)] if to else [])]
        return self.run("trust", "sign", str(change), *words)


@pytest.fixture
def desk(federation: Federation, tmp_path: Path) -> Desk:
    return Desk(federation, tmp_path)


def test_signatures_made_on_three_machines_are_put_together(desk: Desk, tmp_path: Path) -> None:
    change = desk.suspension()
    alone = tmp_path / "medium"
    alone.mkdir()
    shutil.copy(change / "proposal.json", alone / "proposal.json")  # all that a signer needs
    for member in FIVE[:3]:
        assert desk.sign(alone / "proposal.json", member, to=tmp_path / f"signed-{member}")[0] == 0
    registry = ("--registry", str(desk.registry))
    code, text = desk.run("trust", "status", str(change), *registry)
    assert (code, "0 / 3" in text) == (3, True)
    folders = [str(tmp_path / f"signed-{member}") for member in FIVE[:3]]
    code, text = desk.run("trust", "import", str(change), *folders, *registry)
    assert (code, "3 / 3" in text) == (0, True)
    assert desk.run("trust", "apply", str(change), *registry)[0] == 0


def test_everybody_reads_the_same_sixteen_words_and_what_will_change(desk: Desk) -> None:
    change = desk.suspension()
    _, status = desk.run("trust", "status", str(change), "--registry", str(desk.registry), "--json")
    words = json.loads(status)["words"]
    for member in FIVE[:2]:
        code, text = desk.sign(change, member)
        assert code == 0
        assert words in text
        assert "TJ is suspended: 2026-10-01T10:00:00Z" in text
        assert "needs 3 / 5 signatures" in text
    russian = desk.run("trust", "status", str(change), "--registry", str(desk.registry), lang="ru")[1]
    assert "TJ приостановлен" in russian
    assert words in russian


def test_the_majority_names_another_auditor_and_who_signs_reads_whom(desk: Desk, tmp_path: Path) -> None:
    change, registry = tmp_path / "auditor", ("--registry", str(desk.registry))
    code, text = desk.run("trust", "propose", "auditor", "--member", "TJ", *registry, "-o", str(change))
    assert (code, "expected a registrar" in text) == (3, True)
    code, text = desk.run("trust", "propose", "auditor", "--member", "kz", *registry, "-o", str(change))
    assert (code, "KZ is the auditor" in text) == (0, True)
    code, text = desk.sign(change, *FIVE[:3])
    assert (code, "name as auditor KZ" in text) == (0, True)
    assert "аудитор — KZ" in desk.run("trust", "status", str(change), *registry, lang="ru")[1]
    assert desk.run("trust", "apply", str(change), *registry)[0] == 0


def test_with_too_few_signatures_nothing_is_applied(desk: Desk) -> None:
    change = desk.suspension()
    desk.sign(change, *FIVE[:2])
    before = sorted(desk.registry.rglob("*"))
    code, text = desk.run("trust", "apply", str(change), "--registry", str(desk.registry))
    assert code == 3
    assert "role targets needs 3 valid signatures of its keys, found 2" in text
    assert sorted(desk.registry.rglob("*")) == before


def test_what_is_published_reaches_a_nodes_folder_and_nobody_publishes_out_of_turn(desk: Desk, tmp_path: Path) -> None:
    change = desk.suspension()
    desk.sign(change, *FIVE[:3])
    desk.run("trust", "apply", str(change), "--registry", str(desk.registry))
    node = tmp_path / "node"
    shutil.copytree(desk.federation.registry, node)

    def publish(member: str) -> tuple[int, str]:
        keys = ["--key", desk.key(member, "snapshot"), "--key", desk.key(member, "timestamp"), "--demo"]
        return desk.run("trust", "publish", "--registry", str(desk.registry), "--to", str(node), *keys)

    code, text = publish("KG")
    assert (code, "acts for the auditor only after 48 h" in text) == (4, True)
    assert publish("IOM")[0] == 0
    code, text = desk.run("trust", "show", "--registry", str(node))
    assert code == 0
    assert "registry version 2" in text
    assert row(text, "TJ", "Member").split()[4:6] == ["suspended", "since"]


def test_a_renewal_keeps_the_state_until_half_of_the_snapshots_life_is_over(desk: Desk) -> None:
    keys = ["--key", desk.key("IOM", "timestamp"), "--key", desk.key("IOM", "snapshot"), "--demo"]

    def renew() -> dict[str, object]:
        code, text = desk.run("trust", "renew", "--registry", str(desk.registry), *keys, "--json")
        assert code == 0, text
        found: dict[str, object] = json.loads(text)
        return found

    desk.clock.move(days=6)
    first = renew()
    assert (first["version"], first["expires"]) == (1, "2026-10-14T10:00:00Z")
    desk.clock.move(days=6)
    assert renew()["version"] == 1
    desk.clock.move(days=5)
    assert renew()["version"] == 2


def row(text: str, *begins: str) -> str:
    """The one line that begins with these words."""
    (found,) = [line for line in text.splitlines() if line.split()[: len(begins)] == list(begins)]
    return " ".join(found.split())


def test_show_says_who_may_do_what_and_what_expires_next(desk: Desk) -> None:
    code, text = desk.run("trust", "show", "--registry", str(desk.registry), "--member", "kz", "--words")
    assert code == 0
    assert "auditor: IOM" in text
    assert row(text, "admit,").endswith("say who witnesses a log 3 of 5 KZ, KG, TJ, UZ, IOM")
    assert row(text, "list", "and", "revoke", "keys", "of", "KZ").endswith("2 of 2 persons of KZ, one key each")
    assert row(text, "KZ", "Member") == (
        "KZ Member KZ 2026-10-01T09:00:00Z member http://127.0.0.1:8100 kz.exchange.example/log"
    )
    ends = [line.split() for line in text[text.index("what expires next") :].splitlines()[3:]]
    assert [line[:2] for line in ends[:2]] == [
        ["2026-10-08T09:00:00Z", "timestamp"],
        ["2026-10-31T09:00:00Z", "snapshot"],
    ]
    assert row(text, "2026-12-30T09:00:00Z", "kz").endswith("else KZ alone is silenced")
    document = json.loads(desk.run("trust", "show", "--registry", str(desk.registry), "--json")[1])
    assert (document["auditor"], document["members"]["KZ"]["standing"]) == ("IOM", "member")
    assert document["roles"]["root"]["threshold"] == 3
    desk.clock.move(days=8)
    code, text = desk.run("trust", "show", "--registry", str(desk.registry), lang="ru")
    assert code == 3  # expired, and said so
    assert row(text, "вносить", "и", "отзывать", "ключи", "KZ").endswith("2 из 2 лица KZ, у каждого свой ключ")


def test_show_says_by_what_a_key_ended_and_who_audited_before(desk: Desk) -> None:
    living = Living(desk.federation)
    transport = living.trust.keys("KG", KeyPurpose.TRANSPORT, at=living.at)[0].kid
    living.decide(ceremony.revoke_keys(living.base, "KG", [transport], at=living.at), living.pair("KG"))
    living.move(hours=1)
    living.decide(ceremony.suspend_member(living.base, "TJ", at=living.at), living.signers("targets"))
    living.move(hours=1)
    living.decide(ceremony.remove_member(living.base, "UZ", at=living.at), living.tops(["KZ", "KG", "TJ"]))
    living.move(hours=1)
    living.decide(
        ceremony_offices.change_auditor(living.base, "KZ", at=living.at), living.signers("targets", ["KZ", "KG", "IOM"])
    )
    write_trust_files(desk.registry, living.files)
    desk.clock.move(hours=4)
    code, text = desk.run("trust", "show", "--registry", str(desk.registry))
    assert code == 0
    assert "before it, until 2026-10-01T13:00:00Z: IOM" in text
    assert row(text, "KG", "transport:").endswith("2026-10-01T10:00:00Z (revoked)")
    assert row(text, "TJ", "transport:").endswith("2026-10-01T11:00:00Z (member suspended)")
    assert row(text, "UZ", "transport:").endswith("2026-10-01T12:00:00Z (member left)")
    assert row(text, "KZ", "transport:").endswith("2026-10-01T09:00:00Z –")
    assert row(text, "TJ", "Member").split()[4:7] == ["suspended", "since", "2026-10-01T11:00:00Z"]
    russian = desk.run("trust", "show", "--registry", str(desk.registry), lang="ru")[1]
    assert row(russian, "UZ", "witness:").endswith("(участник вышел)")


@pytest.fixture
def node(desk: Desk) -> Path:
    """KZ's node, whose gateway has started once under the founding's registry."""
    folder = desk.folder / "kz"
    (folder / "private" / "gateway").mkdir(parents=True, mode=0o700)
    shutil.copytree(desk.registry, folder / "keys")
    (folder / "node.toml").write_text(
        'v = 1\nmember = "KZ"\ndemo = true\n[gateway]\nissuer = "http://127.0.0.1:8100"\nport = 8100\n'
    )
    own = delegation_of(load_trust(folder / "keys", at=desk.clock.now()), "KZ")
    assert own is not None
    write_known(open_node(folder), Known(confirmed=own, logged=frozenset({"sha256:00"})))
    return folder


def test_a_person_confirms_a_delegation_that_others_changed_after_reading_its_words(desk: Desk, node: Path) -> None:
    def alarmed() -> list[str]:
        own = OwnMember(open_node(node), held={}, clock=desk.clock)
        return [problem.code for problem in own.problems(load_trust(node / "keys", at=desk.clock.now()))]

    living = Living(desk.federation)
    applications = [living.applies("KZ", RegistryRole.DELEGATION, label=label) for label in ("a", "b")]
    new = [key for label in ("a", "b") for _, key in living.fresh("KZ", RegistryRole.DELEGATION, label=label)]
    replaced = ceremony_offices.replace_holder(living.base, merged(applications), at=living.at)
    living.decide(replaced, [*living.signers("targets", ["KG", "TJ", "UZ"]), *new])
    assert alarmed() == []
    write_trust_files(node / "keys", living.files)
    assert alarmed() == ["delegation-changed"]

    code, text = desk.run("--node", str(node), "trust", "confirm")
    assert (code, "repeat with --yes" in text) == (0, True)
    assert all(fingerprint_words(key.public) in text for key in new)
    assert alarmed() == ["delegation-changed"]  # it was only read
    assert "повторите с --yes" in desk.run("--node", str(node), "trust", "confirm", lang="ru")[1]

    code, text = desk.run("--node", str(node), "trust", "confirm", "--yes", "--json")
    assert (code, json.loads(text)["keys"]) == (0, [key.kid for key in living.trust.roles["kz"].keys])
    assert alarmed() == []
    known = read_known(open_node(node))
    assert known is not None
    assert known.logged == {"sha256:00"}  # what stands in the log does not change by it


PROPOSE = ("trust", "propose")
AT = ("--registry", "{registry}")
IMPOSSIBLE = {
    "whom?": ((*PROPOSE, "suspend", "-o", "x", *AT), 2),
    "a stranger": ((*PROPOSE, "suspend", "--member", "RU", "-o", "x", *AT), 3),
    "which keys?": ((*PROPOSE, "revoke", "--member", "KZ", "-o", "x", *AT), 2),
    "without applications": ((*PROPOSE, "found", "-o", "x"), 2),
    "which role?": ((*PROPOSE, "renew", "-o", "x", *AT), 2),
    "no change there": (("trust", "status", "/nowhere", *AT), 1),
    "no registry there": (("trust", "show", "--registry", "/nowhere"), 3),
    "without a node": (("trust", "confirm"), 2),
}


@pytest.mark.parametrize(("words", "code"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_done_is_said(
    desk: Desk, words: tuple[str, ...], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk.folder)
    found, text = desk.run(*(word.format(registry=desk.registry) for word in words))
    assert (found, bool(text)) == (code, True), text


def test_a_key_that_is_none_of_the_registrys_signs_nothing(desk: Desk) -> None:
    change = desk.suspension()
    officer = desk.federation.private("KZ") / "officers" / "kz-02.key"
    code, text = desk.run(
        "trust", "sign", str(change), "--registry", str(desk.registry), "--demo", "--key", str(officer)
    )
    assert (code, "none of the registry" in text) == (2, True)


@pytest.mark.skipif(KEYS == "token", reason="no key of a token is in clear")
def test_a_key_in_clear_signs_in_rehearsals_alone(desk: Desk) -> None:
    change = desk.suspension()
    plain = desk.run("trust", "sign", str(change), "--registry", str(desk.registry), "--key", desk.key("KZ", "targets"))
    assert plain[0] == 1
    assert desk.sign(change, "KZ")[0] == 0
