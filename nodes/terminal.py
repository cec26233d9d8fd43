"""What a command gets and where it prints: one invocation, one output, for people or for programs (`--json`)."""

import json
import sys
import unicodedata
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NoReturn, Protocol, TextIO

from exchange.errors import ExchangeError, ExitCode, Language
from exchange.errors.settings import CommandLineError, NodeRequiredError
from nodes.examples import EXAMPLES
from nodes.settings import NodeFolder


class Clock(Protocol):
    """The time, passed in: UTC, aware."""

    def now(self) -> datetime:
        """The present."""
        ...


@dataclass(slots=True)
class Output:
    """Prints for a person, or gathers one JSON object for a program.

    `line`, `table` and `progress` speak to people and are silent under `--json`; `result` is what a program reads.
    """

    json: bool
    language: Language
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)

    def line(self, text: str = "") -> None:
        """One line for a person; what would begin another or move the cursor in it is shown escaped."""
        if not self.json:
            print(printable(text), file=self.out, flush=True)

    def text(self, text: str) -> None:
        """Several lines of our own for a person."""
        for line in text.split("\n"):
            self.line(line)

    def say(self, *, en: str, ru: str) -> None:
        """One line for a person, in the language asked for."""
        self.line(ru if self.language == "ru" else en)

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table in plain text, columns aligned."""
        cells = [[printable(str(cell)) for cell in row] for row in rows]
        widths = [max(len(row[i]) for row in [list(headers), *cells]) for i in range(len(headers))]
        for row in [list(headers), ["-" * width for width in widths], *cells]:
            self.line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def progress(self, stage: str, share: float) -> None:
        """Where long work stands, on stderr and only at a terminal; `share` runs from 0 to 1."""
        if not self.json and self.err.isatty():
            print(f"\r{stage} {share:4.0%}", end="\n" if share >= 1 else "", file=self.err, flush=True)

    def result(self, value: dict[str, object]) -> None:
        """The command's result for a program."""
        if self.json:
            print(json.dumps(value, ensure_ascii=False, sort_keys=True), file=self.out, flush=True)

    def refusal(self, error: ExchangeError) -> ExitCode:
        """Print why the command was refused, and how to mend it; the exit code to leave with."""
        if self.json:
            self.result({"error": error.as_json(self.language)})
        else:
            print(f"{error.code}: {printable(error.sentence(self.language))}", file=self.err)
            if error.mend(self.language):
                print(f"  → {printable(error.mend(self.language))}", file=self.err)
        return error.exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of one command."""

    command: str  # "bundle build"
    argv: tuple[str, ...]
    home: Path  # where `--node NAME` looks, and where the demo keeps its state
    node: NodeFolder | None
    clock: Clock
    output: Output

    @property
    def json(self) -> bool:
        """Whether a program reads the result."""
        return self.output.json

    def require_node(self) -> NodeFolder:
        """The node this command acts for.

        Raises:
            NodeRequiredError: `--node` was not given.
        """
        if self.node is None:
            raise NodeRequiredError(command=self.command)
        return self.node

    def parse(self, parser: "CommandParser") -> Namespace:
        """The command's own arguments."""
        return parser.parse_args(list(self.argv))


class CommandParser(ArgumentParser):
    """argparse that raises instead of leaving the process, so that commands can be called from code."""

    def __init__(self, command: str, summary: str) -> None:
        super().__init__(prog=f"exchange {command}", description=summary, allow_abbrev=False)
        self._example = EXAMPLES.get(command)

    def format_help(self) -> str:
        """What argparse tells, and one example."""
        told = super().format_help()
        return told if self._example is None else f"{told}\nexample:\n  exchange {self._example}\n"

    def error(self, message: str) -> NoReturn:
        """Refuse with the reason and the usage line.

        Raises:
            CommandLineError: Always.
        """
        raise CommandLineError(reason=message, command=" ".join(self.format_usage().split()))


def printable(text: str) -> str:
    """Text that came from elsewhere cannot move the cursor, recolour a refusal or pretend another line."""
    return "".join(one if one.isprintable() or unicodedata.category(one) == "Zs" else ascii(one)[1:-1] for one in text)
