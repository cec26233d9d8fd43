"""Preparation's notes for the desk as files, in a folder beside the candidates: written there, carried or read here."""

import os
from dataclasses import dataclass
from pathlib import Path

from exchange.errors import ExchangeError
from exchange.errors.encoding import FieldError
from exchange.errors.settings import FileRefusedError
from exchange.flow.preparation_note import (
    NOTE_BYTES_MAX,
    PreparationNote,
    format_preparation_note,
    parse_preparation_note,
    shortened,
)
from nodes.adapters.durable import write_durably

NOTES = "notes"


def keep_note(work: Path, note: PreparationNote) -> Path:
    """Write a note in place of the one before it of this contract and period."""
    file = work / NOTES / note.name
    write_durably(file, format_preparation_note(note))
    return file


def drop_note(work: Path, note: PreparationNote) -> None:
    """Take away the note that this one would replace: what it said holds no more."""
    (work / NOTES / note.name).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class RefusedNote:
    """A file among the notes that is none.

    Attributes:
        file: Its name.
        error: What is wrong with it.
    """

    file: str
    error: ExchangeError


@dataclass(frozen=True, slots=True)
class Notes:
    """What lies among the notes, by name: a file that is none hides no other."""

    notes: tuple[PreparationNote, ...]
    refused: tuple[RefusedNote, ...]


def read_notes(work: Path) -> Notes:
    """Every note that lies here, and every file that should be one and is not."""
    notes, refused = [], []
    for file in sorted((work / NOTES).glob("*.json")):
        try:
            notes.append(_read(file))
        except ExchangeError as error:
            refused.append(RefusedNote(shortened(file.name), error))
    return Notes(tuple(notes), tuple(refused))


def _read(file: Path) -> PreparationNote:
    """One note under its own name: under another it could stand beside the one that it replaces.

    Raises:
        EncodingError: Not in its form.
        FileRefusedError: Not to be read: no plain file, or not ours.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            raw = opened.read(NOTE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # ValueError: a named pipe, which has nothing to read
        raise FileRefusedError(path=shortened(file.name), reason="no plain file that can be read") from error
    note = parse_preparation_note(raw or b"")
    if note.name != file.name:
        subject = "preparation note"
        raise FieldError(subject=subject, field="file name", expected=note.name, found=shortened(file.name))
    return note
