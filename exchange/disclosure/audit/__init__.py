"""The audit: what an attacker can compute of every withheld cell, from what is published and what they know besides.

A cell is safe when *witnesses* show it: complete tables, each of which agrees with everything published and with what
the attacker knows, that give the cell values far enough apart. Each witness is verified here in exact integers, so the
word "safe" rests on no solver and on nothing that the optimiser computed: the solver, and any hint, only proposes.
Where no witness is found, or the work allowed is done, the cell counts as exposed: the audit fails closed.

It shares no code with the optimiser; of the problem it reads the types alone.

Source: Fischetti and Salazar, Management Science 47 (2001), §2; Salazar, "Extending cell suppression to protect tabular
data against several attackers".
"""

from exchange.disclosure.audit.intervals import intervals
from exchange.disclosure.audit.model import AuditOutcome, Finding, InsiderView, Interval, Reason, informed
from exchange.disclosure.audit.pooled import pool
from exchange.disclosure.audit.verdict import WORK_MAX, audit

__all__ = [
    "WORK_MAX",
    "AuditOutcome",
    "Finding",
    "InsiderView",
    "Interval",
    "Reason",
    "audit",
    "informed",
    "intervals",
    "pool",
]
