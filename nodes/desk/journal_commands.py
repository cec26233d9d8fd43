"""`exchange desk journal`: who signed in at the desk and who let whom in, and what was refused."""

from nodes.terminal import Invocation
from nodes.web.journal import show_journal


def journal(call: Invocation) -> int:
    """`exchange --node kz desk journal [--lines N] [--refused]`."""
    return show_journal(call, lambda node: node.officers_db)
