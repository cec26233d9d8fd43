"""`exchange verify`: the same code as `python -m exchange verify`, for those who have the program at hand."""

from exchange.__main__ import main
from nodes.terminal import Invocation


def verify(invocation: Invocation) -> int:
    """Verify a bundle offline; 3 if a check does not hold."""
    words = ["verify", *invocation.argv, "--lang", invocation.output.language]
    return main([*words, "--json"] if invocation.json else words)
