"""`exchange version`: which program this is, and the number of everything that another version may not read."""

import platform

from exchange import __version__
from exchange.disclosure.version import ENGINE
from exchange.errors import ExitCode
from exchange.log.entry_form import ENTRY_VERSION
from nodes.adapters import desk_store, migrations, officer_db
from nodes.auditor import store as auditor_store
from nodes.gateway.openapi import VERSION as PROTOCOL
from nodes.preparation.mapping import MAPPING_FORMAT
from nodes.settings import NODE_FORMAT
from nodes.terminal import CommandParser, Invocation

PROGRAM = "indicator-exchange"


def version(invocation: Invocation) -> int:
    """`version`: the program's version, and the numbers that a newer file, store or partner is refused by."""
    invocation.parse(CommandParser(invocation.command, "The version of the program, of its formats and its stores."))
    output = invocation.output
    numbers = {
        "protocol": int(PROTOCOL),
        "log_entry": ENTRY_VERSION,
        "node_toml": NODE_FORMAT,
        "mapping": MAPPING_FORMAT,
        "gateway_store": len(migrations.STEPS),
        "desk_store": len(desk_store.STEPS),
        "officer_store": len(officer_db.STEPS),
        "audit_store": len(auditor_store.STEPS),
    }
    engine = " ".join(ENGINE)
    output.line(f"{PROGRAM} {__version__}, {engine}, Python {platform.python_version()}")
    output.table(["", ""], [[name.replace("_", " "), number] for name, number in numbers.items()])
    output.result({"program": __version__, "engine": engine, "python": platform.python_version(), "numbers": numbers})
    return ExitCode.FINE
