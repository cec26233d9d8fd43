"""Preparation's notes for the desk as files, in a folder beside the candidates: written there, carried or read here."""

from pathlib import Path

from exchange.flow.preparation_note import PreparationNote, format_note, parse_note
from nodes.adapters.durable import write_durably

NOTES = "notes"


def keep_note(work: Path, note: PreparationNote) -> Path:
    """Write a note in place of the one before it of this contract and period."""
    file = work / NOTES / note.name
    write_durably(file, format_note(note))
    return file


def drop_note(work: Path, note: PreparationNote) -> None:
    """Take away the note that this one would replace: what it said holds no more."""
    (work / NOTES / note.name).unlink(missing_ok=True)


def read_notes(work: Path) -> tuple[PreparationNote, ...]:
    """Every note that lies here, by name.

    Raises:
        EncodingError: One is not in its form.
    """
    return tuple(parse_note(file.read_bytes()) for file in sorted((work / NOTES).glob("*.json")))
