"""Disclosure control: what makes a safe table of an aggregate one, or refuses.

`protect` hides sensitive cells and enough others, and lets a table leave only if the audit proves it safe.
"""

from exchange.disclosure.differencing import PriorReleases
from exchange.disclosure.protect import AuditSummary, Protected, protect
from exchange.disclosure.protection import SecretParameters

__all__ = ["AuditSummary", "PriorReleases", "Protected", "SecretParameters", "protect"]
