"""Settings: one file, read strictly; what is missing, unknown or out of range is named."""

from pathlib import Path

import pytest

from exchange.errors import ExitCode
from exchange.errors.settings import NodeNotFoundError, SettingsError
from nodes.settings import exchange_home, open_node

GATEWAY = '[gateway]\nissuer = "http://127.0.0.1:8100"\nport = 8100\n'
WHOLE = f'v = 1\nmember = "KZ"\n{GATEWAY}'


def write(folder: Path, text: str) -> Path:
    (folder / "node.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_node_needs_to_say_who_it_is_and_where(tmp_path: Path) -> None:
    node = open_node(write(tmp_path, WHOLE))
    assert (node.member, node.settings.gateway.port, node.settings.demo) == ("KZ", 8100, False)
    assert node.socket == tmp_path / "private" / "gateway.sock"


@pytest.mark.parametrize(
    ("text", "setting", "reason"),
    [
        pytest.param(WHOLE.replace("v = 1", "v = 2"), "v", "this program reads format 1, found 2", id="a newer format"),
        pytest.param(WHOLE.replace("v = 1\n", ""), "v", "this program reads format 1, found None", id="no format"),
        pytest.param(WHOLE.replace("v = 1", "v = true"), "v", "Input should be a valid integer", id="no number"),
        pytest.param(WHOLE + "colour = 1\n", "gateway.colour", "Extra inputs are not permitted", id="unknown setting"),
        pytest.param("colour = 1\n" + WHOLE, "colour", "Extra inputs are not permitted", id="unknown at the top"),
        pytest.param(WHOLE + "[desc]\n", "desc", "Extra inputs are not permitted", id="unknown section"),
        pytest.param(WHOLE.replace("port = 8100\n", ""), "gateway.port", "Field required", id="missing setting"),
        pytest.param('v = 1\nmember = "KZ"\n', "gateway", "Field required", id="missing section"),
        pytest.param(WHOLE.replace("8100\n", "0\n"), "gateway.port", "greater than or equal to 1", id="out of range"),
        pytest.param(
            WHOLE + "token_life_s = 301\n", "gateway.token_life_s", "less than or equal to 300", id="above its bound"
        ),
        pytest.param(WHOLE.replace("8100\n", '"8100"\n'), "gateway.port", "valid integer", id="a text for a number"),
        pytest.param(WHOLE.replace('"KZ"', '"kz"'), "member", "should match pattern", id="a member in lower case"),
        pytest.param(
            WHOLE.replace('8100"', '8100/x"'), "gateway.issuer", "should match pattern", id="an address with a path"
        ),
        pytest.param(
            WHOLE + "[desk]\nclearance_valid_days = 31\n", "desk.clearance_valid_days", "30", id="beyond 30 days"
        ),
        pytest.param("v = = 1", "(file)", "Invalid value", id="no TOML"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(tmp_path: Path, text: str, setting: str, reason: str) -> None:
    with pytest.raises(SettingsError) as refused:
        open_node(write(tmp_path, text))
    assert refused.value.facts["setting"] == setting
    assert reason in str(refused.value.facts["reason"])
    assert refused.value.exit_code == ExitCode.USAGE
    assert str(tmp_path / "node.toml") in refused.value.sentence("ru")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_bytes(WHOLE.encode() + "# Казахстан".encode("koi8-r"))
    with pytest.raises(SettingsError, match="not UTF-8"):
        open_node(tmp_path)


def test_a_folder_without_settings_is_no_node(tmp_path: Path) -> None:
    with pytest.raises(NodeNotFoundError, match=r"it has no node\.toml"):
        open_node(tmp_path)


def test_a_passphrase_file_is_looked_for_in_the_node_s_folder(tmp_path: Path) -> None:
    assert open_node(write(tmp_path, WHOLE)).passphrase_file is None
    inside = open_node(write(tmp_path, 'passphrase_file = "private/word"\n' + WHOLE))
    assert inside.passphrase_file == tmp_path / "private" / "word"
    outside = open_node(write(tmp_path, 'passphrase_file = "/run/secrets/word"\n' + WHOLE))
    assert outside.passphrase_file == Path("/run/secrets/word")


@pytest.mark.parametrize(("named", "home"), [(None, ".demo"), ("", ".demo"), ("/srv/nodes", "/srv/nodes")])
def test_the_home_of_nodes_is_a_setting_of_the_environment(
    named: str | None, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXCHANGE_HOME", raising=False)
    if named is not None:
        monkeypatch.setenv("EXCHANGE_HOME", named)
    assert exchange_home() == Path(home)
