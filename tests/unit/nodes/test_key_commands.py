"""`exchange key …`: the same commands for keys in sealed files and for keys in a token."""

import os
from pathlib import Path

import pytest

from exchange.errors import ExitCode
from exchange.signing.admission import open_application
from exchange.signing.jws import sign_detached, verify_detached
from exchange.signing.key_file import read_label
from exchange.signing.keys import HYBRID, KeyPurpose, RegistryRole, parse_public_jwk
from exchange.signing.words import fingerprint_words
from nodes.adapters.key_files import read_hybrid_signer, read_private_key
from tests.world.clock import FOUNDED
from tests.world.keeping import PASSPHRASE, Keeping, keeping, run, write_passphrase


@pytest.fixture(params=["sealed", "token"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Keeping:
    return keeping(request.param, tmp_path)


@pytest.fixture
def custody(tmp_path: Path) -> Path:
    return tmp_path / "custody"


def test_a_new_key_lies_in_its_place_for_its_owner_alone(kept: Keeping, custody: Path) -> None:
    made = run("key", "new", "root", "--folder", custody, *kept.new("root"), "--json")
    assert made.code == ExitCode.FINE, made.err
    (key,) = made.keys
    path = custody / "root.key"
    assert (key["file"], key["purpose"]) == (str(path), "registry-root")
    assert (path.stat().st_mode & 0o777, custody.stat().st_mode & 0o777) == (0o600, 0o700)
    public = parse_public_jwk(key["jwk"])
    assert (key["kid"], key["words"]) == (public.kid, fingerprint_words(public))
    (listed,) = run("key", "list", "--folder", custody, "--json").keys
    assert (listed["kid"], listed["kept"]) == (public.kid, kept.kind)
    shown = run("key", "show", "root", "--folder", custody, *kept.use)
    assert public.kid in shown.out
    assert fingerprint_words(public) in shown.out
    signer = read_private_key(path, purpose=RegistryRole.ROOT, passphrase=PASSPHRASE)
    public.verify(b"message", signer.sign(b"message"))


def test_a_key_is_never_made_over_another(kept: Keeping, custody: Path) -> None:
    place = custody / "gateway" / "log-ed25519.key"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"the key in use")
    refused = run("key", "new", "log", "--folder", custody, *kept.new("log"))
    assert refused.code == ExitCode.ERROR
    assert "a key is there already, and is never replaced" in refused.err
    assert place.read_bytes() == b"the key in use"


def test_a_pair_signs_together_whichever_way_its_halves_are_kept(kept: Keeping, custody: Path) -> None:
    made = run("key", "new", "bundle", "--folder", custody, *kept.new("bundle"), "--json").keys
    signer = read_hybrid_signer(custody, KeyPurpose.BUNDLE, passphrase=PASSPHRASE)
    assert [public.kid for public in signer.public] == [key["kid"] for key in made]
    assert [public.algorithm for public in signer.public] == list(HYBRID)
    (ed25519, ml_dsa) = run("key", "list", "--folder", custody, "--json").keys
    assert (ed25519["kept"], ml_dsa["kept"]) == (kept.kind, "sealed")
    jws = sign_detached(b"manifest", typ="test", signers=signer.signers)
    verify_detached(jws, b"manifest", typ="test", keys=signer.public)


def test_an_application_proves_every_key_it_asks_for(kept: Keeping, custody: Path, tmp_path: Path) -> None:
    for purpose, words in (("log", []), ("officer", ["--officer", "kz-02"])):
        run("key", "new", purpose, "--folder", custody, *words, *kept.new(purpose))
    written = run(
        *("key", "apply", "-o", tmp_path / "application.json", "--folder", custody, *kept.use),
        *("--member", "kz", "--origin", "kz.exchange.example", "--officer", "kz-02=contract,clearing", "--json"),
    )
    assert written.code == ExitCode.FINE, written.err
    application = open_application((tmp_path / "application.json").read_bytes(), trust=None)
    assert (application.member, application.at, application.issuer) == ("KZ", FOUNDED, None)
    assert dict(application.officers) == {"kz-02": ("clearing", "contract")}
    (log,) = (key for key in application.keys if key.purpose is KeyPurpose.LOG)
    assert (log.vkey or "").startswith("kz.exchange.example/log+")
    assert [key["kid"] for key in written.keys] == [applied.key.kid for applied in application.keys]


def test_a_next_key_takes_the_place_of_the_one_in_use(kept: Keeping, custody: Path, tmp_path: Path) -> None:
    (first,) = run("key", "new", "transport", "--folder", custody, *kept.new("first"), "--json").keys
    (second,) = run("key", "new", "transport", "--next", "--folder", custody, *kept.new("second"), "--json").keys
    asked = run(
        *("key", "apply", "transport", "--next", "--member", "kz", "-o", tmp_path / "application.json"),
        *("--folder", custody, *kept.use, "--json"),
    )
    assert [key["kid"] for key in asked.keys] == [second["kid"]]
    place = custody / "gateway" / "transport-ed25519.key"
    assert _kid(place) == first["kid"]
    used = run("key", "use", "transport", "--folder", custody)
    assert used.code == ExitCode.FINE, used.err
    assert _kid(place) == second["kid"]
    aside = place.with_name(f"transport-ed25519.{first['kid'][:8]}.old")
    assert _kid(aside) == first["kid"]
    assert run("key", "use", "transport", "--folder", custody).code == ExitCode.ERROR


def _kid(path: Path) -> str:
    return read_label(path.read_bytes(), path=str(path)).kid


def test_a_new_passphrase_seals_all_keys_and_can_be_begun_again(custody: Path, tmp_path: Path) -> None:
    old, new = write_passphrase(tmp_path / "old"), write_passphrase(tmp_path / "new", b"other words for a phrase")
    (made,) = run("key", "new", "root", "--folder", custody, "--passphrase-file", old, "--json").keys
    change = ("key", "passwd", "--folder", custody, "--passphrase-file", old, "--new-passphrase-file", new, "--json")
    assert [key["state"] for key in run(*change).keys] == ["now"]
    assert [key["state"] for key in run(*change).keys] == ["before"]
    (opened,) = run("key", "show", "root", "--folder", custody, "--passphrase-file", new, "--json").keys
    assert opened["kid"] == made["kid"]
    refused = run("key", "show", "root", "--folder", custody, "--passphrase-file", old)
    assert refused.code == ExitCode.NOT_AUTHORISED
    assert "passphrase-wrong" in refused.err


def test_a_passphrase_comes_through_a_descriptor(custody: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, PASSPHRASE + b"\n")
    os.close(writing)
    made = run("key", "new", "root", "--folder", custody, "--passphrase-fd", reading)
    os.close(reading)
    assert made.code == ExitCode.FINE, made.err
    read_private_key(custody / "root.key", purpose=RegistryRole.ROOT, passphrase=PASSPHRASE)


NODE = 'v = 1\nmember = "KZ"\n{demo}[gateway]\nissuer = "http://127.0.0.1:8100"\nport = 8100\n'


def node(folder: Path, *, demo: bool) -> Path:
    (folder / "private").mkdir(parents=True, mode=0o700)
    (folder / "node.toml").write_text(NODE.format(demo="demo = true\n" if demo else ""))
    return folder


def test_a_node_applies_for_its_own_keys_under_its_own_name(tmp_path: Path) -> None:
    folder = node(tmp_path / "kz", demo=True)  # in clear, which is quick; sealed keys are above
    asked = ("--node", folder, "key", "apply", "-o", tmp_path / "application.json", "--origin", "kz.exchange.example")
    assert run("--node", folder, "key", "new", "bundle", "contract", "transport", "log", "witness").code == 0
    assert run(*asked).code == ExitCode.FINE
    application = open_application((tmp_path / "application.json").read_bytes(), trust=None)
    assert (application.member, application.issuer) == ("KZ", "http://127.0.0.1:8100")
    assert len(application.keys) == 7
    assert {key["kept"] for key in run("--node", folder, "key", "list", "--json").keys} == {"plain"}
    refused = run(*asked)
    assert refused.code == ExitCode.USAGE
    assert "exists already" in refused.err


def test_keys_in_clear_are_for_demonstrations(tmp_path: Path) -> None:
    folder = node(tmp_path / "kz", demo=True)
    assert run("--node", folder, "key", "new", "log").code == ExitCode.FINE
    (folder / "node.toml").write_text(NODE.format(demo=""))
    refused = run("--node", folder, "key", "show", "log")
    assert refused.code == ExitCode.ERROR
    assert "private-key-plain" in refused.err
    sealed = run("--node", folder, "key", "passwd", "--new-passphrase-file", write_passphrase(tmp_path / "new"))
    assert sealed.code == ExitCode.FINE, sealed.err
    assert run("--node", folder, "key", "show", "log", "--passphrase-file", tmp_path / "new").code == ExitCode.FINE


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param("key new log --folder {c}", "none was given", id="no passphrase"),
        pytest.param("key new log", "either a node or a folder", id="no folder"),
        pytest.param("--node {n} key new log --folder {c}", "either a node or a folder", id="a node and a folder"),
        pytest.param("--node {n} key new root --passphrase-file {p}", "lie on no node", id="a registry key in a node"),
        pytest.param("key new officer --folder {c} --passphrase-file {p}", "has an id", id="nobody's officer key"),
        pytest.param(
            "key new log --officer kz-02 --folder {c} --passphrase-file {p}", "has an id", id="an officer's log"
        ),
        pytest.param(
            "key new officer --officer ../x --folder {c} --passphrase-file {p}", "<number>", id="a path for an id"
        ),
        pytest.param(
            "key new log root --token pkcs11: --folder {c} --passphrase-file {p}", "one key", id="one URI, two keys"
        ),
        pytest.param("key new log --token pkcs11: --folder {c} --passphrase-file {p}", "token or serial", id="no URI"),
        pytest.param("key new bundel --folder {c}", "invalid choice", id="no such purpose"),
        pytest.param("key new log --passphrase secret --folder {c}", "unrecognized", id="a passphrase as an argument"),
        pytest.param("key passwd --folder {c} --passphrase-file {p}", "--new-passphrase-file", id="no new passphrase"),
        pytest.param("key apply bundel -o {o} --folder {c}", "no purpose bundel", id="asking for no such purpose"),
        pytest.param("key apply transport -o {o} --folder {d}", "who applies", id="asking in nobody's name"),
        pytest.param("key apply log -o {o} --member kz --folder {d}", "has a name", id="a log without a name"),
        pytest.param(
            "key apply officer -o {o} --member kz --folder {d}", "which roles has kz-02", id="an officer without a role"
        ),
    ],
)
def test_a_command_line_that_does_not_fit_together_is_refused(
    words: str, says: str, filled: Path, tmp_path: Path
) -> None:
    names = {
        "c": tmp_path / "custody",
        "d": filled,
        "n": node(tmp_path / "kz", demo=False),
        "p": write_passphrase(tmp_path / "passphrase"),
        "o": tmp_path / "application.json",
    }
    refused = run(*(word.format(**names) for word in words.split()))
    assert (refused.code, refused.out) == (ExitCode.USAGE, "")
    assert says in refused.err
    assert not (tmp_path / "custody").exists()
    assert not (tmp_path / "application.json").exists()


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A folder with three keys whose key ids nobody has to open for a refusal."""
    folder = node(tmp_path / "filled", demo=True)
    run("--node", folder, "key", "new", "log", "transport")
    run("--node", folder, "key", "new", "officer", "--officer", "kz-02")
    return folder / "private"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("key show log --folder {c} --passphrase-file {p}", id="a folder without keys"),
        pytest.param("key apply -o {o} --folder {c} --passphrase-file {p}", id="nothing to apply for"),
        pytest.param("key list --folder {f}", id="a key of no known purpose"),
        pytest.param("key list --folder {o}", id="a folder that is not there"),
        pytest.param("key new log --folder {c} --passphrase-fd 999", id="a descriptor that is not open"),
    ],
)
def test_what_is_not_there_is_named(words: str, tmp_path: Path) -> None:
    names = {"c": tmp_path, "p": write_passphrase(tmp_path / "passphrase"), "o": tmp_path / "x", "f": tmp_path / "f"}
    (tmp_path / "f").mkdir(mode=0o700)
    odd = tmp_path / "f" / "odd.key"
    odd.write_bytes(b'{"alg":"Ed25519","kid":"x","purpose":"bread","v":1}')
    odd.chmod(0o600)
    refused = run(*(word.format(**names) for word in words.split()))
    assert refused.code == ExitCode.ERROR
    assert "private-key-file" in refused.err


def test_the_commands_speak_russian(tmp_path: Path) -> None:
    folder = node(tmp_path / "kz", demo=True)
    assert "сверьте слова вслух" in run("--node", folder, "key", "new", "log", language="ru").out
    assert "файл закрытого ключа непригоден" in run("--node", folder, "key", "new", "log", language="ru").err
