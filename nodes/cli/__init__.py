"""The one program, `exchange`: a table of commands; a command's module is imported when it is called."""

from nodes.cli.main import main

__all__ = ["main"]
