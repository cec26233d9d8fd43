"""Offline verification for anybody: `python -m exchange verify PATH --trust DIR`.

PATH is a bundle, as a folder or as its ZIP; DIR is the registry with all its versions and, under `contracts/`, the
signed contracts with their statements. One sentence is printed for each check. Exit 0: all hold; 3: one does not, and
it is named; 2: the command was not understood. It needs no network, no node and no account, and works for ever.
"""

import argparse
import json
import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from exchange.errors import ExchangeError, ExitCode, Language
from exchange.errors.bundle import BundleFilesError, UnreadableError
from exchange.flow.verify import Verdict, verify
from exchange.publication import Check, CheckName, Standing

FILE_BYTES_MAX = 40 * 1024 * 1024
FILES_MAX = 20_000
ENTRIES_MAX = 100

_MARKS = {Standing.HOLDS: "✓", Standing.FAILS: "✗", Standing.NOT_CHECKED: "–", Standing.NOTICE: "!"}
_ENDS: dict[Language, tuple[str, str]] = {
    "en": ("All checks hold.", "DOES NOT HOLD: {check}: {sentence}"),
    "ru": ("Все проверки пройдены.", "НЕ СОБЛЮДЕНО: {check}: {sentence}"),
}


@dataclass(slots=True)
class Options(argparse.Namespace):
    """What was asked for."""

    command: str = "verify"
    path: str = ""
    trust: str = ""
    json: bool = False
    lang: Language = "en"
    floor: bool = True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # absent where a caller put its own stream
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    return run(_parser().parse_args(arguments, namespace=Options()))


def run(options: Options) -> int:
    """Verify what was asked for and print the verdict; the exit code."""
    verdict = verify_path(Path(options.path), Path(options.trust), at=datetime.now(UTC), floor=options.floor)
    if options.json:
        document = {"path": options.path, **verdict.as_json(options.lang)}
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    else:
        _print(verdict, options.lang)
    return ExitCode.FINE if verdict.holds else ExitCode.DOES_NOT_HOLD


def verify_path(path: Path, trust: Path, *, at: datetime, floor: bool = True) -> Verdict:
    """The verdict on a bundle at a path, judged with a trust folder.

    Args:
        path: A folder with the six files, or their ZIP.
        trust: The trust folder.
        at: Now.
        floor: Whether to recompute what a reader can know of every withheld cell, which takes a solver.
    """
    reading = CheckName.FILES
    try:
        bundle = _read_bundle(path)
        reading = CheckName.TRUST
        folder = _read_folder(trust)
        reading = CheckName.FLOOR
        if not floor:
            return verify(bundle, folder, at=at)
        from exchange.bundle.floor import audit_floor  # noqa: PLC0415  # loads a solver, only where it is asked for

        return verify(bundle, folder, at=at, audit=audit_floor)
    except ExchangeError as error:
        failed = Check(name=reading, standing=Standing.FAILS, error=error)
    except Exception as error:  # noqa: BLE001  # whatever a hostile file provokes is a refusal, never a traceback
        refusal = UnreadableError(path=str(path), reason=type(error).__name__)
        failed = Check(name=reading, standing=Standing.FAILS, error=refusal)
    return Verdict(checks=(failed,), error=failed.error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m exchange", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    add_arguments(commands.add_parser("verify", help="verify a bundle offline"))
    return parser


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What `verify` is asked with, here and in the program `exchange`."""
    command.add_argument("path", metavar="PATH", help="a bundle: its folder or its ZIP")
    command.add_argument("--trust", metavar="DIR", required=True, help="the registry and the signed contracts")
    command.add_argument("--json", action="store_true", help="the verdict as JSON")
    command.add_argument("--lang", choices=["en", "ru"], default="en", help="language of the sentences")
    command.add_argument(
        "--no-floor", dest="floor", action="store_false", help="leave out the audit of the interval floor"
    )


def _print(verdict: Verdict, language: Language) -> None:
    width = max(len(check.label(language)) for check in verdict.checks)
    for check in verdict.checks:
        sentence = _printable(check.sentence(language))
        sys.stdout.write(f"{_MARKS[check.standing]} {check.label(language):<{width}}  {sentence}\n")
    holds, fails = _ENDS[language]
    if verdict.error is None:
        sys.stdout.write(holds + "\n")
        return
    failed = verdict.checks[-1]
    sentence = _printable(verdict.error.sentence(language))
    sys.stderr.write(fails.format(check=failed.label(language), sentence=sentence) + "\n")
    if mend := verdict.error.mend(language):
        sys.stderr.write(_printable(mend) + "\n")


def _printable(text: str) -> str:
    """Text from a bundle cannot move the cursor or recolour the verdict."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _read_bundle(path: Path) -> dict[str, bytes] | bytes:
    try:
        if not path.is_dir():
            return _read_file(path, follow=True)
        with os.scandir(path) as found:
            entries = sorted((entry.name, entry.is_file(follow_symlinks=False)) for entry in found)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not all(plain for _, plain in entries) or len(entries) > ENTRIES_MAX:
        odd = next((name for name, plain in entries if not plain), f"{len(entries)} entries")
        raise BundleFilesError(expected="plain files only", found=odd[:80])
    return {name: _read_file(path / name, follow=False) for name, _ in entries}


def _read_folder(folder: Path) -> dict[str, bytes]:
    """The files of a trust folder by their path in it."""
    if not folder.is_dir():
        raise UnreadableError(path=str(folder), reason="no such folder")
    files: dict[str, bytes] = {}
    for part in ("metadata", "targets", "contracts"):
        for parent, _, names in os.walk(folder / part):
            for name in names:
                path = Path(parent, name)
                files[path.relative_to(folder).as_posix()] = _read_file(path, follow=True)
            if len(files) > FILES_MAX:
                raise UnreadableError(path=str(folder), reason=f"more than {FILES_MAX} files")
    return files


def _read_file(path: Path, *, follow: bool) -> bytes:
    """A plain file's bytes; a device or a pipe would never end, a link could lead anywhere."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | (0 if follow else getattr(os, "O_NOFOLLOW", 0))
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableError(path=str(path), reason="not a plain file")
            content = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if len(content) > FILE_BYTES_MAX:
        raise UnreadableError(path=str(path), reason=f"larger than {FILE_BYTES_MAX} bytes")
    return content


def _unreadable(path: Path, error: Exception) -> UnreadableError:
    return UnreadableError(path=str(path), reason=getattr(error, "strerror", None) or type(error).__name__)


if __name__ == "__main__":
    sys.exit(main())
