"""From the command line to a command: options, help, refusals, and one exit code for each kind of end."""

import importlib
import io
import json
import shlex
from argparse import Namespace
from pathlib import Path
from typing import cast

import pytest

from exchange.errors import ExitCode
from nodes.adapters.clock import SystemClock
from nodes.cli.command import Command
from nodes.cli.main import main
from nodes.cli.table import COMMANDS, find
from nodes.settings import NodeFolder
from nodes.terminal import CommandParser, Invocation, Output, printable

COMPOSE = Path(__file__).parents[3] / "docker-compose.yml"
TOML = 'v = 1\nmember = "KZ"\n[gateway]\nissuer = "http://127.0.0.1:8100"\nport = 8100\n'


def run(*argv: str, json_asked: bool = False, language: str = "en") -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    output = Output(json=json_asked, language="ru" if language == "ru" else "en", out=out, err=err)
    return main(argv, output=output), out.getvalue(), err.getvalue()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_every_command_in_the_table_exists_and_speaks_both_languages(command: Command) -> None:
    module, function = command.target.split(":")
    assert callable(getattr(importlib.import_module(module), function))
    assert command.en
    assert any("а" <= letter <= "я" for letter in command.ru.lower())


class UnderstoodError(Exception):
    """The arguments were understood."""


