"""From the command line to one command: global options, the node, one place that turns errors into exit codes."""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from exchange.errors import ExchangeError, ExitCode, Language
from exchange.errors.settings import CommandLineError, FileRefusedError, UnknownCommandError
from nodes.adapters.clock import SystemClock
from nodes.cli.command import Command
from nodes.cli.own_memory import keep_memory_closed
from nodes.cli.table import COMMANDS, find, group
from nodes.settings import NodeFolder, exchange_home, language_of_environment, open_node
from nodes.terminal import Clock, Invocation, Output

USAGE = "exchange [--node NAME|FOLDER] [--home FOLDER] [--json] [--lang en|ru] COMMAND …"
HELP = frozenset({"-h", "--help", "help"})
VERSION = frozenset({"-V", "--version"})
INTERRUPTED = 130
"""128 + SIGINT, as a shell says it."""
PRIVATE_UMASK = 0o077
"""Whatever a command writes, state, candidates and logs too, only the node's own account can read."""


@dataclass(slots=True)
class Globals:
    """The options of every command; they stand before it, or anywhere after it."""

    node: str | None = None
    home: Path = field(default_factory=exchange_home)
    json: bool = False
    language: Language = field(default_factory=lambda: cast("Language", language_of_environment()))
    words: list[str] = field(default_factory=list)


def main(argv: Sequence[str] | None = None, *, clock: Clock | None = None, output: Output | None = None) -> int:
    """Run one command; the process's exit code (DESIGN.md §11)."""
    os.umask(PRIVATE_UMASK)
    keep_memory_closed()
    options, misread = _split(list(sys.argv[1:] if argv is None else argv))
    output = output or _terminal(options)
    try:
        if misread is not None:
            raise misread
        return _dispatch(options, clock or SystemClock(), output)
    except ExchangeError as error:
        return output.refusal(error)
    except BrokenPipeError:  # the reader of our output left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.ERROR
    except OSError as error:
        refused = FileRefusedError(path=str(error.filename or "?"), reason=error.strerror or type(error).__name__)
        return output.refusal(refused)
    except KeyboardInterrupt:
        return INTERRUPTED


def _terminal(options: Globals) -> Output:
    """The process's own streams; a letter that the terminal cannot show is escaped and stops nothing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # absent where a caller put its own stream
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    return Output(json=options.json, language=options.language)


def _dispatch(options: Globals, clock: Clock, output: Output) -> int:
    words = ["version", *options.words[1:]] if options.words[:1] and options.words[0] in VERSION else options.words
    if not words or words[0] in HELP:
        _help(output, COMMANDS)
        return ExitCode.FINE if words else ExitCode.USAGE
    found = find(words)
    if found is None:
        return _listed(words, output)
    command, rest = found
    module, function = command.target.split(":")
    run = cast("Callable[[Invocation], int]", getattr(importlib.import_module(module), function))
    try:
        return run(
            Invocation(
                command=command.words,
                argv=tuple(rest),
                home=options.home,
                node=_node(options),
                clock=clock,
                output=output,
            )
        )
    except SystemExit as leave:  # argparse's --help
        return int(leave.code or 0)


def _listed(words: Sequence[str], output: Output) -> int:
    """`exchange bundle` and `exchange bundle --help` list what there is under bundle.

    Raises:
        UnknownCommandError: There is nothing.
    """
    commands = group(words[0])
    asked = words[1:2]
    if not commands or (asked and asked[0] not in HELP):
        raise UnknownCommandError(command=" ".join(words[:2] if commands else words[:1]))
    _help(output, commands)
    return ExitCode.FINE if asked else ExitCode.USAGE


def _node(options: Globals) -> NodeFolder | None:
    """`--node kz` is the folder `kz` under the home, or else here, in either case of letters; a path is that folder."""
    if options.node is None:
        return None
    if "/" in options.node:
        folder = Path(options.node)
    else:
        name = options.node.lower()
        named = options.home / name
        folder = next((one for one in (named, Path(options.node), Path(name)) if one.is_dir()), named)
    return replace(open_node(folder), called=options.node)


def _split(argv: list[str]) -> tuple[Globals, CommandLineError | None]:
    """Take the global options out; what remains is the command and its own arguments.

    What is wrong with them is handed back, to be said in the language and form that the rest asks for.
    """
    options = Globals()
    misread: CommandLineError | None = None
    rest = iter(argv)
    for word in rest:
        name, _, value = word.partition("=")
        if word == "--":
            options.words += [word, *rest]
        elif word == "--json":
            options.json = True
        elif name in {"--node", "--home", "--lang"}:
            reason = _take(options, name, value if "=" in word else next(rest, ""))
            misread = misread or (None if reason is None else CommandLineError(reason=reason, command=USAGE))
        else:
            options.words.append(word)
    return options, misread


def _take(options: Globals, name: str, value: str) -> str | None:
    """Set one global option; what is wrong with it, if anything."""
    if not value:
        return f"{name} needs a value"
    if name == "--node":
        options.node = value
    elif name == "--home":
        options.home = Path(value)
    elif value in {"en", "ru"}:
        options.language = cast("Language", value)
    else:
        return f"--lang is en or ru, found {value}"
    return None


def _help(output: Output, commands: Sequence[Command]) -> None:
    output.text(USAGE)
    output.line()
    output.table(["command", ""], [[command.words, _line(command, output)] for command in commands])
    output.line()
    output.say(
        en="exit codes: 0 fine, 1 error, 2 usage, 3 does not hold, 4 not authorised, 5 partner unreachable, "
        "6 contract refuses, 7 disclosure blocks",
        ru="коды выхода: 0 в порядке, 1 ошибка, 2 неверный вызов, 3 не подтверждено, 4 нет прав, 5 партнёр недоступен, "
        "6 договор не допускает, 7 раскрытие недопустимо",
    )
    output.result({"commands": {command.words: _line(command, output) for command in commands}})


def _line(command: Command, output: Output) -> str:
    return command.ru if output.language == "ru" else command.en
