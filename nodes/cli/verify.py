"""`exchange verify`: the same code as `python -m exchange verify`, for those who have the program at hand."""

from exchange.__main__ import Options, add_arguments, run
from nodes.terminal import CommandParser, Invocation


def verify(invocation: Invocation) -> int:
    """Verify a bundle offline; 3 if a check does not hold."""
    parser = CommandParser(invocation.command, "verify a bundle offline")
    add_arguments(parser)
    asked = Options(json=invocation.json, lang=invocation.output.language)
    return run(parser.parse_args(list(invocation.argv), namespace=asked))