class Parsing(Invocation):
    """An invocation that goes no further than its arguments."""

    def require_node(self) -> NodeFolder:
        return cast("NodeFolder", None)

    def parse(self, parser: CommandParser) -> Namespace:
        parser.parse_args(list(self.argv))
        raise UnderstoodError


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_every_command_s_help_shows_an_example_that_the_command_understands(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*command.words.split(), "--help")[0] == ExitCode.FINE
    (example,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  exchange ")]
    words = shlex.split(example)[1:]
    found = find(words[2:] if words[0] == "--node" else words)
    assert found is not None
    assert found[0] == command
    module, function = command.target.split(":")
    output = Output(json=False, language="en", out=io.StringIO(), err=io.StringIO())
    asked = Parsing(
        command=command.words, argv=tuple(found[1]), home=Path(), node=None, clock=SystemClock(), output=output
    )
    try:
        ended = getattr(importlib.import_module(module), function)(asked)
    except UnderstoodError:
        return
    assert ended == ExitCode.DOES_NOT_HOLD  # `verify` reads its arguments by itself, and then finds no bundle there


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_lists_every_command(word: str) -> None:
    code, out, _ = run(word)
    assert code == ExitCode.FINE
    assert all(f"\n{command.words} " in out for command in COMMANDS)
    assert "6 contract refuses, 7 disclosure blocks" in out


def test_no_command_at_all_shows_the_help_and_is_a_usage_error() -> None:
    code, out, _ = run()
    assert code == ExitCode.USAGE
    assert out.startswith("exchange [--node")


def test_the_help_speaks_russian_and_json() -> None:
    assert "показать всю федерацию на этой машине" in run("--help", language="ru")[1]
    commands = json.loads(run("--help", json_asked=True)[1])["commands"]
    assert set(commands) == {command.words for command in COMMANDS}


@pytest.mark.parametrize("words", [["version"], ["--version"], ["-V"]])
def test_the_version_names_the_program_and_every_number_that_a_newer_file_or_store_is_refused_by(
    words: list[str],
) -> None:
    code, out, _ = run(*words, json_asked=True)
    shown = json.loads(out)
    assert code == ExitCode.FINE
    assert f"image: indicator-exchange:{shown['program']}\n" in COMPOSE.read_text()
    assert shown["numbers"].keys() == {
        "protocol", "log_entry", "node_toml", "mapping", "gateway_store", "desk_store", "officer_store", "audit_store",
    }  # fmt: skip
    assert "log entry  " in run(*words)[1]


def test_the_first_word_of_a_group_lists_what_belongs_to_it() -> None:
    code, out, _ = run("clearance")
    assert code == ExitCode.USAGE
    listed = {line.split("  ")[0] for line in out.splitlines() if line.startswith("clearance ")}
    assert listed == {f"clearance {word}" for word in ("approve", "list", "print", "return", "show", "statement")}
    assert run("clearance", "--help")[:2] == (ExitCode.FINE, out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("no-such",), "unknown-command: no command no-such\n", id="no such command"),
        pytest.param(("no-such", "x"), "unknown-command: no command no-such\n", id="no such command, with arguments"),
        pytest.param(("bundle", "eat"), "unknown-command: no command bundle eat\n", id="no such command of a group"),
        pytest.param(("demo", "status", "--fast"), "unrecognized arguments: --fast\n", id="an unknown option"),
        pytest.param(("demo", "status", "--", "--x"), "unrecognized arguments", id="a word that looks like an option"),
        pytest.param(("contract", "check"), "the following arguments are required: FILE\n", id="a missing argument"),
        pytest.param(("demo", "--lang"), "--lang needs a value\n", id="a language without a name"),
        pytest.param(("--lang=fr", "demo"), "--lang is en or ru, found fr\n", id="a language that is not there"),
        pytest.param(("--node", "", "serve"), "--node needs a value\n", id="a node without a name"),
        pytest.param(("serve",), "node-required: serve acts for one member: name its node\n", id="no node"),
        pytest.param(("--node", "xx", "serve"), "node-not-found: no node in .demo/xx", id="no such node"),
    ],
)
def test_what_is_not_understood_names_itself_and_exits_with_2(
    words: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EXCHANGE_HOME", raising=False)
    code, out, err = run(*words)
    assert (code, out) == (ExitCode.USAGE, "")
    assert message in err
    code, out, err = run(*words, json_asked=True)
    assert (code, err) == (ExitCode.USAGE, "")
    assert json.loads(out)["error"]["code"]


def test_a_command_s_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("contract", "check", "--help")[0] == ExitCode.FINE
    assert "usage: exchange contract check" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_every_command_says_how_it_is_called_without_a_node(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*command.words.split(), "--help")[0] == ExitCode.FINE
    assert capsys.readouterr().out.startswith(f"usage: exchange {command.words} ")


@pytest.mark.parametrize("words", [[], ["/bundle"], ["/bundle", "--trust", "/keys", "--loud"]])
def test_a_call_of_verify_that_is_not_understood_is_one_json_document(words: list[str]) -> None:
    code, out, _ = run("verify", *words, json_asked=True)
    assert code == ExitCode.USAGE
    assert json.loads(out)["error"]["code"] == "command-line"


def test_a_refused_command_line_ends_with_how_to_call_it() -> None:
    assert run("contract", "check")[2].endswith(
        "→ usage: exchange contract check [-h] [--codelists FOLDER] FILE [FILE ...]\n"
    )


def test_a_node_is_a_folder_of_the_home_or_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (tmp_path / "home" / "kz", tmp_path / "elsewhere"):
        folder.mkdir(parents=True)
        (folder / "node.toml").write_text(TOML, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    down = ("health",)
    for words in (
        ("--home", "home", "--node", "kz"),
        ("--home=home", "--node=KZ"),
        ("--node", str(tmp_path / "elsewhere")),
        ("--node", "elsewhere"),
    ):
        assert run(*words, *down)[:2] == (
            ExitCode.ERROR,
            "the gateway of KZ does not answer on its local socket\nKZ: red: own-gateway-down\n",
        )


def test_the_home_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_HOME", str(tmp_path))
    assert f"no node in {tmp_path}/kz" in run("--node", "kz", "health")[2]


@pytest.mark.parametrize(("locale", "word"), [("ru_KZ.UTF-8", "нет команды"), ("C", "no command"), ("", "no command")])
def test_the_language_comes_from_the_environment(
    locale: str, word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", locale)
    assert main(["no-such"]) == ExitCode.USAGE
    assert word in capsys.readouterr().err
    assert main(["no-such", "--lang", "ru"]) == ExitCode.USAGE
    assert "нет команды" in capsys.readouterr().err


def test_json_may_stand_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no-such", "--json"]) == ExitCode.USAGE
    assert json.loads(capsys.readouterr().out)["error"]["facts"] == {"command": "no-such"}


def test_a_file_that_the_system_refuses_is_named(tmp_path: Path) -> None:
    code, _, err = run("contract", "check", str(tmp_path / "absent.yaml"))
    assert code == ExitCode.ERROR
    assert f"file-refused: {tmp_path}/absent.yaml: No such file or directory" in err


def test_a_refusal_cannot_move_the_cursor() -> None:
    assert printable("a\x1b[2Jb\rc\nd\u202e") == "a\\x1b[2Jb\\rc\\nd\\u202e"
    assert "\x1b" not in run("\x1b[2J")[2]


def test_a_period_that_is_none_is_refused_before_any_gateway_is_asked(tmp_path: Path) -> None:
    (tmp_path / "kz").mkdir()
    (tmp_path / "kz" / "node.toml").write_text(TOML)
    code, _, err = run("--node", str(tmp_path / "kz"), "pull", "kg", "CA-01", "2026-9")
    assert code == ExitCode.USAGE
    assert "period-malformed: period 2026-9: expected a month, as 2026-09" in err
