"""From the command line to one command: global options, the node, one place that turns errors into exit codes."""

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from exchange.errors import ExchangeError, ExitCode, Language
from exchange.errors.settings import FileRefusedError, UnknownCommandError
from nodes.adapters.clock import SystemClock
from nodes.cli.table import COMMANDS, find
from nodes.settings import NodeFolder, exchange_home, language_of_environment, open_node
from nodes.terminal import Clock, Invocation, Output, UsageError

USAGE = "exchange [--node NAME|FOLDER] [--home FOLDER] [--json] [--lang en|ru] COMMAND …"


@dataclass(frozen=True, slots=True)
class Globals:
    """The options that stand before the command, or anywhere for --json and --lang."""

    node: str | None
    home: Path
    json: bool
    language: Language
    words: list[str]


def main(argv: Sequence[str] | None = None, *, clock: Clock | None = None, output: Output | None = None) -> int:
    """Run one command; the process's exit code (DESIGN.md §11)."""
    options = _split(list(sys.argv[1:] if argv is None else argv))
    output = output or Output(json=options.json, language=options.language)
    try:
        return _dispatch(options, clock or SystemClock(), output)
    except ExchangeError as error:
        return output.refusal(error)
    except UsageError as error:
        print(error, file=output.err)
        return ExitCode.USAGE
    except OSError as error:
        refused = FileRefusedError(path=str(error.filename or "?"), reason=error.strerror or type(error).__name__)
        return output.refusal(refused)
    except KeyboardInterrupt:
        return 130


def _dispatch(options: Globals, clock: Clock, output: Output) -> int:
    if not options.words or options.words[0] in {"-h", "--help", "help"}:
        _help(output)
        return ExitCode.FINE if options.words else ExitCode.USAGE
    found = find(options.words)
    if found is None:
        raise UnknownCommandError(command=" ".join(options.words[:2]))
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


def _node(options: Globals) -> NodeFolder | None:
    """`--node kz` is the folder `kz` under the home; a path is that folder."""
    if options.node is None:
        return None
    named = options.home / options.node.lower()
    return open_node(named if "/" not in options.node and named.is_dir() else Path(options.node))


def _split(argv: list[str]) -> Globals:
    """Take the global options out; what remains is the command and its own arguments."""
    node: str | None = None
    home = exchange_home()
    json = False
    language = cast("Language", language_of_environment())
    words: list[str] = []
    rest = iter(argv)
    for word in rest:
        if word == "--node":
            node = next(rest, "")
        elif word == "--home":
            home = Path(next(rest, "."))
        elif word == "--json":
            json = True
        elif word == "--lang":
            language = "ru" if next(rest, "en") == "ru" else "en"
        else:
            words.append(word)
    return Globals(node, home, json, language, words)


def _help(output: Output) -> None:
    output.line(USAGE)
    output.line()
    output.table(
        ["command", ""],
        [[command.words, command.ru if output.language == "ru" else command.en] for command in COMMANDS],
    )
    output.line()
    output.say(
        en="exit codes: 0 fine, 1 error, 2 usage, 3 does not hold, 4 not authorised, 5 partner unreachable, "
        "6 contract refuses, 7 disclosure blocks",
        ru="коды выхода: 0 в порядке, 1 ошибка, 2 неверный вызов, 3 не подтверждено, 4 нет прав, 5 партнёр недоступен, "
        "6 договор не допускает, 7 раскрытие недопустимо",
    )
