"""`exchange audit journal`: who signed in at the auditor's console and who let whom in, and what was refused."""

from nodes.auditor.pages.app import ACCOUNTS_DB
from nodes.terminal import Invocation
from nodes.web.journal import show_journal


def journal(call: Invocation) -> int:
    """`exchange --node iom audit journal [--lines N] [--refused]`."""
    return show_journal(call, lambda node: node.path / ACCOUNTS_DB)
